"""A database that is damaged: a page of it overwritten, its header gone, all of it gone. No crash; what can be read is there again, large
mails by their files, small ones by the pages they lie on; it is said; and what hears 250 is kept."""
import shutil
import sqlite3
import threading

import pytest

import mails
from postern import ROOT, Api, Postern, points_of, wait_until

ALARM = mails.panel("Zone:1 A, Innenbereich Alarm")
PAGE = 4096


def numbered(i):
    if i % 5 == 4:
        return mails.camera(subject=f"Cam {i}", text=f"Cam {i}", pictures=[mails.jpeg(seed=i, size=90_000)])
    if i % 5 == 2:  # in the database, beside its row
        return mails.camera(subject=f"Cam {i}", text=f"Cam {i}", pictures=[mails.jpeg(seed=i, size=20_000)])
    return mails.panel(f"Zone:{i} Room {i}, Innenbereich Alarm")


def of_mails(p):
    return {e["id"]: e for e in p.events() if "arrival" in e}


def raw_of(p, arrival):
    answer = p.api.get(f"/api/v1/arrivals/{arrival}/raw")
    return answer.body if answer.status == 200 else None


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A daemon that has kept 60 mails and is stopped: made once, copied for each test."""
    p = Postern(tmp_path_factory.mktemp("kept") / "postern", {})
    p.start()
    for i in range(60):
        assert p.send(numbered(i))[0] == 250
    wait_until("all are events", lambda: len(of_mails(p)) == 60)
    p.known = of_mails(p)
    p.raw = {e["arrival"]: raw_of(p, e["arrival"]) for e in p.known.values()}
    p.stop()
    return p


@pytest.fixture
def filled(kept, tmp_path):
    p = Postern(tmp_path / "postern", {})
    shutil.copytree(kept.data, p.data)
    p.known, p.raw = kept.known, kept.raw
    yield p
    p.close()


def root_of(p, table):
    with sqlite3.connect(p.data / "postern.db") as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return root


def page_of(p, table, which=0):
    """A leaf page of a table; pages of the file count from 1."""
    root = root_of(p, table)
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


def index_of(p, at):
    """How many lines its last line of this kind is from the end."""
    return [line["at"] for line in p.log()][::-1].index(at)


def wait_rebuilt(p, start=True):
    if start:
        p.start(wait=False)
    p.wait_log("rebuild.done")
    wait_until("it has started on the new one", lambda: "started" in [line["at"] for line in p.log()][::-1][:index_of(p, "rebuild.done")])
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
    for arrival in {f.stem for f in p.data.rglob("*.eml")}:
        assert p.api.get(f"/api/v1/arrivals/{arrival}/raw").status == 200, "its file is there"


@pytest.mark.parametrize("tables", [("arrivals",), ("bodies",), ("arrivals", "bodies")], ids="-".join)
def test_mails_that_the_tree_no_longer_leads_to_come_back_byte_for_byte(filled, tables):
    p = filled
    for table in tables:
        overwrite(p, root_of(p, table))
    wait_rebuilt(p)
    assert {arrival: raw_of(p, arrival) for arrival in p.raw} == p.raw
    wait_until("the last one is read", lambda: len(of_mails(p)) >= 61)
    assert p.known.keys() <= of_mails(p).keys() and len(of_mails(p)) == 61, "what was told is known: nothing is told twice"
    assert envelopes(p)["smtp"] == 61 and not envelopes(p).get("recovered"), "who sent them is known, too"


def test_of_a_mail_whose_row_is_gone_the_bytes_are_there(filled):
    p = filled
    row = page_of(p, "arrivals", 0)
    lost = on_page(p, row)
    overwrite(p, row)
    wait_rebuilt(p)
    large = {bytes(p.raw[a]) for a, seq in lost.items() if len(p.raw[a]) > 3072}
    assert large, "the page held none: the test shows nothing"
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        ids = [i for (i,) in db.execute("SELECT id FROM arrivals")]
    assert large <= {raw_of(p, arrival) for arrival in ids}


def test_of_those_set_aside_the_last_two_stay(filled):
    p = filled
    for day in ("01", "02", "03"):
        for end in ("", "-wal"):
            (p.data / f"postern.db.damaged-2026-01-{day}T00:00:00{end}").write_bytes(b"x")
    overwrite(p, root_of(p, "arrivals"))
    wait_rebuilt(p)
    names = sorted(f.name for f in p.data.glob("postern.db.damaged-*") if f.name[-1].isdigit())
    assert len(names) == 2 and names[0] == "postern.db.damaged-2026-01-03T00:00:00"
    assert not list(p.data.glob("postern.db.damaged-2026-01-0[12]*"))


def test_what_was_deleted_does_not_come_back(filled):
    """Its page is free, and holds it still: secure_delete is not as old as our databases."""
    p = filled
    with sqlite3.connect(p.data / "postern.db") as db:
        db.execute("PRAGMA secure_delete = OFF")
        gone = [a for (a,) in db.execute("SELECT id FROM arrivals WHERE seq BETWEEN 5 AND 45")]
        db.execute("UPDATE events SET arrival = NULL WHERE arrival BETWEEN 5 AND 45")
        db.execute("DELETE FROM bodies WHERE arrival BETWEEN 5 AND 45")
        db.execute("DELETE FROM arrivals WHERE seq BETWEEN 5 AND 45")
    db.close()
    files = {f.stem for f in p.data.rglob("*.eml")}
    overwrite(p, page_of(p, "arrivals", -1))
    wait_rebuilt(p)
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        there = {a for (a,) in db.execute("SELECT id FROM arrivals")}
    assert there & set(gone) <= files


def test_no_number_is_given_twice_and_no_wait_becomes_years(filled):
    p = filled
    with sqlite3.connect(p.data / "postern.db") as db:
        db.execute("UPDATE meta SET value = value + 1000000000 WHERE key = 'running_ms'")
        db.execute("UPDATE deliveries SET created_run_ms = 1000000000")
        (last,) = db.execute("SELECT max(seq) FROM events").fetchone()
    db.close()
    overwrite(p, page_of(p, "events", -1))
    overwrite(p, root_of(p, "meta"))
    wait_rebuilt(p)
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT min(seq) FROM events WHERE kind = 'system.storage'").fetchone()[0] > last
        assert db.execute("SELECT value FROM meta WHERE key = 'running_ms'").fetchone()[0] >= 1000000000


def on_page(p, number):
    """Mails whose row lies on this page: {id: seq}."""
    page = (p.data / "postern.db").read_bytes()[(number - 1) * PAGE:number * PAGE]
    with sqlite3.connect(p.data / "postern.db") as db:
        found = {i: seq for seq, i in db.execute("SELECT seq, id FROM arrivals") if i.encode() in page}
    db.close()
    return found


def envelopes(p):
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT envelope ->> 'listener', count(*) FROM arrivals GROUP BY 1"))


@pytest.mark.parametrize("thing", ["events", "arrivals", "media", "deliveries", "meta", "sqlite_autoindex_arrivals_1", "deliveries_event", "search_data"])
def test_damage_is_found_at_the_start_not_when_somebody_asks(filled, thing):
    p = filled
    overwrite(p, root_of(p, thing))
    p.start(wait=False)
    wait_rebuilt(p, start=False)
    assert {arrival: raw_of(p, arrival) for arrival in p.raw} == p.raw


def test_a_database_of_an_older_version_that_is_damaged_is_made_anew(tmp_path):
    p = Postern(tmp_path / "postern", {})
    shutil.copytree(ROOT / "tests" / "data" / "schema" / "3", p.data)
    with sqlite3.connect(p.data / "postern.db") as db:
        db.execute("DELETE FROM media")  # made up: it lies beyond its arrival
    db.close()
    overwrite(p, root_of(p, "devices"))
    wait_rebuilt(p)
    assert p.api.get("/api/v1/events?text=Innenbereich").json["items"]
    p.stop()


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
    p.wait_log("store.damaged")


class Sender(threading.Thread):
    """Sends alarms of ever new zones until told; notes which heard 250."""

    def __init__(self, p):
        super().__init__()
        self.p, self.kept, self.is_over = p, set(), threading.Event()

    def run(self):
        for i in range(1000, 9999):
            if self.is_over.wait(0.02):
                return
            try:
                if self.p.send(mails.panel(f"Zone:{i} Room {i}, Innenbereich Alarm"))[0] == 250:
                    self.kept.add(f"Room {i}")
            except OSError:
                pass


def test_what_hears_250_while_it_is_damaged_and_made_anew_is_kept(filled):
    p = filled
    p.start()
    sender = Sender(p)
    sender.start()
    wait_until("some are kept", lambda: len(sender.kept) >= 10)
    overwrite(p, page_of(p, "events", 1))
    before = len(sender.kept)
    wait_until("somebody meets it", lambda: p.log("store.damaged") or ask(p))
    wait_rebuilt(p, start=False)
    wait_until("mails are kept again", lambda: len(sender.kept) > before + 10)
    sender.is_over.set()
    sender.join()
    wait_until("all are events", lambda: sender.kept <= {e["zone"]["name"] for e in p.events("kind=alarm.*") if "zone" in e})


def ask(p):
    try:
        p.api.get("/api/v1/events?limit=500")
    except OSError:
        pass


def test_a_header_that_is_gone_leaves_every_mail(filled):
    p = filled
    overwrite(p, 1)
    wait_rebuilt(p)
    wait_until("the mails of the last hour are read again", lambda: len(of_mails(p)) >= 61)
    assert p.raw.keys() <= {e["arrival"] for e in of_mails(p).values()}
    assert {arrival: raw_of(p, arrival) for arrival in p.raw} == p.raw
    assert envelopes(p)["smtp"] == 61
    (one,) = p.data.glob("postern.db.damaged-*[0-9]")
    assert one.read_bytes()[:10] == b"\xa5" * 10


def test_old_mails_that_come_back_are_read_again_when_asked_and_told_to_nobody(filled):
    p = filled
    with sqlite3.connect(p.data / "postern.db") as db:
        db.execute("UPDATE arrivals SET received_ms = received_ms - 7200000 WHERE seq <= 30")
    db.close()
    overwrite(p, 1)
    wait_rebuilt(p)
    wait_until("those of the last hour are told", lambda: len(of_mails(p)) >= 31 and len(p.deliveries("sent")) >= 31)
    assert len(of_mails(p)) == 31
    told = len(p.deliveries())
    assert p.command("reparse").returncode == 0
    wait_until("all are events", lambda: len(of_mails(p)) >= 61)
    assert p.raw.keys() <= {e["arrival"] for e in of_mails(p).values()} and len(p.deliveries()) == told


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
