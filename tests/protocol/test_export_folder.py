"""Store:ExportFolder: each picture for other programs, too. Whatever becomes of that folder, mails are kept and told as before."""
import contextlib
import json
import os
import pathlib
import re
import time

import pytest

import mails
from postern import Postern, at_least, merge, wait_until

FLOOR = {"Floor": 0, "FloorPercent": 0}  # the disk of the tests may be nearly full
DAY_MS = 86_400_000


def settings(folder, **more):
    return {"Site": {"Name": "Cabin", "TimeZone": "Europe/Vienna"}, "Store": {**FLOOR, "ExportFolder": str(folder), **more}}


def files(folder, ending=".jpg"):
    """os.walk passes over folders that go while it looks."""
    return sorted(pathlib.Path(top) / name for top, _, names in os.walk(folder) for name in names if name.endswith(ending))


def contents(folder):
    """What the pictures are; one may go while we look."""
    found = set()
    for f in files(folder):
        with contextlib.suppress(FileNotFoundError):
            found.add(f.read_bytes())
    return found


def show(p, *pictures, **more):
    assert p.send(mails.camera(pictures=pictures, **more), to="einfahrt@house.example")[0] == 250


def wait_pictures(folder, count):
    return wait_until(f"{count} pictures lie there", lambda: at_least(count, files(folder)), 30)


def test_each_picture_lies_there_beside_its_event_once(postern, tmp_path):
    folder = tmp_path / "export"
    p = postern(settings(folder))
    show(p, mails.jpeg(1), mails.jpeg(2, size=90_000))
    show(p, mails.jpeg(3))
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    found = wait_pictures(folder, 3)
    assert sorted(f.read_bytes() for f in found) == sorted([mails.jpeg(1), mails.jpeg(2, size=90_000), mails.jpeg(3)])
    events = {e["id"]: e for e in p.events("kind=camera.*")}
    for f in found:
        device, day, name = f.relative_to(folder).parts
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", day) and re.fullmatch(r"\d{6}-\d+\.jpg", name)
        beside = json.loads(f.with_suffix(".json").read_text())
        event = events[beside["id"]]
        assert device == event["device"]["id"]
        assert beside["file"] == name and {m["n"]: m for m in event["media"]}[beside["medium"]]["bytes"] == f.stat().st_size
        assert {k: v for k, v in beside.items() if k not in ("file", "medium")} == event
    # its way back: neither left out nor twice
    p.kill9()
    p.restart()
    show(p, mails.jpeg(4))
    show(p, mails.jpeg(5))
    wait_pictures(folder, 5)
    p.restart()
    show(p, mails.jpeg(6))
    found = wait_pictures(folder, 6)
    assert sorted(f.read_bytes() for f in found[:]) == sorted(mails.jpeg(n) if n != 2 else mails.jpeg(2, size=90_000) for n in range(1, 7))
    assert not files(folder, ".partial") and len(files(folder, ".json")) == 6
    # what is erased goes here, too
    gone = json.loads(found[0].with_suffix(".json").read_text())["id"]
    left = [f for f in found if json.loads(f.with_suffix(".json").read_text())["id"] != gone]
    assert p.api.request("DELETE", f"/api/v1/events/{gone}?confirm=1").json["erased"] == 1
    wait_until("its pictures are gone", lambda: files(folder) == left and len(files(folder, ".json")) == len(left))
    wait_until("and nothing is left to do", lambda: p.api.get("/api/v1/erasures").json["complete"])


def test_nothing_that_a_stranger_says_makes_a_path(postern, tmp_path):
    folder = tmp_path / "export"
    p = postern(settings(folder))
    for n, name in enumerate(["../../../etc/x", "..", ".hidden", "a/b", "x" * 200, "Küche", "a..b", "con\x01trol"]):
        local = name.encode("ascii", "replace").decode().replace("\x01", "?")
        mail = mails.camera(pictures=[mails.jpeg(n)], sender=f'"{local}"@house.example', names=[f"../{name}/../../x.jpg"])
        assert p.send(mail, to=f'"{local}"@house.example', sender=f'"{local}"@house.example')[0] == 250
    found = wait_pictures(folder, 8)
    for f in found:
        device, day, _ = f.relative_to(folder).parts
        assert re.fullmatch(r"[A-Za-z0-9_@-][A-Za-z0-9_.@-]{0,46}", device) and ".." not in device and not device.endswith(".")
    assert {f for f in tmp_path.iterdir()} == {folder, p.folder}


