"""A database that is damaged: a page of it overwritten, its header gone, all of it gone. No crash; what can be read is there again, large
mails by their files; it is said; and what hears 250 is kept."""
import sqlite3

import pytest

import mails
from postern import Api, Postern, points_of, wait_until

ALARM = mails.panel("Zone:1 A, Innenbereich Alarm")
PAGE = 4096


def numbered(i):
    if i % 5 == 4:
        return mails.camera(subject=f"Cam {i}", text=f"Cam {i}", pictures=[mails.jpeg(seed=i, size=90_000)])
    return mails.panel(f"Zone:{i} Room {i}, Innenbereich Alarm")


def of_mails(p):
    return {e["id"]: e for e in p.events() if "arrival" in e}


@pytest.fixture
def filled(tmp_path):
    """A daemon that has kept 60 mails and is stopped."""
    p = Postern(tmp_path / "postern", {})
    p.start()
    for i in range(60):
        assert p.send(numbered(i))[0] == 250
    wait_until("all are events", lambda: len(of_mails(p)) == 60)
    p.known = of_mails(p)
    p.stop()
    yield p
    p.close()


def page_of(p, table, which=0):
    """A leaf page of a table; pages of the file count from 1."""
    with sqlite3.connect(p.data / "postern.db") as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    raw = (p.data / "postern.db").read_bytes()

    def leaves(number):
        page = raw[(number - 1) * PAGE:number * PAGE]
        if page[0] != 5:
            return [number]
        cells = [int.from_bytes(page[12 + 2 * i:14 + 2 * i], "big") for i in range(int.from_bytes(page[3:5], "big"))]
        children = [int.from_bytes(page[c:c + 4], "big") for c in cells] + [int.from_bytes(page[8:12], "big")]
        return [leaf for child in children for leaf in leaves(child)]

    return leaves(root)[which]


def overwrite(p, number):
    with open(p.data / "postern.db", "r+b") as f:
        f.seek((number - 1) * PAGE)
        f.write(b"\xa5" * PAGE)


def wait_rebuilt(p, start=True):
    if start:
        p.start(wait=False)
    p.wait_log("rebuild.done")
    p.wait_log("started", count=1 if start else 2)
    p.smtp = ("127.0.0.1", int(p.log("smtp.listening")[-1]["port"]))
    p.api = Api(int(p.log("api.listening")[-1]["port"]))
    wait_until("it is said", lambda: [e for e in p.events() if e["kind"] == "system.storage" and "set aside" in e["text"]])
    assert p.send(ALARM)[0] == 250
    assert p.api.get("/readyz").status == 200
    assert list(p.data.glob("postern.db.damaged-*"))
    verified = p.command("verify")
    assert verified.returncode == 0, verified


@pytest.mark.parametrize("table", ["events", "arrivals", "media", "deliveries"])
def test_a_page_overwritten_costs_what_was_on_it(filled, table):
    p = filled
    overwrite(p, page_of(p, table, which=-1 if table == "media" else 1 if table in ("events", "arrivals") else 0))
    p.data.joinpath("damaged").write_text("")
    wait_rebuilt(p)
    there = of_mails(p)
    if table in ("media", "deliveries"):
        assert p.known.keys() <= there.keys()
    else:
        assert len(p.known.keys() & there.keys()) >= 30, "more is lost than a page"
    with_files = {e["arrival"] for e in p.known.values() if e.get("media")}
    for arrival in with_files:
        assert p.api.get(f"/api/v1/arrivals/{arrival}/raw").status == 200, "its file is there"


def test_damage_met_while_it_runs_begins_anew_in_the_same_process(filled):
    p = filled
    overwrite(p, page_of(p, "events", 1))
    p.start()
    pid = p.pid
    asked = p.api.get("/api/v1/events?limit=500")
    assert asked.status in (200, 500, 503)
    wait_rebuilt(p, start=False)
    assert p.pid == pid and p.is_running()
    assert len(p.known.keys() & of_mails(p).keys()) >= 30
    assert p.log("store.damaged")


def test_a_header_that_is_gone_leaves_the_files(filled):
    p = filled
    overwrite(p, 1)
    wait_rebuilt(p)
    files = {f.stem for f in (p.data / "arrivals").rglob("*.eml")}
    wait_until("the large mails of the last hour are read again", lambda: len(of_mails(p)) >= len(files))
    assert files <= {e["arrival"] for e in of_mails(p).values()}
    (one,) = p.data.glob("postern.db.damaged-*[0-9]")
    assert one.read_bytes()[:10] == b"\xa5" * 10


def test_a_database_that_is_gone_leaves_the_files(filled):
    p = filled
    (p.data / "postern.db").unlink()
    p.start(wait=False)
    p.wait_log("rebuild.done")
    p.wait_ready()
    files = {f.stem for f in (p.data / "arrivals").rglob("*.eml")}
    assert len(files) == 12
    wait_until("they are read again", lambda: files <= {e["arrival"] for e in of_mails(p).values()})


@pytest.mark.parametrize("point", points_of("rebuild."))
def test_killed_in_between_it_is_made_all_the_same(filled, point):
    p = filled
    overwrite(p, page_of(p, "events", 1))
    (p.data / "damaged").write_text("")
    p.fault = point
    p.start(wait=False)
    p.wait_killed()
    p.fault = None
    p.start(wait=False)
    p.wait_log("started")
    p.wait_ready()
    wait_until("it is said", lambda: [e for e in p.events() if e["kind"] == "system.storage"])
    assert len(p.known.keys() & of_mails(p).keys()) >= 30
    assert len(list(p.data.glob("postern.db.damaged-*[0-9]"))) == 1
    assert p.command("verify").returncode == 0
    p.stop()
    p.start()
    assert len([e for e in p.events() if e["kind"] == "system.storage"]) == 1, "it is told once"


def test_damaged_again_within_the_hour_it_stays_up_and_says_so(filled):
    p = filled
    (p.data / "postern.db.damaged-2026-01-01T00:00:00").write_bytes(b"x")
    overwrite(p, page_of(p, "events", 1))
    p.start()
    p.api.get("/api/v1/events?limit=500")
    p.wait_log("store.damaged")
    assert "again within an hour" in p.log("store.damaged")[0]["text"]
    state = p.api.get("/readyz?verbose").json
    assert [r for r in state["reasons"] if r["reason"] == "store:damaged"]
    assert p.is_running()
    assert p.send(ALARM)[0] in (250, 451)
