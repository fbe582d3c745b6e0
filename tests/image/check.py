#!/usr/bin/env python3
"""check.py [--rounds N] [--minute] PLATFORM...: builds the image for each platform and uses it as its owner would.

Docker is the one that DOCKER_HOST names (tools/image-check.sh starts one of its own where there is none). Says what it saw, one
line each; the first thing that is wrong ends it with exit code 1.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from email.message import EmailMessage

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = {"x86_64": "linux/amd64", "aarch64": "linux/arm64", "armv7l": "linux/arm/v7"}[os.uname().machine]
CPU = {"linux/arm/v7": "cortex-a7", "linux/arm64": "cortex-a72"}  # without any instruction the real machine lacks
VOLUME_WARNING = 'your history and unsent alarms will not survive'
PICTURE = (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 800)[:200_000]


class Wrong(Exception):
    pass


def expect(is_right, what):
    if not is_right:
        raise Wrong(what)


def say(platform, text):
    print(f"{platform:13} {text}", flush=True)


def docker(*args, check=True, timeout=900, **options):
    run = subprocess.run(["docker", *args], capture_output=True, text=True, timeout=timeout, **options)
    if check and run.returncode != 0:
        raise Wrong(f"docker {' '.join(args)}: {(run.stdout + run.stderr)[-3000:]}")
    return run


def wait_until(what, look, seconds=60, every=0.05):
    end = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        expect(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(every)


def mail(text, to="alarm@house.example", date=None, picture=None):
    m = EmailMessage()
    m["Subject"], m["From"], m["To"] = "Alarm", "panel@house.example", to
    if date:
        m["Date"] = date
    m.set_content(text)
    if picture:
        m.add_attachment(picture, maintype="image", subtype="jpeg", filename="Snap_20261121-031245-1.jpg")
    return m


class Container:
    """One container on a volume; its ports are the kernel's choice."""

    def __init__(self, image, platform, *options, volume=None, command=()):
        self.emulated = platform != HOST
        extra = ["-e", "Inspect__Sandbox=off", "-e", f"QEMU_CPU={CPU[platform]}"] if self.emulated else []
        where = ["-v", f"{volume}:/data"] if volume else []
        self.id = docker("run", "-d", "--platform", platform, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                         "--tmpfs", "/tmp", "-p", "127.0.0.1::2025", "-p", "127.0.0.1::8080", *extra, *where, *options, image,
                         *command).stdout.strip()
        self.key = None

    def port(self, inside):
        return int(docker("port", self.id, f"{inside}/tcp").stdout.split("\n")[0].rsplit(":", 1)[1])

    def postern(self, *args, check=True):
        return docker("exec", self.id, "/usr/local/bin/postern", *args, check=check)

    def is_answering(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port(8080)}/livez", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError, Wrong, IndexError):
            return False

    def wait(self, seconds=60):
        began = time.monotonic()
        wait_until("the API answers", self.is_answering, seconds)
        return time.monotonic() - began

    def get(self, path):
        self.key = self.key or self.postern("token", "show").stdout.strip()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port(8080)}{path}", headers={"Authorization": f"Bearer {self.key}"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def send(self, *mails):
        with smtplib.SMTP("127.0.0.1", self.port(2025), timeout=60) as smtp:
            for m in mails:
                smtp.send_message(m)

    def events(self, **query):
        return self.get("/api/v1/events?" + "&".join(f"{k}={v}" for k, v in query.items()))["items"]

    def health(self):
        return docker("inspect", "-f", "{{.State.Health.Status}}", self.id).stdout.strip()

    def log(self):
        run = docker("logs", self.id)
        return run.stdout + run.stderr

    def stop(self):
        began = time.monotonic()
        docker("stop", "-t", "20", self.id)
        took = time.monotonic() - began
        return int(docker("inspect", "-f", "{{.State.ExitCode}}", self.id).stdout), took

    def remove(self):
        docker("rm", "-f", "-v", self.id, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


# --- building ----------------------------------------------------------------------------------------------------

def build(platform, target):
    began = time.monotonic()
    image = f"postern-check:{target}-{platform.replace('/', '-')}"
    docker("buildx", "build", "--network", "host", "--provenance=false", "--platform", platform, "--target", target, "--load", "-t", image, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        packed = pathlib.Path(folder) / "image.tar"
        docker("buildx", "build", "--network", "host", "--provenance=false", "--platform", platform, "--target", target, "--output",
               f"type=oci,dest={packed},compression=gzip,force-compression=true", str(ROOT))
        size = packed.stat().st_size
    told = json.loads(docker("inspect", image).stdout)[0]
    name = f"{told['Os']}/{told['Architecture']}" + (f"/{told['Variant']}" if told.get("Variant") and platform != "linux/arm64" else "")
    expect(name == platform, f"the image is for {name}")
    expect(told["Config"]["User"] == "10001:10001", f"it runs as {told['Config']['User']}")
    say(platform, f"{target}: built in {time.monotonic() - began:.0f} s, {size / 1e6:.1f} MB compressed")
    return image, size


# --- the checks: each takes (image, platform) -----------------------------------------------------------------------

def check_journey(image, platform):
    volume = f"postern-check-{random.randrange(1 << 30)}"
    docker("volume", "create", volume)
    try:
        with Container(image, platform, volume=volume) as c:
            answered = c.wait()
            wait_until("healthy", lambda: c.health() == "healthy", 90, 0.5)
            c.send(mail("Zone:8 Ost 1, Sabotage Alarm"))
            event = wait_until("the event", lambda: c.events(kind="alarm.tamper"), 30)[0]
            expect(event["zone"] == {"number": 8, "name": "Ost 1"}, f"the zone is {event['zone']}")
            picture = mail("Motion detected", to="cam@house.example", picture=PICTURE)
            c.send(picture)
            seen = wait_until("the picture", lambda: [e for e in c.events() if e.get("media")], 30)[0]
            expect(seen["media"][0]["bytes"] == len(PICTURE), "the picture's size")
            say(platform, f"answers after {answered:.2f} s, healthy, a mail over the published port is an event, a picture too")
            docker("kill", c.id)
            docker("start", c.id)
            c.wait()
            expect(len(c.events(kind="alarm.tamper")) == 1, "the event after docker kill")
            code, took = c.stop()
            expect(code == 0, f"exit {code} on SIGTERM")
            say(platform, f"after docker kill and start the event is there; SIGTERM: exit 0 after {took:.2f} s")
    finally:
        docker("volume", "rm", "-f", volume, check=False)


def check_selftest(image, platform):
    with Container(image, platform, command=["selftest"]) as c:
        docker("wait", c.id)
        text = c.log()
        expect("FAILED" not in text and "a mail is understood" in text, f"selftest:\n{text}")
        widths = [line for line in text.splitlines() if line.startswith("widths")][0]
        skipped = "; sandbox: not run here (no seccomp under qemu)" if "not run here" in text else ""
        say(platform, f"selftest: {widths}{skipped}")


def check_zone(image, platform):
    date = "Sat, 21 Nov 2026 02:12:45 +0000"
    with Container(image, platform, "-e", "TZ=Europe/Vienna", "-e", "Parsers__MaxClockDrift=100000000") as c:
        c.wait()
        c.send(mail("Zone:8 Ost 1, Sabotage Alarm", date=date))
        text = wait_until("the message", lambda: [l for l in c.log().splitlines() if "03:12" in l or "02:12" in l], 30)[0]
        expect("03:12" in text, f"the time in a message: {text}")
    with Container(image, platform, "-e", "Site__TimeZone=Europe/Atlantis", command=["check"]) as c:
        docker("wait", c.id)
        expect("Europe/Atlantis" in c.log(), "an unknown zone is no error")
    say(platform, "TZ=Europe/Vienna: 03:12 in a message; an unknown zone is a mistake")


def check_old_seccomp(image, platform):
    profile = {"defaultAction": "SCMP_ACT_ALLOW",
               "syscalls": [{"names": ["clock_gettime", "clock_gettime64"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
    if platform != HOST:
        say(platform, "old libseccomp2: not run here (qemu asks the host's clock)")
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(profile, f)
        f.flush()
        with Container(image, platform, "--security-opt", f"seccomp={f.name}") as c:
            code = int(docker("wait", c.id).stdout)
            expect(code == 78 and "libseccomp2 is too old for this image; install 2.4.2 or newer" in c.log(), f"exit {code}: {c.log()}")
    say(platform, "a host with an old libseccomp2: told so, exit 78")


def check_settings_mistakes(image, platform):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        rows = []
        (pathlib.Path(folder) / "folder").mkdir()
        rows.append(("folder", "is a directory, not a file"))
        secret = pathlib.Path(folder) / "secret.json"
        secret.write_text("{}")
        secret.chmod(0o600)
        rows.append(("secret.json", "our uid"))
        for name, text in rows:
            with Container(image, platform, "-v", f"{folder}/{name}:/app/appsettings.json:ro") as c:
                code = int(docker("wait", c.id).stdout)
                expect(code == 78 and text in c.log(), f"{name}: exit {code}: {c.log()}")
    say(platform, "a folder in the place of the settings, a file it may not read: explained, exit 78")


LUPUSERV = """
services:
  lupuserv:
    image: {image}
    platform: {platform}
    restart: unless-stopped
    environment:
      Service__Gateway: "ClickSend"
      Service__From: "Haus"
      Service__Recipients__0: "+491700000001"
      Service__ClickSend__Username: "nobody"
      Service__ClickSend__Token: "nothing"
      {extra}
    ports: ["127.0.0.1::2025", "127.0.0.1::8080"]
    volumes:
      - ./appsettings.json:/app/appsettings.json:ro
{more}
"""


class Compose(Container):
    def __init__(self, folder):
        self.folder, self.key = folder, None
        self.compose("up", "-d")
        self.id = self.compose("ps", "-q").stdout.strip()

    def compose(self, *args):
        return docker("compose", "-p", "posterncheck", *args, cwd=self.folder)


def check_lupuserv(image, platform):
    emulated = f'Inspect__Sandbox: "off"\n      QEMU_CPU: "{CPU[platform]}"' if platform != HOST else ""
    folder = pathlib.Path(tempfile.mkdtemp())
    os.chmod(folder, 0o755)
    try:
        (folder / "appsettings.json").write_text(json.dumps({"Service": {"AlarmUser": "alarm", "StatusUser": "status"}}))
        (folder / "appsettings.json").chmod(0o644)
        file = folder / "docker-compose.yml"
        file.write_text(LUPUSERV.format(image=image, platform=platform, extra=emulated, more=""))
        c = Compose(folder)
        c.wait()
        expect(VOLUME_WARNING in c.log(), "no warning about the missing volume in the log")
        ready = json.dumps(c.get("/readyz?verbose"))
        expect("degraded" in ready and "will not survive" in ready, f"/readyz: {ready}")
        wait_until("the event system.storage", lambda: c.events(kind="system.storage"), 20)
        c.compose("down")
        file.write_text(LUPUSERV.format(image=image, platform=platform, extra=emulated, more="      - ./data/postern:/data\n"))
        (folder / "data" / "postern").mkdir(parents=True)
        os.chown(folder / "data" / "postern", 10001, 10001)
        c = Compose(folder)
        c.wait()
        expect(VOLUME_WARNING not in c.log(), "the warning is still there")
        c.send(mail("Zone:8 Ost 1, Sabotage Alarm"))
        event = wait_until("the event", lambda: c.events(kind="alarm.tamper"), 30)[0]
        c.compose("down")
        c = Compose(folder)
        c.wait()
        expect([e["id"] for e in c.events(kind="alarm.tamper")] == [event["id"]], "the event after down and up")
        owed = c.get(f"/api/v1/deliveries?event={event['id']}")["items"]
        expect(owed and owed[0]["state"] in ("waiting", "sending", "failed", "unknown"), f"the delivery after down and up: {owed}")
        c.compose("down", "-v")
        say(platform, "LupuServ's compose file: works, warns of the missing volume; with the line added, down, up: event and delivery are there")
    finally:
        docker("compose", "-p", "posterncheck", "down", "-v", cwd=folder, check=False)
        shutil.rmtree(folder, ignore_errors=True)


# --- the long ones -------------------------------------------------------------------------------------------------

def kept_of(reply):
    return reply.decode().split(" as ")[-1].split()[-1] if b" as " in reply else None


def send_until(stop, port, ids):
    n = 0
    while not stop.is_set():
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
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


def check_kills(image, platform, rounds):
    """docker kill in the middle of traffic: every mail that heard 250 is there and told."""
    volume = f"postern-check-{random.randrange(1 << 30)}"
    docker("volume", "create", volume)
    ids = []
    try:
        with Container(image, platform, volume=volume) as c:
            for _ in range(rounds):
                c.wait()
                stop = threading.Event()
                senders = [threading.Thread(target=send_until, args=(stop, c.port(2025), ids)) for _ in range(4)]
                for s in senders:
                    s.start()
                time.sleep(random.uniform(0.2, 1.0))
                docker("kill", c.id)
                stop.set()
                for s in senders:
                    s.join()
                docker("start", c.id)
            c.wait()
            wait_until("all is told", lambda: not c.get("/api/v1/deliveries?state=waiting&limit=1")["items"], 300, 1)
            lost = [i for i in ids if "id" not in c.get(f"/api/v1/arrivals/{i}")]
            untold = [i for i in ids if c.get(f"/api/v1/arrivals/{i}").get("state") != "understood"]
            expect(not lost and not untold, f"of {len(ids)} mails {len(lost)} are lost, {len(untold)} made no event: {lost[:3]} {untold[:3]}")
            say(platform, f"docker kill, {rounds} rounds in traffic: all {len(ids)} mails that heard 250 are there and understood")
    finally:
        docker("volume", "rm", "-f", volume, check=False)


def memory_of(container):
    """anon + kernel, and the page cache beside it, in bytes; of cgroup v2 or v1."""
    full = docker("inspect", "-f", "{{.Id}}", container).stdout.strip()
    for folder in (f"/sys/fs/cgroup/system.slice/docker-{full}.scope", f"/sys/fs/cgroup/docker/{full}", f"/sys/fs/cgroup/memory/docker/{full}",
                   f"/sys/fs/cgroup/unified/docker/{full}"):
        path = pathlib.Path(folder) / "memory.stat"
        if path.exists():
            stat = dict(line.split() for line in path.read_text().splitlines())
            if "anon" in stat:
                return int(stat["anon"]) + int(stat.get("kernel", 0)), int(stat["file"])
            kernel = pathlib.Path(folder) / "memory.kmem.usage_in_bytes"
            return int(stat["total_rss"]) + (int(kernel.read_text()) if kernel.exists() else 0), int(stat["total_cache"])
    return None


def check_memory(image, platform, seconds):
    if platform != HOST:
        return
    with Container(image, platform) as c:
        c.wait()
        time.sleep(10)
        idle = memory_of(c.id)
        if idle is None:
            say(platform, "memory: not run here (no cgroup of ours is to be seen)")
            return
        m, highest, began, sent = mail("Motion detected", to="cam@house.example", picture=PICTURE), (0, 0), time.monotonic(), 0
        with smtplib.SMTP("127.0.0.1", c.port(2025), timeout=60) as smtp:
            while time.monotonic() - began < seconds:
                smtp.send_message(m)
                sent += 1
                if sent % 50 == 0:
                    highest = max(highest, memory_of(c.id))
                time.sleep(max(0.0, began + sent / 50 - time.monotonic()))
        say(platform, f"memory (anon + kernel; page cache): idle {idle[0] / 1e6:.1f}; {idle[1] / 1e6:.0f} MB; {sent / seconds:.0f} mails/s of "
                      f"200 KB for {seconds} s {highest[0] / 1e6:.1f}; {highest[1] / 1e6:.0f} MB")


CHECKS = [check_selftest, check_journey, check_zone, check_old_seccomp, check_settings_mistakes, check_lupuserv]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=0, help="docker kill in traffic, so often")
    options.add_argument("--memory", type=int, default=0, help="seconds of 50 mails a second")
    options.add_argument("--targets", default="minimal,slim")
    options.add_argument("platforms", nargs="*", default=["linux/amd64", "linux/arm/v7", "linux/arm64"])
    chosen = options.parse_args()
    for platform in chosen.platforms:
        for target in chosen.targets.split(","):
            image, _ = build(platform, target)
            for check in CHECKS:
                check(image, platform)
            if platform == HOST and target == "minimal":
                if chosen.rounds:
                    check_kills(image, platform, chosen.rounds)
                if chosen.memory:
                    check_memory(image, platform, chosen.memory)
    print(f"image-check: all well on {', '.join(chosen.platforms)}")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"image-check: {wrong}")
