"""The archive in a MongoDB-compatible server: what is copied, how it is read back, and that it never stands in the way."""
import collections
import csv
import datetime
import hashlib
import http.client
import io
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import threading
import time
import zoneinfo

import bson
import mails
import mongo
import pytest
from postern import program, rounds, wait_until


def settings(uri, site="Home", **archive):
    return {"Site": {"Name": site, "TimeZone": "Europe/Berlin"}, "ConnectionStrings": {"MongoDB": uri}, "Archive": archive}


def wait_copied(p, seconds=30):
    time.sleep(1.6)  # the archive looks for new events twice a second, the metric is set once
    wait_until("the archive has everything", lambda: p.metric("postern_archive_lag_events") == 0, seconds, 0.1)


def assert_agree(p, server, site="Home", least=0):
    """Both stores come to have the same events, each of them the same, and so many at least: after a start mails may still be read."""
    def look():
        here = {e["id"]: e for e in p.events()}
        there = {name: doc["event"] for name, doc in server.events(site).items()}
        return here == there and len(here) >= least
    wait_until("both stores agree", look, 60, 0.2)


@pytest.fixture
def proxy(ferretdb):
    """A FerretDB behind a proxy: proxy.server is the server."""
    proxy = mongo.Proxy(ferretdb.port)
    proxy.server = ferretdb
    yield proxy
    proxy.close()


def send_some(p, round_, count=3):
    for i in range(count):
        assert p.send(mails.panel(f"Zone:{i + 1} Raum {round_}, Innenbereich Alarm"))[0] == 250


@pytest.fixture(params=["ferretdb", "javamongo"])
def server(request):
    """Each of the two real servers."""
    return request.getfixturevalue(request.param)


def test_events_and_pictures_come_into_the_archive(postern, server):
    pictures = [mails.jpeg(1, size=600_000), mails.jpeg(2, size=20_000)]
    p = postern(settings(server.uri))
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    p.send(mails.camera(pictures=pictures), to="einfahrt@house")
    p.send(mails.camera(pictures=pictures[:1]), to="einfahrt@house")
    p.wait_events(3)
    assert_agree(p, server)
    with server.database() as db:
        files = {f["_id"]: f for f in db["fs.files"].find()}
        assert files.keys() == {hashlib.sha256(x).hexdigest() for x in pictures}
        for x in pictures:
            name = hashlib.sha256(x).hexdigest()
            assert files[name]["length"] == len(x)
            chunks = sorted(db["fs.chunks"].find({"files_id": name}), key=lambda c: c["n"])
            assert b"".join(c["data"] for c in chunks) == x
    [gateway] = wait_until("the archive knows its gateway", lambda: server.find("gateways"))
    assert gateway["site"] == "Home" and gateway["seq"] >= 3


class Killing:
    """Kills at a place of an insert's way, "sent" (behind its request) or "answer" (before its answer goes back), once it is armed."""

    def __init__(self, proxy, kill):
        self.kill, self.armed, self.counts, self.trouble = kill, None, {"sent": 0, "answer": 0}, None
        self.goes_on, self.lock = threading.Event(), threading.Lock()
        proxy.on_sent, proxy.on_answer = self._hook("sent"), self._hook("answer")

    def _hook(self, place):
        def hook(name):
            with self.lock:  # two batches may be under way
                is_mine = name == "insert" and self.armed == place
                self.armed = "killing" if is_mine else self.armed
            if is_mine:
                try:
                    self.kill()
                    self.counts[place] += 1
                except Exception as e:  # this is the proxy's thread: who waits for us shall say it
                    self.trouble = e
                self.armed = None
                return "cut"
            if name == "insert" and place == "answer":
                self.goes_on.set()
            return "go"
        return hook

    def once(self, place, then):
        """Arms, does what makes an insert, waits until it has killed."""
        self.armed = place
        then()
        wait_until("it is killed in the middle of a batch", lambda: self.armed is None, 60)
        if self.trouble:
            raise self.trouble
        self.goes_on.clear()

    def say(self, what, count, p, server):
        print(f"\n{what} killed {count} times, {self.counts['sent']} behind a batch's request and {self.counts['answer']} before its answer went back; "
              f"afterwards {len(p.events())} events here and {len(server.events())} there, each the same")


