#!/usr/bin/env python3
"""together.py [EVENTS]: 500 mails a second, and how long their 250 takes while others are at work, too: 8 readers of the history, one who stalls in
the middle of an export, retention, the archive catching up with EVENTS events (200,000); each alone, then all at once. The goal: at most 20 ms
more at the 99th percentile. POSTERN_BENCH_SECONDS is the length of one measurement (8); the median of POSTERN_BENCH_ROUNDS (3) is shown.
What each did meanwhile is said. Readers' clients and FerretDB stand for other machines: they run here with what processor the gateway leaves
(SCHED_IDLE), and FerretDB's own syncs do not meet this disk."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/protocol"))
from history import LUA, QUESTIONS  # noqa: E402
from mongo import FerretDB  # noqa: E402
from postern import Postern, wait_until  # noqa: E402
import smtp_bench  # noqa: E402

EVENTS = int(sys.argv.pop(1)) if len(sys.argv) > 1 else 200_000
SECONDS = float(os.environ.get("POSTERN_BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("POSTERN_BENCH_ROUNDS", "3"))
ELSEWHERE = ["chrt", "--idle", "0"]
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
RATE, CONNECTIONS, READERS = 500, 20, 8
NEVER = {kind: {"Days": 0} for kind in ("Pictures", "Info", "Warning", "Alarm")}
SOON = {**NEVER, "Info": {"Days": 30}}


def fill(folder):
    subprocess.run(["ninja", "-C", ROOT / "build/plain", "--quiet", "tests/bench/history", "tests/bench/smtp-load"], check=True)
    subprocess.run([ROOT / "build/plain/tests/bench/history", folder, "fill", str(EVENTS)], check=True, stdout=subprocess.DEVNULL)


def number(p, sql):
    with contextlib.closing(sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchone()[0] or 0


# --- the others -------------------------------------------------------------------------------------------------------


class Reading:
    """Eight who ask for the history, one question after the other; what() says how often they were answered."""

    def __init__(self, p):
        script = p.data.with_name("questions.lua")
        script.write_text(LUA % ", ".join(f'"/api/v1/{q.format(deep=EVENTS // 2)}"' for q in QUESTIONS))
        self.run = subprocess.Popen([*ELSEWHERE, "wrk", "-t1", f"-c{READERS}", f"-d{SECONDS + 1:.0f}s", "-s", script, p.api.url("/")],
                                    stdout=subprocess.PIPE, text=True)

    def what(self):
        said = self.run.communicate()[0]
        assert "Non-2xx" not in said, said
        rate = re.search(r"Requests/sec:\s*(\d+)", said)[1]
        return f"{rate} answers a second"


class Stalled:
    """One who takes the first bytes of an export."""

    def __init__(self, p):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", p.api.port))
        self.socket.sendall(b"GET /api/v1/events.ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert self.socket.recv(12) == b"HTTP/1.1 200"

    def what(self):
        self.socket.close()
        return "stalled"


class Forgetting:
    def __init__(self, p):
        self.p, self.before = p, number(p, f"SELECT count(*) FROM events WHERE seq <= {EVENTS}")

    def what(self):
        return f"{(self.before - number(self.p, f'SELECT count(*) FROM events WHERE seq <= {EVENTS}')) / SECONDS:.0f} forgotten a second"


class CatchingUp:
    def __init__(self, p):
        self.p, self.before = p, p.metric("postern_archive_lag_events")

    def what(self):
        return f"{self.before - self.p.metric('postern_archive_lag_events') + RATE * SECONDS:.0f} archived of {self.before:.0f}"


class FerretDBElsewhere(FerretDB):
    def command(self):
        return [*ELSEWHERE, *super().command()]


# --- measuring --------------------------------------------------------------------------------------------------------


def measure(filled, mail, others):
    """One run on a copy of the folder: its load, and what the others did."""
    settings = {"Log": {"Level": "warn"}, "Api": {"MaxConnectionsPerAddress": 100}, "Store": {"Retention": SOON if Forgetting in others else NEVER}}
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as scratch, contextlib.ExitStack() as stack:
        if CatchingUp in others:
            server = FerretDBElsewhere(pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY))) / "ferretdb").start()
            stack.callback(server.stop)
            settings["ConnectionStrings"] = {"MongoDB": server.uri}
        p = Postern(pathlib.Path(scratch) / "postern", settings | {"Smtp": {"Port": smtp_bench.free_port()}, "Api": {**settings["Api"], "Port": smtp_bench.free_port()}},
                    build="release")
        shutil.copytree(filled, p.data)
        smtp_bench.start_quietly(p)
        stack.callback(p.close)
        if CatchingUp in others:
            wait_until("the archive is being filled", lambda: 0 < p.metric("postern_archive_lag_events") < EVENTS, 60)
        if Forgetting in others:
            wait_until("events are being forgotten", lambda: number(p, f"SELECT count(*) FROM events WHERE seq <= {EVENTS}") < EVENTS, 90)
        at_work = [kind(p) for kind in others]
        load = smtp_bench.LOAD
        run = subprocess.run([load, "127.0.0.1", str(p.smtp[1]), str(CONNECTIONS), str(SECONDS), "0", mail, "alarm@bench.example", str(RATE)],
                             capture_output=True, text=True, check=True)
        return json.loads(run.stdout), [x.what() for x in at_work]


def main():
    smtp_bench.FOLDER.mkdir(parents=True, exist_ok=True)
    mail = smtp_bench.mail_file("small")
    cases = {"nobody": [], "8 readers": [Reading], "a stalled export": [Stalled], "retention": [Forgetting], "the archive": [CatchingUp],
             "all of them": [Reading, Stalled, Forgetting, CatchingUp]}
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as filled:
        fill(filled)
        print(f"{RATE} mails a second offered over {CONNECTIONS} connections, {EVENTS} events of history\n"
              f"{'beside':17} {'mails/s':>8} {'median ms':>9} {'p99 ms':>7} {'most':>7}")
        seen = {name: [] for name in cases}
        for _ in range(ROUNDS):
            for name, others in cases.items():
                r, did = measure(filled, mail, others)
                seen[name].append(r)
                print(f"{name:17} {r['rate']:8.0f} {r['median_ms']:9.2f} {r['p99_ms']:7.2f} {r['max_ms']:7.2f}  {', '.join(did)}", flush=True)
    p99 = {name: statistics.median(r["p99_ms"] for r in runs) for name, runs in seen.items()}
    print("medians of p99:", ", ".join(f"{name} {ms:.1f} ms" for name, ms in p99.items()))
    rise = p99["all of them"] - p99["nobody"]
    print(f"p99 rises by {rise:.1f} ms: {'within' if rise <= 20 else 'over'} the goal of 20")


if __name__ == "__main__":
    main()
