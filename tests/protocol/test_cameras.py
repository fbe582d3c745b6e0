"""Makers' mails through the whole program: what their lists say is in the event and in the message; their clocks are judged."""
import datetime
import pathlib
import zoneinfo

import mails
from farside import FarSide
from postern import wait_until

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
VIENNA = zoneinfo.ZoneInfo("Europe/Vienna")


def settings(far):
    return {
        "Site": {"Name": "Cabin", "TimeZone": "Europe/Vienna", "Language": "en"},
        "Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook"}},
        "Recipients": {"home": ["hook:"]},
        "Routes": [{"Kinds": ["camera.*"], "Tell": ["home"]}],
    }


def test_a_recorder_that_saw_a_person_is_told_with_camera_and_time(postern):
    now = datetime.datetime.now(VIENNA).replace(microsecond=0, fold=0)
    text = (f"EVENT TYPE:    Motion Detected\nEVENT TIME:    {now:%Y-%m-%d,%H:%M:%S}\nNVR NAME:      Keller\n"
            "CAMERA NAME(NUM):   Garten(D2)\nTARGET TYPE: Human\n")
    with FarSide() as far:
        p = postern(settings(far))
        p.send(mails.camera("Keller: Motion Detected On Channel D2", text, pictures=[mails.jpeg()]), to="garten@house.example")
        event = p.wait_events(1, "kind=camera.*")[0]
        assert event["kind"] == "camera.person" and event["target"] == "person"
        assert event["device"] == {"id": "garten", "name": "Keller"}
        assert event["zone"] == {"name": "Garten"} and event["channel"] == "D2"
        assert event["device_time"] == now.isoformat()
        assert abs(event["drift_s"]) < 60
        assert event["happened_at"] == now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        told = wait_until("the message", lambda: [r for r in far.requests if b"camera.person" in r.body])[0]
        assert "Person, Keller, Garten, 1 picture" in told.body.decode()


def test_a_clock_that_stands_years_back_is_shown_and_not_believed(postern):
    with FarSide() as far:
        p = postern(settings(far))
        p.send((DATA / "dahua" / "b32-ip-camera.eml").read_bytes(), to="tor@house.example", sender="")
        event = p.wait_events(1, "kind=camera.*")[0]
        assert event["kind"] == "camera.motion" and event["device"] == {"id": "tor", "name": "Amcrest"}
        assert event["device_time"] == "2018-05-06T15:28:40+02:00" and event["drift_s"] < -8 * 365 * 86400
        assert "happened_at" not in event
        assert [m["type"] for m in event["media"]] == ["image/jpeg"]


def test_a_test_mail_of_a_camera_is_a_test(postern):
    with FarSide() as far:
        p = postern(settings(far))
        p.send((DATA / "reolink" / "b33-test-mail.eml").read_bytes(), to="hof@house.example")
        assert p.wait_events(1, "kind=test.*")[0]["kind"] == "test.manual"
