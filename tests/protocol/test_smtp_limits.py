"""Every limit of the listener, crossed: the answer names it, the operator hears which setting would allow it."""
import os
import resource
import socket
import threading

import pytest

import mails
from postern import wait_until
from smtp_raw import Raw

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")
OTHER = b"Subject: hello\r\n\r\nno panel says this\r\n"
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
    assert refused(p, "command") == 1 and refused(p, "errors") == 1 and refused(p, "junk") == 1
    assert {line["setting"] for line in p.wait_log("mail.refused", 3)} == {"Smtp:MaxCommand", "Smtp:MaxErrors", "Smtp:MaxIdleCommands"}
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


def test_strangers_and_crowds_are_told_once_an_hour_with_their_number(postern, clock):
    p = postern({"Smtp": {"AllowFrom": ["127.0.0.2", "127.0.0.3"], "MaxConnectionsPerAddress": 1}}, clock=clock)

    def knock(source, code):
        with Raw(p, greet=False, source=source) as d:
            d.expect(code)

    crowd = Raw(p, source="127.0.0.2")
    for _ in range(5):
        knock("127.0.0.1", "554 5.7.1")
        knock("127.0.0.2", "421 4.7.0")
    knock("127.0.0.9", "554 5.7.1")
    told = wait_until("an event for each", lambda: len(p.events("kind=system.refused")) == 3 and p.events("kind=system.refused"))
    assert {e["text"].split(":")[0] for e in told} == {"127.0.0.1", "127.0.0.2", "127.0.0.9"}
    crowd.close()
    clock.advance(61 * 60 * 1000)
    knock("127.0.0.1", "554 5.7.1")
    again = wait_until("one more", lambda: len(p.events("kind=system.refused")) == 4 and p.events("kind=system.refused"))
    assert any("Smtp:AllowFrom" in e["text"] and "4 times before" in e["text"] for e in again)
    assert refused(p, "allow_from") == 7 and refused(p, "connections_per_address") == 5


@pytest.mark.threads
def test_a_mail_that_comes_a_drop_at_a_time_is_cut(postern, clock):
    """One byte in five seconds; beside it one that stops for two minutes and then goes on, and one at 200 bytes a second."""
    p = postern({"Smtp": {"DataTimeout": 180}}, clock=clock)
    drop, pause, slow = Raw(p).data(sender="drop@house"), Raw(p).data(), Raw(p).data()
    pause.say(ALARM[:40])
    for n in range(100):
        drop.say(b"x")
        if n == 24:
            pause.say(ALARM[40:] + b".\r\n").expect("250")
        slow.say(b"y" * 998 + b"\r\n")
        wait_until("all is read", lambda: not any(d.unread() for d in (drop, slow)))
        clock.advance(5_000)
        if drop_was_cut(drop):
            break
    drop.expect("421 4.4.2 timeout, the message comes too slowly", "")
    assert n >= 23  # not before two minutes; how much later is the test clock's, which jumps
    slow.say(b".\r\n").expect("250")
    assert p.wait_log("mail.refused", reason="slow")[0]["setting"] == "Smtp:MinBytesPerSecond"
    event = next(e for e in p.wait_events(3) if e["kind"] == "system.refused")
    assert "drop@house" in event["text"] and "Smtp:MinBytesPerSecond" in event["text"]


@pytest.mark.threads
def test_a_mail_has_so_much_time(postern, clock):
    p = postern({"Smtp": {"MessageTimeout": 600}}, clock=clock)
    endless = Raw(p).data(sender="long@house")
    for _ in range(100):
        endless.say(b"y" * 8998 + b"\r\n")
        wait_until("it is read", lambda: not endless.unread())
        clock.advance(30_000)
        if drop_was_cut(endless):
            break
    endless.expect("421 4.4.2 timeout, the message takes too long", "")
    event = next(e for e in p.wait_events(1) if e["kind"] == "system.refused")
    assert "long@house" in event["text"] and "Smtp:MessageTimeout" in event["text"]


def drop_was_cut(device):
    import select
    return select.select([device.socket], [], [], 0.05)[0]


