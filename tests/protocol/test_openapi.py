"""The description of the API for programs: what is served is the file, and a checker that finds every difference.

That it agrees with the route table is shown by tests/unit/api/test_openapi.c; that answers agree with it, by every protocol test:
Api.request() holds each of them against it.
"""
import copy
import email.message
import json
import re

import pytest

import mails
import openapi
from postern import ROOT, Answer


def test_the_document_that_is_served_is_the_file(postern):
    p = postern()
    answer = p.api.get("/api/v1/openapi.json")
    assert answer.status == 200 and answer.json == json.loads(openapi.PATH.read_text())
    assert p.api.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]}).status == 304
    assert answer.json["openapi"].startswith("3.1.")


def test_the_version_is_that_of_the_build(postern):
    p = postern({"Site": {"Name": "Hütte"}})
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    assert p.api.get("/api/v1/version").json == {"version": version, "site": "Hütte"}


def test_the_page_for_people_names_every_address():
    page = (ROOT / "docs" / "api.md").read_text()
    for method, path, _ in openapi.document().operations():
        path = path.replace("{device}", "{id}")
        assert re.search(rf"\b{method} {re.escape(path)}(?=[`\s,?])", page), f"docs/api.md does not name {method} {path}"


# --- the checker ------------------------------------------------------------------------------------------------------


def the_answer(status, body, media_type="application/json", **headers):
    message = email.message.Message()
    for name, value in {"Content-Type": media_type, **headers}.items():
        message[name.replace("_", "-")] = value
    return Answer(status, message, body if isinstance(body, bytes) else json.dumps(body).encode())


EVENT = {"id": "01KA2V3W0N6T5R8Q4M1X7Z9YCD", "site": "Home", "arrival": "01KA2V3W0M8K2J5H7G9F1D3S4A", "kind": "alarm.tamper",
         "severity": "alarm", "restored": False, "received_at": "2026-11-21T03:12:45.123Z"}
ONE = "/api/v1/events/01KA2V3W0N6T5R8Q4M1X7Z9YCD"


def test_a_right_answer_is_right():
    openapi.document().check("GET", ONE, the_answer(200, EVENT))
    openapi.document().check("GET", "/api/v1/events?limit=1", the_answer(200, {"items": [EVENT], "next": "7"}, ETag='"1"'))


@pytest.mark.parametrize("method, path, answer, said", [
    ("GET", ONE, the_answer(200, {**EVENT, "colour": "red"}), "colour"),
    ("GET", ONE, the_answer(200, {k: v for k, v in EVENT.items() if k != "kind"}), "kind"),
    ("GET", ONE, the_answer(200, {**EVENT, "kind": "alarm.nix"}), "alarm.nix"),
    ("GET", ONE, the_answer(200, {**EVENT, "received_at": "yesterday"}), "yesterday"),
    ("GET", ONE, the_answer(200, {**EVENT, "media": [{"n": 0, "type": "image/png", "bytes": 1}]}), "media/0/n"),
    ("GET", ONE, the_answer(200, EVENT, "text/html"), "text/html"),
    ("GET", ONE, the_answer(202, EVENT), "not documented"),
    ("GET", ONE, the_answer(500, EVENT), "not documented"),
    ("DELETE", "/livez", the_answer(200, b"ok\n", "text/plain"), "no such request"),
    ("GET", "/api/v1/nothing", the_answer(200, {}), "no such request"),
    ("GET", "/api/v1/nothing", the_answer(404, {"title": "Not there"}, "application/problem+json"), "required"),
    ("GET", "/api/v1/events", the_answer(200, {"items": [], "next": None}), "ETag"),
    ("GET", "/livez", the_answer(200, b"fine\n", "text/plain"), "fine"),
])
def test_a_wrong_answer_is_found(method, path, answer, said):
    with pytest.raises(AssertionError, match=said):
        openapi.document().check(method, path, answer)


def test_one_wrong_field_in_a_copy_of_the_document_is_found(postern):
    p = postern()
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    answer = p.api.get(f"/api/v1/events/{p.wait_events(1)[0]['id']}")
    event = openapi.document().root["components"]["schemas"]["Event"]
    for name in answer.json:
        other = copy.deepcopy(openapi.document().root)
        properties = other["components"]["schemas"]["Event"]["properties"]
        properties[name + "s"] = properties.pop(name)
        with pytest.raises(AssertionError, match=name):
            openapi.Document(json.dumps(other)).check("GET", ONE, answer)
    assert set(event["required"]) <= set(answer.json) <= set(event["properties"])


# --- answers that no other test asks for ------------------------------------------------------------------------------


def test_every_get_answers_as_documented(postern):
    p = postern({"Accounts": {"log": {"Provider": "log"}}, "Recipients": {"anna": {"Addresses": ["log:anna"]}}})
    p.send(mails.camera(pictures=[mails.jpeg(1)]), login="einfahrt")
    event = p.wait_events(1)[0]
    found = {"{id}": event["id"], "{n}": "1", "{device}": "einfahrt"}
    for method, path, _ in openapi.document().operations():
        if method != "GET" or path.endswith("/stream"):
            continue
        found["{id}"] = event["arrival"] if "/arrivals/" in path else event["id"]
        for name, value in found.items():
            path = path.replace(name, value)
        needed = "?by=day" if path.endswith("/stats") else ""
        assert p.api.get(path + needed).status in (200, 404), path
        assert p.api.request("HEAD", path + needed).status in (200, 404), path
        assert p.api.get(path + "?colour=red").status == 400, path
