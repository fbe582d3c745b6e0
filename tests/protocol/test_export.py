"""What leaves the history as a whole: NDJSON, CSV and Atom; versions (ETag) of lists; ranges of pictures."""
import csv
import io
import json
import socket
import sqlite3
import threading
import time
import xml.etree.ElementTree as xml

import pytest

import mails
from postern import repeating, wait_until

ATOM = "{http://www.w3.org/2005/Atom}"


def fill(p, count, text="Zone 8, Ost 1, {i}"):
    """Stops it, writes so many events of our own into its history, starts it again."""
    p.stop()
    with sqlite3.connect(p.data / "postern.db") as db:
        now = int(time.time() * 1000) - count
        db.executemany(
            "INSERT INTO events(id, n, received_ms, parser, kind, restored, severity, device, zone, zone_name, text)"
            " VALUES(?, 1, ?, 'plain', ?, 0, ?, 'house', ?, 'Ost', ?)",
            ((f"01M{i:023d}", now + i, "alarm.interior" if i % 10 == 0 else "zone.open", 2 if i % 10 == 0 else 0, i % 20, text.format(i=i))
             for i in range(count)))
    db.close()
    p.start()


def memory_kib(p):
    """What it has taken and not given back, without the pages of files."""
    with open(f"/proc/{p.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))


def lines(answer):
    assert answer.status == 200, answer
    return [json.loads(line) for line in answer.text.splitlines()]


def rows(answer):
    assert answer.status == 200, answer
    return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8"), newline="")))


def test_exports_hold_what_the_list_holds(postern):
    p = postern()
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), login="house")
    p.send(mails.panel("Jörg Weiß, Arm"), login="house")
    p.wait_events(2)
    for query in ("", "kind=alarm.*", "text=Wei%C3%9F", "zone=77"):
        listed = p.events(query)
        answer = p.api.get(f"/api/v1/events.ndjson?{query}")
        assert lines(answer) == listed and answer.headers["Content-Type"] == "application/x-ndjson"
        table = p.api.get(f"/api/v1/events.csv?{query}")
        assert [r["id"] for r in rows(table)] == [e["id"] for e in listed]
        assert [r["kind"] for r in rows(table)] == [e["kind"] for e in listed]
    assert rows(p.api.get("/api/v1/events.csv?kind=mode.armed"))[0]["user"] == "Jörg Weiß"
    for path in ("/api/v1/events.csv?kind=nonsense", "/api/v1/events.ndjson?limit=5", "/api/v1/events.atom?cursor=3"):
        assert p.api.get(path).status == 400
    assert p.api.request("HEAD", "/api/v1/events.csv").status == 200


def test_a_spreadsheet_computes_nothing_of_what_a_device_wrote(postern):
    p = postern()
    wild = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", 'say "no", then\r\ngo', "plain", "Tür; 'x'", "a=b"]
    fill(p, len(wild), "{i}")
    p.stop()
    with sqlite3.connect(p.data / "postern.db") as db:
        for i, text in enumerate(wild):
            db.execute("UPDATE events SET text = ? WHERE id = ?", (text, f"01M{i:023d}"))
    db.close()
    p.start()
    answer = p.api.get("/api/v1/events.csv")
    texts = [r["text"] for r in rows(answer)][::-1]
    assert texts == [("'" + t) if t[0] in "=+-@\t\r" else t for t in wild]
    plain = answer.text.replace('say ""no"", then\r\ngo', "")
    assert plain.count("\r\n") == len(wild) + 1 and answer.headers["Content-Type"].startswith("text/csv")
    assert len({len(r) for r in csv.reader(io.StringIO(answer.body.decode(), newline=""))}) == 1


