"""Rude, slow and broken devices: none of them loses a mail or keeps another waiting."""
import socket
import time

import pytest

import mails
from postern import wait_until
from smtp_raw import Raw

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")


@pytest.mark.threads
@pytest.mark.parametrize("extra", [b"", b"x" * 98 + b"\r\n"], ids=["small", "large"])
def test_a_link_dropped_after_the_final_dot_is_a_mail_kept(postern, extra):
    p = postern()
    mail = ALARM + extra * 3000
    for _ in range(5):
        d = Raw(p).data().say(mail + b".\r\n")
        d.expect("250")
        d.vanish()
    for _ in range(5):
        d = Raw(p).data().say(mail + b".\r\n")
        wait_until("all was read", lambda: d.unread() == 0)
        d.vanish()
    assert len(p.wait_events(10)) == 10
    assert p.metric("postern_arrivals_total", listener="smtp", result="kept") == 10


def test_a_link_dropped_before_it_leaves_nothing(postern):
    p = postern()
    for text in (b"half a line", ALARM + b"y\r\n" * 1_000_000):
        Raw(p).data().say(text).vanish()
    wait_until("both are gone", lambda: p.metric("postern_smtp_connections") == 0)
    p.send(ALARM)
    assert len(p.wait_events(1)) == 1
    assert p.metric("postern_arrivals_total", listener="smtp", result="aborted") == 2
    wait_until("no file is left", lambda: not [f for f in p.data.rglob("*.eml")])


def test_a_script_that_says_everything_at_once_hears_every_answer(postern):
    """printf … | nc: the link is half closed before the mail is kept."""
    p = postern()
    with Raw(p, greet=False) as d:
        d.say(b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<alarm@b>\r\nDATA\r\n" + ALARM + b".\r\nQUIT\r\n")
        d.socket.shutdown(socket.SHUT_WR)
        d.expect("220", "250", "250", "250", "354", "250 2.0.0 queued", "221", "")


def test_garbage_is_no_reason_to_fall_over(postern):
    p = postern()
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 500, b"\0" * 70000 + b"\r\n", b"\xff\r\n" * 50, b"\r\n" * 5000,
                  b"MAIL FROM:<" + b"<" * 3000 + b">\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        d = Raw(p)
        try:
            d.say(noise)
            d.socket.shutdown(socket.SHUT_WR)
            while d.hear():
                pass
        except OSError:
            pass
        d.close()
    assert p.send(ALARM)[0] == 250


def test_five_hundred_slow_devices_keep_nobody_waiting(postern):
    p = postern({"Smtp": {"MaxConnectionsPerAddress": 1000}})
    slow = [Raw(p) for _ in range(500)]
    times = []
    for letter in "MAIL":
        for d in slow:
            d.say(letter)
        started = time.monotonic()
        assert p.send(ALARM)[0] == 250
        times.append(time.monotonic() - started)
    for d in slow:
        d.close()
    assert sorted(times)[len(times) // 2] < 0.1, times


def test_a_device_that_does_not_read_stops_only_itself(postern):
    p = postern()
    d = Raw(p)
    d.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    d.socket.settimeout(1)
    try:
        for _ in range(400):
            d.say(b"MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nRSET\r\n" * 3)
    except OSError:
        pass
    assert p.send(ALARM)[0] == 250
    d.vanish()


def test_a_stop_lets_the_mail_under_way_finish(postern):
    p = postern()
    idle, sending = Raw(p), Raw(p).data()
    p._note_kin()
    p.process.terminate()
    idle.expect("421 4.3.2", "")
    sending.say(ALARM + b".\r\n").expect("250 2.0.0 queued", "421 4.3.2", "")
    assert p.wait_exit() == 0
    p.start()
    assert len(p.wait_events(1)) == 1
