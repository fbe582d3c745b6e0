"""Gotify as it is: the real server, not our idea of it (farside.py)."""
import mails
import pytest
from farside import FarSide
from postern import wait_until

ALARM = "Zone:8 Ost 1, Innenbereich Alarm"


def settings(gotify, token, **more):
    return {
        "Site": {"Language": "en", "Name": "Cabin"},
        "Accounts": {"push": {"Provider": "gotify", "Url": gotify.url, "AppToken": token}},
        "Recipients": {"home": ["push:"]},
        **more,
    }


def test_an_alarm_arrives_with_its_title_priority_and_text(postern, gotify):
    token = gotify.application("Alarm")
    p = postern(settings(gotify, token))
    p.send(mails.panel(ALARM))
    [message] = gotify.wait(token)
    assert message["title"] == "ALARM Cabin" and message["priority"] == 8
    assert message["message"].startswith("ALARM Cabin: Burglary interior, zone 8 Ost 1, ")
    assert message["extras"] == {"client::display": {"contentType": "text/plain"}}
    p.wait_deliveries(1, "sent")
    assert len(gotify.messages(token)) == 1


def test_umlauts_and_a_set_title_and_priority_arrive_whole(postern, gotify):
    token = gotify.application("Status")
    p = postern(settings(gotify, token, Routes=[{"Tell": ["home"], "Title": "Gäste & <Büro>", "Priority": 0}]))
    p.send(mails.panel("Zone:2 Café \"Süd\", Sensorüberwachungsfehler"), to="status@house")
    [message] = gotify.wait(token)
    assert (message["title"], message["priority"]) == ("Gäste & <Büro>", 0)
    assert 'Café "Süd"' in message["message"]


def test_a_bad_token_is_the_account_s_fault_and_the_debt_waits_for_a_good_one(postern, gotify, clock):
    token = gotify.application("Late")
    p = postern(settings(gotify, "AbcdefghijkLmno"), clock=clock)
    p.send(mails.panel(ALARM))
    said = p.wait_log("message.verdict", verdict="rejected")[0]["detail"]
    assert said.startswith("HTTP 401 ") and "access token" in said
    wait_until("it waits", lambda: p.deliveries("waiting"))
    assert "account" in p.api.get("/readyz?verbose").text
    p.stop()
    p.configure(settings(gotify, token))
    p.start()
    clock.advance(5 * 60 * 1000 + 1000)
    p.wait_deliveries(1, "sent")
    assert len(gotify.messages(token)) == 1


@pytest.mark.parametrize("path", ["/wrong", ":1"])
def test_a_url_that_is_not_gotify_s_is_said_by_check(postern, gotify, path):
    s = settings(gotify, "AbcdefghijkLmno")
    s["Accounts"]["push"]["Url"] = gotify.url + path if path[0] == "/" else "http://127.0.0.1:1"
    p = postern(s)
    said = p.command("check", "--online")
    assert said.returncode != 0 and "Gotify 2" not in said.stdout, said


def test_check_online_prints_its_version(postern, gotify):
    p = postern(settings(gotify, gotify.application("Check")))
    said = p.command("check", "--online")
    assert f"push (gotify): Gotify {gotify.version}" in said.stdout and said.returncode == 0, said


def test_a_server_that_was_away_gets_what_it_missed_once(postern, gotify, clock, tmp_path):
    """Gotify restarts, as it does on every update: nothing is lost, nothing comes twice."""
    import gotify as server
    away = server.Gotify(tmp_path / "away").start()
    try:
        token = away.application("Away")
        p = postern(settings(away, token), clock=clock)
        away.stop()
        p.send(mails.panel(ALARM))
        p.wait_log("message.verdict", verdict="retry")
        away.start()
        clock.advance(60 * 1000)
        p.wait_deliveries(1, "sent")
        assert len(away.messages(token)) == 1
    finally:
        away.stop()


LUPUSERV = '''{{ "Service": {{ "Gateway": "ClickSend", "ClickSend": {{ "Username": "casa", "Token": "0123-4567", "Url": "{sms}" }},
    "Recipients": [ "+491700000001" ],
    "Gotify": {{ "Url": "{url}/", "Alarm": {{ "AppToken": "{alarm}", "Title": "Alarm", "Priority": 8 }},
                 "System": {{ "AppToken": "{system}", "Title": "System" }}, }} }} }}'''


def test_the_system_channel_hears_of_a_refusal_and_the_alarm_goes_out_once_credit_is_back(postern, gotify, clock):
    """ClickSend answers 200 with INSUFFICIENT_CREDIT for the message: within 10 s the System channel says so."""
    alarm, system = gotify.application("Alarm"), gotify.application("System")
    with FarSide() as far:
        far.credit = 0
        p = postern(LUPUSERV.format(sms=far.url, url=gotify.url, alarm=alarm, system=system), clock=clock)
        p.send(mails.panel(ALARM))
        [told] = gotify.wait(system, seconds=10)
        assert "ClickSend nimmt keine SMS an (Guthaben leer), 1 Meldung nicht zugestellt" in told["message"], told
        assert told["title"] == "System"
        p.wait_deliveries(1, "waiting")
        clock.advance(5 * 60 * 1000 + 1000)  # still none: asked again, not told again
        far.wait(2, service="clicksend")
        far.credit = 10
        wait_until("the alarm goes out", lambda: far.accepted or clock.advance(60_000))
        wait_until("its end is told", lambda: len(gotify.messages(system)) == 2)
        assert "ClickSend nimmt wieder SMS an" in gotify.messages(system)[0]["message"]
        clock.advance(10 * 60 * 1000)
        assert far.quiet(1.5)
        assert [a[1] for a in far.accepted] == ["+491700000001"]
        alarms = [m for m in gotify.messages(alarm) if "Innenbereich Alarm" in m["message"]]
        assert len(alarms) == 1 and (alarms[0]["title"], alarms[0]["priority"]) == ("Alarm", 8)
