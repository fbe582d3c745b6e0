"""Every pair tests/data/<parser>/<name>.eml + .json: what postern-inspect must print. And that the comparison can fail."""
import copy
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD", ROOT / "build" / "asan"))
PROGRAM = BUILD / "postern-inspect"
SAMPLES = sorted(path.with_suffix(".json") for path in ROOT.glob("tests/data/*/*.eml") if path.parent.name != "unknown")


def name_of(path):
    return f"{path.parent.name}/{path.stem}"


def inspect(path, sample):
    command = [PROGRAM, path.with_suffix(".eml"), *sample["arguments"]]
    done = subprocess.run(command, capture_output=True, timeout=30, env={"TZ": "UTC"})
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stderr == b""
    return json.loads(done.stdout)


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_a_sample_is_understood_as_its_facts_say(path):
    sample = json.loads(path.read_text(encoding="utf-8"))
    printed = inspect(path, sample)
    assert printed == sample["expect"]
    for changed in every_change_of(sample["expect"]):
        assert printed != changed


@pytest.mark.parametrize("size", [0, 100_000, 131_072, 3_000_000])
def test_a_mail_from_a_pipe_is_the_same_as_from_a_file(size, tmp_path):
    mail = b"Subject: x\r\n\r\nZone:8 Ost 1, Innenbereich Alarm\r\n".ljust(size, b".")
    (tmp_path / "mail.eml").write_bytes(mail)
    from_file = subprocess.run([PROGRAM, tmp_path / "mail.eml"], capture_output=True, timeout=30)
    from_pipe = subprocess.run([PROGRAM, "-"], input=mail, capture_output=True, timeout=30)
    assert from_file.returncode == from_pipe.returncode == 0, from_pipe.stderr
    assert from_file.stdout == from_pipe.stdout
    assert json.loads(from_pipe.stdout)["events"][0]["kind"] == "alarm.interior"


def test_what_is_no_file_is_said_in_one_line():
    done = subprocess.run([PROGRAM, "/nonexistent.eml"], capture_output=True, timeout=30)
    assert done.returncode == 66 and done.stdout == b"" and done.stderr.count(b"\n") == 1


def every_change_of(value):
    """The value with one leaf changed or one member left out, for each leaf and member."""
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            for changed in every_change_of(value[key]):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield value[:i] + value[i + 1:]
            for changed in every_change_of(item):
                yield [*value[:i], changed, *value[i + 1:]]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    else:
        yield value + "x"


def test_the_meta_test_changes_every_field():
    value = {"a": 1, "b": [{"c": "x", "d": False}]}
    before = copy.deepcopy(value)
    changes = list(every_change_of(value))
    assert len(changes) == 2 + 1 + 1 + 2 + 2
    assert all(changed != value for changed in changes)
    assert value == before


@pytest.mark.parametrize("device", ["abode", "axis", "camera", "contact-id", "dahua", "egardia", "foscam", "hikvision", "lupusec", "makers",
                                    "motioneye", "plain", "reolink"])
def test_a_device_has_samples(device):
    assert sum(path.parent.name == device for path in SAMPLES) >= 6


@pytest.mark.parametrize("path", [path for path in SAMPLES if path.parent.name in {"hikvision", "dahua", "reolink"}], ids=name_of)
def test_a_sample_says_whether_anybody_has_seen_such_a_mail(path):
    sample = json.loads(path.read_text(encoding="utf-8"))
    assert sample.keys() - {"note"} in ({"arguments", "expect", "source"}, {"arguments", "expect", "invented"})
    assert sample.get("invented", True) is True
