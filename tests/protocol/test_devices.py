"""Devices as their owner sees them: who sends, under which name, how their clocks go, and what was said."""
import base64
import smtplib
import socket
import urllib.parse

import mails
import pytest
from farside import FarSide
from postern import wait_until

SECRET = "geheim-4711"


def wait_mails(p, count):
    """The events of that many mails, newest first; what the gateway tells of itself is not among them."""
    return wait_until(f"{count} mails are read", lambda: (e := [x for x in p.events() if x.get("arrival")]) and len(e) >= count and e)


def device(p, name):
    answer = p.api.get(f"/api/v1/devices/{urllib.parse.quote(name, safe='')}")
    return answer.json if answer.status == 200 else None


def sessions(p, name):
    answer = p.api.get(f"/api/v1/devices/{urllib.parse.quote(name, safe='')}/sessions")
    return answer.json["items"] if answer.status == 200 else []


def lines(session):
    return "\n".join(line.get("C") or line.get("S") or line.get("N") for line in session["lines"])


def wait_sessions(p, name, count):
    return wait_until(f"{count} conversations of {name}", lambda: (s := sessions(p, name)) and len(s) >= count and s)


def foscam(name):
    return mails.plain(f"IPCamera:{name}\nMotion detected", subject=f"Your IPCamera:{name}", to="cam7@house")


def test_an_unknown_device_gets_an_entry_named_after_itself(postern):
    p = postern({})
    p.send(mails.camera(), to="einfahrt@house", sender="cam@house")
    wait_mails(p, 1)
    d = device(p, "einfahrt")
    assert (d["mails"], d["events"], d["address"], d["named_by"]) == (1, 1, "127.0.0.1", "self")
    assert d["first_seen_at"] == d["last_seen_at"]
    assert [x["id"] for x in p.api.all("/api/v1/devices")] == ["einfahrt"]
    assert p.api.get("/api/v1/devices/nobody").status == 404


@pytest.mark.threads
def test_the_owner_names_it_and_a_restart_keeps_that(postern):
    p = postern({})
    p.send(foscam("Garage (links)"), to="cam7@house", sender="c@house")
    assert wait_mails(p, 1)[0]["device"] == {"id": "cam7", "name": "Garage (links)"}
    wait_until("its own name is known", lambda: device(p, "cam7").get("calls_itself") == "Garage (links)")
    named = p.api.request("PATCH", "/api/v1/devices/cam7", {"name": "Garage Süd"})
    assert named.status == 200 and named.json["name"] == "Garage Süd" and named.json["named_by"] == "owner", named
    p.send(foscam("Garage (links)"), to="cam7@house", sender="c@house")
    assert wait_mails(p, 2)[0]["device"]["name"] == "Garage Süd"
    p.kill9()
    p.start()
    assert device(p, "cam7")["name"] == "Garage Süd"
    p.send(foscam("Garage (links)"), to="cam7@house", sender="c@house")
    assert wait_mails(p, 3)[0]["device"]["name"] == "Garage Süd"
    for body, status in [({"name": "x", "kind": "panel"}, 400), ({"name": "a\nb"}, 400), ({"name": "x" * 65}, 400), ([], 400)]:
        assert p.api.request("PATCH", "/api/v1/devices/cam7", body).status == status, body
    assert p.api.request("PATCH", "/api/v1/devices/nobody", {"name": "x"}).status == 404


def test_the_settings_say_who_it_is_and_win(postern):
    devices = {"front": {"Name": "Front door", "Kind": "camera", "Match": {"Login": "cam1"}},
               "gate": {"Match": {"Sender": "gate@cams", "Address": "127.0.0.1"}}}
    p = postern({"Devices": devices})
    listed = {d["id"]: d for d in wait_until("both are listed", lambda: len(p.api.all("/api/v1/devices")) == 2 and p.api.all("/api/v1/devices"))}
    assert listed["front"]["name"] == "Front door" and "last_seen_at" not in listed["front"]
    p.send(foscam("IPC"), to="cam7@house", sender="gate@cams", login="cam1")  # a login before a sender
    assert wait_mails(p, 1)[0]["device"] == {"id": "front", "name": "Front door"}
    p.send(foscam("IPC 2"), to="cam7@house", sender="other@cams")  # an address at last
    assert wait_mails(p, 2)[0]["device"] == {"id": "gate", "name": "IPC 2"}
    refused = p.api.request("PATCH", "/api/v1/devices/front", {"name": "x"})
    assert refused.status == 409 and "Devices:front:Name" in refused.json["detail"]