def test_a_database_killed_in_the_middle_of_a_batch_loses_and_doubles_nothing(postern, proxy):
    """In nine of ten rounds the server dies between a batch's request and its answer; `make soak-archive` has 50."""
    p = postern(settings(proxy.uri))
    send_some(p, "first")
    assert_agree(p, proxy.server)
    count, killing = rounds("archive", 8), Killing(proxy, proxy.server.kill)
    for i in range(count):
        if i % 10 == 9:  # at any other time
            send_some(p, i)
            proxy.server.kill()
            killing.goes_on.clear()
        else:
            killing.once("sent" if i % 2 else "answer", lambda i=i: send_some(p, i))
        proxy.server.start()
        assert killing.goes_on.wait(60), "nothing was copied after the server came back"
    assert_agree(p, proxy.server, least=3 * count)
    assert sum(killing.counts.values()) >= count * 0.8
    assert "archive" not in wait_until("all is well", lambda: p.reasons() if "archive" not in p.reasons() else None)
    killing.say("FerretDB was", count, p, proxy.server)


def test_a_gateway_killed_in_the_middle_of_a_batch_loses_and_doubles_nothing(postern, proxy):
    p = postern(settings(proxy.uri))
    sent = threading.Event()

    def kill():
        assert sent.wait(30)
        p.kill9()

    def send(i):
        send_some(p, i)
        sent.set()
    count, killing = rounds("archive_gateway", 5), Killing(proxy, kill)
    for i in range(count):
        sent.clear()
        killing.once("sent" if i % 2 else "answer", lambda i=i: send(i))
        p.start()
    assert_agree(p, proxy.server, least=3 * count)
    assert sum(killing.counts.values()) == count
    killing.say("The gateway was", count, p, proxy.server)


def test_a_database_that_is_not_there_delays_nothing_and_is_said(postern):
    p = postern(settings("mongodb://anna:geheim%40wort@127.0.0.1:9/postern", TellAfter=1))
    for i in range(20):
        began = time.monotonic()
        assert p.send(mails.panel(f"Zone:{i + 1} Ost, Innenbereich Alarm"))[0] == 250
        assert time.monotonic() - began < 2
    p.wait_events(20)
    assert "127.0.0.1:9/postern" in wait_until("the reason", lambda: p.reasons().get("archive"))
    wait_until("the lag is told", lambda: p.metric("postern_archive_lag_events") >= 20)
    assert "geheim" not in p.log_text(whole=True) and "geheim" not in str(p.reasons())


def test_the_compose_files_archive_takes_our_events(postern, ferretdb_with):
    server = ferretdb_with()
    p = postern(settings(server.uri))
    p.send(mails.camera(pictures=[mails.jpeg(1)]), to="einfahrt@house")
    p.wait_events(1)
    assert_agree(p, server)
    assert len(names_of_files(server)) == 1
    assert {f.name for f in server.folder.iterdir()} == {"data", "log"}, "it writes to its volume only"


