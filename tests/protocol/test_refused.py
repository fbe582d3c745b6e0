"""What is refused after MAIL FROM leaves an event each time: who, for whom, what we said, and the setting that would allow it. It is
told once an hour and peer."""
import select

import pytest

import mails
from farside import FarSide
from postern import wait_until
from smtp_raw import Raw
from test_disk import failing  # noqa: F401 (a fixture)

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")
MIB = 1 << 20


def refused(p):
    return p.events("kind=system.refused")


def too_large(d):
    d.say(f"MAIL FROM:<cam@house> SIZE={2 * MIB}\r\n").expect("552 5.3.4")


def too_large_after_all(d):
    d.data(sender="cam@house", to="gate@house").say(b"x" * 998 + b"\r\n").say((b"y" * 998 + b"\r\n") * 1200 + b".\r\n").expect("552 5.3.4")


def too_many_recipients(d):
    d.say("MAIL FROM:<cam@house>\r\nRCPT TO:<gate@house>\r\nRCPT TO:<2@2>\r\nRCPT TO:<3@3>\r\n").expect("250", "250", "250", "452 4.5.3")


def too_many_errors(d):
    d.say("MAIL FROM:<cam@house>\r\nRCPT TO:<gate@house>\r\n" + "X\r\n" * 4).expect("250", "250", *["500"] * 4, "421 4.7.0")


@pytest.mark.parametrize("provoke,reply,setting", [
    (too_large, "552 5.3.4", "Smtp:MaxMessage"), (too_large_after_all, "552 5.3.4", "Smtp:MaxMessage"),
    (too_many_recipients, "452 4.5.3", "Smtp:MaxRecipients"), (too_many_errors, "421 4.7.0", "Smtp:MaxErrors"),
])
def test_each_limit_leaves_an_event(postern, provoke, reply, setting):
    p = postern({"Smtp": {"MaxMessage": 1, "MaxRecipients": 2, "MaxErrors": 3}})
    with Raw(p) as d:
        provoke(d)
    [event] = wait_until("the event", lambda: refused(p))
    assert event["severity"] == "warning" and event["parser"] == "postern" and "arrival" not in event
    for word in ("127.0.0.1", "cam@house", reply, setting) + (() if provoke is too_large else ("gate@house",)):
        assert word in event["text"], event


def test_a_mail_whose_end_never_comes_leaves_an_event(postern, clock):
    p = postern({"Smtp": {"DataTimeout": 60}}, clock=clock)
    with Raw(p) as d:
        d.data(sender="cam@house", to="gate@house").say(b"Zone:8 Ost 1, Innenbereich Alarm\r\n")
        # The bytes may reach it after the clock has moved: then it waits another minute.
        wait_until("it speaks", lambda: select.select([d.socket], [], [], 0.3)[0] or clock.advance(61_000))
        d.expect("421 4.4.2", "")
    [event] = wait_until("the event", lambda: refused(p))
    for word in ("127.0.0.1", "cam@house", "gate@house", "421 4.4.2", "Smtp:DataTimeout"):
        assert word in event["text"], event


def test_a_full_and_a_broken_disk_leave_an_event(failing):  # noqa: F811
    p, disk = failing({"Store": {"Reserve": 4, "MaxBytes": 1 << 40}}, rules=["quota * 12000000 ENOSPC"])
    wait_until("the reserve is there", lambda: (p.data / "reserve").exists())
    picture = mails.camera(pictures=[mails.jpeg(seed=1, size=120_000)])
    wait_until("it is full", lambda: p.send(picture, sender="cam@house")[0] == 452)
    disk.works()
    wait_until("room again", lambda: p.send(picture)[0] == 250)
    [full] = wait_until("the event", lambda: [e for e in refused(p) if "452 4.3.1" in e["text"] and "cam@house" in e["text"]])
    assert "Store:MaxBytes" in full["text"]
    disk.fails("sync arrivals/*.eml 1 EIO")
    assert p.send(picture, sender="cam@house")[0] == 451
    [broken] = wait_until("the event", lambda: [e for e in refused(p) if "451 4.3.0" in e["text"]])
    assert "cam@house" in broken["text"] and "Store:Folder" in broken["text"]


def test_it_is_told_once_an_hour_and_peer(postern, clock):
    with FarSide() as far:
        p = postern({"Smtp": {"MaxMessage": 1}, "Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook"}},
                     "Recipients": {"home": ["hook:"]}}, clock=clock)

        def refuse(peer, times):
            for _ in range(times):
                with Raw(p, source=peer) as d:
                    too_large(d)

        refuse("127.0.0.1", 3)
        refuse("127.0.0.2", 2)
        wait_until("an event each", lambda: len(refused(p)) == 5)
        assert len(p.wait_deliveries(2, "sent")) == 2
        clock.advance(61 * 60 * 1000)
        refuse("127.0.0.1", 2)
        wait_until("an event each", lambda: len(refused(p)) == 7)
        p.wait_deliveries(3, "sent")
        assert len(p.deliveries()) == 3
        assert sum("127.0.0.1" in r.body.decode() for r in far.requests) == 2


def test_a_device_that_never_stops_cannot_fill_the_disk(postern):
    p = postern({"Smtp": {"MaxMessage": 1}})
    with Raw(p) as d:
        for _ in range(15):
            too_large(d)
    for _ in range(5):
        with Raw(p) as d:
            for _ in range(15):
                too_large(d)
    p.send(ALARM)
    wait_until("the alarm is an event", lambda: p.events("kind=alarm.interior"))
    assert len(refused(p)) == 60
