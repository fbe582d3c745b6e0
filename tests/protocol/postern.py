"""postern.py: the real daemon in the hands of a test: its settings, ports, log, clock, faults and its end.

A daemon runs in a folder of its own (settings, data, log) on ports the kernel picks. Builds are folders under build/ made by
tools/build.sh; without a word it is the one POSTERN_BUILD names (build/asan).
"""
import contextlib
import ctypes
import json
import mmap
import os
import pathlib
import random
import re
import signal
import smtplib
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

import openapi

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 20
WAIT_SECONDS = 30

SANITIZER = re.compile(r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|FATAL: ThreadSanitizer|runtime error:"
                       r"|Assertion .* failed|AddressSanitizer:DEADLYSIGNAL|stack smashing detected|buffer overflow detected)")


def build_folder(kind=None):
    """build/KIND, or without a kind what POSTERN_BUILD names."""
    folder = ROOT / "build" / kind if kind else ROOT / os.environ.get("POSTERN_BUILD", "build/asan")
    if not (folder / "build.ninja").exists():
        raise AssertionError(f"{folder} is not built: tools/build.sh {folder.name}")
    return folder


def program(name, kind=None):
    """The path of postern, postern-inspect or a preload library within a build."""
    found = [p for p in build_folder(kind).rglob(name) if p.is_file()]
    assert found, f"{name} is not in {build_folder(kind)}"
    return found[0]


def rounds(name, usual):
    """How often a repeated test repeats: POSTERN_<NAME>_ROUNDS (make soak), else the usual number."""
    return int(os.environ.get(f"POSTERN_{name.upper()}_ROUNDS", usual))


def points_of(*beginnings):
    """The fault points of the source, or those whose names begin so."""
    found = set()
    for folder in ("api", "core", "inspect", "net", "providers", "service", "store"):
        for path in (ROOT / folder).rglob("*.c"):
            found |= set(re.findall(r'FAULT\("([a-z_.]+)"\)', path.read_text()))
    return sorted(point for point in found if point.startswith(beginnings or ("",)))


def wait_until(what, look, seconds=WAIT_SECONDS, every=0.02):
    """Returns the first true answer of look(); fails by naming what it waited for."""
    end = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s; last answer: {answer!r}")
        time.sleep(every)


def free_port():
    """Below the ports that the kernel gives away, so that nobody takes it before the daemon does."""
    while True:
        port = random.randint(15000, 30000)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def repeating(act):
    """Meanwhile a thread of its own does act() again and again."""
    stop = threading.Event()

    def run():
        while not stop.is_set():
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def merge(base, over):
    """Settings laid over settings, block by block."""
    out = dict(base)
    for key, value in over.items():
        out[key] = merge(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


# --- processes ------------------------------------------------------------------------------------------------------


def die_with_parent():
    """In the child: a test run that is cut short leaves no daemon behind."""
    PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL)


PR_SET_PDEATHSIG = 1
PRCTL = ctypes.CDLL(None).prctl


def children_of(pid):
    """All descendants of a process, itself not among them."""
    parent = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        parent[int(stat.parent.name)] = int(fields[1])
    found, fresh = set(), {pid}
    while fresh:
        fresh = {p for p, up in parent.items() if up in fresh} - found
        found |= fresh
    return found


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


# --- test clock -----------------------------------------------------------------------------------------------------