@pytest.fixture
def guarded(ferretdb_with, tmp_path):
    """A FerretDB with TLS and a user; guarded.string(password) is its connection string."""
    pair = [tmp_path / "key.pem", tmp_path / "certificate.pem"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", pair[0], "-out", pair[1]], check=True, capture_output=True)
    server = ferretdb_with("--listen-addr=", "--listen-tls=ADDRESS", f"--listen-tls-key-file={pair[0]}", f"--listen-tls-cert-file={pair[1]}",
                           "--test-enable-new-auth", "--setup-database=postern", "--setup-username=anna", "--setup-password=geheim@wort")
    server.string = lambda password, ca=pair[1]: f"mongodb://anna:{password}@127.0.0.1:{server.port}/postern?tls=true&tlsCAFile={ca}"
    server.uri = server.string("geheim%40wort")
    return server


def test_tls_and_a_user_by_the_connection_string_which_is_never_logged(postern, guarded):
    p = postern(settings(guarded.uri))
    send_some(p, 1)
    p.wait_events(3)
    assert_agree(p, guarded)
    said = p.log_text(whole=True) + p.command("check").stdout + p.api.get("/api/v1/settings").body.decode() + p.api.get("/readyz?verbose=1").body.decode()
    for secret in ("geheim", "anna:", guarded.uri):
        assert secret not in said


@pytest.mark.parametrize("wrong", ["password", "authority"])
def test_a_server_that_does_not_let_us_in_is_said(postern, guarded, tmp_path, wrong):
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=other",
                    "-keyout", tmp_path / "other.key", "-out", other], check=True, capture_output=True)
    p = postern(settings(guarded.string("falsch%40wort") if wrong == "password" else guarded.string("geheim%40wort", other)))
    said = wait_until("the reason", lambda: p.reasons().get("archive"))
    assert ("uthentication failed" if wrong == "password" else "TLS") in said
    assert "wort" not in said + p.log_text(whole=True)
    assert p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))[0] == 250


def test_a_replica_set_with_a_dead_member(postern, ferretdb_with):
    server = ferretdb_with("--listen-addr=ADDRESS", "--repl-set-name=rs0")
    p = postern(settings(f"mongodb://127.0.0.1:9,127.0.0.1:{server.port}/postern?replicaSet=rs0"))
    send_some(p, 1)
    p.wait_events(3)
    assert_agree(p, server)


def test_trouble_is_told_after_a_while_and_when_it_is_over(postern, proxy, clock):
    proxy.on_request = lambda name: "cut"
    p = postern(settings(proxy.uri, TellAfter=60), clock=clock)
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    wait_until("the reason", lambda: p.reasons().get("archive"))
    assert not p.events("kind=system.archive")
    clock.advance(3601 * 1000)
    [told] = p.wait_events(1, "kind=system.archive")
    assert not told.get("restored") and "wait for the archive" in told["text"]
    proxy.on_request = lambda name: "go"
    clock.advance(31 * 1000)
    both = p.wait_events(2, "kind=system.archive", 60)
    assert both[0]["restored"]
    assert_agree(p, proxy.server)


def refuse(code, text):
    return lambda name: bson.encode({"ok": 0.0, "code": code, "errmsg": text}) if name in ("insert", "update") else "go"


@pytest.mark.parametrize("trouble", ["hang", "slow", "read-only", "full", "refused"])
def test_a_database_in_trouble_delays_no_mail_and_gets_all_later(postern, proxy, trouble):
    behaviour = {
        "hang": lambda name: "hang" if name == "insert" else "go",
        "slow": lambda name: "go",
        "read-only": refuse(13297, "the database is read-only"),
        "full": refuse(14031, "no space left on device"),
        "refused": refuse(13, "not authorized on postern to execute command"),
    }[trouble]
    p = postern(settings(proxy.uri, Timeout=1))
    proxy.on_request = behaviour
    proxy.delay = 1.5 if trouble == "slow" else 0
    times = []
    for i in range(20):
        began = time.monotonic()
        assert p.send(mails.panel(f"Zone:{i + 1} Ost, Innenbereich Alarm"))[0] == 250
        times.append(time.monotonic() - began)
    assert sorted(times)[-2] < 1, times
    p.wait_events(20)
    assert wait_until("the reason", lambda: p.reasons().get("archive"))
    proxy.on_request, proxy.delay = lambda name: "go", 0
    proxy.closing.set() if trouble == "hang" else None
    wait_until("it is well again", lambda: "archive" not in p.reasons(), 40)
    assert_agree(p, proxy.server)


