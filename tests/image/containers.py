"""containers.py: Docker in the hands of a check: containers and volumes that clean up after themselves, what they weigh, and mails."""
import json
import os
import pathlib
import random
import smtplib
import subprocess
import time
import urllib.error
import urllib.request
from email.message import EmailMessage

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = {"x86_64": "linux/amd64", "aarch64": "linux/arm64", "armv7l": "linux/arm/v7"}[os.uname().machine]
CPU = {"linux/arm/v7": "cortex-a7", "linux/arm64": "cortex-a72"}  # without any instruction the real machine lacks
PATIENCE = 120  # seconds until something that surely comes must have come, on a machine that does other things too
PICTURE = (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 800)[:200_000]
LAN = os.environ.get("LAN_ADDRESS", "127.0.0.1")  # an address of the house: over loopback Docker hides who sends
NO_PROVIDER = "rest.clicksend.com:192.0.2.1"  # --add-host: nobody answers there, so what is owed to it waits


class Wrong(Exception):
    """Something is not as an owner may expect it."""


def expect(is_right, what):
    if not is_right:
        raise Wrong(what)


def say(platform, text):
    print(f"{platform:13} {text}", flush=True)


def docker(*args, check=True, timeout=1800, **options):
    run = subprocess.run(["docker", *args], capture_output=True, text=True, timeout=timeout, **options)
    if check and run.returncode != 0:
        raise Wrong(f"docker {' '.join(args)}: {(run.stdout + run.stderr)[-3000:]}")
    return run


def wait_until(what, look, seconds=PATIENCE, every=0.05):
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


def emulation(platform):
    """Settings for a platform that qemu plays here: qemu has no seccomp."""
    return {} if platform == HOST else {"Inspect__Sandbox": "off", "QEMU_CPU": CPU[platform]}


class Volume:
    """A named volume; goes with the check."""

    def __init__(self):
        self.name = f"postern-check-{random.randrange(1 << 30)}"
        docker("volume", "create", self.name)

    def __enter__(self):
        return self.name

    def __exit__(self, *_):
        docker("volume", "rm", "-f", self.name, check=False)


class Container:
    """One container; its ports are the kernel's choice."""

    def __init__(self, image, platform, *options, volume=None, command=()):
        settings = [word for name, value in emulation(platform).items() for word in ("-e", f"{name}={value}")]
        where = ["-v", f"{volume}:/data"] if volume else []
        self.key = None
        self.id = docker("run", "-d", "--platform", platform, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                         "--tmpfs", "/tmp", "-p", f"{LAN}::2025", "-p", "127.0.0.1::8080", *settings, *where, *options, image,
                         *command).stdout.strip()

    def inspect(self, template):
        return docker("inspect", "-f", template, self.id).stdout.strip()

    def port(self, inside):
        return int(docker("port", self.id, f"{inside}/tcp").stdout.split("\n")[0].rsplit(":", 1)[1])

    def postern(self, *args, check=True):
        return docker("exec", self.id, "/usr/local/bin/postern", *args, check=check)

    def is_answering(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port(8080)}/livez", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError, Wrong, IndexError, ValueError):
            return False

    def wait(self):
        """Until the API answers; how long that took."""
        began = time.monotonic()
        wait_until("the API answers", self.is_answering)
        return time.monotonic() - began

    def wait_healthy(self):
        began = time.monotonic()
        wait_until("healthy", lambda: self.health() == "healthy")
        return time.monotonic() - began

    def ask(self, path):
        self.key = self.key or self.postern("token", "show").stdout.strip()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port(8080)}{path}", headers={"Authorization": f"Bearer {self.key}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            return error.read()

    def get(self, path):
        return json.loads(self.ask(path))

    def all(self, path):
        """Every item of a list, page by page."""
        items, cursor = [], ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=500{cursor}")
            items += page["items"]
            if not page["next"]:
                return items
            cursor = f"&cursor={page['next']}"

    def metric(self, name):
        lines = self.ask("/metrics").decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.split("{")[0].split(" ")[0] == name), None)

    def send(self, *mails):
        with smtplib.SMTP(LAN, self.port(2025), timeout=PATIENCE) as smtp:
            for m in mails:
                smtp.send_message(m)

    def send_raw(self, text):
        with smtplib.SMTP(LAN, self.port(2025), timeout=PATIENCE) as smtp:
            smtp.sendmail("cam@house.example", ["notes@house.example"], text.encode())

    def events(self, **query):
        return self.get("/api/v1/events?" + "&".join(f"{k}={v}" for k, v in query.items()))["items"]

    def health(self):
        return self.inspect("{{.State.Health.Status}}")

    def log(self):
        run = docker("logs", self.id)
        return run.stdout + run.stderr

    def exit_code(self, seconds=PATIENCE):
        """Once it has ended by itself."""
        wait_until("its end", lambda: self.inspect("{{.State.Status}}") == "exited", seconds)
        return int(self.inspect("{{.State.ExitCode}}"))

    def kill(self):
        docker("kill", self.id)

    def start(self):
        docker("start", self.id)

    def stop(self):
        """Its exit code after SIGTERM, and how long that took."""
        began = time.monotonic()
        docker("stop", "-t", "20", self.id)
        took = time.monotonic() - began
        return int(self.inspect("{{.State.ExitCode}}")), took

    def remove(self):
        docker("rm", "-f", "-v", self.id, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


# --- what a container weighs, seen from the host --------------------------------------------------------------------

def pids_of(container):
    return [int(line.split()[0]) for line in docker("top", container.id, "-o", "pid").stdout.splitlines()[1:]]


def cgroup_of(container):
    """The folder with its memory figures: cgroup v2's or v1's."""
    rows = [line.split(":", 2) for line in pathlib.Path(f"/proc/{container.inspect('{{.State.Pid}}')}/cgroup").read_text().splitlines()]
    paths = {controllers: path for _, controllers, path in rows}
    for folder in (f"/sys/fs/cgroup/memory{paths.get('memory', '/none')}", f"/sys/fs/cgroup{paths.get('', '/none')}"):
        if pathlib.Path(folder, "memory.stat").exists():
            return pathlib.Path(folder)
    return None


def memory_of(container):
    """Bytes that are its own (anon + kernel), and the page cache beside them; None where no cgroup of ours is to be seen."""
    folder = cgroup_of(container)
    if folder is None:
        return None
    stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    if "anon" in stat:
        return int(stat["anon"]) + int(stat.get("kernel", 0)), int(stat["file"])
    kernel = folder / "memory.kmem.usage_in_bytes"
    return int(stat["total_rss"]) + (int(kernel.read_text()) if kernel.exists() else 0), int(stat["total_cache"])


def resident_of(pids):
    """Bytes of RSS of these processes."""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        total += next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmRSS:")), 0)
    return total


def descriptors_of(pids):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)
