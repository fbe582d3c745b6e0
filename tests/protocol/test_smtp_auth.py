"""Logins at the real daemon: who is let in, how long a wrong one waits, that nobody else waits with it, and that no secret shows."""
import base64
import smtplib
import subprocess
import time

import pytest

import mails
from postern import program, wait_until
from smtp_raw import Raw

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")
HASH = "$y$j75$ksJe96xSgajJqA3e2f1JQ.$I/A6BxaMufgjO5894qsseUsdtLTwc1QHf3gMrLr6vk7"  # "secret", cheap
USERS = {"cam": {"Password": HASH}, "dvr": {"Secret": "hunter2hunter2"}}


def login(s, mechanism, user, password):
    s.ehlo()
    s.user, s.password = user, password
    return s.auth(mechanism, getattr(s, "auth_" + mechanism.lower().replace("-", "_")), initial_response_ok=mechanism == "PLAIN")[0]


def plain(user, password):
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode() + "\r\n"


@pytest.mark.parametrize("policy", ["any", "users", "required"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_user_logs_in_and_names_the_device(postern, policy, mechanism):
    p = postern({"Smtp": {"Auth": policy, "Users": USERS}})
    with smtplib.SMTP(*p.smtp) as s:
        assert login(s, mechanism, "dvr", "hunter2hunter2") == 235
        s.sendmail("x@y", ["alarm@house"], ALARM)
    assert p.wait_events(1)[0]["device"]["id"] == "dvr"
    for secret in ("hunter2", base64.b64encode(b"hunter2hunter2").decode()):
        assert secret not in p.log_text()


def test_a_user_may_name_his_device(postern):
    p = postern({"Smtp": {"Auth": "users", "Users": {"cam": {"Password": HASH, "Device": "front"}}}, "Devices": {"front": {"Name": "Front door"}}})
    with smtplib.SMTP(*p.smtp) as s:
        assert login(s, "LOGIN", "cam", "secret") == 235
        s.sendmail("x@y", ["alarm@house"], ALARM)
    assert p.wait_events(1)[0]["device"]["id"] == "front"


def test_cram_is_offered_only_where_it_can_be_checked(postern):
    for smtp, offered in (({}, True), ({"Auth": "users", "Users": USERS}, True), ({"Auth": "users", "Users": {"cam": {"Password": HASH}}}, False)):
        p = postern({"Smtp": smtp})
        with smtplib.SMTP(*p.smtp) as s:
            s.ehlo()
            assert ("CRAM-MD5" in s.esmtp_features["auth"].split()) == offered, smtp
        p.stop()


def test_required_means_before_any_mail_and_a_drill_still_goes(postern):
    p = postern({"Smtp": {"Auth": "required", "Users": USERS}})
    with Raw(p) as d:
        d.say("EHLO x\r\n").expect("250-")
        d.say("MAIL FROM:<panel@house>\r\n").expect("530 5.7.0 ")
        d.say("AUTH LOGIN Y2Ft\r\nc2VjcmV0\r\n").expect("334 UGFzc3dvcmQ6", "235 2.7.0")
        d.data().say(ALARM + b".\r\n").expect("250 2.0.0 queued")
    refused = wait_until("the refusal is told", lambda: [e for e in p.events() if e["kind"] == "system.refused"])
    assert "Smtp:Auth" in refused[0]["text"] and "panel@house" in refused[0]["text"]
    answer = p.api.post("/api/v1/test", {})
    assert answer.status == 200 and answer.json["complete"] is True


def test_wrong_passwords_wait_longer_and_longer_and_nobody_with_them(postern):
    p = postern({"Smtp": {"Auth": "users", "Users": USERS}})
    with Raw(p) as guesser, Raw(p) as camera:
        for least in (1, 2):
            begun = time.monotonic()
            guesser.say(plain("cam", "topsecretguess"))
            camera.data().say(ALARM + b".\r\n").expect("250 2.0.0 queued")
            assert time.monotonic() - begun < 0.9
            guesser.expect("535 5.7.8 ")
            assert least <= time.monotonic() - begun < least + 0.9
        begun = time.monotonic()
        guesser.say(plain("cam", "topsecretguess"))
        with Raw(p) as other:
            other.say(plain("cam", "secret")).expect("235")
        assert time.monotonic() - begun < 1
    assert 'smtp_refused_total{reason="login"} 2' in p.api.get("/metrics").text.replace("postern_", "")
    log = p.log_text()
    assert "at=login.wrong" in log and "user=cam" in log and "setting=Smtp:Users" in log and "topsecretguess" not in log
    refused = wait_until("it is told", lambda: [e for e in p.events() if e["kind"] == "system.refused"])
    assert "535" in refused[0]["text"]


def test_a_flood_of_guesses_leaves_room_for_mails(postern):
    p = postern({"Smtp": {"Auth": "users", "Users": {"cam": {"Password": subprocess.run(
        [program("postern"), "hash-password"], input="geheim\n", capture_output=True, text=True, timeout=60).stdout.strip()}}}})
    guessers = [Raw(p) for _ in range(40)]
    try:
        for g in guessers:
            g.say(plain("cam", "x"))
        begun = time.monotonic()
        with Raw(p) as camera:
            camera.data().say(ALARM + b"x" * 3_000_000 + b"\r\n.\r\n").expect("250 2.0.0 queued")
        assert time.monotonic() - begun < 3
        for g in guessers[:20]:
            g.vanish()
        with Raw(p) as right:
            right.say(plain("cam", "geheim")).expect("235")
    finally:
        for g in guessers[20:]:
            g.close()
    p.stop()


def test_a_password_is_hashed_and_never_shown(tmp_path):
    run = subprocess.run([program("postern"), "hash-password"], input="ä secret\r\nmore\n", capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and run.stdout.startswith("$y$") and run.stdout.count("\n") == 1 and not run.stderr
    for bad in ("", "\n", "x" * 600 + "\n"):
        run = subprocess.run([program("postern"), "hash-password"], input=bad, capture_output=True, text=True, timeout=60)
        assert run.returncode == 1 and "password" in run.stderr and not run.stdout


# --- profiles: by the peer's address --------------------------------------------------------------------------------------


def test_a_profile_is_chosen_by_address(postern):
    p = postern({"Smtp": {"Profiles": [{"Address": "127.0.0.2", "Profile": "reolink"}, {"Address": ["127.0.0.3"], "Profile": "greeting"}]},
                 "Devices": {"old": {"Profile": "short", "Match": {"Address": "127.0.0.4"}}}})
    with Raw(p, source="127.0.0.2") as d:
        d.say("EHLO cam\r\n").expect("502 ")
        d.say("HELO cam\r\n").expect("250 postern")
    with Raw(p, greet=False, source="127.0.0.3") as d:
        assert d.hear() == "220 localhost ESMTP"
    with Raw(p, source="127.0.0.4") as d:
        assert len(d.say("EHLO cam\r\n").hear().splitlines()) == 4
    with Raw(p, source="127.0.0.5") as d:
        assert len(d.say("EHLO cam\r\n").hear().splitlines()) > 7


def test_lf_dot_ends_a_mail_for_the_named_device_only(postern):
    p = postern({"Smtp": {"Profiles": [{"Address": "127.0.0.2", "Profile": "lf-dot"}]}})
    mail = ALARM.replace(b"\r\n", b"\n")
    with Raw(p, source="127.0.0.2") as d:
        d.data().say(mail + b".\n").expect("250 2.0.0 queued")
        d.data().say(mail + b".\nMAIL FROM:<evil@x>\nRCPT TO:<alarm@x>\nDATA\nevil\n.\n").expect("250 2.0.0 queued", "554 5.5.0 ", "")
    with Raw(p) as d:
        d.data().say(mail + b".\nMAIL FROM:<evil@x>\r\n.\r\n").expect("250 2.0.0 queued")
    events = p.wait_events(3)
    assert len(events) == 3 and all(e["kind"] == "alarm.interior" for e in events)
