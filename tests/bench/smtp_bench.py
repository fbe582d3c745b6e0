"""smtp_bench.py: how many mails a second are kept, what one costs, how soon it is told, what waiting costs; against Postfix on
the same disk in the same run. Prints tables, writes build/bench/*.json. `make bench` runs all; arguments choose: load, slow,
latency, idle, crowd, inspect, tls. POSTERN_BENCH_SECONDS is the length of one measurement (3).

CPU and syncs are those of the server's processes, all of them, per mail. Postern is measured twice: "to 250" with a helper that
never answers, so that mails are kept and nothing else; "journey" as it is, until every mail is an event with its deliveries.
"""
import contextlib
import http.server
import json
import os
import pathlib
import resource
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/protocol"))

import mails  # noqa: E402
import measure  # noqa: E402
import reading  # noqa: E402
import tls_rows  # noqa: E402
from postern import Api, Postern, free_port, merge, wait_until  # noqa: E402
from postfix import Postfix  # noqa: E402

FOLDER = ROOT / "build/bench"
LOAD = ROOT / "build/plain/tests/bench/smtp-load"
SLOWSYNC = ROOT / "build/plain/tests/preload/slowsync.so"
SECONDS = float(os.environ.get("POSTERN_BENCH_SECONDS", "3"))
CONNECTIONS = (1, 10, 50)
MUCH = {"Log": {"Level": "warn"}, "Smtp": {"MaxConnections": 6000, "MaxConnectionsPerAddress": 6000},
        "Store": {"InlineSlow": 1024}}  # as users have it; the tests keep pictures in files


# --- mails ----------------------------------------------------------------------------------------------------------


def mail_file(name):
    """The mail as it goes over the wire, its end included."""
    if name == "small":
        mail = mails.panel("Zone:8 Ost 1, Innenbereich Alarm\r\n" + "-" * 60)
        mail = mail.replace(b"Subject: ", b"X-Filler: " + b"x" * (1024 - len(mail) - 12) + b"\r\nSubject: ")
        assert len(mail) == 1024
    else:
        mail = mails.camera(pictures=[mails.jpeg(1, 147_000)])
        assert 198_000 < len(mail) < 206_000
    assert b"\r\n." not in mail
    path = FOLDER / f"{name}.eml"
    path.write_bytes(mail + b".\r\n")
    return path


# --- servers --------------------------------------------------------------------------------------------------------


class Syncs:
    """Counts the syncs of a server's processes, and makes each take ms under one lock."""

    def __init__(self, ms=0):
        self.path = FOLDER / "syncs"
        self.path.write_bytes(bytes(16))
        self.path.chmod(0o666)
        self.env = {"LD_PRELOAD": str(SLOWSYNC), "SLOWSYNC_FILE": str(self.path), "SLOWSYNC_MS": str(ms)}

    def count(self):
        return int.from_bytes(self.path.read_bytes()[:8], sys.byteorder)


def start_quietly(p):
    """Starts it on ports of the settings and waits for its greeting, not for its log; ms until then."""
    settings = json.loads(p.settings_path.read_text())
    p.smtp, p.api = ("127.0.0.1", settings["Smtp"]["Port"]), Api(settings["Api"]["Port"])
    begin = time.perf_counter()
    p.start(wait=False)
    while True:
        try:
            with socket.create_connection(p.smtp, 5) as s:
                assert s.recv(100).startswith(b"220")
                taken = (time.perf_counter() - begin) * 1000
                break
        except ConnectionRefusedError:
            assert p.is_running(), p.log_tail()
            time.sleep(0.0005)
    wait_until("the API answers", lambda: can_connect(p.api.port))
    return taken


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    except ConnectionRefusedError:
        return False


@contextlib.contextmanager
def postern_server(settings=None, env=None):
    folder = FOLDER / "postern"
    shutil.rmtree(folder, ignore_errors=True)
    p = Postern(folder, merge({"Smtp": {"Port": free_port()}, "Api": {"Port": free_port()}}, settings or MUCH), env=env, build="release")
    try:
        start_quietly(p)
        yield p
    finally:
        p.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postfix_server(env=None):
    with Postfix(FOLDER / "postfix", env) as p:
        yield p


def drained(p):
    """How many seconds Postern needs until every mail it has kept is an event."""
    begin = time.monotonic()

    def is_done():
        return p.metric("postern_events_total") >= p.metric("postern_arrivals_total", listener="smtp", result="kept")

    wait_until("every mail is an event", is_done, 120, 0.05)
    return time.monotonic() - begin


# --- load -----------------------------------------------------------------------------------------------------------


