"""Disks that fail: full, read-only, with errors at each write and sync of the path. What cannot be kept is not acknowledged,
and what was acknowledged is kept; when the disk works again, so do we, without a restart."""
import time

import pytest

import mails
from postern import Postern, at_least, merge, wait_until

PICTURE = mails.camera(pictures=[mails.jpeg(seed=1, size=120_000)])
ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")


class Disk:
    """The rules that tests/preload/diskfail.c follows."""

    def __init__(self, tmp_path, data):
        self.rules, self.hits_path = tmp_path / "rules", tmp_path / "hits"
        self.stamp = 0
        self.env = {"DISKFAIL_FOLDER": str(data), "DISKFAIL_RULES": str(self.rules), "DISKFAIL_HITS": str(self.hits_path)}
        self.works()

    def fails(self, *rules):
        fresh = self.rules.with_suffix(".new")
        fresh.write_text("".join(f"{rule}\n" for rule in rules))
        fresh.rename(self.rules)

    def works(self):
        self.fails()

    def hits(self):
        return self.hits_path.read_text().splitlines() if self.hits_path.exists() else []


@pytest.fixture
def failing(tmp_path):
    """A daemon and its disk: start(settings)."""
    made = []

    def start(settings=None, rules=(), wait=True):
        folder = tmp_path / "postern"
        disk = Disk(tmp_path, folder / "data")
        disk.fails(*rules)
        small = {"Store": {"Reserve": 4, "Floor": 0, "FloorPercent": 0}}  # these disks are below every floor from the start
        p = Postern(folder, merge(small, settings or {}), build="plain", preload="diskfail", env=disk.env)
        made.append(p)
        p.start(wait=wait)
        return p, disk

    yield start
    for p in made:
        p.close()


def reply(p, mail):
    code, text = p.send(mail)
    return code


def ready(p):
    answer = p.api.get("/readyz")
    return answer.status, answer.text


# --- errors at each step of the path --------------------------------------------------------------------------------

STEPS = [
    ("create arrivals/*.eml 1 EIO", PICTURE),
    ("write arrivals/*.eml 1 EIO", PICTURE),
    ("sync arrivals/*.eml 1 EIO", PICTURE),
    ("sync arrivals/????/??/?? 1 EIO", PICTURE),
    ("write *-wal 1 EIO", ALARM),
    ("write *-wal 2 EIO", ALARM),
    ("sync *-wal 1 EIO", ALARM),
    ("sync *-wal 1 EIO", PICTURE),
]


@pytest.mark.parametrize("rule,mail", STEPS, ids=[f"{r.replace(' ', '-').replace('/', '_')}-{'large' if m is PICTURE else 'small'}" for r, m in STEPS])
def test_one_error_costs_one_mail_a_451_and_nothing_else(failing, rule, mail):
    p, disk = failing()
    assert reply(p, ALARM) == 250
    assert reply(p, PICTURE) == 250
    p.wait_events(2)
    p.wait_settled()
    time.sleep(1.3)  # a checkpoint, too, and the day's folders
    disk.fails(rule)
    first = reply(p, mail)
    assert len(disk.hits()) == 1, f"{rule} was never met"
    assert first == 451
    assert reply(p, mail) == 250
    from_mails = wait_until("the mails are events", lambda: at_least(3, [e for e in p.events() if "arrival" in e]))
    assert len(from_mails) == 3
    large = list((p.data / "arrivals").rglob("*.eml"))
    assert len(large) == (2 if mail is PICTURE else 1), "a file that was not acknowledged is left behind"
    status, _ = ready(p)
    assert status == 200


def test_three_failed_syncs_make_readyz_red_until_the_disk_works(failing):
    p, disk = failing()
    assert reply(p, ALARM) == 250
    assert ready(p)[0] == 200
    disk.fails("sync *-wal 1+ EIO")
    assert [reply(p, ALARM) for _ in range(4)] == [451] * 4
    wait_until("readyz is red", lambda: ready(p)[0] == 503, 10)
    disk.works()
    wait_until("readyz finds out by itself", lambda: ready(p)[0] == 200, 15)
    assert reply(p, ALARM) == 250


def test_folders_that_cannot_be_made_are_said(failing):
    p, disk = failing(rules=["mkdir arrivals* 1+ EROFS"])
    assert reply(p, PICTURE) == 451
    assert reply(p, ALARM) == 250
    disk.works()
    assert reply(p, PICTURE) == 250


# --- read-only ------------------------------------------------------------------------------------------------------

READ_ONLY = ["open * 1+ EROFS", "write * 1+ EROFS", "sync * 1+ EROFS", "mkdir * 1+ EROFS"]


def test_a_disk_that_turns_read_only_refuses_all_and_comes_back(failing):
    p, disk = failing()
    assert reply(p, ALARM) == 250
    p.wait_events(1)
    disk.fails(*READ_ONLY)
    assert [reply(p, ALARM) for _ in range(4)] == [451] * 4
    assert reply(p, PICTURE) == 451
    wait_until("readyz is red", lambda: ready(p)[0] == 503, 10)
    assert p.events(), "what is kept can still be read"
    disk.works()
    wait_until("readyz finds out by itself", lambda: ready(p)[0] == 200, 15)
    assert reply(p, ALARM) == 250
    assert reply(p, PICTURE) == 250
    p.wait_events(3)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_read_only_folder_at_the_start_is_one_clear_line(failing, tmp_path, is_there):
    if is_there:
        (tmp_path / "postern" / "data").mkdir(parents=True)
    p, disk = failing(rules=READ_ONLY, wait=False)
    assert p.wait_exit() != 0
    assert "Read-only file system" in p.log_text() and str(p.data if is_there else p.data.parent) in p.log_text()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_read_only_database_at_the_start_is_one_clear_line(failing, is_there):
    """Beside a folder that can be written: another's file, a mount of one file."""
    p, disk = failing()
    assert reply(p, ALARM) == 250
    p.wait_events(1)
    p.stop()
    if not is_there:
        (p.data / "postern.db").unlink()
    disk.fails("open postern.db* 1+ EROFS", "create postern.db* 1+ EROFS")
    p.start(wait=False)
    assert p.wait_exit() != 0
    assert [line for line in p.log_text().splitlines() if "postern.db" in line and ("Read-only" in line or "can only be read" in line)]
    disk.works()
    p.start()
    assert reply(p, ALARM) == 250


