"""The live stream: server-sent events of what happens, going on after a break where it was, for many readers at once."""
import http.client
import json
import os
import selectors
import socket
import threading
import time

import pytest

import mails
from postern import wait_until
from test_export import fill, memory_kib


class Stream:
    """One reader. Frames are (type, id, data); those without data are left out, their ids count."""

    def __init__(self, p, query="", last=None):
        self.c = http.client.HTTPConnection("127.0.0.1", p.api.port, timeout=30)
        self.c.request("GET", f"/api/v1/stream?{query}" if query else "/api/v1/stream", headers={"Last-Event-ID": last} if last else {})
        self.r = self.c.getresponse()
        self.last, self.comments = last, 0

    def frame(self, seconds=20):
        self.c.sock.settimeout(seconds)
        kind = data = None
        while True:
            line = self.r.readline()
            if not line:
                raise EOFError
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "id":
                self.last = value
            elif name == "data":
                data = json.loads(value)
            elif name == ":":
                self.comments += 1
            elif name == "" and data is not None:
                return kind, self.last, data

    def next(self, kind, seconds=20):
        while True:
            frame = self.frame(seconds)
            if frame[0] == kind:
                return frame

    def close(self):
        self.r.close()
        self.c.close()


def threads_of(p):
    return len(os.listdir(f"/proc/{p.pid}/task"))


def test_it_says_what_happens(postern):
    p = postern({"Accounts": {"log": {"Type": "log"}}})
    s = Stream(p)
    assert s.r.status == 200 and s.r.headers["Content-Type"] == "text/event-stream" and s.r.headers["Cache-Control"] == "no-store"
    kind, _, health = s.frame()
    assert kind == "health" and health["state"] in ("ok", "degraded")
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), login="house")
    start = time.monotonic()
    event = s.next("event")[2]
    assert time.monotonic() - start < 3
    assert event == p.api.get(f"/api/v1/events/{event['id']}").json and event["kind"] == "alarm.interior"
    device = s.next("device")[2]
    assert device["id"] == "house"
    p.api.request("PATCH", f"/api/v1/events/{event['id']}", {"acknowledged": True, "note": "die Katze"})
    changed = s.next("event")[2]
    assert changed["id"] == event["id"] and changed["note"] == "die Katze" and changed["acknowledged_by"] == "loopback"
    p.api.request("PATCH", "/api/v1/devices/house", {"name": "Villa"})
    while s.next("device")[2]["name"] != "Villa":  # what it had learned of itself may come before
        pass
    s.close()


def test_deliveries_are_told_when_they_begin_and_end(postern):
    p = postern()
    s = Stream(p)
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), login="house")
    p.wait_events(1)
    last = wait_until("an end", lambda: [d for d in p.deliveries() if d["state"] in ("sent", "failed", "unknown")])[0]
    while True:
        told = s.next("delivery")[2]
        if told["id"] == last["id"] and told["state"] == last["state"]:
            break
    s.close()


def test_filters(postern):
    p = postern()
    alarms, house, zone, wrong = (Stream(p, q) for q in ("kind=alarm.*&severity=alarm", "device=house", "zone=9", "kind=nonsense"))
    assert wrong.r.status == 400 and Stream(p, last="x").r.status == 400 and Stream(p, "cursor=1").r.status == 400
    p.send(mails.panel("Jörg Weiß, Arm"), login="house")
    p.wait_events(1)
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), login="garden")
    p.wait_events(2)
    p.send(mails.panel("Zone:9 Ost 2, Innenbereich Alarm"), login="house")
    p.wait_events(3)
    assert [alarms.next("event")[2]["zone"]["number"] for _ in range(2)] == [8, 9]
    assert [house.next("event")[2]["kind"] for _ in range(2)] == ["mode.armed", "alarm.interior"]
    assert zone.next("event")[2]["zone"]["number"] == 9
    for s in (alarms, house, zone):
        s.close()


def test_a_quiet_stream_has_a_heartbeat_and_keeps_its_place(postern):
    p = postern()
    s = Stream(p)
    s.next("health")
    at = s.last
    before, start = s.comments, time.monotonic()
    s.c.sock.settimeout(20)
    while s.comments == before:
        line = s.r.readline().decode()
        s.comments += line.startswith(":")
    assert 5 < time.monotonic() - start < 16
    name, _, place = s.r.readline().decode().rstrip("\n").partition(": ")  # an event of the start may have changed since
    assert name == "id" and [int(n) for n in place.split("-")] >= [int(n) for n in at.split("-")]
    s.close()


