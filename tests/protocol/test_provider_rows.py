"""Every provider against its far side: a yes, and each error that the service is known for. One gateway for all rows; the rows of a
provider are told by the recipient's local part. docs/providers/ says what each answer means."""
import itertools

import pytest

import farside
import mails
from farside import FarSide
from postern import Clock, Postern, wait_until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ACCOUNTS = {
    "clicksend": ({"Username": "casa", "Token": "key-clicksend-1", "From": "House"}, "+491700000001"),
    "cm": ({"ApiKey": "key-cm-1"}, "0049 170 0000002"),
    "telegram": ({"Token": "123456:key-telegram-1"}, "4711"),
    "gotify": ({"AppToken": "key-gotify-1"}, ""),
    "ntfy": ({"Token": "key-ntfy-1"}, "house"),
    "webhook": ({"Secret": SECRET}, ""),
}
KEYS = ["key-clicksend-1", "key-cm-1", "key-telegram-1", "key-gotify-1", "key-ntfy-1", SECRET]

ok, again, marked, failed = "sent", "sent after a wait", "sent twice, marked", "failed"
BROKEN = [  # an end that says nothing: the message may have arrived
    ("500", farside.status(500), marked), ("502", farside.status(502, b"<html>"), marked), ("408", farside.status(408, b""), marked),
    ("no answer", farside.drop_after_reading(), marked), ("half an answer", farside.drop_mid_reply(), marked),
    ("garbage", farside.garbage(), marked), ("a hotel's page", farside.nonsense(), marked),
]
ROWS = {
    "clicksend": BROKEN + [
        ("503", farside.status(503), marked), ("429", farside.throttle(20), again),
        *[(str(s), farside.status(s), again) for s in (401, 403)], *[(str(s), farside.status(s), failed) for s in (400, 404, 405)],
        ("THROTTLED", farside.refuse("THROTTLED"), again),
        *[(w, farside.refuse(w), again) for w in ("INSUFFICIENT_CREDIT", "MISSING_CREDENTIALS", "INVALID_CREDENTIALS", "ACCOUNT_NOT_ACTIVATED",
                                                  "INVALID_SENDER_ID", "COUNTRY_NOT_ENABLED")],
        *[(w, farside.refuse(w), failed) for w in ("INVALID_RECIPIENT", "ALREADY_EXISTS", "EMPTY_MESSAGE", "TOO_MANY_RECIPIENTS",
                                                   "MISSING_REQUIRED_FIELDS", "INVALID_SCHEDULE", "NOT_ENOUGH_PERMISSION_TO_LIST_ID",
                                                   "INVALID_LANG", "INVALID_VOICE", "SUBJECT_REQUIRED", "INVALID_MEDIA_FILE")],
        *[(w, farside.refuse(w), marked) for w in ("INTERNAL_ERROR", "SOMETHING_IS_WRONG", "A_WORD_OF_NEXT_YEAR")],
    ],
    "cm": BROKEN + [
        ("503", farside.status(503), again), ("429", farside.throttle(20), again),
        *[(str(c), farside.refuse(c), again) for c in (101, 102, 103, 301)],
        *[(str(c), farside.refuse(c), failed) for c in (201, 202, 203, 302, 303, 304, 305, 401, 402, 403)],
        *[(str(c), farside.refuse(c), marked) for c in (500, 999)],
        ("401 with its code", farside.status(401, {"errorCode": 103, "messages": []}), again),
    ],
    "telegram": BROKEN + [
        ("503", farside.status(503), again), ("429", farside.throttle(7), again),
        ("400 chat not found", farside.refuse((400, "Bad Request: chat not found")), failed),
        *[(f"403 {w}", farside.refuse((403, f"Forbidden: {w}")), again) for w in ("bot was blocked by the user", "user is deactivated",
                                                                                   "bot was kicked from the supergroup chat")],
        ("401", farside.refuse((401, "Unauthorized")), again), ("404", farside.refuse((404, "Not Found")), again),
    ],
    "gotify": BROKEN + [
        ("503", farside.status(503), again), ("429", farside.throttle(20), again), ("400", farside.refuse(400), failed),
        *[(str(c), farside.refuse(c), again) for c in (401, 403, 404)],
    ],
    "ntfy": BROKEN + [
        ("503", farside.status(503), again), ("50701", farside.refuse(50701), again),
        *[(str(c), farside.refuse(c), again) for c in (42901, 42905, 42908, 42909, 40101, 40301)],
        *[(str(c), farside.refuse(c), failed) for c in (40007, 40009, 40014, 40018, 40024, 41301, 41303)],
    ],
    "webhook": [  # webhook-id makes a repetition harmless: nothing is marked, nothing left unknown
        *[(str(s), farside.status(s), again) for s in (301, 302, 400, 401, 403, 404, 408, 410, 429, 500, 502, 503, 504)],
        ("Retry-After", farside.throttle(20), again), ("no answer", farside.drop_after_reading(), again),
        ("half an answer", farside.drop_mid_reply(), again), ("garbage", farside.garbage(), again),
    ],
}


