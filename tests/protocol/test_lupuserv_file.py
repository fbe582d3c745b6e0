"""LupuServ's file in all its forms: CM.com as the gateway, values from the environment as .NET merges them, defaults, mistakes, and our
own blocks beside it. What it means is what `postern check --print` shows, and who is told."""
import json

import mails
import pytest
from farside import FarSide
from postern import wait_until

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")


def file(far, **service):
    return json.dumps({"Service": {"Gateway": "ClickSend", "ClickSend": {"Username": "casa", "Token": "0123-4567", "Url": far.url},
                                   "CM": {"Url": far.url}, "Recipients": ["+491700000001"], **service}})


def sms(far, count=1):
    """(service, number, sender) of what was taken."""
    far.wait_accepted(count)
    out = []
    for r in far.requests:
        if r.service == "clicksend":
            out += [("clicksend", m["to"], m.get("from")) for m in r.json["messages"]]
        if r.service == "cm":
            out += [("cm", m["to"][0]["number"], m["from"]) for m in r.json["messages"]["msg"]]
    return sorted(out)


def pushes(far, part):
    return [r for r in far.requests if r.service == "gotify" and part in r.body.decode()]


def test_cm_is_a_gateway_too(postern):
    with FarSide() as far:
        p = postern(file(far, Gateway="CM", CM={"ApiKey": "11111111-2222-3333-4444-555555555555", "Url": far.url}))
        p.send(ALARM)
        assert sms(far) == [("cm", "00491700000001", "Lupusec")]
        assert far.requests[0].headers["x-cm-producttoken"] == "11111111-2222-3333-4444-555555555555"
        assert not p.log("settings.mistake")


def test_the_environment_is_merged_as_dotnet_does(postern):
    """Single items of a list are replaced or added; names in any case; the environment wins."""
    with FarSide() as far:
        p = postern(file(far, Recipients=["+491700000001", "+491700000002"]), env={
            "Service__Gateway": "CM", "SERVICE__CM__APIKEY": "from-the-environment", "Service__From": "Haus",
            "Service__Recipients__0": "0049 170 0000009", "Service__Recipients__2": "+491700000003", "Service__AlarmUser": "einbruch"})
        p.send(ALARM, to="einbruch@house")
        assert sms(far, 3) == [("cm", f"004917000000{n}", "Haus") for n in ("02", "03", "09")]
        assert far.requests[0].headers["x-cm-producttoken"] == "from-the-environment"


def test_what_lupuserv_left_out_has_its_defaults(postern):
    with FarSide() as far:
        p = postern(file(far, Gotify={"Url": far.url, "Status": {"AppToken": "tStatus"}, "Alarm": {"AppToken": "tAlarm"}}))
        p.send(ALARM, to="alarm@house")
        p.send(mails.panel("Zone:1 Terrasse, DC Open - Mobility"), to="status@house")
        assert sms(far, 3) == [("clicksend", "+491700000001", "Lupusec")]
        [alarm], [status] = (wait_until("pushed", lambda: pushes(far, part)) for part in ("Ost 1", "Terrasse"))
        assert (alarm.headers["x-gotify-key"], alarm.json["priority"]) == ("tAlarm", 1)
        assert (status.headers["x-gotify-key"], status.json["priority"]) == ("tStatus", 1)


@pytest.mark.parametrize("said, sender", [("Ferienhaus-Alarm", None), ("Haus Ost", None), ("Haus", "Haus"), ("", None)])
def test_a_sender_that_nobody_takes_is_a_mistake_and_the_sms_goes_out_without_it(postern, said, sender):
    with FarSide() as far:
        p = postern(file(far, From=said))
        named = {m["path"]: m["text"] for m in p.log("settings.mistake")}
        assert set(named) == (set() if said in ("Haus", "") else {"Service:From"}), named
        assert p.command("check").returncode == (1 if named else 0)
        p.send(ALARM)
        assert sms(far) == [("clicksend", "+491700000001", sender)]


def test_a_number_without_its_country_is_a_mistake_and_the_others_are_told(postern):
    with FarSide() as far:
        p = postern(file(far, Recipients=["0170 1234567", "+491700000001", "0049 170 0000001"]))
        [mistake] = p.log("settings.mistake")
        assert mistake["path"] == "Service:Recipients:0" and "0170 1234567" in mistake["text"]
        p.send(ALARM)
        p.wait_deliveries(1, "sent")
        assert far.quiet(1) and sms(far) == [("clicksend", "+491700000001", "Lupusec")]


