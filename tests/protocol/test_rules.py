"""Parsers:Rules: an odd camera understood by settings alone, bad rules named with their place, patterns that run away; and
`postern reparse`, by which a new rule holds for the mails of the past."""
import datetime
import email.utils
import json
import subprocess
import time

import pytest

import mails
from farside import FarSide
from postern import program, wait_until

ODD = {
    "Name": "odd-camera",
    "Where": ["subject", "body"],
    "Pattern": r"^Gate (?<zone>\d+) \((?<zone_name>[^)]*)\): (?<kind>\w+) seen at (?<time>[\d. :]+) by (?<device>.*)$",
    "Kinds": {"Somebody": "camera.person", "Vehicle": "camera.vehicle", "Nobody": "camera.person restored"},
    "Example": "Gate 3 (Hof): Somebody seen at 21.11.2026 03:12:45 by Lumix",
    "Gives": {"kind": "camera.person", "zone": 3, "zone_name": "Hof", "device": "Lumix", "time": "2026-11-21 03:12:45"},
}
RUNAWAY = {"Name": "runaway", "Pattern": "(a+)+$", "Kind": "camera.motion", "Example": "aaa"}
BAIT = "a" * 60 + "!"


def told(far, *rules):
    return {
        "Site": {"Name": "Home", "TimeZone": "Europe/Berlin", "Language": "en"},
        "Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook", "Rate": 6000, "Burst": 1000}},
        "Recipients": {"home": ["hook:"]},
        "Store": {"Floor": 0, "FloorPercent": 0},
        "Parsers": {"Rules": list(rules)},
    }


def odd(n, what="Somebody"):
    return mails.camera(f"Gate {n} (Hof): {what} seen at 21.11.2026 03:12:45 by Lumix", "nothing here", [mails.jpeg(1, 2000)], names=["x.jpg"])


def of_mails(p):
    """Its events that mails made, oldest first."""
    return [e for e in reversed(p.api.all("/api/v1/events")) if not e["kind"].startswith("system.")]


def test_an_odd_camera_is_understood_by_a_rule(postern):
    with FarSide() as far:
        p = postern(told(far, ODD))
        assert p.send(odd(7, "Nobody"), to="gate@house.example")[0] == 250
        event = wait_until("the event", lambda: of_mails(p) or None)[0]
        assert (event["kind"], event["restored"], event["parser"]) == ("camera.person", True, "rule:odd-camera")
        assert event["zone"] == {"number": 7, "name": "Hof"} and event["device"]["name"] == "Lumix"
        assert event["device_time"] == "2026-11-21T03:12:45+01:00"
        assert [m["type"] for m in event["media"]] == ["image/jpeg"]
        assert p.command("check").stdout.splitlines()[-1] == "no mistakes"
        assert not p.log("settings.mistake")


@pytest.mark.threads
def test_a_runaway_pattern_is_told_once_and_its_mails_are_read_without_it(postern):
    with FarSide() as far:
        p = postern(told(far, RUNAWAY, ODD))
        for n in range(4):
            assert p.send(mails.panel(f"Zone:{n} Ost, Sabotage Alarm", subject=BAIT))[0] == 250
        events = wait_until("the events", lambda: len(of_mails(p)) == 4 and of_mails(p))
        assert {e["kind"] for e in events} == {"alarm.tamper"}
        trouble = wait_until("the trouble", lambda: p.api.all("/api/v1/events?kind=system.settings"))
        assert len(trouble) == 1 and "runaway" in trouble[0]["text"]
        assert p.api.get("/metrics").text.count("postern_inspector_restarts_total 0") == 1


