"""archive.py: the compose file for owners with its archive: a real FerretDB beside the gateway, and each of the two killed in turn."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from containers import LAN, ROOT, Container, docker, expect, mail, say, wait_until

PROJECT = "posternarchive"
URI = "mongodb://archive:27017/postern"

# FerretDB as tools/servers.sh builds it, in the place of its own image, which would have to be fetched; the rest is the owner's file.
FERRETDB = """
FROM debian:trixie-slim
COPY ferretdb /ferretdb
COPY --chown=10001:10001 state /state
USER 10001:10001
VOLUME /state
ENTRYPOINT ["/ferretdb", "0.0.0.0:27017", "/state"]
"""
OVERRIDE = """
services:
  postern:
    image: {image}
    ports: !override ["{lan}::2025", "127.0.0.1::8080"]
  archive:
    image: postern-check:ferretdb
"""


def make_ferretdb():
    """Without it the check fails: an archive that nobody has seen is no archive."""
    subprocess.run([ROOT / "tools" / "servers.sh", "ferretdb"], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copy(ROOT / "build" / "servers" / "ferretdb", folder / "ferretdb")
        (folder / "state").mkdir()
        (folder / "Dockerfile").write_text(FERRETDB)
        docker("buildx", "build", "--provenance=false", "--load", "-t", "postern-check:ferretdb", str(folder))


class Service(Container):
    """One service of the compose file that runs."""

    def __init__(self, compose, name):
        self.key = None
        self.id = compose("ps", "-a", "-q", name).stdout.strip()


class Reader(Container):
    """A gateway of another house on the same archive: what it reads of ours has come through the archive."""

    def __init__(self, image, platform):
        super().__init__(image, platform, "--network", f"{PROJECT}_default", "-e", "Site__Name=Cabin", "-e", f"ConnectionStrings__MongoDB={URI}")
        self.wait()

    def sees(self, event):
        try:
            return [e for e in self.events(site="Home") if e["id"] == event["id"]]
        except KeyError:  # a problem in the place of a list: the archive does not answer
            return []


def sent(gateway, zone):
    """The event of a mail that we send now."""
    gateway.send(mail(f"Zone:{zone} Ost {zone}, Sabotage Alarm"))
    found = lambda: [e for e in gateway.events(kind="alarm.tamper") if e["zone"]["number"] == zone]
    return wait_until("the event", found)[0]


def journey(gateway, reader, archive):
    first = sent(gateway, 1)
    wait_until("the event in the archive", lambda: reader.sees(first), every=0.5)

    archive.kill()
    second = sent(gateway, 2)
    wait_until("/readyz says that the archive is away", lambda: b"archive" in gateway.ask("/readyz?verbose"), every=0.5)
    expect(gateway.get(f"/api/v1/deliveries?event={second['id']}")["items"][0]["state"] in ("sending", "sent"), "a dead archive delays a message")
    archive.start()
    wait_until("what happened meanwhile in the archive", lambda: reader.sees(second), every=0.5)

    gateway.kill()
    gateway.start()
    gateway.wait()
    third = sent(gateway, 3)
    wait_until("a mail after docker kill in the archive", lambda: reader.sees(third), every=0.5)
    expect(all(reader.sees(e) for e in (first, second, third)), "the archive has lost an event")


def check_archive(image, platform):
    make_ferretdb()
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "override.yml").write_text(OVERRIDE.format(image=image, lan=LAN))
    files = ["compose", "-p", PROJECT, "-f", str(ROOT / "docker-compose.example.yml"), "-f", str(folder / "override.yml"), "--profile", "archive"]
    env = {**os.environ, "LAN_ADDRESS": LAN, "POSTERN_ARCHIVE": URI}

    def compose(*args, check=True):
        return docker(*files, *args, check=check, env=env)

    try:
        compose("up", "-d", "--wait")
        gateway, archive = Service(compose, "postern"), Service(compose, "archive")
        with Reader(image, platform) as reader:
            journey(gateway, reader, archive)
        code, _ = gateway.stop()
        expect(code == 0, f"exit {code} on SIGTERM")
        say(platform, "compose with the profile archive and FerretDB 1.24: events arrive there; each service killed in turn, nothing is missing, nobody waits")
    finally:
        compose("down", "-v", check=False)
        shutil.rmtree(folder, ignore_errors=True)
