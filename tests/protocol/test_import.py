"""`postern import`: the past of other systems, brought along: each row once, whatever happens, and nobody is told."""
import csv
import datetime
import mailbox
import os
import pathlib
import signal
import sqlite3
import subprocess
import time

import bson
import mails
import pytest
from postern import Postern, wait_until

TOLD = {"Site": {"Name": "Home", "TimeZone": "Europe/Berlin"},
        "Accounts": {"log": {"Provider": "log"}}, "Recipients": {"Owner": ["log:owner"]}}


def mail(text, date="Fri, 21 Nov 2025 03:12:45 +0100", to="alarm@house.example", sender="panel@house.example", more=""):
    return (f"Received: from panel by gate with SMTP; {date}\r\nFrom: {sender}\r\nTo: {to}\r\n{more}"
            f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n").encode()


def database(p):
    db = sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True, timeout=10)
    db.row_factory = sqlite3.Row
    return db


def counts(p):
    with database(p) as db:
        return tuple(db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("arrivals", "events", "media", "deliveries"))


def bring(p, *args, code=0, timeout=120, input=None):
    run = p.command("import", *args, timeout=timeout, input=input)
    assert run.returncode == code, (run.stdout, run.stderr)
    return run


def numbers(run):
    """read, brought along, events, here before, refused, that nobody can read"""
    words = run.stdout.split("done: ")[1]
    return tuple(int(x) for x in words.replace(":", " ").split() if x.isdigit())[:6]


@pytest.fixture(params=["running", "alone"])
def gate(request, postern, tmp_path):
    """A gateway that runs, and one that does not: one way for both."""
    if request.param == "running":
        return postern(TOLD)
    p = Postern(tmp_path / "alone", TOLD)
    return p


def start(p):
    """So that it can be asked."""
    return p if p.is_running() else p.start()


# --- mails ----------------------------------------------------------------------------------------------------------


def test_mails_of_files_folders_maildir_and_mbox_come_in_once(gate, tmp_path):
    p = gate
    (tmp_path / "one.eml").write_bytes(mail("Zone:8 Ost 1, Innenbereich Alarm"))
    folder = tmp_path / "folder" / "deep"
    folder.mkdir(parents=True)
    (folder / "two.eml").write_bytes(mail("Zone:9 Gästezimmer, Sabotage Alarm", "Fri, 21 Nov 2025 04:00:00 +0100"))
    picture = mails.jpeg(1, size=200_000)
    (folder / "three.eml").write_bytes(b"Date: Sat, 22 Nov 2025 05:00:00 +0000\r\n" + bytes(mails.camera(pictures=[picture])))
    maildir = mailbox.Maildir(tmp_path / "Maildir")
    maildir.add(mail("Zone:1 Terrasse, DC Open - Mobility", "Fri, 21 Nov 2025 05:00:00 +0100", to="status@house.example"))
    box = mailbox.mbox(tmp_path / "box")
    for i in range(3):
        box.add(mail(f"Zone:{i} Box, IR Activity - Mobility\r\nFrom here on text\r\n", f"Fri, 21 Nov 2025 06:0{i}:00 +0100", to="status@house.example"))
    box.flush()
    paths = [tmp_path / "one.eml", tmp_path / "folder", tmp_path / "Maildir", tmp_path / "box"]
    first = bring(p, "eml", *paths)
    assert numbers(first)[:2] == (7, 7) and numbers(first)[3:] == (0, 0, 0), first.stdout
    before = counts(p)
    assert before[0] == 7 and before[3] == 0, "nobody is owed anything"
    again = bring(p, "eml", *paths)
    assert numbers(again) == (7, 0, 0, 7, 0, 0), again.stdout
    assert counts(p) == before
    start(p)
    events = {e["received_at"]: e for e in p.events()}
    assert {"alarm.interior", "alarm.tamper", "zone.open", "zone.motion", "camera.motion"} == {e["kind"] for e in events.values()}
    assert events["2025-11-21T02:12:45.000Z"]["zone"] == {"number": 8, "name": "Ost 1"}
    shown = [e for e in events.values() if e.get("media")]
    assert p.api.get(f"/api/v1/events/{shown[0]['id']}/media/1").body == picture
    assert not p.deliveries()
    out = p.command("reparse", timeout=120).stdout
    assert out.startswith("done: 7 of 7 mails read again, 0 understood otherwise"), out
    assert counts(p) == before
    with database(p) as db:
        assert {r["source"] for r in db.execute("SELECT source FROM arrivals")} == {"eml"}