def test_bad_rules_are_named_with_their_place_and_the_others_work(postern):
    bad = [{"Name": "a", "Pattern": "(", "Kind": "camera.motion", "Example": "x"},
           {"Name": "b", "Pattern": "(?<zon>x)", "Kind": "camera.motoin", "Example": "x"},
           {**ODD, "Name": "c", "Gives": {"zone": 4}},
           {**ODD, "Name": "d", "Example": "nothing of that kind"}]
    with FarSide() as far:
        p = postern(told(far, *bad, ODD))
        out = p.command("check").stdout
        for line in ["MISTAKE Parsers:Rules:0:Pattern: missing closing parenthesis, at byte 1",
                     "MISTAKE Parsers:Rules:1:Pattern: a group \"zon\" fills nothing; known are kind, zone, zone_name, device, user, text, time",
                     "MISTAKE Parsers:Rules:1:Kind: no kind \"camera.motoin\"; like \"camera.motion\" or \"alarm.tamper restored\"",
                     "MISTAKE Parsers:Rules:2:Gives:zone: the example gives \"3\", not \"4\"",
                     "MISTAKE Parsers:Rules:3:Example: the pattern does not fit it"]:
            assert line in out.splitlines(), out
        assert p.wait_log("settings.mistake", path="Parsers:Rules:0:Pattern")
        assert p.send(odd(1), to="gate@house.example")[0] == 250
        assert wait_until("the event", lambda: of_mails(p) or None)[0]["kind"] == "camera.person"


def test_inspect_shows_what_a_rule_gives(postern, tmp_path):
    with FarSide() as far:
        p = postern(told(far, RUNAWAY, ODD))
        (tmp_path / "odd.eml").write_bytes(odd(5))
        (tmp_path / "bait.eml").write_bytes(mails.panel("x", subject=BAIT))

        def inspect(*args):
            return json.loads(p.command("inspect", *args, "--settings", p.settings_path).stdout)
        shown = inspect(tmp_path / "odd.eml", "--rule", "odd-camera")
        assert shown["result"] == "fits" and shown["where"] == "subject" and shown["event"]["zone"]["number"] == 5
        assert shown["groups"] == {"zone": "5", "zone_name": "Hof", "kind": "Somebody", "time": "21.11.2026 03:12:45", "device": "Lumix"}
        assert inspect(tmp_path / "odd.eml")["parser"] == "rule:odd-camera"
        assert inspect(tmp_path / "bait.eml", "--rule", "runaway")["result"] == "gives up"
        assert inspect(tmp_path / "bait.eml")["rule_trouble"] == "runaway"


@pytest.mark.parametrize("attack", ["openat", "socket", "execve", "memory"])
def test_rules_do_not_open_the_sandbox(attack, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps([RUNAWAY, ODD]))
    command = f'exec "$0" --rules-fd 3 --attack {attack} 3<"$1"'
    with_rules = subprocess.run(["sh", "-c", command, program("postern-inspect"), rules], capture_output=True, timeout=30)
    without = subprocess.run([program("postern-inspect"), "--attack", attack], capture_output=True, timeout=30)
    assert with_rules.returncode == without.returncode, with_rules.stderr


@pytest.mark.parametrize("hours, is_believed", [(1, False), (24, True)])
def test_a_clock_beyond_the_bound_is_shown_and_not_believed(postern, hours, is_believed):
    with FarSide() as far:
        p = postern(told(far) | {"Parsers": {"MaxClockDrift": hours}})
        shown = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(hours=2)
        date = email.utils.format_datetime(shown)
        assert p.send(f"Date: {date}\r\nSubject: x\r\n\r\nZone:1 Ost, Sabotage Alarm\r\n".encode())[0] == 250
        event = wait_until("the event", lambda: of_mails(p) or None)[0]
        assert event["device_time"] == shown.isoformat() and -7230 < event["drift_s"] <= -7200
        assert ("happened_at" in event) == is_believed
        told_event = wait_until("the message", lambda: [r.json for r in far.requests if r.json["type"] == "alarm.tamper"])[0]
        assert json.dumps(event["device_time"]) in json.dumps(told_event)


def told_of_mails(far):
    """What the far side heard but of ourselves."""
    return [r.body for r in far.requests if not r.json["type"].startswith("system.")]


def debts(p, events):
    ids = {e["id"] for e in events}
    return [d for d in p.deliveries() if d["event"] in ids]


# --- reading again -----------------------------------------------------------------------------------------------------


def fill(p, count):
    """Mails that only the rule knows, and between them some of a panel."""
    with p.connect() as s:
        for n in range(count):
            mail = odd(n) if n % 10 else mails.panel(f"Zone:{n} Ost, Sabotage Alarm")
            s.sendmail("cam@house.example", ["gate@house.example"], mail)
    wait_until("all are understood", lambda: len(of_mails(p)) == count or None, seconds=120)


