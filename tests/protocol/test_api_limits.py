"""Every limit of the REST interface, crossed."""
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