class Gateway:
    def __init__(self, folder):
        self.far, self.clock, self.zones = FarSide(), Clock(folder / "clock"), itertools.count(1)
        settings = {
            "Site": {"Name": "Haus", "Language": "de"}, "Relay": {"RequestTimeout": 2},
            "Accounts": {n: {"Provider": n, "Url": self.far.url + ("/in" if n == "webhook" else ""), **fields} for n, (fields, _) in ACCOUNTS.items()},
            "Recipients": {n: [f"{n}:{address}"] for n, (_, address) in ACCOUNTS.items()},
            "Routes": [*[{"To": [n], "Tell": [n]} for n in ACCOUNTS], {"Kinds": ["system.*"], "Tell": []}],
        }
        self.daemon = Postern(folder / "postern", settings, clock=self.clock)
        self.daemon.start()

    def close(self):
        self.daemon.close()
        self.clock.close()
        self.far.stop()

    def tell(self, provider):
        """Sends an alarm for this provider; returns its zone, by which everything about it is found."""
        zone = next(self.zones)
        self.daemon.send(mails.panel(f"Zone:{zone} Ost, Innenbereich Alarm"), to=f"{provider}@house.example")
        return zone

    def delivery(self, zone):
        events = [e["id"] for e in self.daemon.api.all("/api/v1/events") if e.get("zone", {}).get("number") == zone]
        return next((d for d in self.daemon.api.all("/api/v1/deliveries") if d["event"] in events), None)

    def wait_state(self, zone, *states):
        def look():
            d = self.delivery(zone)
            return d if d and d["state"] in states else None
        return wait_until(f"zone {zone} is {' or '.join(states)}", look)

    def wait_verdict(self, zone):
        return wait_until(f"a first verdict on zone {zone}", lambda: (self.delivery(zone) or {}).get("message", {}).get("verdict"))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    g = Gateway(tmp_path_factory.mktemp("providers"))
    yield g
    g.close()


@pytest.mark.parametrize("provider", ROWS)
def test_a_yes_is_sent_once_and_says_what_happened(gateway, provider):
    before = len(gateway.far.requests)
    zone = gateway.tell(provider)
    assert gateway.wait_state(zone, "sent")["message"]["attempts"] == 1
    request = gateway.far.requests[before]
    assert len(gateway.far.requests) == before + 1 and request.service == provider
    text = gateway.far.accepted[-1][2]
    assert f"ALARM Haus: Einbruch innen, Zone {zone} Ost, " in text


@pytest.mark.parametrize("provider, name, behaviour, end", [(p, *row) for p, rows in ROWS.items() for row in rows],
                         ids=[f"{p}-{row[0]}" for p, rows in ROWS.items() for row in rows])
