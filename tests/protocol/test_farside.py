"""The far side must misbehave as it says, or the tests that stand on it prove nothing."""

import http.client
import json
import socket
import time

import pytest

import farside
from farside import FarSide

SMS = {"messages": [{"to": "+491700000001", "body": "text", "custom_string": "X"}]}
BASIC = {"Authorization": "Basic YW5uYTprZXk=", "Content-Type": "application/json"}


@pytest.fixture
def far():
    with FarSide() as far:
        yield far


def post(far, path="/v3/sms/send", body=SMS, headers=BASIC, connection=None):
    connection = connection or http.client.HTTPConnection("127.0.0.1", far.port, timeout=5)
    connection.request("POST", path, json.dumps(body), headers)
    reply = connection.getresponse()
    return reply.status, reply.read(), reply


def test_it_records_what_it_got_and_says_yes(far):
    status, body, _ = post(far)
    assert status == 200 and json.loads(body)["data"]["messages"][0]["status"] == "SUCCESS"
    assert far.requests[0].basic == ("anna", "key") and far.requests[0].json == SMS
    assert far.accepted == [("clicksend", "+491700000001", "text")]


def test_a_behaviour_is_for_one_request_only(far):
    far.next(farside.throttle(20), farside.status(500))
    status, _, reply = post(far)
    assert status == 429 and reply.headers["Retry-After"] == "20"
    assert [post(far)[0], post(far)[0]] == [500, 200]
    assert len(far.accepted) == 1


def test_always_stays_until_taken_back(far):
    far.always(farside.status(502))
    assert [post(far)[0] for _ in range(3)] == [502] * 3
    far.always(None)
    assert post(far)[0] == 200


def test_without_credit_the_answer_is_200_and_the_message_refused(far):
    far.credit = 0
    status, body, _ = post(far)
    assert status == 200 and json.loads(body)["data"]["messages"][0]["status"] == "INSUFFICIENT_CREDIT"
    assert far.accepted == []


@pytest.mark.parametrize("behaviour, was_read", [
    (farside.drop_before_reading(), 0), (farside.drop_mid_request(), 0), (farside.drop_after_reading(), 1),
    (farside.drop_mid_reply(), 1), (farside.garbage(), 1)])
def test_a_broken_conversation_ends_in_no_answer(far, behaviour, was_read):
    far.next(behaviour)
    with pytest.raises((OSError, http.client.HTTPException)):
        post(far)
    assert len(far.requests) == was_read and far.accepted == []
    assert post(far)[0] == 200


def test_it_hangs_until_the_patience_of_the_other_ends(far):
    far.next(farside.hang())
    connection = http.client.HTTPConnection("127.0.0.1", far.port, timeout=0.3)
    with pytest.raises(TimeoutError):
        post(far, connection=connection)
    assert len(far.requests) == 1


def test_the_second_request_of_a_kept_connection_is_read_and_not_answered(far):
    far.next(farside.close_after_second())
    connection = http.client.HTTPConnection("127.0.0.1", far.port, timeout=5)
    assert post(far, connection=connection)[0] == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        post(far, connection=connection)
    assert [(r.connection, r.order) for r in far.requests] == [(1, 1), (1, 2)]
    assert len(far.accepted) == 1


def test_down_refuses_connections_and_up_takes_the_same_port(far):
    port = far.port
    far.down()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    far.up()
    assert far.port == port and post(far)[0] == 200


def test_waiting_ends_with_the_request_or_with_a_failure(far):
    with pytest.raises(AssertionError):
        far.wait(1, seconds=0.05)
    post(far)
    begun = time.monotonic()
    assert len(far.wait(1)) == 1 and time.monotonic() - begun < 1
    assert far.quiet(0.05)


@pytest.mark.parametrize("path, body, headers, behaviour, want", [
    ("/v1.0/message", {"messages": {"msg": [{"to": [{"number": "0049170"}], "body": {"content": "t"}}]}}, {"X-CM-PRODUCTTOKEN": "x"},
     farside.refuse(303), ("cm", 200, lambda b: b["errorCode"] == 201 and b["messages"][0]["messageErrorCode"] == 303)),
    ("/bot1:x/sendMessage", {"chat_id": 7, "text": "t"}, {"Content-Type": "application/json"},
     farside.refuse((403, "Forbidden: bot was blocked by the user")), ("telegram", 403, lambda b: b["ok"] is False)),
    ("/bot1:x/sendMessage", {"chat_id": 7, "text": "t"}, {"Content-Type": "application/json"},
     farside.throttle(7), ("telegram", 429, lambda b: b["parameters"]["retry_after"] == 7)),
    ("/message", {"message": "t"}, {"X-Gotify-Key": "A"}, farside.refuse(401), ("gotify", 401, lambda b: b["errorCode"] == 401)),
    ("/", {"topic": "house", "message": "t"}, {}, farside.refuse(42908), ("ntfy", 429, lambda b: b["code"] == 42908)),
    ("/hook", {"data": {"text": "t"}}, {}, farside.status(410), ("webhook", 410, None)),
])
def test_every_service_says_yes_and_refuses_in_its_own_words(far, path, body, headers, behaviour, want):
    service, code, holds = want
    assert post(far, path, body, headers)[0] == 200
    assert far.requests[0].service == service and far.accepted[0][0] == service
    far.next(behaviour)
    status, reply, _ = post(far, path, body, headers)
    assert status == code and (holds is None or holds(json.loads(reply)))
    assert len(far.accepted) == 1


def test_a_form_with_pictures_is_taken_apart(far):
    body = (b'--B\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n7\r\n'
            b'--B\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--x\r\n--B--\r\n')
    connection = http.client.HTTPConnection("127.0.0.1", far.port, timeout=5)
    connection.request("POST", "/bot1:x/sendPhoto", body, {"Content-Type": "multipart/form-data; boundary=B"})
    assert connection.getresponse().status == 200
    assert far.requests[0].parts["photo"] == ("a.jpg", "image/jpeg", b"\xff\xd8\r\n--x")
