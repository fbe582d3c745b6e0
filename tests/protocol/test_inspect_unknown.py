"""The mails that no parser knows (tests/data/unknown/make.py): each is told, in its own words."""
import importlib.util
import json
import os
import pathlib
import re
import subprocess

import pytest

from postern import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD", ROOT / "build" / "asan"))
FOLDER = ROOT / "tests" / "data" / "unknown"
spec = importlib.util.spec_from_file_location("unknown", FOLDER / "make.py")
unknown = importlib.util.module_from_spec(spec)
spec.loader.exec_module(unknown)


def visible(text, most=300):
    """The first so many characters that are no blank, runs of blanks as one."""
    seen, out = 0, ""
    for word in text.split():
        out += (" " if out else "") + word[:most - seen]
        seen += len(word)
        if seen >= most:
            break
    return out


def told(shape):
    subject, text = visible(shape.subject), visible(shape.text)
    if not subject or re.match(re.escape(subject) + r"(?!\w)", text):
        return text
    return f"{subject}: {text}" if text else subject


@pytest.mark.parametrize("shape", unknown.SHAPES, ids=lambda s: s.name)
def test_an_unknown_mail_is_told_in_its_own_words(shape, tmp_path):
    path = FOLDER / f"{shape.name}.eml" if unknown.is_stored(shape) else tmp_path / "mail.eml"
    if unknown.is_stored(shape):
        assert path.read_bytes() == shape.mail  # the stored one is what make.py writes
    else:
        path.write_bytes(shape.mail)
    command = [BUILD / "postern-inspect", path, "--recipient", "postern@home.example", "--from", "somebody@example.org"]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    events = json.loads(done.stdout)["events"]
    assert [(e["kind"], e.get("text", "")) for e in events] == [(shape.kind, told(shape))]


def test_a_gateway_tells_each_of_them(postern):
    p = postern()
    arrivals = {}
    with p.connect() as s:
        for shape in unknown.SHAPES:
            s.ehlo_or_helo_if_needed()
            s.mail("somebody@example.org")
            s.rcpt("postern@house.example")
            code, text = s.data(shape.mail)
            assert code == 250, (shape.name, text)
            arrivals[text.decode().split()[-1]] = shape

    def understood():
        events = [e for e in p.events() if "arrival" in e]
        return events if len(events) == len(unknown.SHAPES) else None

    events = {arrivals[e["arrival"]].name: (e["kind"], e.get("text", "")) for e in wait_until("all events", understood, 60)}
    assert events == {shape.name: (shape.kind, told(shape)) for shape in unknown.SHAPES}


def test_every_charset_of_the_table_has_a_mail():
    table = re.search(r"charsets\[\] = \{(.*?)\};", (ROOT / "parsers" / "charset.c").read_text(), re.S).group(1)
    assert set(re.findall(r'\{ "([^"]+)"', table)) == set(unknown.CHARSETS)


def test_nothing_is_stored_that_has_no_row():
    assert {path.stem for path in FOLDER.glob("*.eml")} == {shape.name for shape in unknown.SHAPES if unknown.is_stored(shape)}