def test_every_answer_has_its_end(gateway, provider, name, behaviour, end):
    gateway.far.next(behaviour)
    before = len(gateway.far.accepted)
    zone = gateway.tell(provider)
    first = gateway.wait_verdict(zone)
    if end == failed:
        assert gateway.wait_state(zone, "failed")["message"]["verdict"] == "rejected"
        gateway.clock.advance(6 * 60 * 1000)
        return
    assert first != "sent"
    gateway.clock.advance(6 * 60 * 1000)
    message = gateway.wait_state(zone, "sent")["message"]
    assert message["attempts"] == 2 and message["maybe_twice"] == (end == marked)
    assert len(gateway.far.accepted) == before + 1
    assert ("(evtl. doppelt)" in gateway.far.accepted[-1][2]) == (end == marked)


def test_the_same_message_is_known_by_the_same_reference_on_every_attempt(gateway):
    references = {
        "clicksend": lambda r: r.json["messages"][0]["custom_string"], "cm": lambda r: r.json["messages"]["msg"][0]["reference"],
        "webhook": lambda r: r.headers["webhook-id"],
    }
    for provider, reference in references.items():
        before = len(gateway.far.requests)
        gateway.far.next(farside.throttle(1))
        zone = gateway.tell(provider)
        gateway.wait_verdict(zone)
        gateway.clock.advance(6 * 60 * 1000)
        message = gateway.wait_state(zone, "sent")["message"]
        assert {reference(r) for r in gateway.far.requests[before:]} == {message["id"]}


def test_a_webhook_is_signed_anew_on_every_attempt(gateway):
    before = len(gateway.far.requests)
    gateway.far.next(farside.status(500))
    zone = gateway.tell("webhook")
    gateway.wait_verdict(zone)
    gateway.clock.advance(6 * 60 * 1000)
    gateway.wait_state(zone, "sent")
    first, second = gateway.far.requests[before:]
    assert first.is_signed_by(SECRET) and second.is_signed_by(SECRET)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 360
    assert second.json["type"] == "alarm.interior" and second.json["data"]["events"][0]["zone"]["number"] == zone


def test_a_group_that_moved_is_told_at_its_new_number(gateway):
    gateway.far.moved_chats["4711"] = -1001234567890
    zone = gateway.tell("telegram")
    gateway.wait_verdict(zone)
    gateway.clock.advance(60 * 1000)
    gateway.wait_state(zone, "sent")
    assert gateway.far.accepted[-1][:2] == ("telegram", "-1001234567890")
    gateway.wait_state(gateway.tell("telegram"), "sent")
    assert gateway.far.accepted[-1][:2] == ("telegram", "-1001234567890")


def test_no_key_is_in_the_log_or_the_api(gateway):
    said = gateway.daemon.log_text(whole=True) + gateway.daemon.api.get("/api/v1/deliveries?limit=500").text
    assert not [k for k in KEYS if k in said]


def test_check_online_says_a_line_for_each_account(gateway):
    said = gateway.daemon.command("check", "--online").stdout
    for line in ("clicksend (clicksend): balance", "cm (cm): answers", "telegram (telegram): bot @postern_test_bot", "gotify (gotify): Gotify 2.6.1",
                 "ntfy (ntfy): ntfy, as anna", "webhook (webhook): answers (HTTP 405 to HEAD)"):
        assert line in said, said
    assert not [k for k in KEYS if k in said]
    assert not [r for r in gateway.far.requests if r.path.endswith("/getMe") and r.method != "GET"]


def test_chats_lists_who_wrote_to_the_bot(gateway):
    gateway.far.updates = [{"message": {"chat": {"id": 4711, "type": "private", "first_name": "Anna", "last_name": "Weiß"}}}]
    said = gateway.daemon.command("chats", "telegram")
    assert (said.returncode, said.stdout) == (0, "4711  private  Anna Weiß\n")
    assert gateway.daemon.command("chats", "clicksend").returncode == 1
    assert gateway.daemon.command("chats", "nobody").returncode == 1
    gateway.far.next(farside.refuse((401, "Unauthorized")))
    assert gateway.daemon.command("chats", "telegram").returncode == 1
