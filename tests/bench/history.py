#!/usr/bin/env python3
"""history.py [EVENTS]: a long history (10,000,000 events; made once in build/history, then reused): what questions to it cost beside
LIMIT/OFFSET and LIKE, and how the gateway serves it: memory with 8 readers, and 500 queries a second (wrk) with all of it on one core."""
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/protocol"))
from measure import cpu_seconds, memory_kib  # noqa: E402
from postern import Postern  # noqa: E402

EVENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
FOLDER = ROOT / "build" / "history" / str(EVENTS)
TOOL = ROOT / "build" / "plain" / "tests" / "bench" / "history"
SECONDS = 10

QUESTIONS = [
    "events", "events?limit=20&cursor={deep}", "events?kind=alarm.*", "events?text=haust%C3%BCr&kind=zone.open", "events?device=cam3&person=true",
    "events?severity=alarm&acknowledged=false", "events?text=batter*&device=panel",
]

LUA = """
local paths, i = { %s }, 0
request = function() i = i %% #paths + 1; return wrk.format("GET", paths[i]) end
"""


def fill():
    subprocess.run(["ninja", "-C", ROOT / "build" / "plain", "--quiet", "tests/bench/history"], check=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run([TOOL, FOLDER, "fill", str(EVENTS)], check=True)
    subprocess.run([TOOL, FOLDER, "ask"], check=True)


def read_on(p, questions, until, counts):
    n = 0
    while time.monotonic() < until:
        answer = p.api.get("/api/v1/" + questions[n % len(questions)])
        assert answer.status == 200, answer
        n += 1
    counts.append(n)


def readers(p, questions):
    counts, until = [], time.monotonic() + SECONDS
    threads = [threading.Thread(target=read_on, args=(p, questions[i % 7:] + questions[:i % 7], until, counts)) for i in range(8)]
    for t in threads:
        t.start()
    highest = 0
    while any(t.is_alive() for t in threads):
        highest = max(highest, memory_kib(p.process.pid, "Rss"))
        time.sleep(0.05)
    print(f"8 readers: {sum(counts) / SECONDS:.0f} answers a second, {highest / 1024:.1f} MiB resident at most")


def load(p, questions):
    """wrk sends as fast as its connections get answers: so many of them that about 500 a second come out is found by trying."""
    script = FOLDER / "load.lua"
    script.write_text(LUA % ", ".join(f'"/api/v1/{q}"' for q in questions))
    for connections in (1, 2, 4, 8):
        before = cpu_seconds(p.process.pid)
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", script, p.api.url("/")], check=True,
                             capture_output=True, text=True).stdout
        rate, p50, p99 = (re.search(rf"{what}\s*([\d.]+\w*)", out)[1] for what in ("Requests/sec:", "50%", "99%"))
        failed = re.search(r"Non-2xx[^\n]*", out)
        print(f"wrk, {connections} connections: {rate} a second, median {p50}, p99 {p99}, {cpu_seconds(p.process.pid) - before:.1f} s of {SECONDS} s CPU"
              f"{', ' + failed[0] if failed else ''}")


def forgetting_nothing():
    if "Store:Retention" not in (ROOT / "docs" / "settings.md").read_text():
        return {}
    kinds = ("Pictures", "Info", "Warning", "Alarm")
    return {"Retention": {kind: {"Days": 0} for kind in kinds}}


def main():
    fill()
    questions = [q.format(deep=max(EVENTS - 200_000, 1000)) for q in QUESTIONS]
    p = Postern(ROOT / "build" / "history" / "gateway", {"Store": {"Folder": str(FOLDER), **forgetting_nothing()}}, build="release", wrap=["taskset", "-c", "0"])
    p.start()
    try:
        print(f"gateway at rest: {memory_kib(p.process.pid, 'Rss') / 1024:.1f} MiB resident")
        readers(p, questions)
        load(p, questions)
    finally:
        p.close()


if __name__ == "__main__":
    main()