def test_what_a_panel_says_and_nobody_understands_is_an_alarm(postern):
    p = postern({"Devices": {"house": {"Kind": "panel", "Match": {"Sender": "panel@house"}}}})
    p.send(mails.plain("Bzzt krrk"), to="anyone@house", sender="panel@house")
    p.send(mails.plain("Bzzt krrk"), to="anyone@house", sender="someone@house")
    assert [(e["kind"], e["severity"]) for e in wait_mails(p, 2)] == [("unknown", "warning"), ("unknown", "alarm")]


def test_a_devices_own_recipients_are_told(postern):
    with FarSide() as far:
        p = postern({"Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook"}},
                     "Recipients": {"anna": ["hook:"], "bob": ["hook:"]},
                     "Devices": {"front": {"Recipients": ["bob"], "Match": {"Recipient": "front"}}}})
        p.send(mails.camera(), to="front@house")
        p.send(mails.camera(), to="back@house")
        front, back = reversed(wait_mails(p, 2))
        wait_until("bob is told", lambda: [d["recipient"] for d in p.deliveries("sent") if d["event"] == front["id"]] == ["bob"])
        assert not [d for d in p.deliveries() if d["event"] == back["id"]]


def test_each_device_has_a_clock_of_its_own(postern):
    p = postern({"Devices": {"kiosk": {"TimeZone": "America/New_York", "Match": {"Recipient": "kiosk"}}}, "Site": {"TimeZone": "Europe/Vienna"}})
    text = "EVENT TYPE: Motion Detected\nEVENT TIME: 2020-07-01,12:00:00\nDVR NAME: X\nCHANNEL NAME: Y"
    for to in ["kiosk", "home"]:
        p.send(mails.plain(text, subject="Embedded Net DVR: Motion Detected On Channel A1"), to=f"{to}@house")
    seen = {e["device"]["id"]: e.get("device_time") for e in wait_mails(p, 2)}
    assert seen == {"kiosk": "2020-07-01T12:00:00-04:00", "home": "2020-07-01T12:00:00+02:00"}
    told = wait_until("both clocks are told", lambda: len(p.events("kind=system.clock")) == 2 and p.events("kind=system.clock"))
    assert all(" d " in e["text"] and "slow" in e["text"] for e in told)
    assert device(p, "kiosk")["clock_drift_s"] < -86400 * 365
    p.send(mails.plain(text, subject="Embedded Net DVR: Motion Detected On Channel A1"), to="home@house")
    wait_mails(p, 3)
    assert len(p.events("kind=system.clock")) == 2  # once a turn, not a mail


# --- what was said ----------------------------------------------------------------------------------------------------


@pytest.mark.threads
def test_the_last_conversations_of_a_device_are_kept_in_order(postern):
    p = postern({})
    for i in range(24):
        with smtplib.SMTP(*p.smtp) as s:
            s.ehlo(f"cam-{i}")
            s.sendmail("cam@house", ["front@house"], mails.camera())
    wait_mails(p, 24)
    found = wait_until("the last twenty", lambda: (s := sessions(p, "front")) and "cam-23" in lines(s[0]) and s)
    assert [s["helo"] for s in found] == [f"cam-{i}" for i in range(23, 3, -1)]
    assert all(s["mails"] == 1 and s["ended"] == "quit" for s in found)
    p.kill9()
    p.start()
    assert [s["helo"] for s in sessions(p, "front")] == [s["helo"] for s in found]
    shown = p.command("sessions", "front")
    assert shown.returncode == 0 and "C: ehlo cam-23" in shown.stdout and "S: 250" in shown.stdout


