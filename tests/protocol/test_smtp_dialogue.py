"""The SMTP dialogue with the real daemon: what modern clients and old devices say, and that a mail is kept as it came."""
import shutil
import smtplib
import subprocess

import pytest

import mails
from smtp_raw import Raw

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")


def raw_of(p, event):
    return p.api.get(f"/api/v1/arrivals/{event['arrival']}/raw").body


def test_a_modern_client_finds_what_it_looks_for(postern):
    p = postern({"Smtp": {"MaxMessage": 3}})
    with p.connect() as s:
        assert s.ehlo()[0] == 250
        for feature in ("8bitmime", "pipelining", "enhancedstatuscodes", "chunking", "smtputf8"):
            assert s.has_extn(feature), feature
        assert s.esmtp_features["size"] == str(3 << 20)
        assert set(s.esmtp_features["auth"].split()) == {"LOGIN", "PLAIN", "CRAM-MD5"}
        assert s.helo()[0] == 250
        assert s.noop()[0] == s.rset()[0] == 250
        assert s.vrfy("alarm")[0] == 252
        assert s.docmd("HELP")[0] == 214
        assert s.docmd("EXPN list")[0] == 502
        assert s.docmd("NONSENSE")[0] == 500
        assert s.quit()[0] == 221


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_any_credentials_are_taken_and_name_the_device(postern, mechanism):
    p = postern()
    with smtplib.SMTP(*p.smtp) as s:
        s.ehlo()
        s.user, s.password = "garage-cam", "hunter2hunter2"
        code, _ = s.auth(mechanism, getattr(s, f"auth_{mechanism.lower()}"))
        assert code == 235
        s.sendmail("x@y", ["alarm@house"], ALARM)
    assert p.wait_events(1)[0]["device"]["id"] == "garage-cam"
    assert "hunter2" not in p.log_text() and "aHVudGVyMmh1bnRlcjI" not in p.log_text()


def test_an_old_panel_is_understood(postern):
    """HELO, AUTH after it in lower case with the user in the command, blanks, no brackets, LF at the end of commands."""
    p = postern()
    with Raw(p) as d:
        d.say("helo\nauth login cGFuZWw=\nc2VjcmV0\n").expect("250", "334 UGFzc3dvcmQ6", "235")
        d.say("\r\nmail from: panel@192.168.1.5 \nrcpt to: <'alarm@house'>\ndata\n").expect("250", "250", "354")
        d.say(ALARM + b".\r\n").expect("250 2.0.0 queued as ")
        d.say("quit\n").expect("221")
    event = p.wait_events(1)[0]
    assert event["kind"] == "alarm.interior" and event["device"]["id"] == "panel"
    assert raw_of(p, event) == ALARM


def test_pipelined_mails_are_answered_in_order(postern):
    p = postern()
    mail = b"MAIL FROM:<p@h>\r\nRCPT TO:<alarm@h>\r\nDATA\r\n" + ALARM + b".\r\n"
    with Raw(p) as d:
        d.say(b"EHLO x\r\n" + mail * 3 + b"RSET\r\nQUIT\r\n")
        d.expect("250-", *["250 2.1.0", "250 2.1.5", "354", "250 2.0.0 queued"] * 3, "250 2.0.0 ok", "221")
    assert len(p.wait_events(3)) == 3