# Memory is measured without sanitizers, which keep what was freed; each of five answers is 10 MB, the readers' caches together up to 16.
@pytest.mark.threads
@pytest.mark.parametrize("build,count,most_kib", [("plain", 50_000, 24 * 1024), (None, 10_000, None)], ids=["memory", "sanitized"])
def test_an_export_of_any_size_takes_no_memory_and_one_that_stalls_nothing_else(postern, build, count, most_kib):
    p = postern(build=build)
    fill(p, count)
    p.api.get("/api/v1/events.ndjson?kind=alarm.interior")
    before = memory_kib(p)
    stalled = []
    for path in ("events.csv", "events.ndjson"):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", p.api.port))
        s.sendall(f"GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert s.recv(100).startswith(b"HTTP/1.1 200")
        stalled.append(s)
    got = {}
    readers = [threading.Thread(target=lambda n=n: got.__setitem__(n, p.api.get("/api/v1/events.ndjson"))) for n in range(3)]
    for t in readers:
        t.start()
    highest = before
    while any(t.is_alive() for t in readers):
        highest = max(highest, memory_kib(p))
        time.sleep(0.02)
    for n in range(3):
        found = [json.loads(line)["id"] for line in got[n].text.splitlines()]
        assert len(found) == count and len(set(found)) == count and found == sorted(found, reverse=True)
    assert len(got[0].body) > count * 200
    assert not most_kib or highest - before < most_kib, f"{before} KiB, then {highest}"
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))  # nobody holds the database
    assert p.api.get("/api/v1/events?kind=alarm.interior&limit=1").json["items"][0]["text"] != ""
    for s in stalled:
        s.close()


def test_an_export_while_events_arrive_has_each_old_event_once(postern):
    p = postern()
    fill(p, 3000)
    with repeating(lambda: p.send(mails.panel("Zone:99 Tor, Innenbereich Alarm"))):
        for _ in range(5):
            old = [e["id"] for e in lines(p.api.get("/api/v1/events.ndjson")) if e.get("text", "").startswith("Zone 8, Ost 1")]
            assert len(old) == len(set(old)) == 3000


def test_an_export_that_nobody_takes_is_cut(postern):
    p = postern({"Api": {"Timeout": 2}})
    fill(p, 50_000, "{i} " + "x" * 300)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", p.api.port))
    s.sendall(b"GET /api/v1/events.ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert s.recv(100).startswith(b"HTTP/1.1 200")
    time.sleep(5)
    s.settimeout(20)
    received = 0
    try:
        while piece := s.recv(1 << 20):
            received += len(piece)
    except ConnectionResetError:
        pass
    assert received < 15_000_000
    s.close()


def test_few_exports_at_once(postern):
    p = postern()
    fill(p, 50_000, "{i} " + "x" * 300)
    open_ones = []
    for _ in range(16):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", p.api.port))
        s.sendall(b"GET /api/v1/events.csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(12) == b"HTTP/1.1 200"
        open_ones.append(s)
    assert p.api.get("/api/v1/events.csv").status == 503
    assert p.api.get("/api/v1/events?limit=1").status == 200
    for s in open_ones:
        s.close()
    wait_until("a place", lambda: p.api.get("/api/v1/events.csv?zone=77").status == 200)


def test_the_feed_is_atom(postern):
    p = postern({"Api": {"PublicUrl": "https://house.example/gate/"}, "Site": {"Name": "Müller & <Söhne>"}})
    assert xml.fromstring(p.api.get("/api/v1/events.atom").body).find(f"{ATOM}updated") is not None
    fill(p, 70, "<b>&\"\x01\x1f\ufffe {i}")
    answer = p.api.get("/api/v1/events.atom")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    feed = xml.fromstring(answer.body)
    assert feed.tag == f"{ATOM}feed" and feed.findtext(f"{ATOM}title") == "Müller & <Söhne>"
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 50 and len({e.findtext(f"{ATOM}id") for e in entries}) == 50
    assert feed.find(f"{ATOM}link").get("href") == "https://house.example/gate/api/v1/events.atom"
    newest = p.events()[0]
    assert entries[0].find(f"{ATOM}link").get("href") == f"https://house.example/gate/api/v1/events/{newest['id']}"
    assert entries[0].findtext(f"{ATOM}updated") == newest["received_at"] == feed.findtext(f"{ATOM}updated")
    assert entries[0].findtext(f"{ATOM}content").startswith('<b>&"') and "\x01" not in answer.text


def test_a_list_that_did_not_change_is_not_sent_again(postern):
    p = postern()
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), login="house")
    p.wait_events(1)

    def twice(path):
        """The list and the same again; None: something was written in between (bookkeeping follows the event)."""
        first = p.api.get(path)
        assert first.status == 200 and "no-store" not in first.headers["Cache-Control"]
        again = p.api.get(path, headers={"If-None-Match": first.headers["ETag"]})
        return (first, again) if again.status == 304 else None

    for path in ("/api/v1/events", "/api/v1/events?kind=alarm.*", "/api/v1/deliveries", "/api/v1/devices", "/api/v1/events.atom"):
        first, again = wait_until(f"{path} stands still", lambda path=path: twice(path))
        assert again.body == b"" and again.headers["ETag"] == first.headers["ETag"]
        assert p.api.get(path, headers={"If-None-Match": '"other"'}).body == first.body
    known = {path: p.api.get(path).headers["ETag"] for path in ("/api/v1/events", "/api/v1/devices", "/api/v1/events.atom")}
    p.send(mails.panel("Zone:9 Ost 2, Innenbereich Alarm"), login="house")
    p.wait_events(2)
    for path, etag in known.items():
        assert p.api.get(path, headers={"If-None-Match": etag}).status == 200, path
    etag = p.api.get("/api/v1/events").headers["ETag"]
    p.restart()
    assert p.api.get("/api/v1/events", headers={"If-None-Match": etag}).status == 200