def test_mails_a_minute_are_limited_where_the_owner_says_so(postern, clock):
    p = postern({"Smtp": {"MailsPerMinute": 3}}, clock=clock)
    with Raw(p) as d:
        for _ in range(3):
            d.data().say(OTHER + b".\r\n").expect("250")
        d.say("MAIL FROM:<cam@house>\r\n").expect("450 4.7.1")
        with Raw(p, source="127.0.0.2") as other:
            other.data().say(OTHER + b".\r\n").expect("250")
        clock.advance(21_000)
        d.data().say(OTHER + b".\r\n").expect("250")
        d.say("MAIL FROM:<cam@house>\r\n").expect("450 4.7.1")
    assert refused(p, "rate") == 2
    assert p.wait_log("mail.refused", reason="rate")[0]["setting"] == "Smtp:MailsPerMinute"
    event = next(e for e in p.wait_events(6) if e["kind"] == "system.refused")
    assert "cam@house" in event["text"] and "Smtp:MailsPerMinute" in event["text"]


def test_a_panel_has_no_limit_of_mails_a_minute(postern):
    p = postern({"Smtp": {"MailsPerMinute": 2}, "Devices": {"xt1": {"Kind": "panel", "Match": {"Address": "127.0.0.7"}}}})
    for source, limit in (("127.0.0.7", 6), ("127.0.0.8", 2)):
        with Raw(p, source=source) as d:
            for _ in range(limit):
                d.data().say(OTHER + b".\r\n").expect("250")
            d.say("MAIL FROM:<a@b>\r\n").expect("250" if source == "127.0.0.7" else "450 4.7.1")


def test_a_flood_from_one_address_does_not_keep_another_out(postern):
    """No limit by default: all of it is kept, and who sends beside it is served as quickly as ever."""
    p = postern({"Smtp": {"MaxConnections": 60, "MaxConnectionsPerAddress": 60}})
    flood, stop, sent = [Raw(p, source="127.0.0.66") for _ in range(60)], threading.Event(), []

    def pour(device):
        while not stop.is_set():
            try:
                device.data().say(ALARM + b".\r\n").expect("250")
                sent.append(1)
            except (AssertionError, OSError):
                return

    threads = [threading.Thread(target=pour, args=(d,)) for d in flood[:10]]
    for t in threads:
        t.start()
    try:
        for n in range(20):
            with Raw(p, source=f"127.0.1.{n + 1}") as d:
                d.data().say(ALARM + b".\r\n").expect("250")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert len(sent) > 20
    assert p.metric("postern_arrivals_total", listener="smtp", result="kept") >= len(sent) + 20
    for d in flood:
        d.close()


def test_large_mails_below_the_floor(postern):
    p = postern({"Store": {"Floor": 1 << 30}})  # a petabyte: every disk is below it
    with Raw(p) as d:
        d.say("MAIL FROM:<cam@house> SIZE=70000\r\n").expect("452 4.3.1 the disk is nearly full")
        d.data(sender="cam@house").say((b"z" * 998 + b"\r\n") * 300 + b".\r\n").expect("452 4.3.1 the disk is nearly full")
        d.data().say((b"z" * 998 + b"\r\n") * 66 + b".\r\n").expect("452 4.3.1")  # just above it
        d.data().say(ALARM + b".\r\n").expect("250")
        d.say(f"MAIL FROM:<cam@house> SIZE={65536}\r\n").expect("250")
    assert refused(p, "storage") == 3
    assert p.wait_log("mail.refused", reason="storage")[0]["setting"] == "Store:Floor"
    assert not list(p.data.rglob("*.eml"))
    [event] = wait_until("it is told", lambda: p.events("kind=system.storage"))
    assert "Store:Floor" in event["text"]


