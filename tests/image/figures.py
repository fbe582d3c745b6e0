"""figures.py: what the image costs and stands, on the machine's own platform: times, memory, docker kill in traffic, an hour of traffic."""
import pathlib
import random
import smtplib
import statistics
import tempfile
import threading
import time

from containers import LAN, NO_PROVIDER, PATIENCE, PICTURE, Container, Volume, descriptors_of, expect, mail, memory_of, pids_of, resident_of, say, wait_until

START_LIMIT_S = STOP_LIMIT_S = 2.0
IDLE_LIMIT, BUSY_LIMIT = 16e6, 40e6
EVENTS, OWED = 100_000, 1_000
DEAD_PROVIDER = ["--add-host", NO_PROVIDER] + [word for setting in (
    "Service__Gateway=ClickSend", "Service__From=Haus", "Service__Recipients__0=+491700000001", "Service__ClickSend__Username=nobody",
    "Service__ClickSend__Token=nothing", "Service__AlarmUser=alarm", "Service__StatusUser=status") for word in ("-e", setting)]


# --- times ---------------------------------------------------------------------------------------------------------

def write_mbox(path, count):
    """One a minute up to now: none so old that it would be forgotten."""
    first = time.time() - 60 * count
    with open(path, "w", encoding="ascii") as f:
        for n in range(count):
            when = time.gmtime(first + 60 * n)
            f.write(f"From panel@house Mon Jan  1 00:00:00 2024\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', when)}\n"
                    f"To: alarm@house\nSubject: Status\n\nZone:{n % 40 + 1} Z{n % 40 + 1}, DC {'Open' if n & 1 else 'Close'}\n\n")


