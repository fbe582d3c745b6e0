"""use.py: the image as its owner uses it. Each check takes (image, platform), says one line, raises Wrong."""
import base64
import json
import os
import pathlib
import shutil
import tempfile

from containers import HOST, LAN, NO_PROVIDER, PICTURE, Container, Volume, docker, emulation, expect, mail, say, wait_until

VOLUME_WARNING = "your history and unsent alarms will not survive"
TAMPER = "Zone:8 Ost 1, Sabotage Alarm"


def check_selftest(image, platform):
    with Container(image, platform, command=["selftest"]) as c:
        code, text = c.exit_code(), c.log()
        expect(code == 0 and "FAILED" not in text and "a mail is understood" in text, f"selftest: exit {code}:\n{text}")
        widths = [line for line in text.splitlines() if line.startswith("widths")][0]
        skipped = "; sandbox: not run here (no seccomp under qemu)" if "not run here" in text else ""
        say(platform, f"selftest: {widths}{skipped}")


def check_journey(image, platform):
    with Volume() as volume, Container(image, platform, volume=volume) as c:
        answered, healthy = c.wait(), c.wait_healthy()
        c.send(mail(TAMPER))
        event = wait_until("the event", lambda: c.events(kind="alarm.tamper"))[0]
        expect(event["zone"] == {"number": 8, "name": "Ost 1"}, f"the zone is {event['zone']}")
        c.send(mail("Motion detected", to="cam@house.example", picture=PICTURE))
        seen = wait_until("the picture", lambda: [e for e in c.events() if e.get("media")])[0]
        expect(c.ask(f"/api/v1/events/{seen['id']}/media/{seen['media'][0]['n']}") == PICTURE, "the picture, read back")
        say(platform, f"answers after {answered:.2f} s, healthy after {answered + healthy:.2f}; a mail over the published port is an event, "
                      "a picture is read back byte for byte")
        c.kill()
        c.start()
        c.wait()
        expect(len(c.events(kind="alarm.tamper")) == 1, "the event after docker kill")
        code, took = c.stop()
        expect(code == 0, f"exit {code} on SIGTERM")
        say(platform, f"after docker kill and start the event is there; SIGTERM: exit 0 after {took:.2f} s")


# A word of each charset that a device may write in: the image holds tables for these only.
CHARSETS = {"windows-1252": "Küche", "iso-8859-15": "Küche", "gb18030": "厨房", "big5-hkscs": "廚房", "iso-8859-2": "Łódź", "iso-8859-5": "Кухня",
            "iso-8859-7": "Κουζίνα", "iso-8859-9": "Mutfağı", "windows-1250": "Łódź", "windows-1251": "Кухня", "windows-1253": "Κουζίνα",
            "windows-1254": "Mutfağı", "koi8-r": "Кухня", "koi8-u": "Кухня", "shift_jis": "台所", "euc-jp": "台所", "iso-2022-jp": "台所",
            "euc-kr": "부엌", "utf-16": "Küche", "utf-16le": "Küche", "utf-16be": "Küche", "utf-7": "Küche", "mac-roman": "Küche", "cp850": "Küche",
            "cp437": "Küche"}
LABELS = {"mac-roman": "macintosh", "cp437": "ibm437", "big5-hkscs": "big5"}  # Python's name: the mail's


def check_charsets(image, platform):
    with Container(image, platform) as c:
        c.wait()
        for name, word in CHARSETS.items():
            body = base64.encodebytes(f"{name} {word}".encode(name)).decode().replace("\n", "\r\n")
            c.send_raw(f"Subject: Note\r\nContent-Type: text/plain; charset={LABELS.get(name, name)}\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}")
        texts = wait_until("all are read", lambda: (all_of := [e["text"] for e in c.events(limit=200)]) and len(all_of) >= len(CHARSETS) and all_of)
        missing = [name for name, word in CHARSETS.items() if not any(f"{name} {word}" in text for text in texts)]
        expect(not missing, f"not read: {missing}: {texts}")
    say(platform, f"mails in {len(CHARSETS)} charsets are read")


def check_zone(image, platform):
    date = "Sat, 21 Nov 2026 02:12:45 +0000"
    with Container(image, platform, "-e", "TZ=Europe/Vienna", "-e", "Parsers__MaxClockDrift=100000000") as c:
        c.wait()
        c.send(mail(TAMPER, date=date))
        text = wait_until("the message", lambda: [l for l in c.log().splitlines() if "03:12" in l or "02:12" in l])[0]
        expect("03:12" in text, f"the time in a message: {text}")
    with Container(image, platform, "-e", "Site__TimeZone=Europe/Atlantis", command=["check"]) as c:
        code = c.exit_code()
        expect(code != 0 and "Europe/Atlantis" in c.log(), f"an unknown zone: exit {code}: {c.log()}")
    say(platform, "TZ=Europe/Vienna: 03:12 in a message; an unknown zone is a mistake")


