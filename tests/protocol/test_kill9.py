"""kill -9 between every two steps: at each fault point of the source, once and again at later hits. Whatever heard 250 is an
event afterwards and reaches the provider; no message arrives twice unless its end was unknown, and then it says so."""
import collections
import contextlib
import os
import pathlib
import random
import re
import sqlite3
import threading
import time

import pytest

import mails
from farside import FarSide
from postern import Clock, Postern, points_of, rounds, wait_until

# What no mail passes: test_backup.py, test_migration.py, test_damage.py, test_import.py, test_reload.py, test_erase.py.
ELSEWHERE = ("backup.", "restore.", "migrate.", "rebuild.", "import.", "reload.", "erase.")
NUMBER, SPARE = "+491700000001", "+491700000002"


def points_in_source():
    return [point for point in points_of() if not point.startswith(ELSEWHERE)]


def plan(count):
    """(point, hit) for each round: first every point at its first hit, then by chance."""
    points, chance = points_in_source(), random.Random(9)
    assert points
    more = [(chance.choice(points), chance.randrange(2, 9)) for _ in range(count - len(points))]
    return [(p, 1) for p in points] + more


def store_settings(point, folder):
    """Raw mails go as soon as they may, or, so that there is something to cut, the pictures in them."""
    if point.startswith("forget."):
        return {"Retention": {"Pictures": {"Count": 1}}}
    return {"MaxBytes": 1, "ExportFolder": str(folder / "export"), "ExportBytes": 150_000, "Floor": 0, "FloorPercent": 0}


def settings(far, point, folder):
    return {
        "Site": {"Name": "Cabin", "TimeZone": "Europe/Vienna", "Language": "en"},
        "Accounts": {
            "sms": {"Provider": "clicksend", "Username": "u", "Token": "key-1234", "From": "House", "Url": far.url,
                    "Rate": 6000, "Burst": 100},
            "dead": {"Provider": "clicksend", "Username": "u", "Token": "key-1234", "From": "House", "Url": "http://127.0.0.1:9"},
        },
        "Recipients": {"anna": [f"sms:{NUMBER}"], "bob": [f"dead:{SPARE}", f"sms:{SPARE}"]},
        "Store": store_settings(point, folder),
        "Routes": [{"Kinds": ["*"], "Tell": ["anna", "bob"]}],
    }


class Sender(threading.Thread):
    """Sends small and large mails, each on a connection of its own, until told or cut off; notes what heard 250."""

    def __init__(self, p, tag):
        super().__init__()
        self.p, self.tag, self.kept, self.is_over = p, tag, set(), threading.Event()

    def mail(self, i):
        text = f"Zone:{i} {self.tag}x{i}y, " + ("Innenbereich Alarm" if i % 2 else "DC Open - Mobility")
        if i % 3 == 2:
            return mails.camera(subject=text, text=text, pictures=[mails.jpeg(seed=i, size=60000)])
        return mails.panel(text)

    def run(self):
        for i in range(1, 1000):
            if self.is_over.is_set():
                return
            try:
                if self.p.send(self.mail(i))[0] == 250:
                    self.kept.add(f"{self.tag}x{i}y")
            except OSError:  # smtplib's errors are OSErrors, too
                if not self.p.is_running():
                    return
            time.sleep(0.05)


def drive(p, clock, seconds):
    """Two senders while the clock hurries on, until the fault point ends it all, or time is up. What heard 250."""
    senders = [Sender(p, f"s{n}") for n in range(2)]
    for s in senders:
        s.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and p.is_running():
        time.sleep(0.3)
        clock.advance(40_000)  # so that the second way of bob's begins
    for s in senders:
        s.is_over.set()
    for s in senders:
        s.join()
    return senders[0].kept | senders[1].kept


def is_settled(p, clock):
    clock.advance(20_000)
    return not p.owed()


def markers_in(text):
    return set(re.findall(r"s\dx\d+y", text or ""))


def markers_by_event(p):
    return {e["id"]: markers_in(e.get("text", "")) | markers_in((e.get("zone") or {}).get("name", "")) for e in p.events()}


