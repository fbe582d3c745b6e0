"""`postern backup`, `restore`, `verify`: what was kept is kept a second time, also while mails arrive, and comes back as it was."""
import hashlib
import sqlite3
import threading

import pytest

import mails
from postern import Postern, points_of, wait_until

EX_NOINPUT, EX_TEMPFAIL = 66, 75


def numbered(i):
    if i % 5 == 4:
        return mails.camera(subject=f"Cam {i}", pictures=[mails.jpeg(seed=i, size=90_000)])
    return mails.panel(f"Zone:{i} Room {i}, Innenbereich Alarm")


def fill(p, count, start=1):
    for i in range(start, start + count):
        assert p.send(numbered(i))[0] == 250
    p.wait_events(start + count - 1)


def ok(run, code=0):
    assert run.returncode == code, (run.returncode, run.stdout, run.stderr)
    return run.stdout + run.stderr


def by_id(events):
    return {e["id"]: e for e in events}


def pictures_of(p, events):
    return {(e["id"], m["n"]): p.api.get(f"/api/v1/events/{e['id']}/media/{m['n']}").body for e in events for m in e.get("media", [])}


@pytest.fixture
def other(tmp_path):
    made = []

    def make():
        made.append(Postern(tmp_path / f"other{len(made)}", {}))
        return made[-1]

    yield make
    for p in made:
        p.close()


def test_what_is_backed_up_under_load_comes_back_event_by_event(postern, other, tmp_path):
    p = postern({})
    fill(p, 20)
    over = threading.Event()
    sent = []

    def load():
        for i in range(100, 1000):
            if over.is_set():
                return
            if p.send(numbered(i))[0] == 250:
                sent.append(i)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        before = by_id(p.events())
        said = ok(p.command("backup", tmp_path / "backup"))
    finally:
        over.set()
        thread.join()
    assert sent, "no mail came in meanwhile"
    assert " 0 damaged" in said
    ok(p.command("verify", tmp_path / "backup"))
    ok(p.command("verify"))
    wait_until("all are events", lambda: len([e for e in p.events() if "arrival" in e]) == 20 + len(sent))
    now = by_id(p.events())

    q = other()
    ok(q.command("restore", tmp_path / "backup"))
    ok(q.command("verify"))
    q.start()
    there = {k: v for k, v in by_id(q.events()).items() if "arrival" in v}
    missing = [k for k, v in before.items() if "arrival" in v and k not in there]
    assert not missing, "what was there before the backup is not in it"
    for event in there.values():  # by arrival: an arrival that was copied before it was read gets an event of its own there
        (same,) = [e for e in now.values() if e.get("arrival") == event["arrival"]]
        assert {k: event.get(k) for k in ("kind", "severity", "text", "received", "zone", "device")} == \
            {k: same.get(k) for k in ("kind", "severity", "text", "received", "zone", "device")}
    sample = [e for e in before.values() if e.get("media")][:10]
    assert sample and pictures_of(q, sample) == pictures_of(p, sample)


def test_a_second_backup_copies_only_what_is_new_and_forgets_what_is_forgotten(postern, tmp_path):
    p = postern({})
    fill(p, 10)
    p.wait_settled()
    folder = tmp_path / "backup"
    assert "2 files: 2 copied, 0 there already" in ok(p.command("backup", folder))
    stamps = {f: f.stat().st_mtime_ns for f in folder.rglob("*.eml")}
    fill(p, 5, start=11)
    assert "3 files: 1 copied, 2 there already" in ok(p.command("backup", folder))
    assert {f: f.stat().st_mtime_ns for f in stamps} == stamps
    assert len(list(folder.glob("postern-*.db"))) == 1 and not list(folder.rglob("*.partial"))
    p.stop()
    gone = sorted((p.data / "arrivals").rglob("*.eml"))[0]
    with sqlite3.connect(p.data / "postern.db") as db:
        db.execute("UPDATE arrivals SET file = NULL WHERE file LIKE ?", (f"%{gone.name}",))
    gone.unlink()
    assert "2 files: 0 copied, 2 there already, 0 forgotten meanwhile, 1 removed" in ok(p.command("backup", folder))
    assert len(list(folder.rglob("*.eml"))) == 2
    ok(p.command("verify", folder))