@pytest.mark.threads
def test_it_goes_on_without_a_gap_under_load_and_over_restarts(postern):
    p = postern()
    p.send(mails.panel("Zone:1 Tor, Innenbereich Alarm"))
    p.wait_events(1)
    first = Stream(p)
    first.next("health")
    last, seen = first.last, []
    first.close()
    stop, sent = threading.Event(), []

    def more():
        while not stop.is_set():
            try:
                p.send(mails.panel(f"Zone:{len(sent) % 90} Tor, Innenbereich Alarm"))
                sent.append(1)
            except OSError:
                time.sleep(0.05)

    senders = [threading.Thread(target=more) for _ in range(2)]
    for t in senders:
        t.start()
    try:
        for round_ in range(12):
            s = Stream(p, last=last)
            try:
                for _ in range(20):
                    kind, last, data = s.frame()
                    if kind == "event":
                        seen.append(data["id"])
            finally:
                s.close()
            if round_ == 5:
                p.kill9()
                p.start()
    finally:
        stop.set()
        for t in senders:
            t.join()
    everything = wait_until("a quiet history", lambda: len(a := p.events()) == (time.sleep(1), len(p.events()))[1] and a)[::-1]
    s = Stream(p, last=last)
    wanted = [e["id"] for e in everything[1:]]
    while not set(wanted) <= set(seen):
        kind, last, data = s.frame()
        if kind == "event":
            seen.append(data["id"])
    s.close()
    new = list(dict.fromkeys(seen))
    assert new == wanted  # each, in the order in which they were written
    assert len(seen) - len(new) <= len(wanted)  # corrections are told again, nothing else is


def test_a_reader_gets_old_history_from_its_position_on(postern):
    p = postern()
    fill(p, 5000)
    s = Stream(p, last="0-0")
    ids = [s.next("event")[2]["id"] for _ in range(5000)]
    assert ids == [f"01M{i:023d}" for i in range(5000)]
    s.close()
    s = Stream(p, last="999999999-5")  # of another database: from now on
    s.next("health")
    assert int(s.last.split("-")[0]) == 5000
    s.close()


@pytest.mark.threads
def test_two_hundred_readers_at_once(postern):
    p = postern({"Api": {"MaxConnections": 400, "MaxConnectionsPerAddress": 400}})
    p.send(mails.panel("Zone:1 Tor, Innenbereich Alarm"))
    p.wait_events(1)
    threads = threads_of(p)
    look, readers = selectors.DefaultSelector(), {}
    for _ in range(200):
        s = socket.create_connection(("127.0.0.1", p.api.port))
        s.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        look.register(s, selectors.EVENT_READ)
        readers[s] = b""

    def pump(is_done, seconds=30):
        until = time.monotonic() + seconds
        while not is_done():
            assert time.monotonic() < until, sorted(len(t) for t in readers.values())
            for key, _ in look.select(0.2):
                readers[key.fileobj] += key.fileobj.recv(1 << 16)

    pump(lambda: all(b"event: health" in t for t in readers.values()))
    assert Stream(p).r.status == 503
    assert threads_of(p) <= threads + 1  # none for a reader
    for i in range(20):
        p.send(mails.panel(f"Zone:{i} Tor, Innenbereich Alarm"))
    p.wait_events(21)
    pump(lambda: all(t.count(b"event: event\n") >= 20 for t in readers.values()))
    assert p.api.get("/livez").status == 200
    for s in readers:
        s.close()
    wait_until("room", lambda: Stream(p).r.status == 200)
    p.stop()  # with a stream that is still open


def test_what_was_erased_is_told_to_nobody(postern):
    p = postern()
    for zone in (1, 2):
        p.send(mails.panel(f"Zone:{zone} Tor, Innenbereich Alarm"))
        p.wait_events(zone)
    first = Stream(p, last="0-0")  # stays, so that what it was told may still be lying about
    erased, kept = [first.next("event")[2]["id"] for _ in range(2)]
    assert p.api.request("DELETE", f"/api/v1/events/{erased}?confirm=1").json["erased"] == 1
    late = Stream(p, last="0-0")
    assert late.next("event")[2]["id"] == kept
    first.close()
    late.close()


def sockets_of(p):
    links = (os.path.join(f"/proc/{p.pid}/fd", fd) for fd in os.listdir(f"/proc/{p.pid}/fd"))
    return sum(os.path.islink(link) and os.readlink(link).startswith("socket:") for link in links)


def stalled(p):
    """A reader of the whole history who reads no further than the status."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", p.api.port))
    s.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0-0\r\n\r\n")
    s.settimeout(20)
    assert s.recv(12) == b"HTTP/1.1 200"
    return s


def rest_of(s):
    """How much there was left to read until the end."""
    received = 0
    try:
        while piece := s.recv(1 << 20):
            received += len(piece)
    except ConnectionResetError:
        pass
    return received


def test_readers_that_take_nothing_are_cut_and_nobody_else_notices(postern):
    p = postern({"Api": {"Timeout": 2}}, env={"ASAN_OPTIONS": "quarantine_size_mb=1"})  # else what is freed counts, too
    fill(p, 20_000, "{i} " + "x" * 300)  # 14 MB for each of them
    live = Stream(p)
    live.next("health")
    sockets, memory = sockets_of(p), memory_kib(p)
    readers = [stalled(p) for _ in range(20)]
    most = memory_kib(p)
    told = 0

    def are_cut():
        nonlocal told, most
        told += 1
        p.send(mails.panel(f"Zone:{told % 90} Tor, Innenbereich Alarm"), login="house")
        assert live.next("event")[2]["zone"]["number"] == told % 90
        most = max(most, memory_kib(p))
        return sockets_of(p) <= sockets

    wait_until("an end of the readers who take nothing", are_cut, every=0.2)
    assert most - memory < 100_000, (memory, most)  # caches; the history for each of them would be 280 MB
    for s in readers:
        assert rest_of(s) < 6_000_000  # what the kernel held
        s.close()
    live.close()
