#!/usr/bin/env python3
"""wear.py [MAILS] [BUILD]: what a card suffers from a mail that comes alone (one every quarter second, so that nothing shares a sync; 120 of
them, so that the log is copied into the database meanwhile): syncs and bytes by strace, and, by reading the log itself, which tables the
pages of each transaction belong to."""
import collections
import pathlib
import re
import smtplib
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/protocol"))
import mails  # noqa: E402
from postern import Postern  # noqa: E402

MAILS = int(sys.argv[1]) if len(sys.argv) > 1 else 120
BUILD = sys.argv[2] if len(sys.argv) > 2 else "release"
PAUSE = 0.25
WARM = 60  # mails before, so that the tables are no longer small
CALL = re.compile(r"(fsync|fdatasync|pwrite64|write|writev|ftruncate)\((\d+)<([^>]*)>.*= (\d+)")


def alarm(i):
    return mails.panel(f"Zone:{i % 30 + 1} Tor {i % 7}, Innenbereich Alarm")


def picture(i):
    return mails.camera(pictures=[mails.jpeg(i, 147_000)])


def send(p, mail):
    with smtplib.SMTP(*p.smtp, timeout=30) as s:
        s.sendmail("xt1@house.example", ["alarm@house.example"], mail)


def send_slowly(p, make):
    for i in range(MAILS):
        send(p, make(i))
        time.sleep(PAUSE)
    time.sleep(2)


def frames(wal):
    """(page, is the last of its transaction) of each frame of the log since it last began anew."""
    data = wal.read_bytes()
    if len(data) < 32:
        return
    size, salt = struct.unpack(">I", data[8:12])[0], data[16:24]
    for at in range(32, len(data) - size - 23, size + 24):
        page, end = struct.unpack(">II", data[at:at + 8])
        if data[at + 8:at + 16] != salt:
            return
        yield page, end > 0


def owners(database):
    """Page -> table or index; sqlite3's own program has dbstat."""
    out = subprocess.run(["sqlite3", "-readonly", f"file:{database}?mode=ro", "SELECT pageno, name FROM dbstat"], capture_output=True, text=True)
    return {int(a): b for a, b in (line.split("|") for line in out.stdout.splitlines())}


def pages_of(p, make):
    """Sends once more, with a reader open, so that the log cannot begin anew: whose pages does a mail write?"""
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True, isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        before = sum(1 for _ in frames(p.data / "postern.db-wal"))
        send_slowly(p, make)
        names = owners(p.data / "postern.db")
        counts, transactions = collections.Counter(), 0
        for page, is_last in list(frames(p.data / "postern.db-wal"))[before:]:
            counts[names.get(page, "page 1" if page == 1 else "free or map")] += 1
            transactions += is_last
    print(f"a mail: {transactions / MAILS:.2f} transactions, {sum(counts.values()) / MAILS:.1f} pages: "
          + ", ".join(f"{n} {c / MAILS:.2f}" for n, c in counts.most_common(40)))


def read_trace(trace):
    """Per mail: syncs, and bytes to the database and its log, and elsewhere."""
    syncs, database, other = collections.Counter(), 0, collections.Counter()
    for line in trace.read_text(errors="replace").splitlines():
        found = CALL.search(line)
        if not found:
            continue
        call, _, path, got = found.groups()
        name = pathlib.Path(path).name
        if "sync" in call:
            syncs[name] += 1
        elif name.startswith("postern.db") and not name.endswith("-shm"):
            database += int(got)
        elif path.startswith("/") and not path.startswith(("/dev", "/proc", "/memfd")):
            other[name] += int(got)
    print(f"{sum(syncs.values()) / MAILS:.2f} syncs a mail ({', '.join(f'{n} {c / MAILS:.2f}' for n, c in syncs.items())}), "
          f"{database / MAILS / 1024:.0f} KiB to the database and its log, {sum(other.values()) / MAILS / 1024:.1f} KiB elsewhere")


def traced(p, make, scratch):
    trace = scratch / "trace"
    calls = "trace=fsync,fdatasync,pwrite64,write,writev,ftruncate"
    with subprocess.Popen(["strace", "-f", "-y", "-qq", "-e", calls, "-o", trace, "-p", str(p.pid)]) as strace:
        time.sleep(1)
        send_slowly(p, make)
        strace.terminate()
    read_trace(trace)


def main():
    for name, make in (("0.5 KB", alarm), ("200 KB picture", picture)):
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
            scratch = pathlib.Path(folder)
            p = Postern(scratch, {"Store": {"InlineSlow": 1024}}, build=BUILD)  # as users have it
            p.start()
            try:
                for i in range(WARM):
                    send(p, make(i))
                time.sleep(3)
                print(name, end=": ", flush=True)
                traced(p, make, scratch)
                pages_of(p, make)
            finally:
                p.close()


if __name__ == "__main__":
    main()