def test_the_gateway_stops_soon_while_the_database_hangs(postern, proxy):
    p = postern(settings(proxy.uri, Timeout=60))
    proxy.on_request = lambda name: "hang" if name == "insert" else "go"
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    wait_until("it hangs", lambda: proxy.counts.get("insert"))
    began = time.monotonic()
    p.stop()
    assert time.monotonic() - began < 10


def test_an_archive_that_was_lost_is_filled_again(postern, ferretdb, tmp_path):
    p = postern(settings(ferretdb.uri))
    send_some(p, 1, 10)
    p.wait_events(10)
    assert_agree(p, ferretdb)
    wait_until("the mark", lambda: is_marked(ferretdb, 10))
    p.stop()
    with ferretdb.database() as db:
        db.client.drop_database("postern")
    p.start()
    send_some(p, 2, 1)
    p.wait_events(11)
    assert_agree(p, ferretdb)


def is_marked(server, seq):
    return any(g["seq"] >= seq for g in server.find("gateways"))


# --- changes --------------------------------------------------------------------------------------------------------


def test_later_changes_come_into_the_archive(postern, server):
    p = postern(settings(server.uri))
    send_some(p, 1, 60)
    events = p.wait_events(60)
    assert_agree(p, server)
    for event in events[:3]:
        assert p.api.request("PATCH", f"/api/v1/events/{event['id']}", {"acknowledged": True, "note": "Nachbarin rief an"}).status == 200
    assert p.api.post("/api/v1/events/ack").status == 200
    wait_until("all are acknowledged", lambda: all("acknowledged_at" in e for e in p.events()))
    assert_agree(p, server)
    assert sum(d["event"].get("note") == "Nachbarin rief an" for d in server.events().values()) == 3


def erase(p, event):
    answer = p.api.request("DELETE", f"/api/v1/events/{event['id']}?confirm=1")
    assert answer.status == 200, answer


def names_of_files(server):
    """By both collections of GridFS, which agree."""
    with server.database() as db:
        names = {f["_id"] for f in db["fs.files"].find()}
        assert names == {c["files_id"] for c in db["fs.chunks"].find()}
        return names


def test_what_is_erased_here_goes_from_the_archive_but_for_pictures_that_another_event_has(postern, server):
    """Another one of this site, or one of another."""
    mine, shared, far = mails.jpeg(1, size=300_000), mails.jpeg(2, size=9_000), mails.jpeg(3, size=9_000)
    name = {x: hashlib.sha256(x).hexdigest() for x in (mine, shared, far)}
    p = postern(settings(server.uri))
    p.send(mails.camera(pictures=[mine, shared, far]), to="einfahrt@house")
    [event] = p.wait_events(1)
    p.send(mails.camera(pictures=[shared]), to="einfahrt@house")
    p.wait_events(2)
    assert_agree(p, server)
    foreign = foreign_event(1, "Graz")
    with server.database() as db:
        db.events.insert_one({**foreign, "media": [{"n": 1, "file": name[far]}]})
    assert names_of_files(server) == set(name.values())
    erase(p, event)
    wait_until("it is gone", lambda: event["id"] not in server.events())
    assert foreign["_id"] in server.events() and len(server.events()) == 2
    assert names_of_files(server) == {name[shared], name[far]}


