"""A database of an older version is brought to ours: a copy first, mails hear 451 meanwhile and are kept afterwards, and a kill at
any step costs nothing but the step."""
import shutil
import sqlite3

import pytest

import mails
from postern import Api, Postern, ROOT, wait_until

OLD = ROOT / "tests" / "data" / "schema" / "3"
ALARM = mails.panel("Zone:77 Neuzugang, Innenbereich Alarm")  # the old folder holds alarms, too: this name none of them has
ROWS = """
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)
INSERT INTO events(id, n, received_ms, parser, kind, restored, severity, device, text)
SELECT printf('01HZ%022d', i), 1, 1795000000000 + i * 60000, 'lupusec', 'alarm.burglary', 0, 2, 'alarm', 'Tür ' || i FROM c
"""


@pytest.fixture
def old(tmp_path):
    """A daemon, not yet started, on a folder of version 3 with so many more events."""
    made = []

    def make(rows, **options):
        p = Postern(tmp_path / "postern", {}, **options)
        shutil.copytree(OLD, p.data)
        with sqlite3.connect(p.data / "postern.db") as db:
            (there,) = db.execute("SELECT count(*) FROM events").fetchone()
            db.execute(ROWS, (rows,))
            db.execute("DELETE FROM media")  # made up: it lies beyond its arrival
            (count,) = db.execute("SELECT count(*) FROM events").fetchone()
        assert count == rows + there
        p.before = count
        made.append(p)
        return p

    yield make
    for p in made:
        p.close()


def ours(p):
    """What is in the database, as SQLite says itself."""
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM events").fetchone()[0], db.execute("SELECT sum(n) FROM tallies").fetchone()[0]


def test_mails_hear_451_while_it_lasts_and_are_kept_afterwards(old):
    p = old(120_000)
    p.start(wait=False)
    p.smtp = ("127.0.0.1", int(p.wait_log("smtp.listening")[0]["port"]))
    waiting = Api(int(p.wait_log("api.waiting")[0]["port"]))
    ready = waiting.get("/readyz")
    assert (ready.status, ready.text) == (503, "migrating\n")
    assert "migrating" in waiting.get("/readyz?verbose").json["state"]
    assert waiting.get("/livez").status == 200
    closed = waiting.get("/api/v1/events")
    assert closed.status == 503 and int(closed.headers["Retry-After"]) > 0
    p.api = waiting
    well = p.command("healthcheck")
    assert well.returncode == 0 and "migrating" in well.stdout
    assert p.send(ALARM)[0] == 451
    assert p.send(mails.camera(pictures=[mails.jpeg(seed=1, size=120_000)]))[0] == 451
    assert not p.log("migration.done"), "it was over before anything was tried"
    p.wait_log("started", seconds=120)
    p.wait_ready()
    assert p.api.get("/readyz").status == 200
    assert p.send(ALARM)[0] == 250
    wait_until("it is an event", lambda: p.api.get("/api/v1/events?text=Neuzugang").json["items"])
    (found,) = p.api.get("/api/v1/events?text=Tur+119999").json["items"]
    assert found["text"] == "Tür 119999"
    for line in ("migration.begun", "migration.copied", "migration.done"):
        assert p.log(line)
    p.stop()
    assert ours(p)[0] == ours(p)[1] > p.before


def test_the_database_is_copied_before_it_is_changed(old):
    p = old(1000)
    p.start()
    p.stop()
    with sqlite3.connect(p.data / "postern.db.v3") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (3,)
        assert db.execute("SELECT count(*) FROM events").fetchone() == (p.before,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (p.data / "postern.db.v3").stat().st_mode & 0o077 == 0
    p.start()
    assert not p.log("migration.begun")


def test_where_no_copy_can_be_made_it_says_so_and_goes_on(old):
    p = old(1000)
    (p.data / "postern.db.v3.partial").mkdir()
    p.start()
    assert "postern.db.v3" in p.log("migration.no_copy")[0]["text"]
    assert p.send(ALARM)[0] == 250


def test_where_there_is_no_room_for_a_copy_it_says_so_and_goes_on(old, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text("quota * 60000000 ENOSPC\n")
    folder = tmp_path / "postern" / "data"
    p = old(1000, build="plain", preload="diskfail", env={"DISKFAIL_FOLDER": str(folder), "DISKFAIL_RULES": str(rules), "Store__Reserve": "64"})
    p.start()
    p.wait_log("started")
    assert "no room" in p.log("migration.no_copy")[0]["text"] and not list(p.data.glob("postern.db.v*"))
    assert p.send(ALARM)[0] == 250
    wait_until("it is an event", lambda: p.api.get("/api/v1/events?text=Neuzugang").json["items"])


STEPS = ["migrate.copied", *[f"store.schema_stepped:{n}" for n in (1, 2)], *[f"store.schema_filled:{n}" for n in (1, 2, 3)]]


@pytest.mark.parametrize("point", STEPS)
def test_killed_at_any_step_it_goes_on(old, point):
    p = old(25_000, fault=point)
    p.start(wait=False)
    p.wait_killed()
    p.fault = None
    p.start()
    assert p.send(ALARM)[0] == 250
    wait_until("it is an event", lambda: p.api.get("/api/v1/events?text=Neuzugang").json["items"])
    verified = p.command("verify", timeout=60)
    assert verified.returncode == 0, verified
    assert p.api.get("/api/v1/events?text=Tur+24999").json["items"]
    with sqlite3.connect(p.data / "postern.db.v3") as db:
        assert db.execute("SELECT count(*) FROM events").fetchone() == (p.before,), "the copy is of before"
    p.stop()
    assert ours(p)[0] == ours(p)[1] > p.before


def test_stopped_in_between_it_ends_at_once_and_goes_on(old):
    p = old(120_000)
    p.start(wait=False)
    p.wait_log("api.waiting")
    p.stop(seconds=20)
    assert not p.log("migration.done")
    p.start(wait=False)
    p.wait_log("started", seconds=120)
    p.stop()
    assert ours(p)[0] == ours(p)[1] >= p.before