def load(port, connections, mail, each, seconds=SECONDS):
    run = subprocess.run([LOAD, "127.0.0.1", str(port), str(connections), str(seconds), str(each), mail, "alarm@bench.example"],
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def measured(port, pid, syncs, *args):
    """One load, with the server's CPU and syncs per mail."""
    cpu, before = measure.cpu_seconds(pid), syncs.count()
    result = load(port, *args)
    mails_kept = max(result["mails"], 1)
    result["cpu_ms"] = (measure.cpu_seconds(pid) - cpu) * 1000 / mails_kept
    result["syncs"] = (syncs.count() - before) / mails_kept
    return result


def keeping(ms, connections, mail, each):
    """Postern up to the 250 alone. What is not read within 10 s is told all the same: by then this is over."""
    syncs = Syncs(ms)
    with postern_server(env={**syncs.env, "POSTERN_INSPECT": str(sleeper())}) as p:
        return measured(p.smtp[1], p.pid, syncs, connections, mail, each)


def journey(ms, connections, mail, each):
    """Postern as it is; a rate to the last event, and CPU of all of it."""
    syncs = Syncs(ms)
    with postern_server(env=syncs.env) as p:
        cpu, before = measure.cpu_seconds(p.pid), syncs.count()
        result = load(p.smtp[1], connections, mail, each)
        result["drain_seconds"] = drained(p)
        mails_kept = max(result["mails"], 1)
        result["rate_to_250"], result["rate"] = result["rate"], result["mails"] / (result["seconds"] + result["drain_seconds"])
        result["cpu_ms"] = (measure.cpu_seconds(p.pid) - cpu) * 1000 / mails_kept
        result["syncs"] = (syncs.count() - before) / mails_kept
        return result


def sleeper():
    """A postern-inspect that takes a job and never answers."""
    path = FOLDER / "sleeper"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    return path


def of_postfix(ms, connections, mail, each):
    syncs = Syncs(ms)
    with postfix_server(syncs.env) as p:
        load(p.port, connections, mail, each, 0.5)  # its processes are there
        return measured(p.port, p.pid, syncs, connections, mail, each)


HEAD = f"{'mails/s':>8} {'cpu ms':>7} {'syncs':>6} {'med. ms':>7}"


def figures(r):
    return f"{r['rate']:8.0f} {r['cpu_ms']:7.3f} {r['syncs']:6.2f} {r['median_ms']:7.2f}"


def compare(title, name, ms, cases):
    """A table of both servers side by side."""
    print(f"\n{title}\n{'':23} | {'Postern, to 250':^39} | {'Postern, whole journey':^31} | {'Postfix':^31} |\n"
          f"{'mail':6} {'conn.':>5} {'mails each':>10} | " + HEAD + f" {'p99':>7} | " + HEAD + " | " + HEAD + " | times")
    rows = []
    for mail, connections, each in cases:
        path = mail_file(mail)
        kept, ours = keeping(ms, connections, path, each), journey(ms, connections, path, each)
        theirs = of_postfix(ms, connections, path, each) if Postfix.is_here() else None
        rows.append({"mail": mail, "connections": connections, "mails_each": each, "sync_ms": ms, "postern_to_250": kept,
                     "postern_journey": ours, "postfix": theirs})
        line = f"{mail:6} {connections:5} {each or 'many':>10} | {figures(kept)} {kept['p99_ms']:7.2f} | {figures(ours)} | "
        line += f"{figures(theirs)} | {kept['rate'] / max(theirs['rate'], 0.1):5.1f}" if theirs else "not measured"
        failed = sum(x["failed"] for x in (kept, ours, theirs) if x)
        print(line + (f"  FAILED {failed}" if failed else ""), flush=True)
    save(name, rows)


def save(name, data):
    (FOLDER / f"{name}.json").write_text(json.dumps(data, indent=1))


def bench_load():
    print(f"disk: write and fdatasync of 4 KiB takes {measure.sync_ms(FOLDER):.2f} ms (median)")
    if not Postfix.is_here():
        print("Postfix is not measured: it needs root and its package")
    compare("Durable mails a second, this disk", "load", 0,
            [(mail, n, each) for mail in ("small", "large") for n in CONNECTIONS for each in (0, 1)])


def bench_slow():
    compare("The same when every sync takes 10 ms, one at a time across all processes", "slow", 10,
            [(mail, n, 0) for mail in ("small", "large") for n in CONNECTIONS])


# --- how soon it is told --------------------------------------------------------------------------------------------


class Receiver(http.server.ThreadingHTTPServer):
    """The provider's socket: notes when a request's first byte is there."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), None)
        self.seen = []
        self.event = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        data = request.recv(65536)
        self.seen.append(time.perf_counter())
        self.event.set()
        length = 0
        while b"\r\n\r\n" not in data:
            data += request.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += request.recv(65536)
        request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def bench_latency(rounds=300):
    receiver = Receiver()
    people = {"Accounts": {"hook": {"Provider": "webhook", "Url": f"http://127.0.0.1:{receiver.server_port}/", "Rate": 60000, "Burst": 1000}},
              "Recipients": {"home": ["hook:"]}}
    mail, times, replies = mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), [], []
    with postern_server({**MUCH, **people}) as p, p.connect() as s:
        s.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot does not wait for the mail to be acknowledged
        s.ehlo()
        for _ in range(rounds):
            receiver.event.clear()
            s.mail("panel@bench.example")
            s.rcpt("alarm@bench.example")
            s.docmd("DATA")
            s.send(mail)
            begin = time.perf_counter()
            s.send(b".\r\n")
            code, _ = s.getreply()
            replies.append((time.perf_counter() - begin) * 1000)
            assert code == 250 and receiver.event.wait(10), "it was not told"
            times.append((receiver.seen[-1] - begin) * 1000)
            time.sleep(0.01)
    receiver.shutdown()
    two_syncs = 2 * measure.sync_ms(FOLDER)
    result = {"median_ms": statistics.median(times), "p99_ms": measure.quantile(times, .99), "reply_median_ms": statistics.median(replies),
              "reply_p99_ms": measure.quantile(replies, .99), "two_syncs_ms": two_syncs, "rounds": rounds}
    print(f"\nFinal dot to the provider's socket: median {result['median_ms']:.2f} ms, 99 % {result['p99_ms']:.2f} ms "
          f"(goal: 5 ms + two syncs = {5 + two_syncs:.2f}); to the 250: median {result['reply_median_ms']:.2f} ms, "
          f"99 % {result['reply_p99_ms']:.2f} ms")
    save("latency", result)


# --- what it costs to wait ------------------------------------------------------------------------------------------


def time_to_220(settings):
    """Starts it on the folder of the last start; ms until its greeting is there."""
    p = Postern(FOLDER / "start", merge({"Smtp": {"Port": free_port()}, "Api": {"Port": free_port()}}, settings), build="release")
    taken = start_quietly(p)
    p.stop()
    return taken


def memory_of(p):
    kin = measure.family(p.pid)
    return {"main_rss_kib": measure.memory_kib(p.pid, "Rss"), "main_private_dirty_kib": measure.memory_kib(p.pid, "Private_Dirty"),
            "all_pss_kib": sum(measure.memory_kib(pid, "Pss") for pid in kin), "processes": len(kin)}


def bench_idle():
    shutil.rmtree(FOLDER / "start", ignore_errors=True)
    starts = [time_to_220({}) for _ in range(12)][1:]
    shutil.rmtree(FOLDER / "start", ignore_errors=True)
    with postern_server({}) as p:
        time.sleep(2)
        fresh = memory_of(p)
        for i in range(20):
            p.send(mails.panel(f"Zone:{i + 1} Ost, Innenbereich Alarm"))
        p.wait_events(20)
        time.sleep(2)
        used = memory_of(p)
        cpu = measure.cpu_seconds(p.pid)
        time.sleep(5)
        idle_cpu = (measure.cpu_seconds(p.pid) - cpu) / 5
    result = {"start_median_ms": statistics.median(starts), "start_max_ms": max(starts), "fresh": fresh, "after_20_mails": used,
              "idle_cpu_percent": idle_cpu * 100}
    print(f"\nStart to 220: median {result['start_median_ms']:.1f} ms, most {result['start_max_ms']:.1f} ms (goal 30)")
    for name, m in (("fresh", fresh), ("after 20 mails", used)):
        print(f"Idle, {name}: main {m['main_rss_kib'] / 1024:.1f} MB RSS (goal 16), {m['main_private_dirty_kib'] / 1024:.1f} MB of it private "
              f"dirty (goal 4); {m['processes']} processes {m['all_pss_kib'] / 1024:.1f} MB PSS (goal 20)")
    print(f"Idle CPU: {result['idle_cpu_percent']:.2f} %")
    save("idle", result)


def good_mails(p, count, pause=0):
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        code, _ = p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
        times.append((time.perf_counter() - begin) * 1000)
        assert code == 250
        time.sleep(pause)
    return times


@contextlib.contextmanager
def drops(p, count):
    """That many devices within a mail, each of which sends a byte every five seconds; gives how many bytes so far."""
    slow, stop, sent = [], threading.Event(), [0]
    for _ in range(count):
        s = socket.create_connection(p.smtp, 10)
        s.sendall(b"MAIL FROM:<slow@house>\r\nRCPT TO:<gate@house>\r\nDATA\r\n")
        slow.append(s)

    def drip():
        while not stop.is_set():
            for s in slow:
                s.sendall(b"x")
                sent[0] += 1
                if stop.wait(5 / count):
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield lambda: sent[0]
    finally:
        stop.set()
        thread.join()
        for s in slow:
            s.close()


def bench_crowd(count=5000):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    count = min(count, limit[1] - 200 if limit[1] > 0 else count)
    with postern_server(MUCH) as p:
        p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
        time.sleep(1)
        before = memory_of(p)
        crowd = []
        for _ in range(count):
            s = socket.create_connection(p.smtp, 10)
            crowd.append(s)
        for s in crowd:
            assert s.recv(200).startswith(b"220"), "a connection was refused"
            s.sendall(b"EHLO idle\r\n")
        for s in crowd:
            s.recv(1000)
        time.sleep(1)
        after = memory_of(p)
        idle = good_mails(p, 50)
        with drops(p, 500) as dropping:
            both = good_mails(p, 150, pause=0.1)  # over more than two rounds of bytes
            dropped = dropping()
        for s in crowd:
            s.close()
    added = (after["all_pss_kib"] - before["all_pss_kib"]) / 1024
    result = {"connections": count, "added_mb": added, "mail_median_ms": statistics.median(idle), "mail_max_ms": max(idle),
              "slow_connections": 500, "slow_bytes": dropped, "beside_slow_median_ms": statistics.median(both), "beside_slow_max_ms": max(both)}
    print(f"\n{count} idle connections add {added:.1f} MB (goal 30); a good mail meanwhile, from connect to QUIT: "
          f"median {result['mail_median_ms']:.1f} ms, most {result['mail_max_ms']:.1f} ms (goal 100)\n"
          f"and 500 beside them that send a byte of a mail in five seconds ({dropped} bytes): "
          f"median {result['beside_slow_median_ms']:.1f} ms, most {result['beside_slow_max_ms']:.1f} ms (goal 100)")
    save("crowd", result)


# --- reading --------------------------------------------------------------------------------------------------------


def bench_reading(program):
    """In a helper that runs: every sample mail, each the median of five; and one of 25 MB."""
    large = mails.camera(pictures=[mails.jpeg(1, 18_000_000)])
    with reading.Reader(program) as reader:
        every = {name: statistics.median(reader.read(mail) for _ in range(5)) for name, mail in reading.samples(ROOT).items()}
        largest = statistics.median(reader.read(large) for _ in range(5))
    slowest = max(every, key=every.get)
    median = statistics.median(every.values())
    print(f"reading {len(every)} sample mails in a running helper: median {median:.3f} ms (goal 1), most {every[slowest]:.3f} ms ({slowest}); "
          f"{len(large) / 1e6:.0f} MB: {largest:.0f} ms (goal 100)")
    return {"samples": len(every), "samples_median_ms": median, "samples_most_ms": every[slowest], "running_25_mb_ms": largest}


def bench_inspect():
    result = {}
    program = ROOT / "build/release/postern-inspect"
    print()
    for name, mail, rounds in (("1 KB", mails.panel("Zone:8 Ost 1, Innenbereich Alarm" + " " * 700), 50),
                               ("200 KB", mails.camera(pictures=[mails.jpeg(1, 147_000)]), 30),
                               ("25 MB", mails.camera(pictures=[mails.jpeg(1, 18_000_000)]), 5)):
        path = FOLDER / "inspect.eml"
        path.write_bytes(mail)
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            subprocess.run([program, path], check=True, stdout=subprocess.DEVNULL)
            times.append((time.perf_counter() - begin) * 1000)
        result[name] = statistics.median(times)
        print(f"postern-inspect, {name}, process start included: median {result[name]:.1f} ms")
    (FOLDER / "inspect.eml").unlink()
    result |= bench_reading(program)
    save("inspect", result)


def bench_tls():
    result = {}
    for name in tls_rows.VERSIONS:
        with postern_server(MUCH) as p:
            wait_until("its certificate", lambda: can_speak_tls(p))
            result[name] = tls_rows.row(p, name, SECONDS / 3)
    tls_rows.show(result)
    save("tls", result)


def can_speak_tls(p):
    with p.connect() as s:
        s.ehlo()
        return s.has_extn("starttls")


BENCHES = {"load": bench_load, "slow": bench_slow, "latency": bench_latency, "idle": bench_idle, "crowd": bench_crowd,
           "inspect": bench_inspect, "tls": bench_tls}


def main(names):
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except smtplib.SMTPException as error:
        sys.exit(f"the server refused: {error}")
