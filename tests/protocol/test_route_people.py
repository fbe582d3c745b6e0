"""Who is told, by the settings of the real program: routes, Except, Otherwise, addresses reached twice, drills, and telling about telling."""
import farside
import mails
import pytest
from farside import FarSide
from postern import wait_until

ALARM = "Zone:8 Ost 1, Innenbereich Alarm"


def people(far, **more):
    return {
        "Site": {"Language": "en", "Name": "Cabin"},
        "Accounts": {
            "sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url},
            "hook": {"Provider": "webhook", "Url": far.url + "/hook"},
        },
        "Recipients": {"anna": ["sms:+491700000001"], "bob": ["sms:+491700000002"], "home": ["hook:"]},
        **more,
    }


def told(p):
    """recipient -> kinds of the events it was told, in no order."""
    kinds = {e["id"]: e["kind"] for e in p.events()}
    out = {}
    for d in p.deliveries("sent"):
        out.setdefault(d["recipient"], []).append(kinds[d["event"]])
    return {name: sorted(list_) for name, list_ in out.items()}


def nothing_is_owed(p, events):
    wait_until("all are understood", lambda: len(p.events()) >= events)
    p.wait_settled()


def test_routes_choose_by_kind_recipient_of_the_mail_and_text(postern):
    with FarSide() as far:
        p = postern(people(far, Routes=[
            {"Kinds": ["alarm.*"], "Tell": ["anna", "home"]},
            {"Kinds": ["zone.*"], "To": ["status"], "Except": "Terr?asse", "Tell": ["home"]},
            {"Kinds": ["mode.*"], "Tell": []},
            {"Otherwise": True, "Tell": ["bob"]},
        ]))
        for to, text in [("alarm", ALARM), ("status", "Zone:1 Kueche, DC Open"), ("status", "Zone:2 Terrasse, DC Open"),
                         ("status", "Joerg, Arm"), ("other", "Zone:1 Kueche, DC Open")]:
            p.send(mails.panel(text, to=f"{to}@house"), to=f"{to}@house")
        nothing_is_owed(p, 5)
        seen = told(p)
        assert seen["anna"] == ["alarm.interior"]
        assert seen["home"] == ["alarm.interior", "zone.open"]
        assert seen["bob"] == ["zone.open", "zone.open"]


def test_without_routes_alarms_and_warnings_reach_everybody_and_infos_nobody(postern):
    with FarSide() as far:
        p = postern(people(far))
        p.send(mails.panel(ALARM))
        p.send(mails.panel("Zone:2 Cafe, Sensorüberwachungsfehler"), to="status@house")
        p.send(mails.panel("Zone:1 Kueche, DC Open"), to="status@house")
        nothing_is_owed(p, 3)
        assert told(p) == {name: ["alarm.interior", "trouble.supervision"] for name in ("anna", "bob", "home")}


def test_an_address_that_two_recipients_share_is_told_once(postern):
    with FarSide() as far:
        p = postern(people(far, Recipients={"anna": ["sms:+491700000001"], "family": ["sms:0049 170 0000001"]}))
        p.send(mails.panel(ALARM))
        p.wait_deliveries(2, "sent")
        assert len(far.requests) == 1 and len(far.requests[0].json["messages"]) == 1


def test_a_placeholder_is_a_mistake_and_never_sent(postern):
    with FarSide() as far:
        settings = people(far)
        settings["Accounts"]["hook"]["Secret"] = "<your secret>"
        settings["Recipients"]["bob"] = ["sms:<phone number here>"]
        p = postern(settings)
        said = " ".join(m["text"] for m in p.log("settings.mistake"))
        assert "<your secret>" in said and "<phone number here>" in said
        p.send(mails.panel(ALARM))
        p.wait_deliveries(1, "sent")
        assert [r.service for r in far.requests] == ["clicksend"]
        assert all(b"<" not in r.body.split(b"body")[0] for r in far.requests)


def test_an_account_that_went_from_the_settings_is_given_up_for_the_next_way(postern):
    with FarSide() as far:
        settings = people(far, Recipients={"anna": ["old:+491700000001", "sms:+491700000001"]})
        settings["Accounts"]["old"] = {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": "http://127.0.0.1:9"}
        p = postern(settings)
        p.send(mails.panel(ALARM))
        p.wait_log("message.verdict", account="old", verdict="retry")
        p.stop()
        del settings["Accounts"]["old"]
        settings["Recipients"]["anna"] = ["sms:+491700000001"]
        p.configure(settings)
        p.start()
        far.wait_accepted(1)
        p.wait_deliveries(1, "sent")


@pytest.mark.parametrize("technician", ["", "tess"])
def test_a_refusal_is_told_through_the_other_accounts_and_its_end_too(postern, clock, technician):
    """ClickSend has no credit: the others hear within 10 s; when credit is back the alarm goes out by itself, once."""
    with FarSide() as far:
        far.credit = 0
        settings = people(far, Recipients={"anna": ["sms:+491700000001"], "home": ["hook:"], "tess": ["hook2:"]},
                          Routes=[{"Kinds": ["alarm.*"], "Tell": ["anna"]}], Technician=technician)
        settings["Accounts"]["hook2"] = {"Provider": "webhook", "Url": far.url + "/hook/tess"}
        p = postern(settings, clock=clock)
        p.send(mails.panel(ALARM))
        hooks = far.wait(1 if technician else 2, seconds=10, service="webhook")
        if technician:
            assert far.quiet(1)
            assert [r.path for r in hooks] == ["/hook/tess"]
        event = hooks[0].json["data"]["events"][0]
        assert event["kind"] == "system.delivery" and not event["restored"]
        assert "no credit" in event["text"].lower() and "SMS" in event["text"]
        assert wait_until("it is degraded", lambda: "account" in p.api.get("/readyz?verbose").text)
        p.send(mails.panel("Zone:9 West, Innenbereich Alarm"))
        wait_until("both wait", lambda: len(p.deliveries("waiting")) == 2)
        far.credit = 1000
        clock.advance(5 * 60 * 1000 + 1000)
        wait_until("both alarms are told", lambda: told(p).get("anna") == ["alarm.interior"] * 2)
        end = wait_until("its end is told", lambda: [
            r for r in far.requests if r.service == "webhook" and r.json["data"]["events"][0]["restored"]])
        assert end[0].json["data"]["events"][0]["kind"] == "system.delivery"
        assert len([e for e in p.events() if e["kind"] == "system.delivery"]) == 2
        accepted = [a for a in far.accepted if a[0] == "clicksend"]
        assert len(accepted) == 2, accepted
        assert wait_until("it is well", lambda: "account" not in p.api.get("/readyz?verbose").text)