@pytest.mark.threads
def test_a_new_rule_holds_for_the_past_and_nobody_is_told_again(postern):
    with FarSide() as far:
        p = postern(told(far))
        fill(p, 30)
        before = of_mails(p)
        assert sum(e["kind"] == "camera.person" for e in before) == 0
        wait_until("all are told", lambda: not p.api.all("/api/v1/deliveries?state=waiting") and not p.api.all("/api/v1/deliveries?state=sending"))
        p.configure(told(far, ODD))
        p.restart()
        heard, owed = told_of_mails(far), debts(p, before)
        out = p.command("reparse").stdout
        assert out == "done: 30 of 30 mails read again, 27 understood otherwise than before, 0 left as they were\n"
        after = of_mails(p)
        assert [e["id"] for e in after] == [e["id"] for e in before]
        assert [e["kind"] for e in after] == ["camera.person" if n % 10 else "alarm.tamper" for n in range(30)]
        assert [e["zone"]["number"] for e in after] == list(range(30))
        assert all(len(a["media"]) == len(b["media"]) for a, b in zip(after, before) if "media" in b)
        time.sleep(1)
        assert told_of_mails(far) == heard and debts(p, after) == owed
        assert p.command("reparse").stdout.startswith("done: 30 of 30 mails read again, 0 understood otherwise")


def test_only_what_is_asked_for_is_read_again(postern):
    with FarSide() as far:
        p = postern(told(far))
        for user in ("gate", "gate", "yard"):
            assert p.send(odd(1), to=f"{user}@house.example")[0] == 250
        wait_until("three", lambda: len(of_mails(p)) == 3 or None)
        device = of_mails(p)[2]["device"]["id"]
        assert p.command("reparse", "--device", device).stdout.startswith("done: 1 of 1 ")
        assert p.command("reparse", "--since", "1h").stdout.startswith("done: 3 of 3 ")
        assert p.command("reparse", "--since", "0s").stdout.startswith("done: 0 of 0 ")
        assert p.command("reparse", "--device", "nobody").stdout.startswith("done: 0 of 0 ")
        assert p.command("reparse", "--until", "1h").returncode == 64
        assert p.api.post("/api/v1/reparse", {"since": "yesterday"}).status == 400
        assert p.api.post("/api/v1/reparse", {"devices": "gate"}).status == 400


@pytest.mark.threads
def test_five_hundred_mails_are_read_again_across_a_kill_9_while_new_ones_come(postern):
    with FarSide() as far:
        p = postern(told(far))
        fill(p, 500)
        before = of_mails(p)
        p.configure(told(far, ODD))
        p.restart()
        assert p.api.post("/api/v1/reparse", {}).status == 202
        assert p.api.post("/api/v1/reparse", {}).status == 409
        wait_until("a hundred", lambda: p.api.get("/api/v1/reparse").json["done"] >= 100 or None, seconds=60)
        p.kill9()
        p.start()
        kinds = [e["kind"] for e in of_mails(p)]
        assert 90 <= sum(k == "camera.person" for k in kinds) < 450
        assert p.api.get("/api/v1/reparse").json == {"state": "idle"}
        wait_until("all are told", lambda: not p.api.all("/api/v1/deliveries?state=waiting") or None, seconds=60)
        assert p.api.post("/api/v1/reparse", {}).status == 202
        began = time.monotonic()
        assert p.send(mails.panel("Zone:99 Ost, Feuer Alarm"))[0] == 250
        wait_until("the alarm is told", lambda: any(b"Zone 99" in r.body or b'"number":99' in r.body for r in far.requests))
        took = time.monotonic() - began
        end = wait_until("the end", lambda: (s := p.api.get("/api/v1/reparse").json)["state"] != "running" and s, seconds=120)
        assert (end["state"], end["failed"]) == ("done", 0) and 500 <= end["total"] <= 501
        after = of_mails(p)
        assert [e["id"] for e in after[:500]] == [e["id"] for e in before]
        assert [e["kind"] for e in after[:500]] == ["camera.person" if n % 10 else "alarm.tamper" for n in range(500)]
        assert took < 5, took