PATTERNS = {  # pattern, the mail's text, whether it is kept from the channel
    "anywhere": ("Mobility", "Zone:1 Terrasse, DC Open - Mobility", True),
    "case matters": ("mobility", "Zone:1 Terrasse, DC Open - Mobility", False),
    "an expression": ("^Zone:[12] .*Open", "Zone:1 Terrasse, DC Open - Mobility", True),
    "not our words": ("Offen|Zone 1 ", "Zone:1 Terrasse, DC Open - Mobility", False),
    "what .NET writes": (r"DC (Open|Close)\s-\sMobility", "Zone:1 Terrasse, DC Open - Mobility", True),
    "and more": (r"\bTerrasse\b|\d{2,}", "Zone:1 Terrasse, DC Open - Mobility", True),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_an_exclusion_pattern_searches_the_mail_s_own_text(postern, name):
    pattern, text, is_excluded = PATTERNS[name]
    with FarSide() as far:
        p = postern(file(far, Gotify={"Url": far.url, "Status": {"AppToken": "tStatus", "ExclusionPattern": pattern}}))
        assert not p.log("settings.mistake"), p.log("settings.mistake")
        p.send(mails.panel(text), to="status@house")
        p.send(mails.panel("Zone:2 Keller, Periodischer Test Report"), to="status@house")
        wait_until("the next is told", lambda: pushes(far, "Keller"))
        assert bool(pushes(far, "Terrasse")) != is_excluded


def test_a_pattern_that_only_dotnet_knows_is_a_mistake_and_the_channel_hears_everything(postern):
    with FarSide() as far:
        p = postern(file(far, Gotify={"Url": far.url, "Status": {"AppToken": "tStatus", "ExclusionPattern": "(?i)terrasse"}}))
        assert [m["path"] for m in p.log("settings.mistake") if "Except" in m["path"]]
        p.send(mails.panel("Zone:1 Terrasse, DC Open - Mobility"), to="status@house")
        wait_until("it is told", lambda: pushes(far, "Terrasse"))


def test_both_worlds_add_up_and_an_address_that_both_reach_is_told_once(postern):
    with FarSide() as far:
        settings = json.loads(file(far, Recipients=["+491700000001", "+491700000002"],
                                   Gotify={"Url": far.url + "/", "Alarm": {"AppToken": "tAlarm"}}))
        settings |= {
            "Accounts": {"own": {"Provider": "clicksend", "Username": "other", "Token": "9876", "Url": far.url},
                         "push": {"Provider": "gotify", "Url": far.url, "AppToken": "tAlarm"},
                         "hook": {"Provider": "webhook", "Url": far.url + "/hook"}},
            "Recipients": {"anna": ["own:0049 1700000001", "hook:"], "carl": ["own:+491700000003"], "screen": ["push:"]},
        }
        p = postern(json.dumps(settings))
        p.send(ALARM)
        sms(far, 4)
        p.wait_deliveries(4, "sent")
        assert far.quiet(1.5)
        assert sorted(number for _, number, _ in sms(far)) == ["+491700000001", "+491700000002", "+491700000003"]
        assert len(pushes(far, "Ost 1")) == 1
        assert not [r for r in far.requests if r.service == "webhook"], "anna's second way"


def test_check_print_shows_what_became_of_it_and_no_secret(postern):
    with FarSide() as far:
        p = postern(file(far, Recipients=["0049 170 0000001"], Gotify={
            "Url": "https://g.example.org/", "Status": {"AppToken": "AtokenStatus", "Title": "Status Update"},
            "Alarm": {"AppToken": "AtokenAlarm", "Priority": "8", "ExclusionPattern": "Test"},
            "System": {"AppToken": "AtokenSystem", "IsEnabled": "False"}}))
        said = p.command("check", "--print")
        assert said.returncode == 0, said
        for line in ("account   lupuserv-sms clicksend", "account   lupuserv-gotify-Alarm gotify", "recipient +491700000001 lupuserv-sms:+491700000001",
                     "to alarm → +491700000001", "alarm.* to status → +491700000001", "trouble.supervision to status → +491700000001",
                     'to alarm except "Test" → lupuserv-gotify-Alarm, priority 8', 'to status → lupuserv-gotify-Status, title "Status Update", priority 1',
                     "otherwise → +491700000001 hourly"):
            assert line in said.stdout, (line, said.stdout)
        assert "0123-4567" not in said.stdout and "Atoken" not in said.stdout and "gotify-System" not in said.stdout