def test_ranges_of_a_picture(postern):
    p = postern()
    picture = mails.jpeg(3)
    p.send(mails.camera(pictures=[picture]), login="einfahrt")
    event = p.wait_events(1)[0]
    path = f"/api/v1/events/{event['id']}/media/{event['media'][0]['n']}"
    whole = p.api.get(path)
    assert whole.status == 200 and whole.body == picture and whole.headers["Accept-Ranges"] == "bytes"
    n = len(picture)
    for asked, first, last in (("0-99", 0, 99), ("0-0", 0, 0), ("100-", 100, n - 1), ("-100", n - 100, n - 1), (f"-{n * 2}", 0, n - 1),
                               (f"{n - 1}-{n + 50}", n - 1, n - 1), ("7-7", 7, 7)):
        part = p.api.get(path, headers={"Range": f"bytes={asked}"})
        assert part.status == 206 and part.body == picture[first:last + 1], asked
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{n}" and part.headers["Content-Length"] == str(last - first + 1)
    for asked in (f"{n}-", f"{n + 5}-{n + 9}", "-0"):
        none = p.api.get(path, headers={"Range": f"bytes={asked}"})
        assert none.status == 416 and none.headers["Content-Range"] == f"bytes */{n}", asked
    for asked in ("bytes=0-1,3-4", "bytes=5-3", "bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0-1x", "bytes=" + "9" * 40 + "-"):
        assert p.api.get(path, headers={"Range": asked}).body == picture, asked
    etag = whole.headers["ETag"]
    assert p.api.get(path, headers={"Range": "bytes=0-9", "If-Range": etag}).status == 206
    assert p.api.get(path, headers={"Range": "bytes=0-9", "If-Range": '"old"'}).body == picture
    assert p.api.get(path, headers={"Range": "bytes=0-9", "If-None-Match": etag}).status == 304
    raw = f"/api/v1/arrivals/{event['arrival']}/raw"
    assert p.api.get(raw, headers={"Range": "bytes=5-14"}).body == p.api.get(raw).body[5:15]
