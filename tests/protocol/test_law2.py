"""Law 2: nothing is lost by being misunderstood. Whatever a device sends and hears 250 for becomes an event, and somebody is told."""
import json

import pytest

import mails
from farside import FarSide
from smtp_raw import Raw

# What a device says between DATA and its final dot, and a word that the event's text must then hold.
ODD = {
    "nothing": (b"", None),
    "one blank line": (b"\r\n", None),
    "only headers": (b"From: a@b\r\nSubject: Motion at the gate\r\n", "Motion at the gate"),
    "only a body": (b"\r\nZone:4 Keller, Alarme intrusion\r\n", "Keller"),
    "no header at all": (b"Zone:4 Keller, Alarme intrusion\r\n", "Keller"),
    "1 MB in one line": (b"Subject: gate\r\n\r\nKeller " + b"x" * (1 << 20) + b"\r\n", "Keller"),
    "1 MB of header in one line": (b"Subject: " + b"x" * (1 << 20) + b"\r\n\r\nKeller\r\n", "Keller"),
    "NUL bytes": (b"Subject: ga\0te\r\n\r\nKel\0ler \0\0\0 Alarme\r\n", "Alarme"),
    "only NUL bytes": (b"\0" * 1000 + b"\r\n", None),
    "every byte there is": (b"Subject: x\r\n\r\nKeller " + bytes(i for i in range(256) if i not in b"\r\n") + b"\r\n", "Keller"),
    "bytes of no charset": (b"Subject: \xff\xfe\xfd\r\n\r\nKeller \xc3\x28 \xa0\xa1\r\n", "Keller"),
    "a charset that nobody knows": (b"Content-Type: text/plain; charset=martian\r\n\r\nKeller\r\n", "Keller"),
    "an encoding that nobody knows": (b"Content-Transfer-Encoding: martian\r\n\r\nKeller\r\n", "Keller"),
    "base64 that is none": (b"Content-Transfer-Encoding: base64\r\n\r\nKeller!!!\r\n", None),
    "a boundary that never comes": (b"Content-Type: multipart/mixed; boundary=zz\r\n\r\nKeller\r\n", None),
    "no boundary at all": (b"Content-Type: multipart/mixed\r\n\r\nKeller\r\n", None),
    "bare line ends": (b"Subject: x\n\nKeller\nAlarme\n\r\n", "Keller"),
    "an old Mac's line ends": (b"Subject: x\r\rKeller\r\r\n", None),
    "dots": (b"Subject: x\r\n\r\n..\r\n...\r\nKeller\r\n", "Keller"),
    "UTF-16": ("Subject: x\r\n\r\nKeller\r\n".encode("utf-16") + b"\r\n", None),
    "a mail in a mail": (b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nKeller\r\n", "Keller"),
}


def told(far):
    return {"Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook", "Rate": 6000, "Burst": 1000}},
            "Recipients": {"home": ["hook:"]}}


def ids_in(value):
    """Every "id" in a JSON document."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return {value["id"]} & {value.get("id")} if isinstance(value, dict) and "id" in value else set().union(*map(ids_in, children))


@pytest.mark.parametrize("user", ["alarm", "status", "einfahrt"])
def test_every_odd_mail_becomes_an_event_and_is_told(postern, user):
    with FarSide() as far:
        p = postern(told(far))
        arrivals = {}
        with Raw(p) as d:
            for name, (mail, _) in ODD.items():
                d.data(to=f"{user}@house.example").say(mail + b".\r\n")
                arrivals[d.expect("250 2.0.0 queued as ").split()[-1]] = name
        events = p.wait_events(len(ODD))
        assert sorted(arrivals[e["arrival"]] for e in events) == sorted(ODD)
        for e in events:
            name = arrivals[e["arrival"]]
            word = ODD[name][1]
            assert not word or word in e.get("text", ""), (name, e)
            assert user != "alarm" or e["severity"] == "alarm", (name, e)
        sent = p.wait_deliveries(len(ODD), "sent")
        assert {d["event"] for d in sent} == {e["id"] for e in events}
        told_of = {id for r in far.requests for id in ids_in(json.loads(r.body.decode()))}  # it is UTF-8 and JSON, whatever came in
        assert told_of >= {e["id"] for e in events}


def test_a_thousand_recipients_are_one_arrival(postern):
    with FarSide() as far:
        p = postern(told(far))
        with Raw(p) as d:
            d.say("MAIL FROM:<a@b>\r\n").expect("250")
            for i in range(999):
                d.say(f"RCPT TO:<r{i}@house>\r\n").expect("250")
            d.say("RCPT TO:<alarm@house>\r\nRCPT TO:<one-more@house>\r\nDATA\r\n").expect("250", "452 4.5.3", "354")
            d.say(mails.panel("Zone:8 Ost 1, Innenbereich Alarm") + b".\r\n").expect("250")
        [alarm] = [e for e in p.wait_events(2) if "arrival" in e]
        assert alarm["kind"] == "alarm.interior"
        about = p.api.get(f"/api/v1/arrivals/{alarm['arrival']}").json
        assert len(about["envelope"]["to"]) == 1000
        p.wait_deliveries(2, "sent")
