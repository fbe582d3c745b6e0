"""What is forgotten, and what stays: by age, number, bytes and kind, by size and below the floor, and what people see of it."""
import email
import hashlib
import re
import sqlite3

import pytest

import mails
from postern import Postern, merge, wait_until

FLOOR = {"Floor": 0, "FloorPercent": 0}  # the disk of the tests may be nearly full
DAY_MS = 86_400_000


def store(**more):
    return {"Store": {**FLOOR, **more}}


def send(p, mail, **more):
    assert p.send(mail, **more)[0] == 250


def keep(p, event):
    assert p.api.request("PATCH", f"/api/v1/events/{event}", {"kept": True}).status == 200


def raw(p, event):
    return p.api.get(f"/api/v1/arrivals/{event['arrival']}/raw")


def medium(p, event, n=1):
    return p.api.get(f"/api/v1/events/{event['id']}/media/{n}").status


def event_of(p, text):
    [event] = [e for e in p.events() if text in e.get("text", "") or text == (e.get("zone") or {}).get("name")]
    return event


def names(p, query=""):
    """Zones of what is there, oldest first."""
    return [e["zone"]["name"] for e in reversed(p.events(query)) if "zone" in e]


def rows(p, sql):
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        return db.execute(sql).fetchall()


def check_verified(p):
    told = p.command("verify")
    assert told.returncode == 0, told.stdout


def wait_told(p, clock, is_enough):
    """Lets days begin (each tells what was forgotten before it) until what was told is enough."""
    def look():
        told = p.events("kind=system.storage")
        sums = {what: sum(int(n) for e in told for n in re.findall(rf"(\d+) {what}", e["text"])) for what in ("events", "mails", "pictures")}
        if told and is_enough(sums):
            return told
        clock.advance(DAY_MS)
        return None
    return wait_until("it is told", look, 30, 1)