def bring_history(image, platform, volume):
    """A volume with so many events: a house of some years."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o755)
        write_mbox(f"{folder}/history.mbox", EVENTS)
        with Container(image, platform, "-v", f"{folder}:/history:ro", volume=volume, command=["import", "eml", "/history/history.mbox"]) as c:
            expect(c.exit_code(600) == 0, f"import: {c.log()[-500:]}")


def owe(image, platform, volume):
    """So many messages that nobody takes."""
    with Container(image, platform, *DEAD_PROVIDER, volume=volume) as c:
        c.wait()
        c.send(*(mail(f"Zone:{n % 40 + 1} Z{n % 40 + 1}, Sabotage Alarm") for n in range(OWED)))
        wait_until("what is owed", lambda: owed_by(c) >= OWED, every=1)


def owed_by(c):
    return sum(len(c.all(f"/api/v1/deliveries?state={state}")) for state in ("waiting", "sending"))


def timed(c, begin):
    began = time.monotonic()
    begin()
    c.wait()
    answers = time.monotonic() - began
    wait_until("healthy", lambda: c.health() == "healthy", every=0.02)
    return answers, time.monotonic() - began


def check_times(image, platform):
    began = time.monotonic()
    with Container(image, platform) as c:
        c.wait()
        answers = time.monotonic() - began
        wait_until("healthy", lambda: c.health() == "healthy", every=0.02)
        healthy = time.monotonic() - began
        code, took = c.stop()
        say(platform, f"docker run to an answer {answers:.2f} s, to healthy {healthy:.2f}; SIGTERM to exit {code} {took:.2f} s")
        expect(code == 0 and healthy < START_LIMIT_S and took < STOP_LIMIT_S, "too slow")
    with Volume() as volume:
        bring_history(image, platform, volume)
        owe(image, platform, volume)
        with Container(image, platform, *DEAD_PROVIDER, volume=volume) as c:
            c.wait()
            code, took = c.stop()
            answers, healthy = timed(c, c.start)
            owed = owed_by(c)
            say(platform, f"with {EVENTS:,} events and {owed:,} owed messages: SIGTERM to exit {code} {took:.2f} s, "
                          f"start to an answer {answers:.2f}, to healthy {healthy:.2f}")
            expect(owed >= OWED and code == 0 and took < STOP_LIMIT_S and healthy < START_LIMIT_S, "too slow, or something is no longer owed")


# --- memory --------------------------------------------------------------------------------------------------------

def send_at(rate, seconds, port, message, look=None):
    """So many mails (bytes) a second over one connection; how many were sent."""
    began, sent = time.monotonic(), 0
    with smtplib.SMTP(LAN, port, timeout=PATIENCE) as smtp:
        while time.monotonic() - began < seconds:
            smtp.sendmail("cam@house.example", ["cam@house.example"], message(sent))
            sent += 1
            if look and sent % max(1, int(rate)) == 0:
                look()
            time.sleep(max(0.0, began + sent / rate - time.monotonic()))
    return sent


def send_by_several(connections, rate, seconds, port, message, look):
    counts = []
    threads = [threading.Thread(target=lambda: counts.append(send_at(rate / connections, seconds, port, message, look))) for _ in range(connections)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sum(counts)


def check_memory(image, platform, seconds):
    with Volume() as volume, Container(image, platform, volume=volume) as c:
        c.wait()
        time.sleep(10)
        idle, seen = memory_of(c), []
        if idle is None:
            say(platform, "memory: not run here (no cgroup of ours is to be seen)")
            return
        m = mail("Motion detected", to="cam@house.example", picture=PICTURE).as_bytes()
        sent = send_by_several(4, 50, seconds, c.port(2025), lambda n: m, lambda: seen.append(memory_of(c)))
        busy = max(own for own, _ in seen)
        say(platform, f"memory, anon + kernel (page cache beside it): idle {idle[0] / 1e6:.1f} MB ({idle[1] / 1e6:.0f}); "
                      f"{sent / seconds:.0f} mails of 200 KB a second for {seconds} s: {busy / 1e6:.1f} MB ({max(c for _, c in seen) / 1e6:.0f})")
        expect(idle[0] < IDLE_LIMIT and busy < BUSY_LIMIT, "too much memory")


BIG_LIMIT = 300e6  # of a machine with 1 GB; qemu's own share included


def check_big(image, platform):
    """A mail of almost 50 MiB: what gateway and reader take of memory, at most, while it is sent, read and told."""
    m = mail("Motion detected", to="cam@house.example", picture=(PICTURE * 190)[:37_500_000]).as_bytes()
    with Volume() as volume, Container(image, platform, volume=volume) as c:
        c.wait()
        seen, is_over = [], threading.Event()

        def watch():
            while not is_over.wait(0.1):
                try:
                    seen.append((resident_of(pids_of(c)), *(memory_of(c) or (0, 0))))
                except FileNotFoundError:  # a reader that ends between two looks
                    pass

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with smtplib.SMTP(LAN, c.port(2025), timeout=PATIENCE) as smtp:
                smtp.sendmail("cam@house.example", ["cam@house.example"], m)
            event = wait_until("the event", lambda: [e for e in c.events() if e.get("media")])[0]
        finally:
            is_over.set()
            watcher.join()
        expect(event["media"][0]["bytes"] == 37_500_000, f"the picture has {event['media'][0]['bytes']} bytes")
        say(platform, f"a mail of {len(m) / 1e6:.0f} MB: RSS {max(r[0] for r in seen) / 1e6:.0f} MB at most, anon + kernel "
                      f"{max(r[1] for r in seen) / 1e6:.0f}, page cache {max(r[2] for r in seen) / 1e6:.0f}")
        expect(max(r[1] for r in seen) < BIG_LIMIT, "too much memory")


# --- docker kill in traffic -------------------------------------------------------------------------------------------

def send_until(stop, port, ids):
    """Mails as fast as they are taken; of each that heard 250 its id."""
    n = 0
    while not stop.is_set():
        try:
            with smtplib.SMTP(LAN, port, timeout=10) as smtp:
                while not stop.is_set():
                    n += 1
                    smtp.ehlo_or_helo_if_needed()
                    smtp.mail("panel@house.example")
                    smtp.rcpt("alarm@house.example")
                    code, reply = smtp.data(f"Subject: Alarm\r\n\r\nZone:{n % 40} Z, Sabotage Alarm\r\n")
                    if code == 250:
                        ids.append(reply.decode().split()[-1])
        except (OSError, smtplib.SMTPException):
            time.sleep(0.02)


def kill_in_traffic(c, ids):
    stop = threading.Event()
    senders = [threading.Thread(target=send_until, args=(stop, c.port(2025), ids)) for _ in range(4)]
    for s in senders:
        s.start()
    time.sleep(random.uniform(0.2, 1.0))
    c.kill()
    stop.set()
    for s in senders:
        s.join()
    c.start()
    c.wait()


def check_kills(image, platform, rounds):
    """Every mail that heard 250 made an event, and each event was told (some twice: marked so)."""
    ids = []
    with Volume() as volume, Container(image, platform, volume=volume) as c:
        c.wait()
        for _ in range(rounds):
            kill_in_traffic(c, ids)
        for state in ("waiting", "sending"):
            wait_until(f"nothing is {state}", lambda: not c.get(f"/api/v1/deliveries?state={state}&limit=1")["items"], 600, 1)
        event_of = {e["arrival"]: e for e in c.all("/api/v1/events?order=asc")}
        told = {d["event"] for d in c.all("/api/v1/deliveries?state=sent")}
        lost = [i for i in ids if i not in event_of]
        untold = [i for i in ids if i in event_of and event_of[i].get("same_as", event_of[i]["id"]) not in told]
        expect(ids and not lost and not untold, f"of {len(ids)} mails {len(lost)} made no event, {len(untold)} were not told: {lost[:3]} {untold[:3]}")
        say(platform, f"docker kill in traffic, {rounds} rounds: all {len(ids)} mails that heard 250 made events and were told")


# --- an hour of traffic -------------------------------------------------------------------------------------------------

def soak_mail(n):
    if n % 10:
        return mail(f"Zone:{n % 40 + 1} Z{n % 40 + 1}, DC {'Open' if n & 1 else 'Close'}").as_bytes()
    return mail("Motion detected", to="cam@house.example", picture=PICTURE[:50_000]).as_bytes()


def sample(c, rows, began):
    pids = pids_of(c)
    rows.append((time.monotonic() - began, resident_of(pids), descriptors_of(pids), memory_of(c)))


def slope_of(times, values):
    """Growth over the whole time, as a part of the median. The median of all pairs' slopes (Theil and Sen): a sample that meets two readers,
    while one takes the other's place, does not count for more than one."""
    slopes = [(values[j] - values[i]) / (times[j] - times[i]) for i in range(len(times)) for j in range(i + 1, len(times))]
    return statistics.median(slopes or [0]) * (times[-1] - times[0]) / statistics.median(values)