def test_an_mbox_gives_back_each_mail_byte_for_byte(gate, tmp_path):
    p = gate
    texts = [b"Date: Fri, 21 Nov 2025 03:12:45 +0100\nSubject: a\n\nFrom me to you\n>From quoted\n\nFrom nobody knows when\nlast",
             b"Subject: without a date\n\n\n\nthree blank lines\n\n\n", b"Subject: x\n\n" + b"A\0B" * 300 + b"\n"]
    box = b"".join(b"From a@b Thu Nov 20 10:00:0%d 2025\n" % i + t.replace(b"\nFrom ", b"\n>From ").replace(b"\n>From quoted", b"\n>>From quoted") + b"\n\n"
                   for i, t in enumerate(texts))
    (tmp_path / "box").write_bytes(box)
    assert numbers(bring(p, "eml", tmp_path / "box"))[:2] == (3, 3)
    start(p)
    raws = {p.api.get(f"/api/v1/arrivals/{e['arrival']}/raw").body for e in p.events()}
    assert raws == {t + b"\n" for t in texts}
    assert sorted(e["received_at"] for e in p.events())[:2] == ["2025-11-20T10:00:01.000Z", "2025-11-20T10:00:02.000Z"]


def test_what_is_no_mail_is_refused_and_said(gate, tmp_path):
    p = gate
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "empty.eml").write_bytes(b"")
    (folder / "random.bin").write_bytes(os.urandom(200_000))
    (folder / "future.eml").write_bytes(mail("x", "Fri, 21 Nov 2098 03:12:45 +0100"))
    os.utime(folder / "future.eml", (4e9, 4e9))
    (folder / "long.eml").write_bytes(b"Subject: " + b"x" * 3_000_000 + b"\r\n\r\n")
    (folder / "many.eml").write_bytes(b"X: y\r\n" * 100_000 + b"\r\nbody")
    (folder / "nul.eml").write_bytes(b"Subject: a\0b\r\nReceived: ;\r\nDate: \xff\xfe;;;((((\r\nTo: <" + b"a" * 5000 + b">\r\n\r\n\0\0")
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder)
    run = bring(p, "eml", folder)
    assert numbers(run)[0] == 6 and numbers(run)[4] == 3, run.stdout + run.stderr
    assert "empty.eml: it does not begin like a mail" in run.stderr and "future.eml: it has no possible time" in run.stderr
    assert bring(p, "eml", tmp_path / "not there", code=1).stderr
    assert bring(p, "eml", code=64).stderr and bring(p, "cams", folder / "x", code=64).stderr and bring(p, "mailman", "x", code=64).stderr


def test_new_mails_go_first_and_are_told(postern, tmp_path):
    p = postern(TOLD)
    box = mailbox.mbox(tmp_path / "box")
    for i in range(1500):
        box.add(mail(f"Zone:{i % 90} Raum, Innenbereich Alarm", f"Fri, 21 Nov 2025 {i // 60 % 24:02}:{i % 60:02}:{i // 1440:02} +0100"))
    box.flush()
    run = subprocess.Popen([str(p.binary), "import", "eml", str(tmp_path / "box"), "--settings", str(p.settings_path)], stdout=subprocess.PIPE,
                           env={**p.env, "Smtp__Port": str(p.smtp[1]), "Api__Port": str(p.api.port)}, cwd=p.folder, text=True)
    wait_until("it has begun", lambda: p.api.get("/api/v1/import").json.get("read", 0) > 20 or None, every=0.05)
    slowest = 0
    for i in range(5):
        began = time.monotonic()
        p.send(mails.panel(f"Zone:{i} Neu, Innenbereich Alarm"))
        p.wait_deliveries(i + 1)
        slowest = max(slowest, time.monotonic() - began)
    assert p.api.post("/api/v1/import").status == 409 or p.api.get("/api/v1/import").json["state"] == "done"
    assert "done: 1500" in run.communicate(timeout=180)[0]
    assert slowest < 5 and len(p.deliveries()) == 5
    assert p.api.post("/api/v1/import", {"source": "eml", "paths": ["/etc/passwd"]}).status == 400
    assert p.api.post("/api/v1/import").status == 404, "there is no job but what `postern import` leaves"


