"""Every limit of the listener, crossed: the answer names it, the operator hears which setting would allow it."""
import socket

import pytest

import mails
from postern import wait_until
from smtp_raw import Raw

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")
MIB = 1 << 20


def refused(p, reason):
    return p.metric("postern_smtp_refused_total", reason=reason)


def test_a_message_over_the_limit(postern):
    p = postern({"Smtp": {"MaxMessage": 1}})
    with Raw(p) as d:
        d.say(f"MAIL FROM:<cam@house> SIZE={MIB + 1}\r\n").expect("552 5.3.4")
        d.data(sender="cam@house").say(b"x" * 998 + b"\r\n").say((b"y" * 998 + b"\r\n") * 1100 + b".\r\n").expect("552 5.3.4")
        d.data().say(ALARM + b".\r\n").expect("250")
        d.data()
        d.socket.settimeout(5)
        try:  # more than twice the limit: cut off, but told why
            d.say((b"z" * 998 + b"\r\n") * 2300)
        except OSError:
            pass
        d.expect("552 5.3.4", "")
    assert refused(p, "size") == 3
    line = p.wait_log("mail.refused", reason="size")[0]
    assert line["setting"] == "Smtp:MaxMessage" and line["reply"].startswith("552 5.3.4") and line["peer"] == "127.0.0.1"
    events = [e for e in p.wait_events(4) if e["kind"] == "system.refused"]
    assert len(events) == 3 and all("Smtp:MaxMessage" in e["text"] and "127.0.0.1" in e["text"] for e in events)
    assert sum("cam@house" in e["text"] for e in events) == 2


def test_too_many_recipients(postern):
    p = postern({"Smtp": {"MaxRecipients": 2}})
    with Raw(p) as d:
        d.say("MAIL FROM:<a@b>\r\nRCPT TO:<alarm@1>\r\nRCPT TO:<2@2>\r\nRCPT TO:<3@3>\r\nRCPT TO:<4@4>\r\nDATA\r\n")
        d.expect("250", "250", "250", "452 4.5.3", "452 4.5.3", "354")
        d.say(ALARM + b".\r\n").expect("250")
    assert refused(p, "recipients") == 1
    kinds = {e["kind"] for e in p.wait_events(2)}
    assert kinds == {"alarm.interior", "system.refused"}


def test_a_hundred_recipients_are_no_limit(postern):
    p = postern()
    code, _ = p.send(ALARM, to=[f"r{i}@house" for i in range(100)])
    assert code == 250
    assert p.wait_log("mail.kept")[0]["to"] == "100"


def test_lines_errors_and_junk(postern):
    p = postern({"Smtp": {"MaxCommand": 512, "MaxErrors": 3, "MaxIdleCommands": 10}})
    with Raw(p) as d:
        d.say("NOOP " + "x" * 600 + "\r\n").expect("500 5.5.2")
        d.say("AUTH PLAIN " + "A" * 12400 + "\r\n").expect("500 5.5.6")
        d.say("X\r\nY\r\n").expect("500 5.5.2", "500 5.5.2", "421 4.7.0", "")
    with Raw(p) as d:
        for _ in range(10):
            d.say("NOOP\r\n").expect("250")
        d.say("NOOP\r\n").expect("250", "421 4.7.0", "")
    with Raw(p) as d:
        d.say("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nMAIL FROM:<evil>\r\n").expect("554 5.7.0", "")


def test_connections_in_all_and_of_one_address(postern):
    p = postern({"Smtp": {"MaxConnections": 4, "MaxConnectionsPerAddress": 3}})
    crowd = [Raw(p) for _ in range(3)]
    with Raw(p, greet=False) as d:
        assert "Smtp:MaxConnectionsPerAddress" in d.expect("421 4.7.0")
        d.expect("")
    others = [Raw(p, source="127.0.0.2"), Raw(p, source="127.0.0.3")]  # the second takes the place of one of the crowd
    crowd[0].expect("421 4.7.0", "")
    with Raw(p, greet=False, source="127.0.0.4") as d:  # and the third the next
        d.expect("220")
        d.say("QUIT\r\n").expect("221", "")
    crowd[1].expect("421 4.7.0", "")
    assert p.metric("postern_smtp_connections") == 3
    others[0].data().say(ALARM + b".\r\n").expect("250")
    for d in crowd + others:
        d.close()
    wait_until("all have left", lambda: p.metric("postern_smtp_connections") == 0)
    assert refused(p, "connections_per_address") == 1 and refused(p, "connections") == 2


def test_connections_a_device_left_behind_give_way_to_its_new_ones(postern, clock):
    p = postern({"Smtp": {"MaxConnectionsPerAddress": 2}}, clock=clock)
    busy, dead = Raw(p).data(), Raw(p)
    with Raw(p, greet=False) as d:
        d.expect("421 4.7.0", "")
    clock.advance(10_000)
    assert p.send(ALARM)[0] == 250
    dead.expect("421 4.7.0", "")
    busy.say(ALARM + b".\r\n").expect("250 2.0.0 queued")


def test_a_stranger_is_refused_once_in_the_log(postern):
    p = postern({"Smtp": {"AllowFrom": ["10.0.0.0/8", "127.0.0.2"]}})
    for _ in range(5):
        with Raw(p, greet=False) as d:
            assert "Smtp:AllowFrom" in d.expect("554 5.7.1")
            d.expect("")
    Raw(p, source="127.0.0.2").close()
    assert refused(p, "allow_from") == 5
    p.wait_log("smtp.refused")
    lines = p.log("smtp.refused")
    assert len(lines) == 1 and lines[0]["peer"] == "127.0.0.1" and lines[0]["setting"] == "Smtp:AllowFrom"


@pytest.mark.threads
def test_deadlines(postern, clock):
    p = postern({"Smtp": {"CommandTimeout": 300, "DataTimeout": 180, "SessionTimeout": 3600}}, clock=clock)
    silent, slow, stalled, busy = Raw(p), Raw(p), Raw(p), Raw(p)
    stalled.data(sender="old@panel").say(b"Zone:8 Ost 1, Innenbereich Alarm\n.\n")
    busy.say("NOOP\r\n").expect("250")
    clock.advance(6_000)
    hint = p.wait_log("mail.stalled")[0]  # long before the deadline
    assert "CR LF" in hint["hint"] and hint["peer"] == "127.0.0.1"
    clock.advance(173_000)
    slow.say("N")  # a byte is no command
    busy.say("NOOP\r\n").expect("250")
    clock.advance(2_000)
    stalled.expect("421 4.4.2", "")
    assert len(p.log("mail.stalled")) == 1
    clock.advance(120_000)
    silent.expect("421 4.4.2", "")
    slow.expect("421 4.4.2", "")
    answer = "250"
    for _ in range(20):
        clock.advance(170_000)
        if answer.startswith("250"):
            answer = busy.say("NOOP\r\n").hear()
    if answer.startswith("250"):
        answer = busy.hear()
    assert answer == "421 4.4.2 timeout, this conversation is too long"
    event = next(e for e in p.wait_events(1) if e["kind"] == "system.refused")
    assert "old@panel" in event["text"]


def test_ipv6_and_ipv4_on_one_port(postern):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    p = postern({"Smtp": {"Address": ""}})
    Raw(p).close()
    try:
        with socket.create_connection(("::1", p.smtp[1]), timeout=5) as s:
            assert s.recv(100).startswith(b"220")
    except OSError as e:
        pytest.skip(f"no IPv6 loopback: {e}")
