"""Finding in the history at the socket: words, marks, order and counts; a wrong parameter is an answer that names it."""
import urllib.parse

import pytest

import mails
from postern import wait_until

TEXTS = ["Zone:1 Haustür, Innenbereich Alarm", "Zone:2 Terrassentür, DC Open - Mobility", "Zone:3 Türkei, DC Open - Mobility"]


@pytest.fixture
def house(postern):
    p = postern({"Site": {"Name": "Home", "TimeZone": "Europe/Vienna"}})
    for text in TEXTS:
        assert p.send(mails.panel(text))[0] == 250
    wait_until("three events", lambda: len(p.api.get("/api/v1/events?text=zone").json["items"]) == 3)
    return p


def texts(p, query):
    answer = p.api.get("/api/v1/events?" + query)
    assert answer.status == 200, answer
    return [item["text"] for item in answer.json["items"]]


def test_words_are_found_without_their_dots_and_in_either_order(house):
    assert texts(house, "text=haustur") == TEXTS[:1]
    assert texts(house, "text=t%C3%BCrk*") == TEXTS[2:]
    assert texts(house, "text=open&order=asc") == TEXTS[1:]
    assert texts(house, "text=open&order=desc") == TEXTS[:0:-1]
    assert texts(house, "text=%22dc+open%22&kind=alarm.*") == []
    assert texts(house, "site=elsewhere") == []
    assert len(texts(house, "site=Home&acknowledged=false&kept=false&has_picture=false&person=false")) == 3


@pytest.mark.parametrize("text", ['"', '""', "*", "(", ")", "NOT", "a AND", "text:x", "{a}:b", "^x", "-x", "'; DROP TABLE events", "\\", "%", "NEAR(a b", "\u0301", "🔥*", "zq*", '"a" "b'])
def test_no_text_is_a_mistake(house, text):
    texts(house, urllib.parse.urlencode({"text": text}))


def test_pages_follow_each_other_in_both_orders_while_events_arrive(house):
    for order, expected in (("desc", TEXTS[::-1]), ("asc", TEXTS)):
        seen, cursor = [], ""
        while cursor is not None and len(seen) < 3:
            page = house.api.get(f"/api/v1/events?text=zone&limit=1&order={order}{cursor and '&cursor=' + cursor}").json
            seen += [item["text"] for item in page["items"]]
            cursor = page["next"]
            house.send(mails.panel(f"Zone:9 Keller{len(seen)}, DC Close"))
        assert seen == expected


def test_what_was_marked_is_found_at_once(house):
    first = house.api.get("/api/v1/events?text=haustur").json["items"][0]["id"]
    assert house.api.request("PATCH", f"/api/v1/events/{first}", {"acknowledged": True, "kept": True, "note": "nur der Sturm"}).status == 200
    assert texts(house, "acknowledged=true") == texts(house, "kept=true") == texts(house, "text=sturm") == TEXTS[:1]
    assert len(texts(house, "acknowledged=false")) == 2
    assert house.api.get("/api/v1/events?kept=true").json["items"][0]["note"] == "nur der Sturm"


def test_counts(house):
    by_kind = house.api.get("/api/v1/stats?by=kind").json
    assert by_kind["total"] == 3 and sum(item["count"] for item in by_kind["items"]) == 3
    assert house.api.get("/api/v1/stats?by=day&text=open").json["total"] == 2
    assert [set(item) for item in house.api.get("/api/v1/stats?by=hour").json["items"]] == [{"hour", "count"}]
    assert house.api.get("/api/v1/stats?by=device&until=2001-01-01T00:00:00Z").json == {"by": "device", "items": [], "total": 0}


@pytest.mark.parametrize("query", ["events?order=up", "events?kept=maybe", "events?person=1", "stats", "stats?by=year", "stats?by=day&limit=3", "events?person=true&person=false"])
def test_a_wrong_parameter_is_named(house, query):
    answer = house.api.get("/api/v1/" + query)
    assert answer.status == 400 and any(name in answer.json["detail"] for name in ("order", "kept", "person", "by", "limit"))