# --- LupuServ -------------------------------------------------------------------------------------------------------


COLUMNS = ["id", "created_at", "kind", "event_type_name", "event_type_value", "zone_id", "sensor_name", "username", "raw_message"]


def write_csv(path, rows, columns=COLUMNS, end="\n"):
    with open(path, "w", newline="") as f:
        writer = csv.DictWriter(f, columns, lineterminator=end, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def csv_row(i, kind, name, value, zone="", sensor="", user="", raw="", at=None):
    return dict(zip(COLUMNS, [i, at or f"2025-11-21 03:12:{i % 60:02}.123456+00", kind, name, value, zone, sensor, user, raw]))


def test_lupuserv_csv_is_read_as_the_panel_said_it(gate, tmp_path):
    p = gate
    rows = [
        csv_row(1, "Alarm", "Sabotage Alarm", 1, 8, "Ost 1", raw="Zone:8 Ost 1, Sabotage Alarm"),
        csv_row(2, "Alarm", "Innenbereich Alarm gemeldet von Sensor", 4, sensor='Flur "EG", links'),
        csv_row(3, "ZoneMobility", "DC Open", 1, 1, "Terrasse"),
        csv_row(4, "PerimeterStatus", "Arm", 1, user="Müller"),
        csv_row(5, "SensorStatus", "Sensorüberwachungsfehler", 2, 3, "Küche\nhinten"),
        csv_row(6, "ZoneMobility", "", 3, 5, "PIR EG", at="2025-11-21 05:12:06+02"),
        csv_row(7, "Alarm", "", 77, 5, "PIR EG"),
        csv_row(8, "Alarm", "Innenbereich Alarm", 3, 5, "PIR", at="yesterday"),
        csv_row(9, "", "Innenbereich Alarm", 3, 5, "PIR"),
    ]
    write_csv(tmp_path / "events.csv", rows)
    run = bring(p, "lupuserv-postgres", tmp_path / "events.csv")
    assert numbers(run) == (9, 7, 7, 0, 2, 0), run.stdout + run.stderr
    assert "line 10: created_at is no time" in run.stderr, run.stderr
    write_csv(tmp_path / "other.csv", rows, columns=COLUMNS[::-1], end="\r\n")
    assert numbers(bring(p, "lupuserv-postgres", tmp_path / "other.csv")) == (9, 0, 0, 7, 2, 0), "the order of columns is not the row"
    start(p)
    events = {e["received_at"][:19]: e for e in p.events()}
    kinds = {at[17:]: e["kind"] for at, e in events.items()}
    assert kinds == {"01": "alarm.tamper", "02": "alarm.interior", "03": "zone.open", "04": "mode.armed", "05": "trouble.supervision",
                     "06": "zone.motion", "07": "unknown"}
    assert events["2025-11-21T03:12:02"]["zone"]["name"] == 'Flur "EG", links'
    assert events["2025-11-21T03:12:04"]["user"] == "Müller"
    assert events["2025-11-21T03:12:05"]["zone"] == {"number": 3, "name": "Küche hinten"}
    assert "77" in events["2025-11-21T03:12:07"]["text"]
    assert {e["device"]["id"] for e in events.values()} == {"lupuserv"}
    assert p.command("reparse", timeout=120).stdout.startswith("done: 7 of 7 mails read again, 0 understood otherwise")
    assert not p.deliveries()


@pytest.mark.parametrize("text, refused", [
    ("", None), ("a,b\n1,2\n", None), ("created_at,kind\n2025-11-21 03:12:01+00,\"Alarm\n", 1), ("created_at,kind\n" + "x," * 100 + "\n", 1),
    ("created_at,kind\n2025-11-21 03:12:01+00,\"Al\"arm\n", 1), ("created_at,kind\n2025-02-30 03:12:01+00,Alarm\n", 1),
    ("created_at,kind\n2025-11-21 03:12:01+00,\"" + "y" * 2_000_000 + "\"\n", 1), ("created_at,kind\n\0\0\0,,\n", 1),
    ("\ufeffcreated_at,kind\r\n9999-11-21 03:12:01+00,Alarm\r\n", 1),
], ids=range(9))
def test_hostile_csv_is_refused_row_by_row(postern, tmp_path, text, refused):
    p = postern(TOLD)
    (tmp_path / "x.csv").write_text(text)
    run = bring(p, "lupuserv-postgres", tmp_path / "x.csv", code=1 if refused is None else 0)
    assert refused is None or numbers(run) == (refused, 0, 0, 0, refused, 0), run.stdout
    assert counts(p)[0] == 0


def test_a_device_may_be_named(postern, tmp_path):
    p = postern({**TOLD, "Devices": {"haus": {"Name": "Zentrale", "Kind": "panel"}}})
    write_csv(tmp_path / "x.csv", [csv_row(1, "Alarm", "Sabotage Alarm", 1, 8, "Ost 1")])
    bring(p, "lupuserv-postgres", tmp_path / "x.csv", "--device", "haus")
    assert p.events()[0]["device"] == {"id": "haus", "name": "Zentrale"}


def put_lupuserv(server, name="lupuserv"):
    """What MongoDB.Entities writes, with EventType in every form it may have."""
    at = datetime.datetime(2025, 11, 21, 3, 12, 0, tzinfo=datetime.timezone.utc)
    later = [at + datetime.timedelta(seconds=i) for i in range(20)]
    with server.database() as db:
        db = db.client[name]
        db.AlarmEvent.insert_many([
            {"CreatedAt": later[0], "ZoneId": 8, "SensorName": "Ost 1", "EventType": "Sabotage Alarm"},
            {"CreatedAt": later[1], "ZoneId": 8, "SensorName": "Ost 1", "EventType": 3},
            {"CreatedAt": {"DateTime": later[2], "Ticks": bson.Int64(1), "Offset": 60}, "SensorName": "Café", "EventType": {"Name": "Innenbereich Alarm gemeldet von Sensor", "Value": 4}},
            {"CreatedAt": later[3], "ZoneId": "1", "SensorName": "x", "EventType": {"_v": 2}},
            {"CreatedAt": "not a time", "EventType": 1}, {"EventType": 1}, {"CreatedAt": later[4], "EventType": None},
        ])
        db.SensorStatusEvent.insert_one({"CreatedAt": later[5], "ZoneId": 2, "SensorName": "Keller", "EventType": {"_t": "SensorStatusEventType", "Name": "Periodischer Test Report"}})
        db.ZoneMobilityEvent.insert_many([{"CreatedAt": later[6 + i], "ZoneId": bson.Int64(5), "SensorName": "PIR EG", "EventType": float(i + 1)} for i in range(3)])
        db.PerimeterStatusEvent.insert_one({"CreatedAt": later[9], "Username": "Anna", "EventType": "Disarm"})
    return server.uri.rsplit("/", 1)[0] + f"/{name}"


@pytest.mark.parametrize("kind", ["ferretdb", "javamongo"])
def test_lupuserv_mongo_is_read_whatever_its_types_are_stored_as(postern, request, kind):
    server = request.getfixturevalue(kind)
    p = postern(TOLD)
    uri = put_lupuserv(server)
    run = bring(p, "lupuserv-mongo", uri)
    assert numbers(run) == (12, 9, 9, 0, 3, 0), run.stdout + run.stderr
    assert numbers(bring(p, "lupuserv-mongo", "-", input=uri + "\n")) == (12, 0, 0, 9, 3, 0)
    assert [(e["kind"], e["restored"]) for e in p.events()[::-1]] == [
        ("alarm.tamper", False), ("alarm.interior", False), ("alarm.interior", False), ("alarm.tamper", True), ("test.periodic", False),
        ("zone.open", False), ("zone.closed", False), ("zone.motion", False), ("mode.disarmed", False)]
    assert [e["zone"]["number"] for e in p.events()[::-1] if e.get("zone", {}).get("number")][:3] == [8, 8, 1]
    assert not p.deliveries()
    assert bring(p, "lupuserv-mongo", "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=300", code=1).stdout
    assert bring(p, "lupuserv-mongo", "mongodb://user:geheim@", code=1).stdout
    assert "geheim" not in p.log_text()


# --- security-cam-alerts --------------------------------------------------------------------------------------------


def cams(path, alerts=(), detects=()):
    with sqlite3.connect(path) as db:
        for table, rows in (("alerts_alert", alerts), ("alerts_detect", detects)):
            db.execute(f'CREATE TABLE "{table}" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "subject" varchar(200) NOT NULL,'
                       ' "timestamp" datetime NOT NULL, "snapshot" BLOB NOT NULL)')
            db.executemany(f"INSERT INTO {table}(subject, timestamp, snapshot) VALUES(?, ?, ?)", rows)
    return path


def test_security_cam_alerts_come_with_pictures_and_persons(gate, tmp_path):
    p = gate
    a, boxed = mails.jpeg(1, size=30_000), mails.jpeg(2, size=90_000)
    path = cams(tmp_path / "db.sqlite3", [
        ("Garten has detected motion", "2025-07-01 12:00:00", a),         # 10:00:00Z in summer
        ("Garten has detected motion", "2025-07-01 12:00:50", a),
        ("Hof has detected motion", "2025-07-01 12:00:01", a),
        ("Einfahrt Tür", "2025-12-01 12:00:00.250000", a),                # winter
        ("Tor", "2025-12-02 12:00:00", a), ("Tor", "2025-12-02 12:00:10", a),
        ("Nacht", "2025-10-26 02:30:00", a),                                # twice that night: the first is meant
    ], [
        ("Garten has detected motion", "2025-07-01 12:00:03", boxed),     # the first of Garten
        ("Tor", "2025-12-02 12:00:05", boxed),                            # two are as near: none
        ("Einfahrt Tür", "2025-12-01 12:01:01", boxed),                   # too far
        ("x", "no time", boxed), ("", "2025-12-03 12:00:00", b""),
    ])
    run = bring(p, "cams", path, "--time-zone", "Europe/Berlin")
    assert numbers(run) == (12, 11, 11, 0, 1, 0), run.stdout + run.stderr
    assert "1 earlier events are marked: a person was seen" in run.stdout
    before = counts(p)
    assert numbers(bring(p, "cams", path, "--time-zone", "Europe/Berlin")) == (12, 0, 0, 11, 1, 0)
    assert counts(p) == before
    start(p)
    events = p.events()
    persons = [e for e in events if e["kind"] == "camera.person"]
    assert len(persons) == 4 and p.api.get(f"/api/v1/events/{persons[-1]['id']}/media/1").body == boxed
    assert persons[-1]["device_time"] == "2025-07-01T12:00:03+02:00" and persons[-1]["device"]["id"] == "Garten has detected motion"
    by = {(e["device"]["id"], e["received_at"], e["kind"]) for e in events}
    assert ("Garten has detected motion", "2025-07-01T10:00:00.000Z", "camera.motion") in by
    assert ("Einfahrt Tür", "2025-12-01T11:00:00.250Z", "camera.motion") in by
    assert ("Nacht", "2025-10-26T00:30:00.000Z", "camera.motion") in by
    with database(p) as db:
        seen = db.execute("SELECT device, received_ms FROM events WHERE person = 1 AND kind = 'camera.motion'").fetchall()
    assert [tuple(r) for r in seen] == [("Garten has detected motion", 1751364000000)]
    assert p.command("reparse", timeout=120).stdout.startswith("done: 11 of 11 mails read again, 0 understood otherwise")
    with database(p) as db:
        assert db.execute("SELECT count(*) FROM events WHERE person = 1 AND kind = 'camera.motion'").fetchone()[0] == 1
    assert not p.deliveries()


def test_hostile_databases_are_refused(postern, tmp_path):
    p = postern(TOLD)
    (tmp_path / "junk").write_bytes(os.urandom(8192))
    good = cams(tmp_path / "torn", [("a", "2025-07-01 12:00:00", b"x" * 9000)] * 50)
    data = bytearray(good.read_bytes())
    data[8192:60000] = os.urandom(60000 - 8192)
    good.write_bytes(data)
    with sqlite3.connect(tmp_path / "none") as db:
        db.execute("CREATE TABLE x(y)")
    for name in ("junk", "torn", "none"):
        run = p.command("import", "cams", tmp_path / name, "--time-zone", "Europe/Berlin", timeout=60)
        time.sleep(1.5)  # the gateway looks each second whether its own database was met damaged: this one is not its own
        assert p.api.get("/readyz").status == 200 and (run.returncode == 1 or name == "torn"), (name, run.stdout, run.stderr)
    assert bring(p, "cams", tmp_path / "none", "--time-zone", "Europe/Nowhere", code=1).stderr
    odd = cams(tmp_path / "odd", [("b" * 100_000 + "\r\nBcc: x", "2025-07-01 12:00:00", "text"), (b"\xff\xfe", "2025-07-01 12:00:01", 7)])
    assert numbers(bring(p, "cams", odd, "--time-zone", "UTC"))[:2] == (2, 2)


def test_nobody_can_send_what_only_an_import_may_say(postern):
    p = postern(TOLD)
    p.send(b"From: x\r\nX-Mailer: security-cam-alerts alerts_detect\r\nSubject: Hof\r\n\r\nhello\r\n", to="someone@house")
    assert p.wait_events(1)[0]["kind"] != "camera.person"


# --- cut off --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ten_thousand(tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "events.csv"
    at = datetime.datetime(2024, 1, 1)
    write_csv(path, [csv_row(i, "ZoneMobility", "IR Activity", 3, i % 90, f"Raum {i % 90}", at=f"{at + datetime.timedelta(minutes=i)}+00")
                     for i in range(10_000)])
    return path


def test_ten_thousand_rows_twice(postern, ten_thousand):
    p = postern(TOLD)
    assert numbers(bring(p, "lupuserv-postgres", ten_thousand, timeout=300)) == (10_000, 10_000, 10_000, 0, 0, 0)
    assert numbers(bring(p, "lupuserv-postgres", ten_thousand, timeout=300)) == (10_000, 0, 0, 10_000, 0, 0)
    assert counts(p) == (10_000, 10_000, 0, 0)
    with database(p) as db:
        times = [r[0] for r in db.execute("SELECT received_ms FROM events ORDER BY seq")]
    assert times == sorted(times)


@pytest.mark.parametrize("fault", ["import.kept:3", "store.rows_written:8", "store.committed:6"])
def test_killed_in_the_middle_each_row_is_there_once(tmp_path, ten_thousand, fault):
    rows = tmp_path / "some.csv"
    rows.write_text("".join(ten_thousand.read_text().splitlines(keepends=True)[:401]))
    p = Postern(tmp_path / "gate", TOLD)
    killed = p.command("import", "lupuserv-postgres", rows, env={"POSTERN_FAULT": fault}, timeout=60)
    assert killed.returncode == -signal.SIGKILL, (killed.stdout, killed.stderr)
    there = counts(p)[0]
    assert 0 < there < 400 and counts(p)[:2] == (there, there), "a row and its event come together"
    assert numbers(bring(p, "lupuserv-postgres", rows)) == (400, 400 - there, 400 - there, there, 0, 0)
    assert counts(p) == (400, 400, 0, 0)


def test_the_gateway_killed_in_the_middle_and_begun_again(postern, tmp_path):
    folder = tmp_path / "mails"
    folder.mkdir()
    for i in range(40):
        (folder / f"{i}.eml").write_bytes(f"Date: Fri, 21 Nov 2025 03:12:{i:02} +0000\r\n".encode() + bytes(mails.camera(pictures=[mails.jpeg(i, size=90_000)])))
    p = postern(TOLD, fault="import.kept:9")
    p.command("import", "eml", folder, timeout=60)
    p.wait_killed()
    p.fault = None
    p.start()
    run = bring(p, "eml", folder)
    assert sum(numbers(run)[i] for i in (1, 3)) == 40 and numbers(run)[3] >= 8, run.stdout
    assert counts(p)[:3] == (40, 40, 40) and not p.deliveries()
    files = list(pathlib.Path(p.data).glob("arrivals/*/*/*/*.eml"))
    assert len(files) == 40, "no file without its row, none left out"
