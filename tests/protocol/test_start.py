"""Starting and stopping: it refuses only if it cannot keep mails, or if the settings that were named are no file."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

import pytest

import mails
from farside import FarSide
from postern import Postern, program, wait_until
from smtp_raw import Raw

ALARM = mails.panel("Zone:1 A, Innenbereich Alarm")
EX_CONFIG, EX_CANTCREAT, EX_UNAVAILABLE = 78, 73, 69


@pytest.fixture
def refused(tmp_path):
    def start(settings=None, **options):
        p = Postern(tmp_path / "refused", settings, **options)
        p.start(wait=False)
        return p, p.wait_exit()
    return start


def test_settings_that_are_a_directory_are_explained(tmp_path):
    p = Postern(tmp_path / "p", {})
    p.settings_path.unlink()
    p.settings_path.mkdir()
    p.start(wait=False)
    assert p.wait_exit() == EX_CONFIG
    assert "is a directory, not a file" in p.log_text() and "our uid" in p.log_text()


def test_the_settings_in_the_working_folder_are_taken_without_a_word(tmp_path):
    (tmp_path / "appsettings.json").write_text('{ "Site": { "Name": "Cabin" } }')
    shown = subprocess.run([program("postern"), "check", "--print"], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert re.search(r"Site:Name\s.*Cabin", shown.stdout), shown.stdout


def test_a_folder_that_docker_made_in_the_place_of_the_settings_is_explained(tmp_path):
    (tmp_path / "appsettings.json").mkdir()
    p = subprocess.run([program("postern"), "check"], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert p.returncode == EX_CONFIG and "is a directory, not a file" in p.stderr


def test_settings_that_are_not_there_do_not_stop_it(tmp_path):
    p = Postern(tmp_path / "p", "")
    p.settings_path.unlink()
    p.start()
    try:
        assert p.log("settings.mistake", path=p.settings_path)
        assert p.send(ALARM)[0] == 250
        assert p.command("check").returncode == 1
    finally:
        p.close()


@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="root may read everything, and setpriv is not here")
def test_settings_that_may_not_be_read_are_explained():
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is for our own eyes only
        os.chmod(folder, 0o755)
        p = Postern(pathlib.Path(folder) / "p", {})
        p.settings_path.chmod(0)
        if os.getuid() == 0:
            p.wrap = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups", "--reuid=65534"]
        p.start(wait=False)
        assert p.wait_exit() == EX_CONFIG
        assert re.search(r"appsettings.json cannot be read: permission denied; owner \d+, mode 0000, our uid \d+", p.log_text())


def test_a_newer_data_folder_is_left_alone(tmp_path):
    p = Postern(tmp_path / "p", {})
    p.start()
    p.stop()
    with sqlite3.connect(p.data / "postern.db") as db:
        db.execute("PRAGMA user_version = 4711")
    db.close()
    before = {f: f.stat().st_mtime_ns for f in sorted(p.data.rglob("*"))}
    p.start(wait=False)
    assert p.wait_exit() == EX_CONFIG
    [line] = p.log("store.failed")
    assert "newer" in line["text"] and "4711" in line["text"] and str(p.data) in line["text"]
    assert {f: f.stat().st_mtime_ns for f in sorted(p.data.rglob("*"))} == before


def test_nobody_will_be_told_is_said_every_hour(postern, clock):
    p = postern({}, clock=clock)
    [said] = p.log("recipients.none")
    assert said["text"].startswith("NOBODY WILL BE TOLD: ") and said["level"] == "error"
    for hours in (1, 2):
        clock.advance(3600 * 1000)
        p.wait_log("recipients.none", 1 + hours)
    assert len(p.log("recipients.none")) == 3


def test_the_limit_of_files_is_raised_and_what_does_not_fit_is_said(postern):
    p = postern({}, wrap=["sh", "-c", 'ulimit -S -n 100; exec "$@"', "sh"])
    soft, hard = resource.prlimit(p.pid, resource.RLIMIT_NOFILE)
    assert soft == hard > 100
    p.stop()
    p.wrap = ["sh", "-c", 'ulimit -n 300; exec "$@"', "sh"]
    p.start()
    [said] = p.log("files.limit")
    assert said["limit"] == "300" and int(said["wanted"]) > 1000 and "Smtp:MaxConnections" in said["text"]
    assert p.send(ALARM)[0] == 250


def test_a_crowd_leaves_files_for_large_mails_and_for_telling(postern):
    with FarSide() as far:
        p = postern({"Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook"}}, "Recipients": {"home": ["hook:"]},
                     "Routes": [{"Tell": ["home"]}]}, wrap=["sh", "-c", 'ulimit -n 160; exec "$@"', "sh"])
        with Raw(p) as device:
            crowd = [Raw(p, greet=False, source=f"127.0.0.{2 + i % 50}") for i in range(200)]
            wait_until("as many as fit", lambda: p.log("smtp.refused", reason="connections"))
            picture = mails.camera(pictures=[mails.jpeg(seed=1, size=200_000)])
            for mail in (ALARM, picture):
                device.data().say(mail + b".\r\n").expect("250 2.0.0 queued")
            p.wait_events(2)
            p.wait_deliveries(2, "sent")
            for d in crowd:
                d.close()
        assert not p.log("smtp.paused")


def test_settings_that_are_wrong_do_not_stop_it(postern):
    p = postern('{ "Smtp": { "Prot": 1 }, "Recipients": { "anna": [ "nobody:1" ] } }')
    assert p.log("settings.mistake", path="Smtp:Prot")
    assert p.send(ALARM)[0] == 250


def test_settings_that_are_no_json_do_not_stop_it(postern):
    p = postern("{ this is no JSON")
    assert p.log("settings.mistake")
    assert p.send(ALARM)[0] == 250


def test_a_taken_port_is_one_clear_line(refused):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        p, code = refused({"Smtp": {"Port": port}})
    assert code == EX_UNAVAILABLE
    assert p.log("smtp.failed")[0]["text"] == f"listen on 127.0.0.1, port {port}: Address already in use"


def test_an_address_that_is_not_this_machines_is_named(refused):
    p, code = refused({"Smtp": {"Address": "192.0.2.1"}})
    assert code == EX_UNAVAILABLE
    assert p.log("smtp.failed")[0]["text"] == "listen on 192.0.2.1, port 0: Cannot assign requested address"


def test_a_taken_api_port_keeps_no_mail_out(postern):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        p = Postern(postern({}).folder.parent / "other", {"Api": {"Port": s.getsockname()[1]}})
        p.start(wait=False)
        try:
            [failed] = p.wait_log("api.failed")
            assert str(s.getsockname()[1]) in failed["text"]
            p.smtp = ("127.0.0.1", int(p.wait_log("smtp.listening")[0]["port"]))
            assert p.send(ALARM)[0] == 250
            p.wait_log("delivery.ended", state="sent")
        finally:
            p.close()


def test_a_raw_mail_that_is_gone_is_told_and_one_that_was_not_acknowledged_goes(tmp_path):
    p = Postern(tmp_path / "p", {"Inspect": {"Unreadable": 3600}}, env={"POSTERN_INSPECT": str(tmp_path / "none")})
    p.start()
    try:
        assert p.send(mails.camera(pictures=[mails.jpeg(seed=1, size=120_000)]), to="gate@house.example")[0] == 250
        [kept] = p.data.rglob("*.eml")
        p.stop()
        stray = kept.with_name("01M7YVTF4BAT4TB4CBG2W9M336.eml")
        stray.write_bytes(b"half a mail")
        kept.unlink()
        del p.env["POSTERN_INSPECT"]
        p.start()
        [event] = p.wait_events(1)
        assert event["kind"] == "unreadable" and event["device"]["id"] == "gate"
        assert p.wait_deliveries(1, "sent")
        wait_until("the stray file is gone", lambda: not stray.exists())
        assert p.api.get(f"/api/v1/arrivals/{event['arrival']}/raw").status in (404, 410)
    finally:
        p.close()


def test_nothing_of_a_process_is_left_in_shared_memory_for_the_next_of_its_pid(postern):
    p = postern()
    assert not [f for f in os.listdir("/dev/shm") if f == f"mongoc-{p.pid}"]


def test_every_line_of_a_log_in_json_is_json(postern):
    p = postern({"Log": {"Format": "json", "Level": "debug"}})
    with Raw(p) as d:
        d.say(b'MAIL FROM:<"a\x1b[2J\\"@h\xff\xc2\x9b>\r\nRCPT TO:<alarm@h>\r\n').hear()
    p.send(mails.panel("Zone:8 \x1b[31mOst\u202e 1, Innenbereich Alarm", subject="x=1 \u009b"), sender='"a b=c"@house')
    p.wait_deliveries(1, "sent")
    p.stop()
    lines = p.log_text().splitlines()
    assert {"time", "level", "at"} <= set.intersection(*[set(json.loads(line)) for line in lines])
    assert any(json.loads(line)["at"] == "mail.kept" for line in lines)
    assert not [c for c in p.log_text() if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0]


def test_a_second_process_on_the_same_folder_is_refused(postern, tmp_path):
    first = postern({})
    second = Postern(tmp_path / "second", {"Store": {"Folder": str(first.data)}})
    second.start(wait=False)
    assert second.wait_exit() == EX_CANTCREAT
    assert str(first.pid) in second.log("store.failed")[0]["text"]
    assert first.send(ALARM)[0] == 250


def test_sigterm_lets_the_conversation_finish(postern):
    p = postern({})
    s = p.connect()
    s.ehlo()
    s.mail("a@house")
    s.rcpt("alarm@house")
    os.kill(p.pid, signal.SIGTERM)
    wait_until("it stops", lambda: p.log("stopping"))
    assert s.data(ALARM)[0] == 250
    s.close()
    assert p.process.wait(20) == 0
    p.start()
    assert p.wait_events(1)


def test_sigterm_ends_an_idle_gateway_within_two_seconds(postern):
    p = postern({})
    p.send(ALARM)
    p.wait_deliveries(1, "sent")
    began = time.monotonic()
    p.stop()
    assert time.monotonic() - began < 2


def test_version_and_usage(postern):
    p = postern({})
    assert p.command("version").stdout.startswith("postern ")
    assert p.command("nonsense").returncode == 64
    assert "healthcheck" in p.command("help").stdout


def test_selftest_passes(postern):
    run = postern({}).command("selftest")
    assert run.returncode == 0, run.stdout
    assert "FAILED" not in run.stdout and "a mail is understood" in run.stdout


def test_check_reports_every_mistake_at_once(postern):
    p = postern('{ "Smtp": { "Prot": 1, "MaxMessage": 99999 }, "Site": { "TimeZone": "Mars/Olympus" } }')
    run = p.command("check")
    assert run.returncode == 1
    for path in ("Smtp:Prot", "Smtp:MaxMessage", "Site:TimeZone"):
        assert f"MISTAKE {path}:" in run.stdout
    assert "NOBODY WILL BE TOLD" in run.stdout


def test_no_dns_is_asked_on_the_way_in(postern):
    """Nothing of ours can look up a name: only libcurl does, for providers."""
    p = postern({})
    symbols = subprocess.run(["nm", "-D", "--undefined-only", p.binary], capture_output=True, text=True, check=True).stdout
    assert "curl_multi_poll" in symbols
    assert not re.findall(r"\b(?:getaddrinfo|getnameinfo|gethostby\w+|res_\w+|uv_get(?:addr|name)info)\b", symbols)
