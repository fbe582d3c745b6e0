"""What becomes of a message when its request ends in one of the ways that requests end: a row per way. And what time does:
a provider that is down for an hour, a clock that steps, a gateway that starts with a thousand debts."""
import time

import pytest

import farside
import mails
from farside import FarSide
from postern import wait_until

ALARM = "Zone:8 Ost 1, Innenbereich Alarm"
NOBODY = 9  # a port where nobody listens


def people(far, **account):
    return {
        "Site": {"Language": "en"},
        "Relay": {"RequestTimeout": 2},
        "Accounts": {"sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url, **account}},
        "Recipients": {"anna": ["sms:+491700000001"]},
        "Routes": [{"Tell": ["anna"]}],
    }


ENDS = {  # what the far side does: (first verdict, requests it reads, what the delivery becomes once all is well again)
    "hang": (farside.hang(), "unknown", 2, "sent", True),
    "throttle": (farside.throttle(20), "retry", 2, "sent", False),
    "500": (farside.status(500), "unknown", 2, "sent", True),
    "garbage": (farside.garbage(), "unknown", 2, "sent", True),
    "nonsense": (farside.nonsense(), "unknown", 2, "sent", True),
    "drop after reading": (farside.drop_after_reading(), "unknown", 2, "sent", True),
    "drop mid request": (farside.drop_mid_request(), "unknown", 1, "sent", True),
    "drop mid reply": (farside.drop_mid_reply(), "unknown", 2, "sent", True),
    "redirect": (farside.status(302, headers=(("Location", "http://127.0.0.1:1/"),)), "rejected", 1, "failed", False),
    "bad number": (farside.refuse("INVALID_RECIPIENT"), "rejected", 1, "failed", False),
    "no credit": (farside.refuse("INSUFFICIENT_CREDIT"), "rejected", 2, "sent", False),
    "bad key": (farside.status(401), "rejected", 2, "sent", False),
}


@pytest.mark.parametrize("name", ENDS)
def test_every_end_has_its_verdict(postern, clock, name):
    behaviour, verdict, reads, state, is_marked = ENDS[name]
    with FarSide() as far:
        p = postern(people(far), clock=clock)
        far.next(behaviour)
        p.send(mails.panel(ALARM))
        assert p.wait_log("message.verdict", verdict=verdict)[0]["attempt"] == "1"
        wait_until("the verdict is kept", lambda: p.deliveries()[0]["message"].get("verdict") == verdict)
        if state == "sent":
            assert p.deliveries()[0]["state"] in ("waiting", "unknown"), p.deliveries()
            clock.advance(6 * 60 * 1000)
        d = p.wait_deliveries(1, state)[0]
        assert d["message"]["maybe_twice"] == is_marked
        assert len(far.requests) == reads
        assert all(r.order == 1 for r in far.requests)
        if is_marked and reads == 2:
            assert far.requests[0].json["messages"][0]["custom_string"] == far.requests[1].json["messages"][0]["custom_string"]


def test_unknown_is_sent_once_more_and_then_stays_visible(postern, clock):
    with FarSide() as far:
        far.always(farside.drop_after_reading())
        p = postern(people(far), clock=clock)
        p.send(mails.panel(ALARM))
        p.wait_log("message.verdict", verdict="unknown")
        clock.advance(10 * 60 * 1000)
        p.wait_deliveries(1, "unknown")
        clock.advance(3600 * 1000)
        assert far.quiet(1.5) and len(far.requests) == 2


def test_unknown_is_never_sent_again_where_the_account_says_so(postern, clock):
    with FarSide() as far:
        far.always(farside.drop_mid_reply())
        p = postern(people(far, WhenUnknown="never"), clock=clock)
        p.send(mails.panel(ALARM))
        d = p.wait_deliveries(1, "unknown")[0]
        assert d["message"]["maybe_twice"] is False
        clock.advance(3600 * 1000)
        assert far.quiet(1.5) and len(far.requests) == 1


def test_a_request_is_never_repeated_on_a_connection_that_closes(postern):
    """The far side reads request 2 of a kept-alive connection and closes: libcurl would send it again by itself."""
    with FarSide() as far:
        far.always(farside.close_after_second())
        p = postern(people(far))
        p.send(mails.panel(ALARM))
        p.wait_deliveries(1, "sent")
        p.send(mails.panel("Zone:9 West, Innenbereich Alarm"))
        p.wait_deliveries(2, "sent")
        assert [r.order for r in far.requests] == [1, 1]
        assert far.requests[0].connection != far.requests[1].connection


def test_nothing_was_written_when_nobody_answers(postern, clock):
    with FarSide() as far:
        far.down()
        settings = people(far)
        settings["Accounts"]["dns"] = {"Provider": "webhook", "Url": "http://no-such-host.invalid/"}
        settings["Accounts"]["tls"] = {"Provider": "clicksend", "Username": "casa", "Token": "key-1234",
                                       "Url": far.url.replace("http:", "https:")}
        settings["Recipients"].update({"dns": ["dns:"], "tls": ["tls:+491700000002"]})
        settings["Routes"] = [{"Tell": ["anna", "dns", "tls"]}]
        p = postern(settings, clock=clock)
        p.send(mails.panel(ALARM))
        p.wait_log("message.verdict", count=3, verdict="retry")
        far.up()  # no TLS spoken here: the handshake fails, no request was written
        clock.advance(60 * 1000)
        p.wait_log("message.verdict", account="tls", attempt="2", verdict="retry")
        far.wait_accepted(1)
        assert all(d["message"]["maybe_twice"] is False for d in p.deliveries())


def test_a_provider_that_hangs_delays_no_other(postern):
    with FarSide() as far, FarSide() as dead:
        dead.always(farside.hang())
        settings = people(dead)
        settings["Relay"] = {"RequestTimeout": 30}
        settings["Accounts"]["ok"] = {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url}
        settings["Recipients"]["bob"] = ["ok:+491700000002"]
        settings["Routes"] = [{"Tell": ["anna", "bob"]}]
        p = postern(settings)
        start = time.monotonic()
        for i in range(3):
            p.send(mails.panel(f"Zone:{i} Ost, Innenbereich Alarm"))
            far.wait_accepted(i + 1)
        assert time.monotonic() - start < 10
        p.kill9()  # a stop would wait for the request that hangs


def test_a_provider_down_for_an_hour_gets_everything_afterwards(postern, clock):
    with FarSide() as far:
        far.down()
        p = postern(people(far), clock=clock)
        for i in range(1, 21):
            p.send(mails.panel(f"Zone:{i} Ost, Innenbereich Alarm"))
            clock.advance(3 * 60 * 1000)
        p.wait_events(20)
        assert len(p.deliveries("failed")) == 0
        wait_until("the account is said to be ailing", lambda: "account" in p.api.get("/readyz?verbose").text)
        far.up()
        clock.advance(60 * 1000)
        p.wait_deliveries(20, "sent")
        told = [r.json["messages"][0] for r in far.requests]
        assert len(told) <= 3 and len({t["custom_string"] for t in told}) == len(told)
        assert all(d["message"]["maybe_twice"] is False for d in p.deliveries())


@pytest.mark.parametrize("step_ms", [3600 * 1000, 50 * 365 * 86400 * 1000, -3600 * 1000])
def test_a_clock_that_steps_gives_nothing_up_and_sends_nothing_early(postern, clock, step_ms):
    with FarSide() as far:
        far.next(farside.throttle(60))
        p = postern(people(far), clock=clock)
        p.send(mails.panel(ALARM))
        p.wait_log("message.verdict", verdict="retry")
        wait_until("the verdict is kept", lambda: p.deliveries("waiting"))
        clock.step(step_ms)
        assert far.quiet(2.5)
        assert len(p.deliveries("waiting")) == 1
        clock.advance(61 * 1000)
        p.wait_deliveries(1, "sent")


def test_what_cannot_be_told_is_given_up_after_its_time_and_can_be_sent_again(postern, clock):
    with FarSide() as far:
        far.down()
        settings = people(far)
        p = postern(settings, clock=clock)
        p.send(mails.panel(ALARM))
        p.wait_log("message.verdict", verdict="retry")
        for _ in range(71):
            clock.advance(3600 * 1000)
        time.sleep(2.5)
        assert len(p.deliveries("failed")) == 0
        clock.advance(3600 * 1000)
        d = p.wait_deliveries(1, "failed")[0]
        far.up()
        assert p.api.post(f"/api/v1/deliveries/{d['id']}/retry", {}).status in (200, 202, 204)
        p.wait_deliveries(1, "sent")


def test_a_flood_is_folded_and_every_zone_is_named(postern, clock):
    """500 alarms of 40 zones at once: never more messages a minute than Rate says, and no zone goes untold."""
    with FarSide() as far:
        p = postern(people(far), clock=clock)
        with p.connect() as s:
            for i in range(500):
                s.sendmail("panel@house", ["alarm@house"], mails.panel(f"Zone:{i % 40 + 1} Raum {i % 40 + 1}, Innenbereich Alarm"))
        p.wait_events(500, seconds=60)
        burst = len(far.wait(5))
        assert burst <= 6
        minutes = 0
        while p.owed():
            before = len(far.requests)
            clock.advance(60 * 1000)
            minutes += 1
            assert minutes < 60
            wait_until("the minute's messages are sent", lambda: len(far.requests) >= before + 5 or not p.deliveries("waiting"))
            assert len(far.requests) - before <= 12  # a minute that passes at once gives at most Burst and what trickles in
        assert len(p.deliveries("sent")) == 500
        assert len(far.requests) <= 30, "what a flood costs"
        texts = " ".join(r.json["messages"][0]["body"] for r in far.requests) + " "
        untold = [z for z in range(1, 41) if f"Z{z} " not in texts and f"one {z} " not in texts and f"Z{z};" not in texts]
        assert not untold, (untold, texts[:600])


def test_a_thousand_debts_of_the_last_run_alarms_first(postern):
    with FarSide() as far:
        far.down()
        p = postern(people(far, Rate=60000, Burst=1000))
        with p.connect() as s:
            for i in range(990):
                s.sendmail("panel@house", ["status@house"], mails.panel(f"Zone:{i % 40} Tuer, DC Open", to="status@house"))
            for i in range(10):
                s.sendmail("panel@house", ["alarm@house"], mails.panel(f"Zone:{i} Ost, Innenbereich Alarm"))
        wait_until("all are understood", lambda: p.metric("postern_events_total") >= 1000, 60)
        p.stop()
        far.up()
        p.start()
        ready = time.monotonic()
        far.wait_accepted(1)
        assert far.requests[0].time - ready < 1
        wait_until("nothing is owed any more", lambda: p.metric("postern_outbox_pending") == 0 and not p.deliveries("sending"), 60)
        sent = p.wait_deliveries(1000, "sent")
        assert len(sent) == 1000
        order = [p.api.get(f"/api/v1/events/{d['event']}").json["severity"] for d in sorted(
            sent, key=lambda d: d["sent_at"])[:10]]
        assert order == ["alarm"] * 10
        assert len({r.json["messages"][0]["custom_string"] for r in far.requests}) == len(far.requests)