@pytest.mark.parametrize("rule,words", [
    ("quota * 400000 ENOSPC", "no room in"), ("write copy.partial 5+ ENOSPC", "copy the database"), ("write arrivals/* 2+ ENOSPC", "No space left"),
], ids=["before", "database", "files"])
def test_where_there_is_no_room_it_says_so_and_the_last_backup_stays_whole(tmp_path, rule, words):
    rules, folder = tmp_path / "rules", tmp_path / "backup"
    p = Postern(tmp_path / "postern", {}, build="plain", preload="diskfail", env={"DISKFAIL_FOLDER": "/nowhere", "DISKFAIL_RULES": str(rules)})
    rules.write_text("")
    p.start()
    fill(p, 5)
    p.wait_settled()
    ok(p.command("backup", folder))
    fill(p, 10, start=6)
    p.wait_settled()
    rules.write_text(rule + "\n")
    said = ok(p.command("backup", folder, env={"DISKFAIL_FOLDER": str(folder)}), 1)
    assert words in said and "postern backup: " in said
    assert not list(folder.rglob("*.partial*")), "what was begun takes no room"
    ok(p.command("verify", folder))
    ok(p.command("backup", folder))
    ok(p.command("verify", folder))
    p.stop()


def test_a_damaged_database_does_not_take_the_place_of_a_good_backup(postern, tmp_path):
    p = postern({})
    fill(p, 40)
    p.wait_settled()
    folder = tmp_path / "backup"
    ok(p.command("backup", folder))
    p.stop()
    with sqlite3.connect(p.data / "postern.db") as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries_event'").fetchone()
    db.close()
    with open(p.data / "postern.db", "r+b") as f:
        f.seek((page - 1) * 4096)
        f.write(b"\xa5" * 4096)
    assert "the database is damaged; the backup before this one stays" in ok(p.command("backup", folder), 1)
    ok(p.command("verify", folder))


def test_a_mail_that_lost_its_pictures_and_is_still_large_stays_in_the_backup(postern, clock, tmp_path):
    p = postern({"Store": {"Floor": 0, "FloorPercent": 0}}, clock=clock)
    report = "\r\n".join(f"line {i} of a long report, sixty letters in all and no more" for i in range(2000))
    assert p.send(mails.camera(text=report, pictures=[mails.jpeg(seed=1, size=90_000)]))[0] == 250
    p.wait_events(1)
    p.wait_settled()
    clock.advance(31 * 86_400_000)
    (cut,) = wait_until("the picture is cut out", lambda: [f for f in p.data.rglob("*.cut.eml") if len(list(p.data.rglob("*.eml"))) == 1])
    folder = tmp_path / "backup"
    for _ in range(2):
        assert "1 files" in ok(p.command("backup", folder))
        assert [f.name for f in folder.rglob("*.eml")] == [cut.name]
        ok(p.command("verify", folder))
    said = p.api.get(f"/api/v1/events/{p.events()[-1]['id']}").json
    assert said["media"][0]["forgotten"]
    p.stop()
    whole = cut.read_bytes()
    assert whole.count(b"[Postern: a part of ") == 1
    bare = whole.replace(b"[Postern: a part of ", b"[Someone: a part of ")
    cut.write_bytes(bare)
    with sqlite3.connect(p.data / "postern.db") as db:
        db.execute("UPDATE arrivals SET hash = ?", (hashlib.sha256(bare).digest(),))
    db.close()
    assert "says nowhere that a part of it was forgotten" in ok(p.command("verify"), 1)