def check_old_seccomp(image, platform):
    if platform != HOST:
        say(platform, "old libseccomp2: not run here (qemu asks the host's clock)")
        return
    profile = {"defaultAction": "SCMP_ACT_ALLOW",
               "syscalls": [{"names": ["clock_gettime", "clock_gettime64"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(profile, f)
        f.flush()
        with Container(image, platform, "--security-opt", f"seccomp={f.name}") as c:
            code = c.exit_code()
            expect(code == 78 and "libseccomp2 is too old for this image; install 2.4.2 or newer" in c.log(), f"exit {code}: {c.log()}")
    say(platform, "a host with an old libseccomp2: told so, exit 78")


def settings_folder(place):
    (place / "settings").mkdir()


def settings_secret(place):
    (place / "settings").write_text("{}")
    (place / "settings").chmod(0o600)


SETTINGS = [(settings_folder, "is a directory, not a file"), (settings_secret, "our uid")]


def check_settings_mistakes(image, platform):
    for make, words in SETTINGS:
        with tempfile.TemporaryDirectory() as name:
            os.chmod(name, 0o755)
            place = pathlib.Path(name)
            make(place)
            with Container(image, platform, "-v", f"{place}/settings:/app/appsettings.json:ro") as c:
                code = c.exit_code()
                expect(code == 78 and words in c.log(), f"{make.__name__}: exit {code}: {c.log()}")
    say(platform, "settings that are a folder, that it may not read: explained, exit 78")


def check_data_mistakes(image, platform):
    with tempfile.TemporaryDirectory() as name:  # root's: the commonest mistake with a folder of the host
        os.chmod(name, 0o755)
        with Container(image, platform, "-v", f"{name}:/data") as c:
            code = c.exit_code()
            expect(code == 73 and "/data" in c.log() and "10001" in c.log(), f"a folder of root's: exit {code}: {c.log()}")
    say(platform, "a data folder it may not write: explained, exit 73")


# --- LupuServ's compose file -------------------------------------------------------------------------------------------

LUPUSERV = """
services:
  lupuserv:
    image: {image}
    platform: {platform}
    restart: unless-stopped
    extra_hosts: ["{no_provider}"]
    environment:
      Service__Gateway: "ClickSend"
      Service__From: "Haus"
      Service__Recipients__0: "+491700000001"
      Service__ClickSend__Username: "nobody"
      Service__ClickSend__Token: "nothing"
      {extra}
    ports: ["{lan}::2025", "127.0.0.1::8080"]
    volumes:
      - ./appsettings.json:/app/appsettings.json:ro
{more}
"""
PROJECT = ("compose", "-p", "posterncheck")


class Composed(Container):
    """LupuServ's file with our image's name."""

    def __init__(self, folder, image, platform, more=""):
        extra = "\n      ".join(f'{name}: "{value}"' for name, value in emulation(platform).items())
        text = LUPUSERV.format(image=image, platform=platform, extra=extra, more=more, no_provider=NO_PROVIDER, lan=LAN)
        (folder / "docker-compose.yml").write_text(text)
        self.folder, self.key = folder, None
        docker(*PROJECT, "up", "-d", cwd=folder)
        self.id = docker(*PROJECT, "ps", "-q", cwd=folder).stdout.strip()
        self.wait()

    def down(self):
        docker(*PROJECT, "down", cwd=self.folder)


def without_volume(folder, image, platform):
    c = Composed(folder, image, platform)
    wait_until("the warning about the missing volume in the log", lambda: VOLUME_WARNING in c.log())
    ready = c.ask("/readyz?verbose").decode()
    expect("degraded" in ready and "will not survive" in ready, f"/readyz: {ready}")
    wait_until("the event system.storage", lambda: c.events(kind="system.storage"))
    c.down()


def with_volume(folder, image, platform):
    (folder / "data" / "postern").mkdir(parents=True)
    os.chown(folder / "data" / "postern", 10001, 10001)
    line = "      - ./data/postern:/data\n"
    c = Composed(folder, image, platform, line)
    c.send(mail(TAMPER))
    event = wait_until("the event", lambda: c.events(kind="alarm.tamper"))[0]
    expect(VOLUME_WARNING not in c.log(), "the warning is still there")
    c.down()
    c = Composed(folder, image, platform, line)
    expect([e["id"] for e in c.events(kind="alarm.tamper")] == [event["id"]], "the event after down and up")
    owed = c.get(f"/api/v1/deliveries?event={event['id']}")["items"]
    expect(owed and owed[0]["state"] in ("waiting", "sending"), f"the delivery after down and up: {owed}")
    c.down()


def check_lupuserv(image, platform):
    folder = pathlib.Path(tempfile.mkdtemp())
    os.chmod(folder, 0o755)
    try:
        (folder / "appsettings.json").write_text(json.dumps({"Service": {"AlarmUser": "alarm", "StatusUser": "status"}}))
        (folder / "appsettings.json").chmod(0o644)
        without_volume(folder, image, platform)
        with_volume(folder, image, platform)
        say(platform, "LupuServ's compose file: works, warns of the missing volume; with the line added, down, up: event and waiting delivery are there")
    finally:
        docker(*PROJECT, "down", "-v", cwd=folder, check=False)
        shutil.rmtree(folder, ignore_errors=True)


CHECKS = [check_selftest, check_journey, check_charsets, check_zone, check_old_seccomp, check_settings_mistakes, check_data_mistakes, check_lupuserv]