def test_what_is_erased_while_the_archive_is_away_goes_when_it_is_back(postern, proxy):
    p = postern(settings(proxy.uri))
    p.send(mails.camera(pictures=[mails.jpeg(1)]), to="einfahrt@house")
    [copied] = p.wait_events(1)
    assert_agree(p, proxy.server)
    assert copied["id"] in proxy.server.events() and len(names_of_files(proxy.server)) == 1
    under_way = []

    def erase_it_under_way(name):
        """The server has it, nobody heard so, and then it is no longer here."""
        if name == "insert" and not under_way:
            under_way.extend(p.wait_events(2))
            erase(p, under_way[0])
            return "cut"
        return "cut" if under_way else "go"
    proxy.on_answer = erase_it_under_way
    send_some(p, 1, 1)
    wait_until("it is erased under way", lambda: under_way and not [e for e in p.events() if e["id"] == under_way[0]["id"]])
    proxy.server.kill()
    erase(p, copied)
    send_some(p, 2, 1)
    [never_copied] = [e for e in p.wait_events(1) if e["kind"].startswith("alarm.")]
    erase(p, never_copied)
    send_some(p, 3, 1)
    p.wait_events(1)
    proxy.server.start()
    proxy.on_answer = lambda name: "go"
    assert_agree(p, proxy.server)
    assert not proxy.server.events().keys() & {copied["id"], under_way[0]["id"], never_copied["id"]}
    assert names_of_files(proxy.server) == set()


def test_an_event_that_a_new_reading_no_longer_has_goes_from_the_archive(postern, ferretdb):
    p = postern(settings(ferretdb.uri))
    send_some(p, 1, 1)
    [event] = p.wait_events(1)
    with sqlite3.connect(p.data / "postern.db", timeout=20) as db:  # what a worse reading saw beyond it
        columns = [row[1] for row in db.execute("PRAGMA table_info(events)") if row[1] not in ("seq", "id", "n")]
        db.execute(f"INSERT INTO events(id, n, {', '.join(columns)}) SELECT '{event['id'][:-4]}ZZZZ', 2, {', '.join(columns)} FROM events"
                   " WHERE arrival IS NOT NULL")
    wait_until("it is copied", lambda: len(ferretdb.events()) == 2)
    assert p.command("reparse").stdout.startswith("done: 1 of 1 mails read again")
    wait_until("it is gone there, too", lambda: ferretdb.events().keys() == {event["id"]} and [e["id"] for e in p.events()] == [event["id"]])


def test_a_picture_that_the_box_has_forgotten_comes_from_the_archive(postern, ferretdb, clock):
    picture = mails.jpeg(1, size=70_000)
    p = postern({**settings(ferretdb.uri), "Store": {"Retention": {"Pictures": {"Count": 1}}}}, clock=clock)
    p.send(mails.camera(pictures=[picture]), to="einfahrt@house")
    [event] = p.wait_events(1)
    assert_agree(p, ferretdb)
    p.send(mails.camera(pictures=[mails.jpeg(2)]), to="einfahrt@house")
    p.wait_events(2)
    wait_until("both are copied", lambda: len(ferretdb.events()) == 2)

    def is_forgotten():
        clock.advance(61_000)  # every minute it looks what may go
        return p.api.get(f"/api/v1/events/{event['id']}").json["media"][0].get("forgotten")
    wait_until("it is forgotten", is_forgotten, 60, 0.5)
    answer = p.api.get(f"/api/v1/events/{event['id']}/media/1")
    assert answer.status == 200 and answer.body == picture
    ferretdb.kill()
    assert p.api.get(f"/api/v1/events/{event['id']}/media/1").status == 503


def years_ago(years, n):
    """The id of an event of that time."""
    rest, text = int((time.time() - years * 365.25 * 86400) * 1000), ""
    for _ in range(10):
        text = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[rest & 31] + text
        rest >>= 5
    return f"{text}{n:016d}"