class Clock:
    """What a daemon built with fault points adds to its clocks (core/clock.h): two native int64, in ms."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(16))
        with open(path, "r+b") as f:
            self._map = mmap.mmap(f.fileno(), 16)
        self.wall_ms = self.mono_ms = 0

    def advance(self, wall_ms=0, mono_ms=None):
        """Lets time pass on both clocks; with mono_ms given (0: it steps) each moves by its own measure."""
        self.wall_ms += wall_ms
        self.mono_ms += wall_ms if mono_ms is None else mono_ms
        struct.pack_into("=qq", self._map, 0, self.wall_ms, self.mono_ms)

    def step(self, wall_ms):
        """The wall clock jumps, as when NTP answers; no time passes."""
        self.advance(wall_ms, 0)

    def close(self):
        self._map.close()


# --- the API --------------------------------------------------------------------------------------------------------


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Api:
    """Requests to the daemon's API. An error status is an answer like any other; each must be as api/openapi.json says."""

    def __init__(self, port, token=None):
        self.port, self.token = port, token

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def request(self, method, path, body=None, headers=None, timeout=WAIT_SECONDS):
        headers = dict(headers or {})
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        answer = self._ask(urllib.request.Request(self.url(path), data=body, headers=headers, method=method), timeout)
        if method != "OPTIONS":  # the browser's question whether it may ask: the same for all addresses
            openapi.document().check(method, path, answer)
        return answer

    @staticmethod
    def _ask(ask, timeout):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(ask, timeout=timeout) as r:
                return Answer(r.status, r.headers, r.read())
        except urllib.error.HTTPError as r:
            with r:
                return Answer(r.code, r.headers, r.read())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, b"{}" if body is None else body, **more)

    def all(self, path):
        """Every item of a list, page by page."""
        items, cursor, join = [], None, "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{join}limit=500" + (f"&cursor={cursor}" if cursor else ""))
            assert page.status == 200, page
            items += page.json["items"]
            cursor = page.json["next"]
            if not cursor:
                return items


# --- the daemon -----------------------------------------------------------------------------------------------------