def without_event(by_event, kept):
    return kept - set().union(*by_event.values())


def check_told(p, far, kept):
    by_event = markers_by_event(p)
    gone = without_event(by_event, kept)
    assert not gone, f"acknowledged, but no event: {sorted(gone)}"
    told = collections.defaultdict(set)
    for d in p.deliveries("sent"):
        told[d["recipient"]] |= by_event.get(d["event"], set())
    for name in ("anna", "bob"):
        assert kept <= told[name], f"{name} was not told of {sorted(kept - told[name])}"


def check_once(p, far):
    """By the message's id, as the provider saw it."""
    seen = collections.Counter(sms["custom_string"] for r in far.requests for sms in r.json["messages"])
    messages = {d["message"]["id"]: d["message"] for d in p.deliveries() if d.get("message")}
    for name, count in seen.items():
        assert name in messages, f"message {name} arrived, but nobody knows it"
        assert count == 1 or (count == 2 and messages[name].get("maybe_twice")), (count, messages[name])


def files_and_rows(p, folder):
    """What lies in the export folder, and what should."""
    db = sqlite3.connect(f"file:{p.data / 'postern.db'}?mode=ro", uri=True)
    rows = db.execute("SELECT stem, extension, event, n, bytes FROM exported WHERE bytes IS NOT NULL").fetchall()
    db.close()
    there = {}
    for f in (pathlib.Path(top) / name for top, _, names in os.walk(folder) for name in names):
        with contextlib.suppress(FileNotFoundError):  # the oldest go while we look
            there[str(f.relative_to(folder))] = f.stat().st_size
    return there, rows


def is_exported(p, folder):
    there, rows = files_and_rows(p, folder)
    names = {name for stem, extension, *_ in rows for name in (f"{stem}.{extension}", f"{stem}.json")}
    sizes = all(there[f"{stem}.{extension}"] + there[f"{stem}.json"] == size for stem, extension, _, _, size in rows) if names == set(there) else False
    return sizes and sum(there.values()) <= 150_000


def check_files(p, folder):
    """Exported pictures are there whole, once, and nothing else is; kept mails are what their rows say."""
    if folder.exists():
        wait_until("the export folder is as its rows", lambda: is_exported(p, folder), 30, 0.2)
    if (p.data / "arrivals").exists():
        wait_until("the mails are what was kept", lambda: p.command("verify").returncode == 0, 30, 0.5)


@pytest.mark.parametrize("point,hit", [pytest.param(*case, id=f"{n:03}-{case[0]}:{case[1]}")
                                       for n, case in enumerate(plan(rounds("kill9", 40)))])
def test_a_kill_in_between_loses_nothing(tmp_path, point, hit):
    clock = Clock(tmp_path / "clock")
    with FarSide() as far:
        p = Postern(tmp_path / "postern", settings(far, point, tmp_path), build="plain", clock=clock, fault=f"{point}:{hit}")
        p.start(wait=False)
        kept = set()
        try:
            p.wait_ready()
            kept = drive(p, clock, 8 if hit == 1 else 3)
        except AssertionError:
            if p.is_running():
                raise  # else the point lies before the listeners are there
        if p.is_running():
            assert hit > 1, f"{point} was never passed"
            p.kill9()
        else:
            p.wait_killed()
            assert p.hits()[point] >= hit
        p.restart()
        assert p.send(mails.panel("Zone:1 s9x1y, Innenbereich Alarm"))[0] == 250  # it goes on
        kept.add("s9x1y")
        wait_until("nothing is owed any more", lambda: is_settled(p, clock), 30, 0.2)
        wait_until("all that heard 250 are events", lambda: not without_event(markers_by_event(p), kept), 30, 0.2)
        wait_until("nothing is owed any more", lambda: is_settled(p, clock), 30, 0.2)
        check_told(p, far, kept)
        check_once(p, far)
        check_files(p, tmp_path / "export")
        p.stop()
    clock.close()