@pytest.mark.parametrize("size", [1, 70_000, 3 << 20])
def test_chunks_are_kept_byte_for_byte_and_none_survives_a_reset(postern, size):
    p = postern()
    mail = ALARM + (b".\n.\r\n.\r\nRSET\r\n" * (size // 15 + 1))
    half = len(mail) // 2
    with Raw(p) as d:
        d.say(b"EHLO x\r\n").expect("250-")
        for _ in range(2):
            d.say(b"MAIL FROM:<p@h> BODY=8BITMIME\r\nRCPT TO:<alarm@h>\r\nBDAT %d\r\n%s" % (half, mail[:half]))
            d.say(b"RSET\r\nMAIL FROM:<p@h>\r\nRCPT TO:<alarm@h>\r\nBDAT %d\r\n%s" % (half, mail[:half]))
            d.say(b"BDAT %d\r\n%sBDAT 0 LAST\r\n" % (len(mail) - half, mail[half:]))
            d.expect("250 2.1.0", "250 2.1.5", f"250 2.0.0 {half} octets", "250 2.0.0 ok", "250 2.1.0", "250 2.1.5",
                     f"250 2.0.0 {half} octets", f"250 2.0.0 {len(mail) - half} octets", "250 2.0.0 queued")
        d.data().say(ALARM + b".\r\n").expect("250 2.0.0 queued")
    assert sorted(len(raw_of(p, e)) for e in p.wait_events(3)) == sorted([len(ALARM), len(mail), len(mail)])
    assert {raw_of(p, e) for e in p.wait_events(3)} == {ALARM, mail}


FALSE_ENDS = [b"\n.\n", b"\r.\r", b"\r.\n", b"\n.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\n.\0\r\n"]


def test_no_false_end_smuggles_a_second_mail(postern):
    p = postern()
    with Raw(p) as d:
        for end in FALSE_ENDS:
            d.data().say(ALARM + b"a" + end + b"MAIL FROM:<evil@x>\r\nRCPT TO:<alarm@x>\r\nDATA\r\nevil\r\n.\r\n").expect("250 2.0.0 queued")
        d.say("NOOP\r\n").expect("250 2.0.0 ok")
    kept = [raw_of(p, e) for e in p.wait_events(len(FALSE_ENDS))]
    assert len(kept) == len(FALSE_ENDS) and all(b"MAIL FROM:<evil@x>" in mail for mail in kept)
    undotted = {end.replace(b"\r\n.", b"\r\n") for end in FALSE_ENDS}  # a dot after CR LF is taken off, as in any line
    assert {next(e for e in undotted if b"a" + e + b"MAIL" in mail) for mail in kept} == undotted


def test_all_false_ends_in_one_mail_and_the_next_in_the_packet_of_its_dot(postern):
    p = postern()
    parts = [b"%d" % i + end + b"MAIL FROM:<evil@x>\r\nRCPT TO:<alarm@x>\r\nDATA\r\n" for i, end in enumerate(FALSE_ENDS)]
    first = ALARM + b"".join(parts) + b"last\r\n"
    with Raw(p) as d:
        d.data().say(first + b".\r\nMAIL FROM:<panel@house>\r\nRCPT TO:<alarm@house>\r\nDATA\r\n" + ALARM + b".\r\nQUIT\r\n")
        d.expect("250 2.0.0 queued", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0 queued", "221")
    kept = sorted((raw_of(p, e) for e in p.wait_events(2)), key=len)
    assert kept == [ALARM, first.replace(b"\r\n.", b"\r\n")]


def test_a_mail_of_bare_lf_alone_is_kept_as_it_came_and_understood(postern):
    p = postern()
    mail = b"From: <panel@house>\nSubject: x\n\nfirst\nZone:8 Ost 1, Innenbereich Alarm\nlast\n"
    with Raw(p) as d:
        d.data().say(mail + b"\r\n.\r\n").expect("250 2.0.0 queued")
    event = p.wait_events(1)[0]
    assert event["kind"] == "alarm.interior", event
    assert event["zone"] == {"number": 8, "name": "Ost 1"}
    assert raw_of(p, event) == mail + b"\r\n"


def test_a_device_that_talks_before_the_greeting_and_never_quits(postern):
    p = postern()
    with Raw(p, greet=False) as d:
        d.say(b"EHLO x\r\nMAIL FROM:<p@h>\r\nRCPT TO:<alarm@h>\r\nDATA\r\n" + ALARM + b".\r\n")
        d.expect("220 ", "250-", "250 2.1.0", "250 2.1.5", "354", "250 2.0.0 queued")
        d.vanish()
    assert p.wait_events(1)[0]["kind"] == "alarm.interior"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 1 << 20, 3 << 20])
def test_a_mail_of_any_size_is_kept_byte_for_byte(postern, size):
    p = postern()
    line = bytes(range(32, 46)) + bytes(range(128, 256)) + b"\n\r \0"
    mail = (ALARM + line * (size // len(line) + 1))[:size] if size else b""
    mail = mail[:-2] + b"\r\n" if size > 2 else mail
    with Raw(p) as d:
        d.data()
        stuffed = mail.replace(b"\r\n.", b"\r\n..")
        d.say((b"." + stuffed if stuffed.startswith(b".") else stuffed) + (b".\r\n" if size > 2 or not size else b"\r\n.\r\n"))
        d.expect("250 2.0.0 queued")
    assert raw_of(p, p.wait_events(1)[0]) == mail + (b"\r\n" if 0 < size <= 2 else b"")


@pytest.mark.skipif(not shutil.which("swaks"), reason="swaks is not installed")
@pytest.mark.parametrize("more", [["--auth", "LOGIN", "--auth-user", "cam", "--auth-password", "x"], ["--protocol", "SMTP"], ["--pipeline"]])
def test_swaks(postern, more):
    p = postern()
    run = subprocess.run(["swaks", "--server", f"127.0.0.1:{p.smtp[1]}", "--from", "panel@house", "--to", "alarm@house",
                          "--body", "Zone:8 Ost 1, Innenbereich Alarm", *more], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout
    assert p.wait_events(1)[0]["kind"] == "alarm.interior"