class Postern:
    """One daemon and its folder.

    settings  dict, laid over the defaults below; or text, written to appsettings.json as it is (ports then come by environment);
              or None: no file at all, defaults and environment only
    env       more environment
    build     "asan", "tsan", "plain", "release", "clang"; default: POSTERN_BUILD
    preload   names of libraries of tests/preload in build/plain ("slowsync"), or paths
    clock     a Clock
    fault     "store.after_row" or "store.after_row:3": ends there by SIGKILL (fault_hits counts every point)
    args      more arguments of `postern run`
    wrap      a command in front, as a list
    sanitize  False: this test expects reports (never for convenience)
    """

    def __init__(self, folder, settings=None, env=None, build=None, preload=(), clock=None, fault=None, args=(), wrap=(),
                 sanitize=True):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.log_path = self.folder / "log"
        self.fault_hits = self.folder / "fault-hits"
        self.build, self.args, self.wrap, self.sanitize = build, list(args), list(wrap), sanitize
        self.binary = program("postern", build)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings_path = None
        self.process = self.smtp = self.api = None
        self.exit_code = None
        self._log_start = 0
        self._kin = set()
        self.env = self._environment(preload, clock)
        self.fault = fault
        self.configure(settings)
        self.env.update({k: str(v) for k, v in (env or {}).items()})

    def configure(self, settings):
        """Writes the settings for the next start: ours in front of a dict, else in the environment, which wins over a file."""
        ours = {"Smtp": {"Port": 0, "Address": "127.0.0.1"}, "Api": {"Port": 0, "Address": "127.0.0.1"},
                "Store": {"Folder": str(self.data), "InlineSlow": 1}}  # pictures are files, however slow the disk of the tests is
        for name in [f"{block}__{key}" for block in ours for key in ours[block]]:
            self.env.pop(name, None)
        if settings is None or isinstance(settings, (str, bytes)):
            self.env.update({f"{block}__{key}": str(value) for block in ours for key, value in ours[block].items()})
        if settings is None:
            return
        self.settings_path = self.folder / "appsettings.json"
        if isinstance(settings, dict):
            settings = merge(ours, settings)
            self.data = pathlib.Path(settings["Store"]["Folder"])
            settings = json.dumps(settings, indent=2, ensure_ascii=False)
        self.settings_path.write_bytes(settings if isinstance(settings, bytes) else settings.encode())

    def _environment(self, preload, clock):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("Smtp__", "Api__", "Store__", "Service__", "POSTERN_"))}
        mountinfo = self.folder / "mountinfo"  # a container that runs the tests keeps its data
        mountinfo.write_text(f"36 35 8:1 / {self.folder.resolve()} rw - ext4 /dev/sda1 rw\n")
        env.update({
            "TZ": "Europe/Berlin",
            "POSTERN_MOUNTINFO": str(mountinfo),
            "POSTERN_FAULT_HITS": str(self.fault_hits),
        })
        if clock:
            env["POSTERN_CLOCK"] = str(clock.path)
        libraries = [str(p if "/" in str(p) else program(f"{p}.so", "plain")) for p in ([preload] if isinstance(preload, str) else preload)]
        if libraries:
            env["LD_PRELOAD"] = " ".join(libraries)
            env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return env

    # --- life

    def start(self, wait=True):
        """Starts `postern run`; with wait until both listeners are there."""
        assert not self.is_running(), "it runs already"
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        env = dict(self.env)
        if self.fault:
            env["POSTERN_FAULT"] = self.fault
        command = [*self.wrap, str(self.binary), "run"]
        if self.settings_path:
            command += ["--settings", str(self.settings_path)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*command, *self.args], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                            cwd=self.folder, start_new_session=True, preexec_fn=die_with_parent)
        self._kin, self.exit_code = set(), None
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=START_SECONDS):
        self.smtp = ("127.0.0.1", int(self.wait_log("smtp.listening", seconds=seconds)[0]["port"]))
        self.api = Api(int(self.wait_log("api.listening", seconds=seconds)[0]["port"]))
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        """The daemon's own (under a wrapper its first child that is a postern)."""
        if not self.wrap:
            return self.process.pid
        for pid in sorted(children_of(self.process.pid)):
            if pathlib.Path(f"/proc/{pid}/exe").resolve() == self.binary.resolve():
                return pid
        return self.process.pid

    def children(self):
        """The pids of its helpers."""
        return sorted(children_of(self.pid))

    def _ended(self, seconds):
        try:
            self.exit_code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._note_kin()
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"it did not end within {seconds} s\n{self.log_tail()}") from None
        left = wait_until("its children end too", lambda: not [p for p in self._kin if is_alive(p)] or None, 10)
        assert left
        self.check_log()

    def _note_kin(self):
        if self.is_running():
            self._kin |= children_of(self.process.pid)

    def stop(self, seconds=30, code=0):
        """Asks it to stop (SIGTERM) and holds it to its exit code; no child and no sanitizer's report may be left."""
        assert self.is_running(), f"it has ended by itself: {self.process and self.process.poll()}\n{self.log_tail()}"
        self._note_kin()
        os.kill(self.pid, signal.SIGTERM)
        self._ended(seconds)
        assert self.exit_code == code, f"exit code {self.exit_code}, not {code}\n{self.log_tail()}"

    def kill9(self):
        """SIGKILL to the daemon alone: its helpers must notice by themselves."""
        self._note_kin()
        os.kill(self.pid, signal.SIGKILL)
        self._ended(10)

    def wait_killed(self, seconds=WAIT_SECONDS):
        """Waits until a fault point has ended it."""
        self._note_kin()
        self._ended(seconds)
        assert self.exit_code == -signal.SIGKILL, f"exit code {self.exit_code}\n{self.log_tail()}"

    def wait_exit(self, seconds=WAIT_SECONDS):
        """Waits until it ends by itself (a start that is refused); the exit code."""
        self._note_kin()
        self._ended(seconds)
        return self.exit_code

    def restart(self, **changes):
        """Stops it properly if it runs, and starts it again on the same folder. changes: fault, env."""
        if self.is_running():
            self.stop()
        self.fault = changes.get("fault")
        self.env.update(changes.get("env", {}))
        return self.start()

    def close(self):
        """The end of the test: a daemon that still runs is stopped and must end well."""
        if self.is_running():
            self.stop()
        else:
            self.check_log()

    def reasons(self):
        """Why it is not quite well: {reason: detail}."""
        return {r["reason"]: r["detail"] for r in self.api.get("/readyz?verbose=1").json["reasons"]}

    # --- its log

    def log_text(self, whole=False):
        """What it said since its last start (whole: ever)."""
        if not self.log_path.exists():
            return ""
        data = self.log_path.read_bytes()
        return data[0 if whole else self._log_start:].decode(errors="replace")

    def log_tail(self, lines=40):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def log(self, at=None, whole=False, **fields):
        """Its log lines as dicts, those with this `at` and these fields only."""
        lines = [read_line(line) for line in self.log_text(whole).splitlines() if line.startswith(("time=", '{"time"'))]
        fields = {k: str(v) for k, v in fields.items()}
        return [x for x in lines if at in (None, x.get("at")) and fields.items() <= x.items()]

    def wait_log(self, at, count=1, seconds=WAIT_SECONDS, **fields):
        """Waits for count log lines of this kind and returns them."""
        def look():
            found = self.log(at, **fields)
            if len(found) >= count:
                return found
            if not self.is_running():
                raise AssertionError(f"it ended ({self.process.poll()}) before it logged {at}\n{self.log_tail()}")
            return None
        try:
            return wait_until(f"log line {at} {fields or ''}", look, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.log_tail()}") from None

    def check_log(self):
        """No sanitizer of daemon or helper may have said anything, ever."""
        text = self.log_text(whole=True)
        found = SANITIZER.search(text)
        if found and self.sanitize:
            raise AssertionError("a sanitizer reports:\n" + text[max(0, found.start() - 500):found.start() + 6000])

    def hits(self):
        """How often each fault point was passed: {name: count}."""
        counts = {}
        for name in self.fault_hits.read_text().split() if self.fault_hits.exists() else ():
            counts[name] = counts.get(name, 0) + 1
        return counts

    # --- talking to it

    def connect(self, timeout=WAIT_SECONDS):
        """An smtplib.SMTP after its greeting."""
        return smtplib.SMTP(*self.smtp, timeout=timeout, local_hostname="panel")

    def send(self, mail, to="alarm@house.example", sender="panel@house.example", login=None):
        """Sends one mail (bytes, or what mails.py builds); returns the server's last reply (code, text)."""
        with self.connect() as s:
            s.ehlo()
            if login:
                s.login(login, "secret")
            s.mail(sender)
            for address in [to] if isinstance(to, str) else to:
                code, text = s.rcpt(address)
                assert code == 250, (code, text)
            code, text = s.data(bytes(mail))
            return code, text.decode()

    def command(self, *args, input=None, timeout=WAIT_SECONDS, env=None):
        """Runs `postern ARGS` with the same environment and settings file; a CompletedProcess with text."""
        command = [str(self.binary), *map(str, args)]
        if self.settings_path and args[:1] not in (("version",), ("inspect",)):
            command += ["--settings", str(self.settings_path)]
        env = {**self.env, **(env or {})}
        if self.smtp:
            env.update({"Smtp__Port": str(self.smtp[1]), "Api__Port": str(self.api.port)})
        run = subprocess.run(command, input=input, capture_output=True, text=True, timeout=timeout, env=env, cwd=self.folder)
        found = SANITIZER.search(run.stderr)
        assert not found, run.stderr[-6000:]
        return run

    def events(self, query=""):
        """All events, newest first; query as "kind=alarm.*&since=…"."""
        return self.api.all("/api/v1/events" + (f"?{query}" if query else ""))

    def wait_events(self, count, query="", seconds=WAIT_SECONDS):
        """Waits until there are count events, returns all of them, newest first."""
        return wait_until(f"{count} events", lambda: at_least(count, self.events(query)), seconds, 0.05)

    def deliveries(self, state=None):
        return self.api.all("/api/v1/deliveries" + (f"?state={state}" if state else ""))

    def wait_deliveries(self, count, state=None, seconds=WAIT_SECONDS):
        return wait_until(f"{count} deliveries {state or ''}", lambda: at_least(count, self.deliveries(state)), seconds, 0.05)

    def owed(self):
        """Deliveries that have not ended; in one look, for one that is sent may wait again before a second question."""
        return [d for d in self.deliveries() if d["state"] in ("waiting", "sending")]

    def wait_settled(self, seconds=WAIT_SECONDS):
        wait_until("nothing is owed any more", lambda: not self.owed(), seconds, 0.05)

    def metric(self, name, **labels):
        """The sum of a metric's series that have these labels; 0 where there is none."""
        total = 0.0
        for line in self.api.get("/metrics").text.splitlines():
            m = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
            if m and m[1] == name and set(labels.items()) <= set(re.findall(r'(\w+)="([^"]*)"', m[2] or "")):
                total += float(m[3])
        return total


def at_least(count, items):
    return items if len(items) >= count else None


_FIELD = re.compile(r'(\w[\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')


def read_line(line):
    """One log line as a dict: logfmt (quoted values are JSON strings) or JSON; numbers stay text."""
    if line.startswith("{"):
        return {k: str(v) for k, v in json.loads(line).items()}
    out = {}
    for key, value in _FIELD.findall(line):
        try:
            out[key] = json.loads(value) if value.startswith('"') else value
        except ValueError:
            out[key] = value
    return out