def test_the_archive_forgets_by_its_own_bounds_and_only_this_sites(postern, server):
    def document(id_, site, *files, **more):
        event = {"id": id_, "site": site, "kind": "camera.motion", "severity": "info", **more}
        media = {"media": [{"n": n, "file": f} for n, f in enumerate(files, 1)]} if files else {}
        return {"_id": id_, "v": 1, "site": site, **media, "event": event}

    gone, kept, pictured, recent = years_ago(11, 1), years_ago(11, 2), years_ago(5, 3), years_ago(0.1, 4)
    foreign, also_gone = years_ago(11, 5), years_ago(11, 6)
    with server.database() as db:
        db.events.insert_many([document(gone, "Home", "shared", "own"), document(kept, "Home", "dear", kept=True), document(pictured, "Home", "old", "young"),
                               document(recent, "Home", "young"), document(foreign, "Graz", "shared"), document(also_gone, "Home")])
        db["fs.files"].insert_many([{"_id": f, "length": 1} for f in ("shared", "own", "dear", "old", "young")])
        db["fs.chunks"].insert_many([{"_id": f + "-0", "files_id": f, "n": 0, "data": b"x"} for f in ("shared", "own", "dear", "old", "young")])
    p = postern(settings(server.uri, Retention={"Days": 3652, "PictureDays": 365}))
    send_some(p, 1)
    p.wait_events(3)
    wait_until("the old ones are gone", lambda: not server.events().keys() & {gone, also_gone}, 30, 0.3)
    wait_copied(p)
    there = server.events()
    assert there.keys() - {e["id"] for e in p.events()} == {kept, pictured, recent, foreign}
    assert "media" not in there[pictured] and all("media" in there[x] for x in (kept, recent, foreign))
    assert {f["_id"] for f in server.find("fs.files")} == {c["files_id"] for c in server.find("fs.chunks")} == {"shared", "dear", "young"}
    assert wait_until("it is counted", lambda: p.metric("postern_archive_forgotten_total", what="events")) == 2


