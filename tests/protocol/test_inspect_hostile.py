"""The hostile set (tests/data/hostile/make.py): each mail ends as its table says, and in time, on the tested build and, where it
was built, on the release build."""
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD", ROOT / "build" / "asan"))
RELEASE = pathlib.Path(os.environ.get("POSTERN_RELEASE", ROOT / "build" / "release"))
spec = importlib.util.spec_from_file_location("hostile", ROOT / "tests" / "data" / "hostile" / "make.py")
hostile = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hostile)


def end_of(build, path):
    """The kind the mail is understood as, or "killed"; and the seconds it took."""
    began = time.monotonic()
    done = subprocess.run([build / "postern-inspect", path, "--recipient", "status@h"], capture_output=True, timeout=60)
    took = time.monotonic() - began
    if done.returncode == 0:
        return json.loads(done.stdout)["events"][0]["kind"], took
    # GLib aborts when malloc fails; a sanitizer says so and leaves by exit. Nothing else may end it: a system call that the
    # filter does not know (SIGSYS) or a wild pointer (SIGSEGV) is a mistake of ours.
    is_sanitizer_limit = b"hard rss limit exhausted" in done.stderr or b"out of memory" in done.stderr
    assert done.returncode in (-signal.SIGABRT, -signal.SIGTRAP) or is_sanitizer_limit, done.stderr[-2000:]
    return "killed", took


def builds():
    for name, build in (("tested", BUILD), ("release", RELEASE)):
        if (build / "postern-inspect").exists():
            yield pytest.param(build, id=name)


@pytest.mark.parametrize("build", list(builds()))
@pytest.mark.parametrize("mail", hostile.HOSTILE, ids=lambda h: h.name)
def test_a_hostile_mail_ends_as_its_table_says(build, mail, tmp_path):
    path = tmp_path / "mail.eml"
    path.write_bytes(mail.make())
    end, took = end_of(build, path)
    assert end == mail.end
    assert took < mail.seconds


def test_the_set_is_the_same_every_time():
    for mail in hostile.HOSTILE:
        assert mail.make() == mail.make()