def test_pictures_go_first_then_infos_then_alarms_and_each_leaves_what_it_should(postern, clock):
    p = postern(store(), clock=clock)
    pictures = [mails.jpeg(1, size=70_000), mails.jpeg(2)]
    send(p, mails.camera(text="the gate is open", pictures=pictures), to="gate@house.example")       # a file
    send(p, mails.camera(text="a cat", pictures=[mails.jpeg(3)]), to="garden@house.example")          # in the database
    send(p, mails.camera(text="the thief", pictures=[mails.jpeg(4, size=70_000)]), to="door@house.example")
    send(p, mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    p.wait_events(4)
    gate, cat, thief = (event_of(p, text) for text in ("the gate", "a cat", "the thief"))
    keep(p, thief["id"])
    before = {e["id"]: raw(p, e).body for e in (gate, cat, thief)}
    p.wait_settled()

    clock.advance(31 * DAY_MS)
    wait_until("the pictures are forgotten", lambda: medium(p, gate) == 410 and medium(p, cat) == 410)
    for event, parts in ((gate, 2), (cat, 1)):
        cut = raw(p, event)
        head, _, rest = before[event["id"]].partition(b"\r\n\r\n")
        assert cut.status == 200 and cut.body.startswith(head + b"\r\n\r\n")
        assert cut.body.count(b"[Postern: a part of ") == parts and len(cut.body) < 4096
        texts = [part.get_payload(decode=True) for part in email.message_from_bytes(cut.body).walk() if part.get_content_type() == "text/plain"]
        assert texts[0].decode().strip() in event["text"]
        now = p.api.get(f"/api/v1/events/{event['id']}").json
        assert [m.get("forgotten") for m in now["media"]] == [True] * parts
        assert {k: v for k, v in now.items() if k != "media"} == {k: v for k, v in event.items() if k != "media"}
        assert medium(p, event, parts) == 410
        [entry] = [a for a in p.api.all("/api/v1/audit") if a["what"] == "arrival.cut" and a.get("object") == event["arrival"]]
        assert entry["who"] == "retention" and entry["detail"]["reason"] == "Store:Retention:Pictures"
        assert entry["detail"]["sha256"] == hashlib.sha256(before[event["id"]]).hexdigest()
        assert rows(p, f"SELECT hash FROM arrivals WHERE id = '{event['arrival']}'") == [(hashlib.sha256(cut.body).digest(),)]
    assert raw(p, thief).body == before[thief["id"]] and medium(p, thief) == 200
    assert [e["id"] for e in p.events("has_picture=true")] == [thief["id"]]
    wait_until("the file is gone", lambda: len(list((p.data / "arrivals").rglob("*.eml"))) == 1)
    check_verified(p)

    clock.advance(60 * DAY_MS)
    wait_until("infos go after 90 days", lambda: {e["id"] for e in p.events("severity=info") if "arrival" in e} <= {thief["id"]})
    assert p.api.get(f"/api/v1/events/{gate['id']}").status == 404 and p.api.get(f"/api/v1/arrivals/{gate['arrival']}").status == 404
    assert p.events("text=gate") == [] and [e["id"] for e in p.events("text=thief")] == [thief["id"]]
    assert names(p, "kind=alarm.*") == ["Ost 1"]
    told = wait_told(p, clock, lambda sums: sums == {"events": 2, "mails": 2, "pictures": 3})
    assert all(e["restored"] and e["severity"] == "info" for e in told)

    clock.advance(641 * DAY_MS)
    wait_until("alarms go after two years", lambda: p.events("kind=alarm.*") == [])
    wait_told(p, clock, lambda sums: sums["events"] > 0 and p.events("kind=system.storage")[0] != told[0])
    assert medium(p, thief) == 200 and len(rows(p, "SELECT 1 FROM arrivals")) == 1, "what somebody keeps stays for good"
    check_verified(p)


def test_number_bytes_and_kinds_leave_the_newest_what_is_kept_and_what_is_owed(postern):
    """Infos: the newest three. Alarms: those of the newest so many bytes. Fire: the newest one, whatever the others say."""
    mail = mails.panel("Zone:1 A1, Innenbereich Alarm")
    people = merge(store(), {
        "Accounts": {"out": {"Provider": "log"}, "dead": {"Provider": "clicksend", "Username": "u", "Token": "key-1234", "From": "House", "Url": "http://127.0.0.1:9"}},
        "Recipients": {"anna": ["dead:+491700000001"], "bob": ["out:here"]},
        "Routes": [{"Kinds": ["alarm.water"], "Tell": ["anna"]}, {"Kinds": ["*"], "Tell": ["bob"]}]})
    p = postern(people)
    for n in range(1, 4):
        send(p, mails.panel(f"Zone:{n} W{n}, Wasser Alarm"))  # owed: stays, though it counts
    p.wait_events(3, "kind=alarm.water")
    kept = None
    for n in range(1, 7):
        send(p, mails.panel(f"Zone:{n} I{n}, DC Open - Mobility"))
        if n == 1:
            [kept] = p.wait_events(1, "severity=info&zone=1")
            keep(p, kept["id"])
        send(p, mails.panel(f"Zone:{n} F{n}, Feuer Alarm"))
        send(p, mails.panel(f"Zone:{n} A{n}, Innenbereich Alarm"))
    wait_until("all of them are events", lambda: len(names(p)) == 21)
    wait_until("all but the water is told", lambda: len(p.owed()) == 3)
    p.stop()
    p.configure(merge(people, store(Retention={"Info": {"Count": 3}, "Alarm": {"Bytes": 2 * len(mail)}, "Kinds": "alarm.fire=0/1"})))
    p.start()
    wait_until("the newest infos stay, and the kept one", lambda: names(p, "severity=info") == ["I1", "I5", "I6"])
    wait_until("the newest fire stays", lambda: names(p, "kind=alarm.fire") == ["F6"])
    wait_until("the alarms of the last bytes go", lambda: not names(p, "kind=alarm.interior"))  # those of water, which are owed, take them all
    assert names(p, "kind=alarm.water") == ["W1", "W2", "W3"]
    check_verified(p)


def test_above_the_size_raw_mails_of_infos_go_and_the_disk_gets_its_room_back(postern):
    """Eleven megabytes in the database and one in a file, then a bound of two."""
    database = "postern.db"
    whole = store(Inline=1024, KeepRawDays=36500)
    p = postern(whole)
    send(p, mails.camera(text="a large one", pictures=[mails.jpeg(20, size=1_200_000)]), to="gate@house.example")
    for n in range(12):
        send(p, mails.camera(text=f"picture {n}", pictures=[mails.jpeg(n, size=700_000)]), to="gate@house.example")
    send(p, mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    p.wait_events(14)
    of_mails = [e for e in p.events() if "arrival" in e]
    wait_until("it lies in the database", lambda: (p.data / database).stat().st_size > 11_000_000)
    p.stop()
    p.configure(merge(whole, store(MaxBytes=2_000_000)))
    p.start()
    wait_until("their raw mails go", lambda: sum(raw(p, e).status == 200 for e in of_mails) <= 4)
    there = [raw(p, e).status == 200 for e in reversed(of_mails)]
    assert there == sorted(there) and there[-1], "oldest first, and the alarm's stays"
    assert {e["id"] for e in of_mails} <= {e["id"] for e in p.events()}, "events stay"
    assert medium(p, of_mails[-1]) == 410 and not list((p.data / "arrivals").rglob("*.eml"))
    wait_until("the database is smaller", lambda: (p.data / database).stat().st_size < 7_500_000)
    check_verified(p)


def test_below_the_floor_infos_go_and_never_an_alarm(tmp_path):
    folder = tmp_path / "postern"
    rules = tmp_path / "rules"

    def quota(n):
        fresh = tmp_path / "rules.new"
        fresh.write_text(f"quota * {n} ENOSPC\n")
        fresh.rename(rules)

    def used():
        return sum(f.stat().st_size for f in (folder / "data").rglob("*") if f.is_file() and not f.name.endswith("-shm"))

    quota(200_000_000)
    env = {"DISKFAIL_FOLDER": str(folder / "data"), "DISKFAIL_RULES": str(rules), "DISKFAIL_HITS": str(tmp_path / "hits")}
    p = Postern(folder, {"Store": {"Reserve": 4, "Floor": 8, "FloorPercent": 0, "MaxBytes": 1 << 40}}, build="plain", preload="diskfail", env=env)
    p.start()
    try:
        picture = mails.jpeg(1, size=700_000)
        send(p, mails.camera(subject="Zone:1 A1, Innenbereich Alarm", text="Zone:1 A1, Innenbereich Alarm", pictures=[picture]), to="alarm@house.example")
        for n in range(6):
            send(p, mails.camera(text=f"info {n}", pictures=[picture]), to="gate@house.example")
        send(p, mails.panel("Zone:2 A2, Innenbereich Alarm"))
        infos = [event_of(p, f"info {n}") for n in range(6) if p.wait_events(8)]
        wait_until("the reserve is there", lambda: (p.data / "reserve").exists())
        quota(used() + (8 << 20) - 1_000_000)  # below the floor by that; some raw mails make it good again, with 16 MiB to spare not
        wait_until("the oldest infos' raw mails go first", lambda: raw(p, infos[0]).status != 200, 20)
        wait_until("then all of theirs, then infos", lambda: not p.events("kind=camera.*"), 20)
        assert {e["zone"]["name"] for e in p.events("severity=alarm")} == {"A1", "A2"}, "no alarm goes before its own bound"
        for e in p.events("severity=alarm"):
            assert raw(p, e).status == 200
        wait_until("it is said", lambda: "disk" in [r["reason"] for r in p.api.get("/readyz?verbose").json["reasons"]])
        send(p, mails.panel("Zone:3 A3, Innenbereich Alarm"))
        p.wait_events(3, "severity=alarm")
        check_verified(p)
    finally:
        quota(200_000_000)
        p.close()