def test_the_oldest_go_by_days_and_by_bytes_and_strangers_files_stay(postern, tmp_path, clock):
    folder = tmp_path / "export"
    p = postern(settings(folder, ExportDays=10, ExportBytes=200_000), clock=clock)
    stranger = folder / "einfahrt" / "mine.jpg"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"mine")
    for n in range(1, 6):  # four of them are too many
        show(p, mails.jpeg(n, size=60_000))
    wait_until("the newest three are there", lambda: contents(folder) == {b"mine"} | {mails.jpeg(n, size=60_000) for n in (3, 4, 5)})
    for _ in range(12):  # the clock is believed: it does not step
        clock.advance(DAY_MS)
    show(p, mails.jpeg(9))
    wait_until("only the youngest is left", lambda: contents(folder) == {b"mine", mails.jpeg(9)})
    assert len(files(folder, ".json")) == 1
    wait_until("they are counted", lambda: p.metric("postern_exported_pictures_total") == 6)


# --- trouble --------------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(tmp_path, clock):
    """A daemon whose folder does what the rules say."""
    made = []

    def start(*rules, **more):
        daemon = tmp_path / "postern"
        files = {"DISKFAIL_FOLDER": str(daemon), "DISKFAIL_RULES": str(tmp_path / "rules"), "DISKFAIL_HITS": str(tmp_path / "hits")}
        say(tmp_path, *rules)
        p = Postern(daemon, merge(settings(daemon / "export"), more), build="plain", preload="diskfail", env=files, clock=clock)
        made.append(p)
        return p.start()

    yield start
    say(tmp_path)
    for p in made:
        p.close()


def say(tmp_path, *rules):
    fresh = tmp_path / "rules.new"
    fresh.write_text("".join(f"{rule}\n" for rule in rules))
    fresh.rename(tmp_path / "rules")


def check_nobody_waits(p):
    """Mails hear 250 and are told, whatever the folder does."""
    before = len(p.events("kind=alarm.*"))
    for n in range(5):
        assert p.send(mails.panel(f"Zone:{n} Ost 1, Innenbereich Alarm"))[0] == 250
    p.wait_events(before + 5, "kind=alarm.*")


@pytest.mark.parametrize("rule", ["write export/* 1+ ENOSPC", "create export/* 1+ HANG"])
def test_a_folder_that_fails_is_said_once_and_caught_up_with(failing, tmp_path, clock, rule):
    p = failing(rule)
    show(p, mails.jpeg(1))
    wait_until("the folder has been met", lambda: (tmp_path / "hits").exists())
    check_nobody_waits(p)
    clock.advance(31_000)
    wait_until("it is a reason", lambda: "export" in p.reasons(), 10)
    clock.advance(61_000)
    wait_until("it is told", lambda: p.events("kind=system.storage"), 10)
    check_nobody_waits(p)
    clock.advance(61_000)
    show(p, mails.jpeg(2))
    say(tmp_path)
    wait_pictures(p.folder / "export", 2)
    wait_until("all is well", lambda: "export" not in p.reasons(), 10)
    wait_until("and it is told", lambda: len(p.events("kind=system.storage")) == 2, 10)
    assert [bool(e.get("restored")) for e in p.events("kind=system.storage")] == [True, False]
    assert not files(p.folder / "export", ".partial")


def test_a_stop_waits_for_no_folder(failing, tmp_path):
    p = failing("create export/* 1+ HANG")
    show(p, mails.jpeg(1))
    wait_until("it hangs", lambda: (tmp_path / "hits").exists())
    begun = time.monotonic()
    p.stop()
    assert time.monotonic() - begun < 10
    say(tmp_path)
    p.start()
    wait_pictures(p.folder / "export", 1)


@pytest.mark.parametrize("where", ["data/export", "."])
def test_a_folder_within_the_data_is_refused(postern, tmp_path, where):
    p = postern(settings(tmp_path / "postern" / where))
    assert "Store:ExportFolder" in p.command("check").stdout
    assert "must not lie in each other" in wait_until("it is a reason", lambda: p.reasons().get("export"), 10)
    show(p, mails.jpeg(1))
    p.wait_events(1, "kind=camera.*")
    assert not [f for f in tmp_path.rglob("*.jpg")]
