"""writes.py: what one mail writes to the disk: syncs and bytes, counted by strace. The figures of docs/raspberry-pi.md."""
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter

from containers import PICTURE, Container, Volume, mail, pids_of, say

MAILS, APART_S = 60, 0.5  # so far apart that no two share a sync
CALL = re.compile(r"\b(write|writev|pwrite64|pwritev|fsync|fdatasync)\((\d+)<([^>]*)>.*\)\s*= (\d+)")
KINDS = [("database and log", "/data/postern.db"), ("files of arrivals", "/data/arrivals"), ("other files", "/data/")]


def kind_of(path):
    return next((name for name, beginning in KINDS if path.startswith(beginning)), None)


def count(lines):
    """Of the calls that go to the disk: syncs, and bytes by kind."""
    syncs, written = 0, Counter()
    for call in filter(None, map(CALL.search, lines)):
        kind = kind_of(call[3]) or ("the program's log" if call[3].startswith("pipe:") and call[2] in "12" else None)
        if kind and call[1].endswith("sync"):
            syncs += 1
        elif kind:
            written[kind] += int(call[4])
    return syncs, written


def trace(c, message):
    with tempfile.NamedTemporaryFile("r") as out:
        spies = ["strace", "-f", "-y", "-s", "0", "-qq", "-e", "trace=write,writev,pwrite64,pwritev,fsync,fdatasync", "-o", out.name]
        spy = subprocess.Popen([*spies, *(word for pid in pids_of(c)[:1] for word in ("-p", str(pid)))])
        time.sleep(1)
        for n in range(MAILS):
            c.send(message(n))
            time.sleep(APART_S)
        time.sleep(3)
        spy.send_signal(signal.SIGINT)
        spy.wait()
        return count(out.read().splitlines())


def check_writes(image, platform):
    if not shutil.which("strace"):
        say(platform, "writes: not run here (no strace)")
        return
    rows = [("0.5 KB, understood and told by the log", lambda n: mail(f"Zone:{n % 40 + 1} Z{n % 40 + 1}, Sabotage Alarm")),
            ("with a picture of 200 KB", lambda n: mail("Motion detected", to="cam@house.example", picture=PICTURE))]
    for name, message in rows:
        with Volume() as volume, Container(image, platform, volume=volume) as c:
            c.wait()
            syncs, written = trace(c, message)
            bytes_each = ", ".join(f"{kind} {n / MAILS / 1000:.1f} KB" for kind, n in written.most_common())
            say(platform, f"a mail {name}: {syncs / MAILS:.1f} syncs; {bytes_each}")
