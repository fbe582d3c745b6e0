"""The first whole journey, as an owner would try it: a mail goes in, an event and a message come out."""
import json
import shutil
import subprocess

import pytest

import mails
from farside import FarSide
from postern import wait_until


def people(far):
    return {
        "Site": {"Name": "Cabin", "TimeZone": "Europe/Vienna", "Language": "en"},
        "Accounts": {
            "sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "From": "House", "Url": far.url},
            "hook": {"Provider": "webhook", "Url": far.url + "/hook"},
        },
        "Recipients": {"anna": ["sms:+491700000001"], "home": ["hook:"]},
    }


@pytest.mark.threads
def test_an_alarm_is_kept_understood_and_told(postern):
    with FarSide() as far:
        p = postern(people(far))
        code, text = p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
        assert code == 250, text
        event = p.wait_events(1)[0]
        assert event["kind"] == "alarm.interior" and event["severity"] == "alarm"
        assert event["zone"] == {"number": 8, "name": "Ost 1"} and event["code"] == 132
        assert event["site"] == "Cabin" and event["device"]["id"] == "panel"
        sent = p.wait_deliveries(2, "sent")
        assert {d["recipient"] for d in sent} == {"anna", "home"}
        far.wait(2)
        assert any("Ost 1" in request.body.decode() for request in far.requests)
        for at, count in (("mail.kept", 1), ("event.made", 1), ("delivery.ended", 2)):
            assert len(p.wait_log(at, count)) == count, p.log_text()
        assert "key-1234" not in p.log_text() and "+491700000001" not in p.log_text()


def test_defaults_alone_tell_the_log_and_say_so(postern):
    p = postern()
    p.wait_log("recipients.none")
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    p.wait_deliveries(1, "sent")
    assert "Innenbereich" in p.log_text() or "interior" in p.log_text()


@pytest.mark.skipif(not shutil.which("swaks"), reason="swaks is not installed")
def test_the_readme_with_swaks(postern):
    p = postern()
    run = subprocess.run(["swaks", "--server", f"127.0.0.1:{p.smtp[1]}", "--from", "panel@house", "--to", "alarm@house",
                          "--header", "Subject: Alarm", "--body", "Zone:8 Ost 1, Innenbereich Alarm"],
                         capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stdout
    assert p.wait_events(1)[0]["kind"] == "alarm.interior"


@pytest.mark.skipif(not shutil.which("nc"), reason="netcat-openbsd is not installed")
def test_the_readme_with_netcat(postern):
    p = postern()
    talk = "HELO panel\nMAIL FROM:<panel@house>\nRCPT TO:<alarm@house>\nDATA\nZone:8 Ost 1, Innenbereich Alarm\n.\nQUIT\n"
    run = subprocess.run(["nc", "-C", "-q", "5", "127.0.0.1", str(p.smtp[1])], input=talk, capture_output=True, text=True, timeout=30)
    assert "250 2.0.0" in run.stdout and "221" in run.stdout
    assert p.wait_events(1)[0]["zone"]["name"] == "Ost 1"


def test_kill_9_in_between_loses_nothing(postern):
    with FarSide() as far:
        p = postern(people(far))
        for zone in range(1, 31):
            assert p.send(mails.panel(f"Zone:{zone} Raum {zone}, Innenbereich Alarm"))[0] == 250
        p.kill9()
        p.start()
        events = p.wait_events(30)
        assert sorted(e["zone"]["number"] for e in events) == list(range(1, 31))
        p.wait_settled()
        told = " ".join(request.body.decode() for request in far.requests)
        assert all(f"Raum {zone}" in told or "+" in told for zone in range(1, 31))


def test_the_three_mails_nobody_understands_reach_everybody(postern):
    """A French panel, an empty mail, and one that kills its reader: with exactly the routes of the settings' example."""
    with FarSide() as far:
        settings = people(far)
        settings["Accounts"]["tg"] = {"Provider": "telegram", "Token": "123:abc", "Url": far.url}
        settings["Recipients"] = {"anna": ["tg:4711", "sms:+491700000001"], "family": ["tg:-100123"], "home": ["hook:"]}
        settings["Routes"] = [{"Kinds": ["alarm.*", "trouble.*"], "Devices": ["*"], "Tell": ["anna", "family"]},
                              {"Kinds": ["camera.*"], "MinSeverity": "info", "Tell": ["family"]}]
        p = postern(settings)
        p.send(mails.panel("Zone:4 Keller, Alarme intrusion déclenchée"))
        p.send(b"")
        p.send(b"X-Postern-Test: crash\r\nFrom: a@b\r\nSubject: x\r\n\r\nx\r\n")
        wait_until("each of the three is told to both", lambda: all(
            sum(d["recipient"] == name for d in p.deliveries("sent")) >= 3 for name in ("anna", "family")), 60)
        french = [e for e in p.events() if "Keller" in json.dumps(e, ensure_ascii=False)]
        assert french and french[0]["severity"] == "alarm"
        assert sorted(e["kind"] for e in p.events()) == ["unknown", "unknown", "unreadable"]
        assert all(e["severity"] == "alarm" for e in p.events())
        assert p.metric("postern_inspector_restarts_total") >= 3, "it did not kill its reader"
        owed = {(d["recipient"], d["event"]) for d in p.deliveries("sent")}
        assert owed == {(name, e["id"]) for name in ("anna", "family", "home") for e in p.events()}, "no route: everybody"