# --- full -----------------------------------------------------------------------------------------------------------

def fill(p, limit=400):
    """Camera mails until the first refusal: how many were kept, and the code of the refusal."""
    for n in range(limit):
        code = reply(p, PICTURE)
        if code != 250:
            return n, code
    raise AssertionError("the disk never became full")


def test_a_hundred_alarms_after_the_disk_was_filled_are_kept_and_told(failing):
    p, disk = failing({"Store": {"Reserve": 4, "MaxBytes": 1 << 40}}, rules=["quota * 20000000 ENOSPC"])
    wait_until("the reserve is there", lambda: (p.data / "reserve").exists(), 10)
    kept, code = fill(p)
    assert kept > 20 and code == 452
    codes = [reply(p, mails.panel(f"Zone:{n} Raum {n}, Innenbereich Alarm")) for n in range(1, 101)]
    assert codes == [250] * 100
    assert reply(p, PICTURE) == 452, "what is left is for small ones"
    wait_until("all alarms are events", lambda: len(p.events("kind=alarm.*")) == 100, 60)
    p.wait_settled(60)
    assert len({d["event"] for d in p.deliveries("sent")} & {e["id"] for e in p.events("kind=alarm.*")}) == 100
    wait_until("the full disk is an event", lambda: p.events("kind=system.storage"), 10)
    assert [r for r in p.api.get("/readyz?verbose").json["reasons"] if r["reason"] == "disk"] and ready(p) == (200, "degraded\n")
    # all that was acknowledged is there, and what was refused left nothing behind
    assert len(list((p.data / "arrivals").rglob("*.eml"))) == kept


def test_room_again_is_noticed_without_a_restart(failing):
    p, disk = failing({"Store": {"Reserve": 4, "MaxBytes": 1 << 40}}, rules=["quota * 12000000 ENOSPC"])
    wait_until("the reserve is there", lambda: (p.data / "reserve").exists(), 10)
    fill(p)
    assert not (p.data / "reserve").exists()
    wait_until("the full disk is told", lambda: p.events("kind=system.storage"), 10)
    disk.fails("quota * 200000000 ENOSPC")
    wait_until("the reserve is back", lambda: (p.data / "reserve").exists(), 10)
    assert reply(p, PICTURE) == 250
    wait_until("and it is told", lambda: [e for e in p.events("kind=system.storage") if e.get("restored")], 10)


def test_below_the_floor_large_mails_are_refused_and_small_ones_kept(failing):
    """100 MB are free, and 64 MiB are the floor; then 50 MB are. The reserve is never touched."""
    p, disk = failing({"Store": {"Floor": 64, "MaxBytes": 1 << 40}}, rules=["quota * 100000000 ENOSPC"])
    wait_until("the reserve is there", lambda: (p.data / "reserve").exists(), 10)
    assert reply(p, PICTURE) == 250 and not p.events("kind=system.storage")
    disk.fails("quota * 50000000 ENOSPC")
    wait_until("large ones are refused", lambda: reply(p, PICTURE) == 452, 10)
    assert reply(p, ALARM) == 250
    assert p.send(PICTURE)[1].startswith("4.3.1 the disk is nearly full")
    wait_until("it is told", lambda: p.events("kind=system.storage"), 10)
    [reason] = [r for r in p.api.get("/readyz?verbose").json["reasons"] if r["reason"] == "disk"]
    assert "Store:Floor" in str(reason) and ready(p) == (200, "degraded\n")
    assert (p.data / "reserve").exists()
    disk.fails("quota * 150000000 ENOSPC")
    assert reply(p, ALARM) == 250
    wait_until("large ones again", lambda: reply(p, PICTURE) == 250, 10)
    wait_until("and it is told", lambda: [e for e in p.events("kind=system.storage") if e.get("restored")], 10)


def test_full_to_the_last_byte_refuses_and_loses_nothing(failing):
    p, disk = failing()
    assert reply(p, ALARM) == 250
    p.wait_events(1)
    disk.fails("write * 1+ ENOSPC")
    assert reply(p, ALARM) in (451, 452)
    assert reply(p, PICTURE) == 452
    disk.works()
    wait_until("small mails are kept again", lambda: reply(p, ALARM) == 250, 15)
    wait_until("large ones too", lambda: reply(p, PICTURE) == 250, 15)
    p.restart()
    assert len(p.wait_events(3)) >= 3


def test_mails_that_come_alone_spare_the_card(postern):
    p = postern(build="release")  # the builds for tests copy the log every second
    database = p.data / "postern.db"
    before = database.stat().st_mtime_ns
    for i in range(5):
        p.send(mails.panel(f"Zone:{i + 1} Tor, Innenbereich Alarm"))
    p.wait_events(5)
    time.sleep(2.5)
    assert database.stat().st_mtime_ns == before  # the pages that all of them wrote are copied once, later
    p.kill9()
    p.start()
    assert sorted(e["zone"]["number"] for e in p.events("kind=alarm.*")) == [1, 2, 3, 4, 5]
    p.stop()
    assert database.stat().st_mtime_ns > before and not (p.data / "postern.db-wal").exists()
