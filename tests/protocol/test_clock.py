"""A machine without a battery clock: what came before its clock was set is marked, and gets its right time when it is."""
import datetime

import mails
from postern import wait_until

DAY = 86400 * 1000
ASLEEP = -20 * 365 * DAY


def time_of(event, key="received_at"):
    return datetime.datetime.fromisoformat(event[key].replace("Z", "+00:00"))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def is_now(event, key="received_at"):
    return abs((time_of(event, key) - now()).total_seconds()) < 120


def newest(p, n):
    return p.wait_events(n)[0]


def test_what_came_before_the_clock_was_set_is_marked_and_put_right(postern, clock):
    p = postern({"Site": {"TimeZone": "UTC"}}, clock=clock)
    p.send(mails.panel("Zone:1 Before, Innenbereich Alarm"))
    assert is_now(newest(p, 1))
    p.stop()
    clock.step(ASLEEP)
    p.start()
    p.wait_log("clock.doubt")
    said = now().strftime("%a, %d %b %Y %H:%M:%S +0000").encode()
    mail = bytes(mails.panel("Zone:2 Asleep, Innenbereich Alarm"))
    head, body = mail.split(b"\r\n\r\n", 1)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"date:")]
    p.send(b"\r\n".join([*lines, b"Date: " + said]) + b"\r\n\r\n" + body)
    asleep = newest(p, 2)
    assert asleep["clock"] == "unset" and time_of(asleep).year < 2010 and "happened_at" not in asleep, asleep
    clock.step(-ASLEEP)
    p.wait_log("clock.set")
    again = wait_until("its time is right", lambda: next((e for e in p.events() if e["id"] == asleep["id"] and e["clock"] == "corrected"), None))
    assert is_now(again)
    again = wait_until("it was read again", lambda: next((e for e in p.events() if e["id"] == asleep["id"] and "happened_at" in e), None))
    assert is_now(again, "happened_at") and abs(again["drift_s"]) < 120, again
    told = [e for e in p.wait_events(3) if e["kind"] == "system.clock"]
    assert len(told) == 1 and "1 events" in told[0]["text"] and told[0]["restored"] and "clock" not in told[0], told
    p.send(mails.panel("Zone:3 After, Innenbereich Alarm"))
    after = p.wait_events(4)
    assert is_now(after[0]) and "clock" not in after[0]
    assert [e["zone"]["number"] for e in after if "zone" in e] == [3, 2, 1], "the order is that of coming"
    since = (now() - datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(p.events(f"since={since}")) == 4, "found by their right time"
    assert [a for a in p.api.get("/api/v1/audit").json["items"] if a["what"] == "clock.set"]
    p.send(mails.panel("Zone:4 Later, Innenbereich Alarm"))
    p.wait_events(5)
    clock.step(-DAY)  # of a clock that was good: somebody's own act
    clock.step(DAY)
    p.restart()
    assert len(p.log("clock.set")) == 0 and len([e for e in p.events() if e.get("clock")]) == 1


def test_a_clock_that_is_set_while_nobody_runs_is_noticed_at_the_start(postern, clock):
    clock.step(ASLEEP)
    p = postern(clock=clock)
    p.send(mails.panel("Zone:1 A, Innenbereich Alarm"))
    assert newest(p, 1)["clock"] == "unset"
    p.kill9()
    clock.step(-ASLEEP)
    p.start()
    p.wait_log("clock.set")
    event = next(e for e in p.wait_events(1) if e["kind"] == "alarm.interior")
    assert event["clock"] == "corrected" and is_now(event)
    assert is_now(p.api.get("/api/v1/devices").json["items"][0], "last_seen_at")
