"""Every limit of the REST interface, crossed."""
import os
import pathlib
import socket
import time

import mails
from postern import wait_until


class Reader:
    """A connection that stays open."""

    def __init__(self, p, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", p.api.port), timeout=20, source_address=(source, 0))

    def ask(self):
        self.socket.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return self

    def hears(self, seconds=20):
        """The first bytes of the answer; b"" when it was closed, None when nothing came."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(4096)
        except TimeoutError:
            return None
        except ConnectionResetError:
            return b""

    def is_served(self):
        try:
            return (self.ask().hears() or b"").startswith(b"HTTP/1.1 200")
        except OSError:
            return False


def test_connections_from_one_address(postern):
    p = postern({"Api": {"MaxConnectionsPerAddress": 3}})
    ours = [Reader(p) for _ in range(3)]
    assert all([r.is_served() for r in ours])
    assert Reader(p).hears() == b"", "the fourth is closed"
    assert Reader(p, "127.0.0.2").is_served(), "another address has its own"
    ours[0].socket.close()
    wait_until("there is room again", lambda: Reader(p).is_served())


def test_connections_in_all(postern):
    p = postern({"Api": {"MaxConnections": 12}})
    crowd = [Reader(p) for _ in range(12)]
    assert all([r.is_served() for r in crowd])
    late = Reader(p).ask()
    assert late.hears(0.5) is None, "the thirteenth waits"
    assert p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))[0] == 250, "and mails do not care"
    for r in crowd:
        r.socket.close()
    assert late.hears().startswith(b"HTTP/1.1 200")


def test_silence_ends_a_connection(postern):
    p = postern({"Api": {"Timeout": 1}})
    idle, half = Reader(p), Reader(p)
    half.socket.sendall(b"GET /livez HTTP/1.1\r\nHost: loc")
    began = time.monotonic()
    assert idle.hears() == b""
    assert not (half.hears() or b"").startswith(b"HTTP/1.1 200")
    assert 0.5 < time.monotonic() - began < 15


def status_of(p, request):
    """The status of a raw request; 0 when the connection was closed without one."""
    r = Reader(p)
    try:
        r.socket.sendall(request)
    except OSError:
        pass
    answer = r.hears() or b""
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_bodies_headers_addresses_and_queries_have_their_ceilings(postern):
    p = postern()
    head = b"Host: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"

    def post(n):
        return status_of(p, b"POST /api/v1/tokens HTTP/1.1\r\n" + head + b"Content-Length: %d\r\n\r\n" % n + b" " * n)

    def get(target, more=b""):
        return status_of(p, b"GET " + target + b" HTTP/1.1\r\n" + head + more + b"\r\n")

    assert post(64 * 1024) == 400 and post(64 * 1024 + 1) == 413
    assert status_of(p, b"POST /api/v1/tokens HTTP/1.1\r\n" + head + b"Content-Length: 99999999999\r\n\r\n") == 413
    assert get(b"/livez", b"X-Long: " + b"x" * 8000 + b"\r\n") == 200
    assert get(b"/livez", b"X-Long: " + b"x" * 30_000 + b"\r\n") in (431, 0)
    assert get(b"/livez", b"".join(b"X-%d: y\r\n" % i for i in range(5000))) in (431, 0)
    assert get(b"/api/v1/events?text=" + b"a" * 4000) in (200, 400) and get(b"/api/v1/events?text=" + b"a" * 4200) == 414
    assert get(b"/api/v1/events?" + b"&".join(b"a%d=1" % i for i in range(17))) == 400
    assert get(b"/livez") == 200, "and it goes on"


def test_whoever_tells_or_asks_steps_back_for_devices(postern):
    p = postern()
    assert p.api.get("/api/v1/events").status == 200
    stats = {stat.parent.name: stat.read_text().rsplit(")", 1)[1].split() for stat in pathlib.Path(f"/proc/{p.pid}/task").glob("*/stat")}
    nice = {task: int(fields[16]) for task, fields in stats.items()}
    usual = nice[str(p.pid)]  # the loop that answers devices
    assert usual == os.nice(0) and {min(usual + 3, 19), min(usual + 8, 19)} <= set(nice.values())  # who tells, who asks (core/turn.c)