def check_soak(image, platform, minutes):
    """RSS from the tenth minute on grows less than 1 %; descriptors do not. With a history, as everywhere but on the first day: what of an
    empty database is not yet in SQLite's bounded caches would look like growth."""
    rows = []
    with Volume() as volume:
        bring_history(image, platform, volume)
        with Container(image, platform, volume=volume) as c:
            c.wait()
            soak(c, minutes, rows)
    judge(rows, minutes, platform)


def soak(c, minutes, rows):
    began = time.monotonic()
    for _ in range(minutes):
        send_at(5, 60, c.port(2025), soak_mail)
        sample(c, rows, began)


def judge(rows, minutes, platform):
    warm = [r for r in rows if r[0] > 600] or rows
    growth, files = slope_of([r[0] for r in warm], [r[1] for r in warm]), [r[2] for r in warm]
    own = f", anon + kernel {warm[0][3][0] / 1e6:.1f} to {warm[-1][3][0] / 1e6:.1f} MB" if warm[0][3] else ""
    say(platform, f"{minutes} minutes at 5 mails a second: RSS {warm[0][1] / 1e6:.1f} to {warm[-1][1] / 1e6:.1f} MB from minute "
                  f"{warm[0][0] / 60:.0f} on, {100 * growth:+.2f} %{own}; descriptors {min(files)} to {max(files)}")
    expect(growth < 0.01, "memory grows")
    expect(abs(statistics.median(files[:10]) - statistics.median(files[-10:])) <= 1, "descriptors grow")
