"""measure.py: what processes cost, read from /proc, and how fast this disk syncs."""
import os
import pathlib
import statistics
import time

TICK = os.sysconf("SC_CLK_TCK")


def family(pid):
    """A process and all its descendants."""
    up = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            up[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
    found, fresh = {pid}, {pid}
    while fresh:
        fresh = {p for p, parent in up.items() if parent in fresh} - found
        found |= fresh
    return sorted(found)


def cpu_seconds(pid):
    """User and system time of a process, its descendants, and those of them that have ended and were waited for."""
    total = 0
    for p in family(pid):
        try:
            fields = pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICK


def memory_kib(pid, *names):
    """Lines of smaps_rollup, summed: memory_kib(pid, "Private_Dirty")."""
    values = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        key, value = line.split(":")
        values[key] = int(value.split()[0])
    return sum(values[name] for name in names)


def sync_ms(folder, rounds=200):
    """The median of writing 4 KiB and fdatasync on this disk."""
    path = pathlib.Path(folder) / "sync-probe"
    times = []
    with open(path, "wb", buffering=0) as f:
        for _ in range(rounds):
            f.write(b"x" * 4096)
            begin = time.perf_counter()
            os.fdatasync(f.fileno())
            times.append((time.perf_counter() - begin) * 1000)
    path.unlink()
    return statistics.median(times)


def quantile(values, q):
    values = sorted(values)
    return values[round((len(values) - 1) * q)]
