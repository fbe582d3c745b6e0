"""The test tools themselves: what they build is what they say, and they notice what they must notice."""
import json
import pathlib
import struct
import subprocess
import sys

import mails
import postern as harness


def test_mails_are_the_same_on_every_run():
    assert mails.jpeg(7, 5000) == mails.jpeg(7, 5000) != mails.jpeg(8, 5000)
    assert mails.camera(pictures=[mails.jpeg(1)]) == mails.camera(pictures=[mails.jpeg(1)])


def test_every_line_of_a_mail_ends_in_cr_lf():
    for mail in (mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), mails.camera(pictures=[mails.jpeg()]), mails.plain("a\nb")):
        assert mail.endswith(b"\r\n") and mail.count(b"\n") == mail.count(b"\r\n")


def test_a_picture_reaches_the_size_asked_for():
    for size in (0, 264, 1000, 70_000, 200_000):
        picture = mails.jpeg(1, size)
        assert len(picture) >= size and picture[:3] == b"\xff\xd8\xff" and picture[-2:] == b"\xff\xd9"


def test_log_lines_are_read_in_both_formats():
    line = 'time=2026-11-21T03:12:45.123Z level=info at=mail.kept peer=10.0.0.1 text="a \\"b\\" c=d" bytes=812'
    assert harness.read_line(line)["text"] == 'a "b" c=d' and harness.read_line(line)["bytes"] == "812"
    assert harness.read_line('{"time":"x","at":"mail.kept","bytes":812}') == {"time": "x", "at": "mail.kept", "bytes": "812"}


def test_sanitizer_reports_are_recognised():
    for said in ("==12==ERROR: AddressSanitizer: heap-use-after-free on", "a.c:3:5: runtime error: signed integer overflow",
                 "WARNING: ThreadSanitizer: data race (pid=3)", "==7==ERROR: LeakSanitizer: detected memory leaks"):
        assert harness.SANITIZER.search(said)
    assert not harness.SANITIZER.search("level=error at=store.failed text=\"disk full\"")


def test_the_clock_file_holds_two_native_numbers(clock):
    clock.advance(3_600_000)
    clock.step(-5)
    assert struct.unpack("=qq", clock.path.read_bytes()) == (3_599_995, 3_600_000)


def test_the_tally_counts_cases_crashes_and_skips(tmp_path):
    (tmp_path / "checks").write_text("passed layers\nskipped tsan\n")
    runs = [{"result": "OK", "stdout": "[==========] 3 test(s) run.\n[  PASSED  ] 3 test(s).\n"},
            {"result": "FAIL", "stdout": "[  PASSED  ] 1 test(s).\n[  FAILED  ] 2 test(s), listed below:\n"},
            {"result": "FAIL", "stdout": "", "stderr": "ERROR: AddressSanitizer"}]
    (tmp_path / "unit.meson.json").write_text("\n".join(map(json.dumps, runs)))
    (tmp_path / "p.junit.xml").write_text('<testsuites><testsuite tests="5" failures="1" errors="0" skipped="1"/></testsuites>')
    tally = pathlib.Path(harness.ROOT / "tests/tally.py")
    run = subprocess.run([sys.executable, tally, tmp_path], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines()[-1] == "8 passed, 4 failed, 2 skipped" and run.returncode == 1