def test_twenty_gateways_write_at_once_each_its_own(ferretdb):
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # their own syncs are not the question here
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        run = subprocess.run([program("archive_bench"), ferretdb.uri, f"{folder}/stores", "1000", "20"], capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr
    everything = ferretdb.events()
    assert len(everything) == 1000
    for i in range(1, 21):
        own = ferretdb.events(f"Site {i}")
        assert len(own) == 50 and {d["event"]["site"] for d in own.values()} == {f"Site {i}"}
        assert {int(d["event"]["text"].split("Nr. ")[1]) for d in own.values()} == set(range(50))


# --- reading --------------------------------------------------------------------------------------------------------


def all_pages(p, query, limit=500):
    items, cursor = [], ""
    while cursor is not None:
        page = p.api.get(f"/api/v1/events?{query}&limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert page.status == 200, page
        items += page.json["items"]
        cursor = page.json["next"]
    return items


def test_another_site_is_read_from_the_archive_as_it_reads_itself(postern, server):
    pictures = [mails.jpeg(1, size=700_000), mails.jpeg(2, size=9_000)]
    near, far = postern(settings(server.uri, "Wien")), postern(settings(server.uri, "Graz"))
    send_some(near, 1, 3)
    send_some(far, 2, 30)
    far.send(mails.panel("Zone:8 Gästezimmer Tür, DC Open - Mobility"))
    far.send(mails.camera(pictures=pictures), to="einfahrt@house")
    own = sorted(far.wait_events(32), key=lambda e: e["id"], reverse=True)
    assert_agree(far, server, "Graz")
    for limit in (7, 500):
        assert all_pages(near, "site=Graz", limit) == own
    assert all_pages(near, "site=Graz&order=asc", 7) == own[::-1]
    assert all_pages(near, "site=Nirgends") == []
    for query in ("kind=alarm.*", "kind=alarm.interior", "kind=zone.*", "zone=2", "text=raum", "text=gastezim*", "text=gastezim",
                  'text="gastezimmer%20tur"', 'text="tur%20gastezimmer"', "has_picture=true", "has_picture=false", "severity=alarm",
                  "severity=info", "person=true", "person=false", "kept=true", "acknowledged=false", "text=%5B(*%22",
                  f"since={own[20]['received_at']}", f"until={own[20]['received_at']}", f"device={own[0]['device']['id']}"):
        here = sorted(all_pages(far, query), key=lambda e: e["id"], reverse=True)
        assert all_pages(near, f"site=Graz&{query}") == here, query
    [camera] = [e for e in own if e.get("media")]
    assert near.api.get(f"/api/v1/events/{camera['id']}").json == camera
    for n, picture in enumerate(pictures, 1):
        answer = near.api.get(f"/api/v1/events/{camera['id']}/media/{n}")
        assert answer.status == 200 and answer.body == picture and answer.headers["Content-Type"] == "image/jpeg"
        again = near.api.get(f"/api/v1/events/{camera['id']}/media/{n}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304
    assert near.api.get(f"/api/v1/events/{camera['id']}/media/9").status == 404
    assert near.api.get("/api/v1/events/01ARZ3NDEKTSV4RRFFQ69G5FAV").status == 404
    assert near.api.get("/api/v1/events?site=Graz&cursor=a1").status == 400
    for query in ("", "&kind=alarm.*", "&text=raum", f"&until={own[20]['received_at']}"):
        assert exported(near, f"ndjson?site=Graz{query}") == exported(far, f"ndjson?site=Graz{query}"), query
        assert exported(near, f"csv?site=Graz{query}") == exported(far, f"csv?site=Graz{query}"), query
        assert feed_ids(near, f"site=Graz{query}") == feed_ids(far, f"site=Graz{query}"), query
        for by in ("hour", "day", "kind", "device"):
            assert counts(near, f"by={by}&site=Graz{query}") == counts(far, f"by={by}&site=Graz{query}"), (by, query)
    assert len(exported(near, "ndjson?site=Graz")) == 32 and counts(near, "by=day&site=Graz")["total"] == 32
    assert near.api.post("/api/v1/events/ack?site=Graz").status == 400


def exported(p, what):
    """The lines of an export; ids of one millisecond have no order in the archive."""
    answer = p.api.get(f"/api/v1/events.{what}")
    assert answer.status == 200, answer
    return sorted(answer.body.decode().splitlines())


def feed_ids(p, query):
    answer = p.api.get(f"/api/v1/events.atom?{query}")
    assert answer.status == 200, answer
    return sorted(re.findall(r"<id>(urn:x-postern:event:.*?)</id>.*?<content type=\"text\">(.*?)</content>", answer.body.decode()))


def counts(p, query):
    answer = p.api.get(f"/api/v1/stats?{query}")
    assert answer.status == 200, answer
    return answer.json


def foreign_event(n, site="Linz"):
    id_ = f"01ARZ3NDEKTSV4RRFFQ6{n:06d}"
    return {"_id": id_, "v": 1, "site": site, "event": {
        "id": id_, "site": site, "parser": "", "kind": "zone.open", "severity": "info", "restored": False,
        "text": f"=Nr. {n}", "received_at": "2016-07-30T23:54:10.259Z"}}


def test_a_long_export_of_the_archive_comes_page_by_page(postern, proxy):
    documents = [foreign_event(n) for n in range(500)]
    for document in documents[100:400]:
        document["event"]["text"] += " " + "x" * 30_000
    with proxy.server.database() as db:
        db.events.insert_many(documents)
    p = postern(settings(proxy.uri, "Wien"))
    lines = p.api.get("/api/v1/events.ndjson?site=Linz").body.decode().splitlines()
    assert [json.loads(line) for line in lines] == [d["event"] for d in reversed(documents)]
    finds = proxy.counts["find"]
    csv.field_size_limit(1 << 20)
    rows = list(csv.DictReader(io.StringIO(p.api.get("/api/v1/events.csv?site=Linz").body.decode(), newline="")))
    assert [row["text"] for row in rows] == ["'" + d["event"]["text"] for d in reversed(documents)]
    assert proxy.counts["find"] - finds >= 3, "a page is a piece of it"
    finds = proxy.counts["find"]
    proxy.on_request = lambda name: "cut" if name == "find" and proxy.counts["find"] > finds + 1 else "go"
    with pytest.raises((http.client.HTTPException, OSError)):  # a part is never taken for the whole
        p.api.get("/api/v1/events.ndjson?site=Linz")


def test_older_spans_are_the_archives_and_join_without_seam(postern, ferretdb, clock):
    p = postern({**settings(ferretdb.uri), "Store": {"KeepLocal": 2}}, clock=clock)
    for day in range(6):
        send_some(p, day, 4)
        p.wait_events((day + 1) * 4) if day < 2 else time.sleep(0.3)
        clock.advance(24 * 3600 * 1000)
    wait_until("the archive has all mails", lambda: sum("arrival" in d["event"] for d in ferretdb.events().values()) == 24, 30, 0.3)
    wait_copied(p)
    everything = sorted((d["event"] for d in ferretdb.events().values()), key=lambda e: e["id"], reverse=True)
    for limit in (3, 500):
        walked = all_pages(p, "kind=alarm.*", limit)
        assert [e["id"] for e in sorted(walked, key=lambda e: e["id"], reverse=True)] == \
            [e["id"] for e in everything if e["kind"].startswith("alarm.")]
    assert p.api.get("/api/v1/events?limit=500").json["next"].startswith("a")
    old = everything[-5]["received_at"]
    assert all_pages(p, f"until={old}") == [e for e in everything if e["received_at"] < old]
    for query in ("", f"?until={old}"):
        lines = [json.loads(line) for line in p.api.get(f"/api/v1/events.ndjson{query}").body.decode().splitlines()]
        wanted = [e for e in everything if not query or e["received_at"] < old]
        assert sorted(lines, key=lambda e: e["id"], reverse=True) == wanted
        assert len(p.api.get(f"/api/v1/events.csv{query}").body.decode().splitlines()) == 1 + len(wanted)
        assert [name.rsplit(":")[-1] for name, _ in feed_ids(p, query[1:])] == sorted(e["id"] for e in wanted)
        for by, key in ("day", lambda e: day_of(e)), ("kind", lambda e: e["kind"]), ("device", lambda e: e.get("device", {}).get("id", "")):
            found = {item[by]: item["count"] for item in counts(p, f"by={by}&{query[1:]}")["items"]}
            assert found == collections.Counter(key(e) for e in wanted), (by, query)
    ferretdb.kill()
    for path in ("events.ndjson", "events.csv", "events.atom", "stats?by=day"):
        answer = p.api.get(f"/api/v1/{path}")
        assert answer.status == 503 and "archive" in answer.json["detail"], path
    assert p.api.get(f"/api/v1/stats?by=day&since={now_of(p)}").status == 200


def day_of(event):
    """The site's: its zone is Europe/Berlin."""
    at = datetime.datetime.fromisoformat(event["received_at"].replace("Z", "+00:00"))
    return at.astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).date().isoformat()


def now_of(p):
    return max(e["received_at"] for e in p.api.get("/api/v1/events?limit=5").json["items"])


def test_an_archive_that_is_silent_is_a_503_and_the_rest_goes_on(postern):
    p = postern(settings("mongodb://127.0.0.1:9/postern", Timeout=2))
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    p.wait_events(1)
    for path in ("events?", "events.ndjson?", "events.csv?", "events.atom?", "stats?by=kind&"):
        answer = p.api.get(f"/api/v1/{path}site=Graz")
        assert answer.status == 503 and "archive" in answer.json["detail"], path
    assert len(p.events()) == 1


def test_documents_of_other_versions_are_read(postern, ferretdb):
    p = postern(settings(ferretdb.uri, "Wien"))
    event = {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "site": "Graz", "parser": "", "kind": "alarm.fire", "severity": "alarm", "restored": False,
             "received_at": "2016-07-30T23:54:10.259Z"}
    later = {**event, "id": "01ARZ3NDEKTSV4RRFFQ69G5FAW"}
    with ferretdb.database() as db:
        db.events.insert_one({"_id": event["id"], "site": "Graz", "event": event})
        db.events.insert_one({"_id": later["id"], "v": 2, "site": "Graz", "smoke": {"level": 1.5, "rooms": [1, 2]}, "event": later})
    assert all_pages(p, "site=Graz") == [later, event]