@pytest.mark.threads
def test_without_descriptors_the_open_conversations_go_on(postern):
    p = postern()
    before = [Raw(p).data() for _ in range(3)]
    open_now = max(int(fd) for fd in os.listdir(f"/proc/{p.process.pid}/fd"))
    soft, hard = resource.prlimit(p.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(p.process.pid, resource.RLIMIT_NOFILE, (open_now + 4, hard))
    later = [Raw(p, greet=False) for _ in range(20)]
    p.wait_log("smtp.paused")
    for d in before:
        d.say(ALARM + b".\r\n").expect("250")
    resource.prlimit(p.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    for d in later:
        d.expect("220")
        d.close()
    for d in before:
        d.data().say(ALARM + b".\r\n").expect("250")
        d.close()
    assert len(p.wait_events(6)) == 6


def test_without_memory_the_open_conversations_go_on(postern):
    p = postern({"Smtp": {"MaxConnections": 5000, "MaxConnectionsPerAddress": 5000}}, build="plain")
    before = [Raw(p).data() for _ in range(3)]
    size = int(open(f"/proc/{p.process.pid}/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.prlimit(p.process.pid, resource.RLIMIT_AS)
    resource.prlimit(p.process.pid, resource.RLIMIT_AS, (size + (2 << 20), hard))
    crowd = []
    for _ in range(1500):
        d = Raw(p, greet=False)
        try:
            d.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n" + "x" * 60000)
            crowd.append(d)
        except OSError:
            d.close()
    ends = []
    for d in crowd:  # nobody is kept waiting: each is taken or turned away
        try:
            d.say("\r\n.\r\nQUIT\r\n")
            ends += [line[:3] for line in d.lines.read().decode().splitlines()][4:5]
        except OSError:
            pass
    assert ends.count("250") < 1500
    for d in before:
        assert d.say(ALARM + b".\r\n").hear()[:3] in ("250", "451", "452")
    for d in crowd:
        d.close()
    resource.prlimit(p.process.pid, resource.RLIMIT_AS, (soft, hard))
    for d in before:
        d.data().say(ALARM + b".\r\n").expect("250")
    assert p.is_running()


# --- behind a container's gateway -----------------------------------------------------------------------------------

HIDDEN = {"POSTERN_GATEWAY": "127.0.0.5"}


def test_who_hides_behind_the_gateway_needs_the_owners_word(postern):
    p = postern(env=HIDDEN)
    for _ in range(3):
        with Raw(p, greet=False, source="127.0.0.5") as d:
            assert "Smtp:AllowFrom" in d.expect("554 5.7.1")
    with Raw(p, source="127.0.0.6") as d:  # others are as welcome as ever
        d.data().say(ALARM + b".\r\n").expect("250")
    [line] = p.wait_log("smtp.gateway")
    assert line["peer"] == "127.0.0.5" and line["level"] == "warn"
    [event] = wait_until("it is told", lambda: p.events("kind=system.refused"))
    assert "127.0.0.5" in event["text"]


def test_who_hides_behind_the_gateway_is_not_limited_by_address(postern):
    p = postern({"Smtp": {"AllowFrom": ["192.168.1.0/24"], "MaxConnectionsPerAddress": 2, "MailsPerMinute": 2}}, env=HIDDEN)
    devices = [Raw(p, source="127.0.0.5") for _ in range(5)]
    for d in devices:
        d.data().say(OTHER + b".\r\n").expect("250")
        d.close()
    assert len(p.wait_log("smtp.gateway")) == 1


def test_who_hides_behind_the_gateway_is_not_recognised_by_address(postern):
    devices = {"one": {"Match": {"Address": ["127.0.0.5", "127.0.0.6"]}}}
    p = postern({"Smtp": {"AllowFrom": ["127.0.0.0/8"]}, "Devices": devices}, env=HIDDEN)
    for source in ("127.0.0.5", "127.0.0.6"):
        with Raw(p, source=source) as d:
            d.data(sender=f"cam{source[-1]}@house").say(ALARM + b".\r\n").expect("250")
    alarms = wait_until("both are read", lambda: len(p.events("kind=alarm.interior")) == 2 and p.events("kind=alarm.interior"))
    ids = {e["device"]["id"] for e in alarms}
    assert len(ids) == 2 and "one" in ids


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
