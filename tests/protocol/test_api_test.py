"""POST /api/v1/test, send-test and retry: a drill goes the whole way and says what became of it."""
import threading
import time

import pytest

import farside
import mails
from farside import FarSide
from postern import wait_until


def people(far, **more):
    return {
        "Accounts": {
            "sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "From": "House", "Url": far.url},
            "hook": {"Provider": "webhook", "Url": far.url + "/hook"},
        },
        "Recipients": {"anna": ["sms:+491700000001"], "home": ["hook:"]},
        "Routes": [{"Kinds": ["alarm.*"], "Tell": ["anna"]}, {"Kinds": ["test.*"], "Tell": ["home"]}],
        **more,
    }


@pytest.mark.threads
def test_a_drill_is_told_by_the_routes_and_says_test(postern):
    with FarSide() as far:
        p = postern(people(far))
        answer = p.api.post("/api/v1/test", {"kind": "alarm.burglary"})
        assert answer.status == 200, answer
        assert answer.json["complete"] and answer.json["kind"] == "alarm.burglary"
        [told] = answer.json["recipients"]
        assert told["recipient"] == "anna" and told["state"] == "sent" and told["account"] == "sms"
        assert told["ms"] <= answer.json["ms"] + 1000 and told["detail"]
        assert "TEST" in far.requests[-1].body.decode()
        [event] = p.events()
        assert event["kind"] == "alarm.burglary" and event["parser"] == "drill" and "TEST" in event["text"]
        assert event["arrival"] == answer.json["arrival"]
        raw = p.api.get(f"/api/v1/arrivals/{event['arrival']}/raw").text
        assert "Subject: TEST" in raw


def test_a_drill_for_one_recipient_reaches_nobody_else(postern):
    with FarSide() as far:
        p = postern(people(far))
        [told] = p.api.post("/api/v1/test", {"to": "home", "kind": "alarm.burglary"}).json["recipients"]
        assert told["recipient"] == "home" and told["state"] == "sent"
        [told] = p.api.post("/api/v1/test", {"to": "anna"}).json["recipients"]
        assert told["recipient"] == "anna"
        assert len(p.deliveries()) == 2


def test_send_test_prints_a_line_each_and_fails_if_somebody_is_not_told(postern):
    with FarSide() as far:
        p = postern(people(far))
        run = p.command("send-test", "--to", "anna")
        assert run.returncode == 0, run
        assert "anna" in run.stdout and "sent" in run.stdout and "sms:+491700000001" in run.stdout and " ms" in run.stdout
        assert "no recipient" in p.command("send-test", "--to", "nobody").stderr
        assert p.command("send-test", "--to", "nobody").returncode == 1
        assert p.command("send-test", "--kind", "alarm.banana").returncode == 1
        assert p.command("send-test", "anna").returncode == 64
        far.always(farside.refuse("INVALID_RECIPIENT"))
        run = p.command("send-test", "--to", "anna", timeout=60)
        assert run.returncode == 1 and "failed" in run.stdout and "INVALID_RECIPIENT" in run.stdout, run


def test_wrong_wishes_are_refused_with_a_reason(postern):
    p = postern()
    for body, said in (({"to": "nobody"}, "nobody"), ({"kind": "alarm.banana"}, "banana"), ({"who": "x"}, "who"), ({"to": 5}, "to"),
                       (b"{", "JSON"), (b"[]", "object")):
        answer = p.api.post("/api/v1/test", body)
        assert answer.status == 400 and said in answer.json["detail"], (body, answer)
    assert p.events() == []


@pytest.mark.threads
def test_a_drill_that_waits_delays_nobody_and_a_second_is_told_so(postern):
    with FarSide() as far:
        p = postern(people(far))
        far.always(farside.slow(4))
        answers = []
        first = threading.Thread(target=lambda: answers.append(p.api.post("/api/v1/test", {"to": "home"})))
        first.start()
        wait_until("the drill's mail", lambda: p.log("mail.kept"))
        assert p.api.post("/api/v1/test", {}).status == 409
        start = time.monotonic()
        for _ in range(20):
            assert p.api.get("/api/v1/events").status == 200
        assert time.monotonic() - start < 3
        first.join()
        assert answers[0].status == 200 and answers[0].json["recipients"][0]["recipient"] == "home"


def test_a_stop_does_not_wait_for_a_drill(postern):
    with FarSide() as far:
        p = postern(people(far))
        far.always(farside.hang())
        first = threading.Thread(target=lambda: quietly(p.api.post, "/api/v1/test", {"to": "home"}))
        first.start()
        wait_until("the request", lambda: far.requests)
        start = time.monotonic()
        p.stop()
        assert time.monotonic() - start < 20
        first.join()


def quietly(call, *args):
    try:
        return call(*args)
    except OSError:
        return None


def test_a_guessed_drill_login_is_an_ordinary_device(postern):
    p = postern()
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), login="drill-0123456789abcdef0123456789abcdef")
    assert p.wait_events(1)[0]["kind"] == "alarm.interior"


def test_what_failed_is_sent_again_on_wish(postern):
    with FarSide() as far:
        p = postern(people(far))
        far.always(farside.refuse("INVALID_RECIPIENT"))
        p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
        [failed] = p.wait_deliveries(1, "failed")
        assert failed["message"]["detail"]
        far.always(None)
        assert p.api.post(f"/api/v1/deliveries/{failed['id']}/retry").status == 202
        sent = wait_until("it is sent", lambda: [d for d in p.deliveries("sent") if d["id"] == failed["id"]])[0]
        assert p.api.post(f"/api/v1/deliveries/{failed['id']}/retry").status == 404
        assert p.api.post("/api/v1/deliveries/01M7YVTF4BAT4TB4CBG2W9M336/retry").status == 404
