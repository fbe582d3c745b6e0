"""mongo.py: real MongoDB-compatible servers (build/servers, made by tools/servers.sh) in the hands of a test, and a proxy that cuts.

    def test_something(ferretdb):                 # the fixture of conftest.py: a FerretDB of this test's own
        p = postern({"ConnectionStrings": {"MongoDB": ferretdb.uri}})
        …
        assert ferretdb.events("Home") == …       # documents by _id, as a client of MongoDB sees them
"""
import contextlib
import pathlib
import re
import signal
import socket
import struct
import subprocess
import threading

import pymongo

from postern import ROOT, die_with_parent, free_port, wait_until

SERVERS = ROOT / "build/servers"
FERRETDB = SERVERS / "ferretdb"
FERRETDB_PROGRAM = SERVERS / "ferretdb-program"
JAVAMONGO = SERVERS / "javamongo"


class Server:
    """What both have in common. Everything is in the database `postern`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.uri = f"mongodb://127.0.0.1:{self.port}/postern"
        self.process = self.environment = None

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent, env=self.environment)
        wait_until("the server answers", self._answers, 20, 0.05)
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self):
        """SIGKILL: what it had not on disk is gone."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    @contextlib.contextmanager
    def database(self):
        with pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=10000, socketTimeoutMS=60000) as client:
            yield client["postern"]

    def find(self, collection, query=None):
        """All documents; every cursor is read to its end."""
        with self.database() as db:
            return list(db[collection].find(query or {}))

    def events(self, site=None):
        """{_id: document}"""
        return {d["_id"]: d for d in self.find("events", site and {"site": site})}


class FerretDB(Server):
    def command(self):
        return [str(FERRETDB), f"127.0.0.1:{self.port}", str(self.folder / "data")]


class FerretDBProgram(Server):
    """FerretDB's own program, with options (its --help): TLS, users, a replica set's name."""

    def __init__(self, folder, *options):
        super().__init__(folder)
        self.options = options

    def command(self):
        return [str(FERRETDB_PROGRAM), "--handler=sqlite", f"--sqlite-url=file:{self.folder}/data/", "--debug-addr=-", "--telemetry=disable",
                "--state-dir=-", "--log-level=warn", *(o.replace("ADDRESS", f"127.0.0.1:{self.port}") for o in self.options)]


class FerretDBOfCompose(Server):
    """Its own program with nothing but the environment that docker-compose.example.yml gives it; /state is `data` here."""

    def __init__(self, folder):
        super().__init__(folder)
        text = (ROOT / "docker-compose.example.yml").read_text()
        given = dict(re.findall(r'^      (FERRETDB_\w+|GOMEMLIMIT): "(.*?)"', text, re.MULTILINE))
        assert given["FERRETDB_LISTEN_ADDR"] == ":27017" and "archive:27017/postern" in text
        self.environment = {k: v.replace("/state", f"{self.folder}/data").replace(":27017", f"127.0.0.1:{self.port}") for k, v in given.items()}
        self.environment["FERRETDB_DEBUG_ADDR"] = "-"  # a port of this machine

    def command(self):
        return [str(FERRETDB_PROGRAM)]


class JavaMongo(Server):
    def command(self):
        return ["java", "-Xmx200m", "-cp", f"{JAVAMONGO}:{JAVAMONGO}/*", "Serve", str(self.port)]

    def find(self, collection, query=None):
        """It writes an answer after it let go of its lock: a document that is changed meanwhile (ConcurrentModificationException) is an
        error without a reason, and the question is asked again."""
        for _ in range(10):
            try:
                return super().find(collection, query)
            except pymongo.errors.OperationFailure as e:
                if "Unknown error: null" not in str(e):
                    raise
        return super().find(collection, query)


# --- the proxy ------------------------------------------------------------------------------------------------------

OP_MSG = 2013


class Proxy:
    """Stands in front of a server and knows MongoDB's messages (a length, then the rest). on_request(name) is asked before a request
    goes on, on_sent(name) right behind it, on_answer(name) before its answer goes back; name is the command's ("insert"). They return
       "go"     it goes on        "cut"   the connection is cut here        "hang"  nothing moves until the proxy closes
       bytes    (on_request only) the answer: the BSON of a document; the request does not go on
    """

    def __init__(self, port):
        self.to = port
        self.on_request = self.on_sent = self.on_answer = lambda name: "go"
        self.delay = 0
        self.counts = {}
        self.closing = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.uri = f"mongodb://127.0.0.1:{self.port}/postern"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        with near, contextlib.suppress(OSError, EOFError):
            with socket.create_connection(("127.0.0.1", self.to), 5) as far:
                far.settimeout(120)
                while True:
                    request = read_message(near)
                    name = command_of(request)
                    self.counts[name] = self.counts.get(name, 0) + 1
                    says = self._obey(self.on_request(name))
                    if isinstance(says, bytes):
                        near.sendall(answer_to(request, says))
                        continue
                    far.sendall(request)
                    self._obey(self.on_sent(name))
                    answer = read_message(far)
                    self._obey(self.on_answer(name))
                    self.closing.wait(self.delay)
                    near.sendall(answer)

    def _obey(self, says):
        if says == "cut":
            raise EOFError
        if says == "hang":
            self.closing.wait()
            raise EOFError
        return says

    def close(self):
        self.closing.set()
        self.listener.close()


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        got = s.recv(n - len(data))
        if not got:
            raise EOFError
        data += got
    return data


def read_message(s):
    head = read_exactly(s, 4)
    return head + read_exactly(s, struct.unpack("<i", head)[0] - 4)


def command_of(message):
    """The first key of an OP_MSG's document; "hello" for the old greeting."""
    if struct.unpack_from("<i", message, 12)[0] != OP_MSG:
        return "hello"
    at = 16 + 4 + 1 + 4 + 1
    return message[at:message.index(b"\0", at)].decode()


def answer_to(request, document):
    body = struct.pack("<iB", 0, 0) + document
    return struct.pack("<iiii", 16 + len(body), 1, struct.unpack_from("<i", request, 4)[0], OP_MSG) + body