def test_damage_is_found_and_named(postern, tmp_path):
    p = postern({})
    fill(p, 10)
    p.wait_settled()
    folder = tmp_path / "backup"
    ok(p.command("backup", folder))
    for place in (p.data, folder):
        large = sorted(place.rglob("*.eml"))
        whole = large[0].read_bytes()
        large[0].write_bytes(whole[:500] + b"X" + whole[501:])
        said = ok(p.command("verify", *([] if place == p.data else [place])), 1)
        assert large[0].stem in said and "not the bytes that were kept" in said and "1 damaged" in said
        large[0].unlink()
        assert large[0].stem in ok(p.command("verify", *([] if place == p.data else [place])), 1)
        large[0].write_bytes(whole)
        ok(p.command("verify", *([] if place == p.data else [place])))
    database = next(folder.glob("postern-*.db"))
    broken = bytearray(database.read_bytes())
    broken[-2000] ^= 1
    database.write_bytes(broken)
    assert "not what was written when the backup was made" in ok(p.command("verify", folder), 1)


def test_small_arrivals_are_verified_too(postern):
    p = postern({})
    fill(p, 3)
    p.stop()
    with sqlite3.connect(p.data / "postern.db") as db:
        (name,) = db.execute("SELECT id FROM arrivals WHERE seq = 2").fetchone()
        db.execute("UPDATE arrivals SET raw = CAST(replace(CAST(raw AS TEXT), 'Zone', 'Zoo!') AS BLOB) WHERE seq = 2")
    said = ok(p.command("verify"), 1)
    assert name in said and "1 damaged" in said


def test_restore_refuses_what_would_be_lost(postern, other, tmp_path):
    p = postern({})
    fill(p, 5)
    folder = tmp_path / "backup"
    ok(p.command("backup", folder))
    assert "in use by a running postern" in ok(p.command("restore", folder), EX_TEMPFAIL)
    p.stop()
    assert "restore into an empty folder" in ok(p.command("restore", folder), 1)
    assert "no backup" in ok(other().command("restore", p.data), EX_NOINPUT)
    assert "data folder" in ok(p.command("backup", p.data), 1)
    q = other()
    broken = bytearray(next(folder.glob("postern-*.db")).read_bytes())
    broken[5000] ^= 1
    next(folder.glob("postern-*.db")).write_bytes(broken)
    assert "not what was written" in ok(q.command("restore", folder), 1)
    assert not (q.data / "postern.db").exists()
    for word in ("backup", "restore"):
        ok(p.command(word), 64)


def test_tokens_and_certificates_come_along_and_stay_secret(postern, other, tmp_path):
    p = postern({})
    fill(p, 1)
    ok(p.command("backup", tmp_path / "backup"))
    q = other()
    ok(q.command("restore", tmp_path / "backup"))
    for name in ("api-token",):
        assert (q.data / name).read_bytes() == (p.data / name).read_bytes()
    for place in (tmp_path / "backup", q.data):
        assert place.stat().st_mode & 0o077 == 0
        assert all(f.stat().st_mode & 0o077 == 0 for f in place.rglob("*") if f.is_file())


@pytest.mark.parametrize("point", points_of("backup.", "restore."))
def test_cut_off_anywhere_it_can_be_done_again(postern, other, tmp_path, point):
    p = postern({})
    fill(p, 5)
    p.wait_settled()
    folder = tmp_path / "backup"
    first = p.command("backup", folder, env={"POSTERN_FAULT": point} if point.startswith("backup.") else {})
    if point.startswith("backup."):
        assert first.returncode == -9, first
        fill(p, 5, start=6)
        cut = p.command("backup", folder)
        ok(cut)
        again = p.command("backup", folder, env={"POSTERN_FAULT": point})  # over a whole one
        assert again.returncode == -9 or point == "backup.file_copied"
        ok(p.command("verify", folder))
    events = len(p.events())
    p.stop()
    ok(p.command("backup", folder))
    q = other()
    if point.startswith("restore."):
        assert q.command("restore", folder, env={"POSTERN_FAULT": point}).returncode == -9
        q.start(wait=False)
        if point != "restore.database_in_place" or (q.data / "restoring").exists():
            assert q.wait_exit() != 0 and "run `postern restore` again" in q.log_text()
    ok(q.command("restore", folder))
    ok(q.command("verify"))
    q.start()
    assert len(q.events()) >= events