@pytest.mark.parametrize("how", ["plain", "login", "initial"])
def test_no_secret_is_ever_written_down(postern, how):
    p = postern({})
    plain = base64.b64encode(f"\0cam\0{SECRET}".encode()).decode()
    said = {"plain": ["AUTH PLAIN", plain], "initial": [f"AUTH PLAIN {plain}"],
            "login": ["AUTH LOGIN", base64.b64encode(b"cam").decode(), base64.b64encode(SECRET.encode()).decode()]}[how]
    with smtplib.SMTP(*p.smtp) as s:
        s.ehlo("ipc")
        for line in said:
            code, _ = s.docmd(line)
        assert code == 235
        s.sendmail("cam@house", ["front@house"], mails.camera())
    found = wait_sessions(p, "cam", 1)
    assert "***" in lines(found[0]) and found[0]["login"] == "cam"
    p.stop()
    needles = [SECRET.encode(), base64.b64encode(SECRET.encode()).rstrip(b"="), plain.encode()]
    for path in [*p.data.rglob("*"), p.log_path]:
        if path.is_file():
            assert not [n for n in needles if n in path.read_bytes()], path


def test_why_a_mail_did_not_come_is_seen_under_the_device(postern):
    p = postern({"Smtp": {"MaxMessage": 1}})
    p.send(mails.camera(), to="front@house", sender="cam@house")
    wait_mails(p, 1)
    with smtplib.SMTP(*p.smtp) as s:  # it announces more than may be
        s.ehlo("ipc")
        assert s.docmd("MAIL FROM:<cam@house> SIZE=9999999")[0] == 552
    with socket.create_connection(p.smtp) as s:  # it goes away before it says who it is
        s.recv(100)
        s.sendall(b"EHLO half\r\n")
        s.recv(500)
    found = wait_sessions(p, "front", 3)
    assert {s["helo"] for s in found} >= {"ipc", "half"}
    assert [s for s in found if s["helo"] == "ipc"][0]["reply"].startswith("552")
    error = wait_until("its last error", lambda: device(p, "front").get("last_error"))
    assert error["text"].startswith("552")


def test_a_mail_that_breaks_off_is_its_devices_last_error(postern):
    p = postern({})
    p.send(mails.camera(), to="front@house", sender="cam@house")
    wait_mails(p, 1)
    with socket.create_connection(p.smtp) as s:
        for line in [b"", b"EHLO ipc\r\n", b"MAIL FROM:<cam@house>\r\n", b"RCPT TO:<front@house>\r\n", b"DATA\r\n"]:
            s.sendall(line)
            last = s.recv(1000)
        assert last.startswith(b"354")
        s.sendall(b"Subject: Motion\r\n\r\nhalf\n.\n")  # the false end of a device that writes LF alone
    error = wait_until("its last error", lambda: device(p, "front").get("last_error"))
    assert "broke off" in error["text"]
    assert device(p, "front")["mails"] == 1


def test_strangers_have_a_list_of_their_own(postern):
    p = postern({})
    with socket.create_connection(p.smtp) as s:
        s.recv(100)
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
        s.recv(500)
    assert "GET / HTTP/1.1" in lines(wait_sessions(p, "unknown", 1)[0])
    assert p.api.get("/api/v1/devices/nobody/sessions").status == 404


def test_names_with_slashes_and_umlauts_are_asked_for_as_they_are(postern):
    p = postern({})
    login = base64.b64encode("\0Flur/Übergang (EG)\0x".encode()).decode()
    with smtplib.SMTP(*p.smtp) as s:
        s.ehlo()
        assert s.docmd(f"AUTH PLAIN {login}")[0] == 235
        s.sendmail("c@house", ["x@house"], mails.camera())
    wait_mails(p, 1)
    assert device(p, "Flur/Übergang (EG)")["mails"] == 1
    assert wait_sessions(p, "Flur/Übergang (EG)", 1)
    shown = p.command("devices")
    assert shown.returncode == 0 and "Flur/Übergang (EG)" in shown.stdout


def test_a_drill_is_no_device(postern):
    with FarSide() as far:
        p = postern({"Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook"}}, "Recipients": {"anna": ["hook:"]}})
        assert p.api.post("/api/v1/test").status == 200
        p.send(mails.camera(), to="front@house")
        wait_sessions(p, "front", 1)
        assert [d["id"] for d in p.api.all("/api/v1/devices")] == ["front"]
        assert not sessions(p, "unknown")
