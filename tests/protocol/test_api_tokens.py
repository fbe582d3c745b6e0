"""Tokens: made, listed, used, revoked; what each role may; who guesses."""
import json
import re
import sqlite3

import pytest

from postern import Api, wait_until

EVERYWHERE = {"Api": {"Address": "0.0.0.0"}}
RETRY = "/api/v1/deliveries/01M7YVTF4BAT4TB4CBG2W9M336/retry"


def own(p):
    return (p.data / "api-token").read_text().strip()


def make(p, name, role, **more):
    answer = Api(p.api.port, own(p)).post("/api/v1/tokens", {"name": name, "role": role, **more})
    assert answer.status == 201, answer.text
    return answer.json


@pytest.mark.threads
def test_each_role_may_what_is_its_own_and_all_before_it(postern):
    p = postern(EVERYWHERE)
    api = {role: Api(p.api.port, make(p, f"my {role}", role)["token"]) for role in ("read", "operate", "admin")}
    asked = [("GET", "/api/v1/events", None, "read", 200), ("GET", "/metrics", None, "read", 200),
             ("POST", RETRY, {}, "operate", 404), ("POST", "/api/v1/reparse", {}, "admin", 202),
             ("PATCH", "/api/v1/devices/nobody", {"name": "x"}, "admin", 404), ("GET", "/api/v1/tokens", None, "admin", 200)]
    order = ["read", "operate", "admin"]
    for method, path, body, needs, status in asked:
        for role in order:
            wanted = status if order.index(role) >= order.index(needs) else 403
            answer = api[role].request(method, path, body=body)
            assert answer.status == wanted, (role, method, path, answer.text)
            if wanted == 403:
                assert f"role is {role}; this needs {needs}" in answer.json["detail"]
    assert Api(p.api.port).get("/api/v1/events").status == 401


def test_a_token_is_shown_once_and_kept_as_its_hash(postern):
    p = postern(EVERYWHERE)
    made = make(p, "wall panel", "read", expires_at="2099-01-31T00:00:00+01:00")
    token = made["token"]
    assert re.fullmatch(r"postern_[0-9a-f]{64}", token) and made["expires_at"] == "2099-01-30T23:00:00.000Z"
    assert Api(p.api.port, token).get("/api/v1/events").status == 200
    listed = Api(p.api.port, own(p)).get("/api/v1/tokens")
    assert token not in listed.text and token[8:] not in listed.text
    mine = [t for t in listed.json["items"] if t["id"] == made["id"]][0]
    assert mine["name"] == "wall panel" and mine["role"] == "read" and mine["last_used_at"]
    assert listed.json["items"][0] == {"id": "api-token", "name": "api-token", "role": "admin", "by": "file"}
    p.restart()
    assert Api(p.api.port, token).get("/api/v1/events").status == 200, "it outlives a restart"
    assert [t for t in Api(p.api.port, own(p)).get("/api/v1/tokens").json["items"] if t["id"] == made["id"]][0]["last_used_at"]
    p.stop()
    for file in p.data.rglob("*"):
        assert not file.is_file() or token[8:].encode() not in file.read_bytes(), file
    assert token not in p.log_text(whole=True)
    rows = sqlite3.connect(p.data / "postern.db").execute("SELECT who, role, what, object, detail FROM audit").fetchall()
    assert rows == [("api-token", "admin", "token.add", made["id"], json.dumps({"name": "wall panel", "role": "read"}, separators=(",", ":")))]


def test_what_is_revoked_or_over_opens_nothing(postern, clock):
    p = postern(EVERYWHERE, clock=clock)
    short = make(p, "guest", "read", expires_at="2099-01-01T00:00:00Z")
    gone = make(p, "lost phone", "admin")
    admin = Api(p.api.port, own(p))
    assert Api(p.api.port, gone["token"]).get("/api/v1/tokens").status == 200
    assert admin.request("DELETE", f"/api/v1/tokens/{gone['id']}").status == 204
    assert Api(p.api.port, gone["token"]).get("/api/v1/tokens").status == 401
    assert admin.request("DELETE", f"/api/v1/tokens/{gone['id']}").status == 404
    assert Api(p.api.port, short["token"]).get("/api/v1/events").status == 200
    clock.advance(wall_ms=80 * 366 * 86400 * 1000)
    assert Api(p.api.port, short["token"]).get("/api/v1/events").status == 401
    p.restart()
    assert Api(p.api.port, gone["token"]).get("/api/v1/tokens").status == 401


def test_the_gateways_own_token_can_be_revoked(postern):
    p = postern(EVERYWHERE)
    first, mine = own(p), make(p, "mine", "admin")["token"]
    assert Api(p.api.port, mine).request("DELETE", "/api/v1/tokens/api-token").status == 204
    for _ in range(2):
        assert Api(p.api.port, first).get("/api/v1/events").status == 401
        assert Api(p.api.port, mine).get("/api/v1/events").status == 200
        assert "revoked" in p.command("token", "show").stderr
        assert p.command("events").returncode == 1
        assert p.command("events", env={"POSTERN_TOKEN": mine}).returncode == 0
        p.restart()
    p.stop()
    (p.data / "api-token").unlink()
    p.start()
    assert len(own(p)) == 64 and own(p) != first, "who lost all removes the file"
    assert Api(p.api.port, own(p)).get("/api/v1/events").status == 200


def test_a_token_of_the_settings_is_not_ours_to_revoke(postern):
    p = postern({"Api": {"Address": "0.0.0.0", "Token": "mine"}})
    answer = Api(p.api.port, "mine").request("DELETE", "/api/v1/tokens/api-token")
    assert answer.status == 409 and "Api:Token" in answer.json["detail"]


def test_who_guesses_is_slowed_and_counted_and_others_are_not(postern, clock):
    p = postern({"Api": {"Address": "0.0.0.0", "Token": "mine"}}, clock=clock)
    drawn = Api(p.api.port, "mine").post("/api/v1/tokens", {"name": "drawn", "role": "read"}).json["token"]
    guesses = [Api(p.api.port, f"guess{i}").get("/api/v1/events") for i in range(13)]
    assert [g.status for g in guesses] == [401] * 10 + [429] * 3
    assert 1 <= int(guesses[-1].headers["Retry-After"]) <= 6
    assert Api(p.api.port, "mine").get("/api/v1/events").status == 429, "one that the owner chose could be among the guesses"
    assert Api(p.api.port, "mine").get("/readyz").text.strip() in ("ok", "degraded"), "nor can it be tried elsewhere"
    assert Api(p.api.port, drawn).get("/api/v1/events").status == 200, "nobody guesses 256 bits"
    assert Api(p.api.port).get("/livez").status == 200
    clock.advance(mono_ms=61_000)
    assert Api(p.api.port, "mine").get("/api/v1/events").status == 200
    text = Api(p.api.port, drawn).get("/metrics").text
    assert 'postern_api_refused_total{reason="token"} 10' in text and 'postern_api_refused_total{reason="slowed"} 4' in text


def test_wrong_wishes_are_named(postern):
    p = postern()
    for body, said in (({"name": "x"}, "role"), ({"role": "read"}, "name"), ({"name": "", "role": "read"}, "name"),
                       ({"name": "x" * 41, "role": "read"}, "name"), ({"name": "x\n", "role": "read"}, "name"),
                       ({"name": "x", "role": "root"}, "role"), ({"name": "x", "role": "none"}, "role"),
                       ({"name": "x", "role": "read", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
                       ({"name": "x", "role": "read", "expires_at": 5}, "expires_at"), ({"name": "x", "role": "read", "more": 1}, "more"),
                       ([], "object")):
        answer = p.api.post("/api/v1/tokens", body)
        assert answer.status == 400 and said in answer.json["detail"], (body, answer.text)
    assert p.api.post("/api/v1/tokens", b"{").status == 400
    assert p.api.post("/api/v1/tokens", {"name": "x", "role": "read"}).status == 201
    assert p.api.post("/api/v1/tokens", {"name": "x", "role": "read"}).status == 409
    assert p.api.post("/api/v1/tokens", {"name": "api-token", "role": "read"}).status == 409


def test_on_loopback_a_wrong_token_is_wrong_and_a_proxy_is_nobody(postern):
    p = postern()
    assert Api(p.api.port).get("/api/v1/tokens").status == 200
    assert Api(p.api.port, "wrong").get("/api/v1/tokens").status == 401
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert Api(p.api.port).get("/api/v1/events", headers={header: "192.0.2.7"}).status == 401, header
        assert Api(p.api.port, own(p)).get("/api/v1/events", headers={header: "192.0.2.7"}).status == 200, header


def test_the_command_line_makes_lists_and_revokes(postern):
    p = postern()
    made = p.command("token", "add", "wall panel", "read", "--expires", "90d")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert Api(p.api.port, token).get("/api/v1/events").status == 200
    assert Api(p.api.port, token).get("/api/v1/tokens").status == 403
    lines = p.command("token", "list").stdout.splitlines()
    assert len(lines) == 3 and "wall panel" in lines[2] and token not in "".join(lines)
    assert p.command("token", "revoke", "wall panel").returncode == 0
    assert Api(p.api.port, token).get("/api/v1/events").status == 401
    assert p.command("token", "revoke", "wall panel").returncode == 1
    for wrong in (["add", "x"], ["add", "x", "read", "--expires", "never"], ["revoke"], ["forget"], []):
        assert p.command("token", *wrong).returncode == 64, wrong
    assert "role" in p.command("token", "add", "x", "root").stderr


def test_pages_of_other_origins_ask_as_far_as_they_are_named(postern):
    p = postern({"Api": {"CorsOrigins": ["https://app.example", "http://tablet:3000"]}})
    page, other = {"Origin": "https://app.example"}, {"Origin": "https://evil.example"}
    question = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
    asked = p.api.request("OPTIONS", "/api/v1/events", headers={**page, **question})
    assert asked.status == 204 and asked.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"] and "PATCH" in asked.headers["Access-Control-Allow-Methods"]
    refused = p.api.request("OPTIONS", "/api/v1/events", headers={**other, **question})
    assert refused.status == 405 and "Access-Control-Allow-Origin" not in refused.headers
    assert p.api.get("/api/v1/events", headers=page).status == 401, "a page needs a token on loopback, too"
    token = Api(p.api.port, own(p))
    read = token.get("/api/v1/events", headers=page)
    assert read.status == 200 and read.headers["Access-Control-Allow-Origin"] == "https://app.example" and read.headers["Vary"] == "Origin"
    assert token.post(RETRY, headers=page).status == 404
    assert token.post(RETRY, headers=other).status == 403
    assert "Access-Control-Allow-Origin" not in token.get("/api/v1/events", headers=other).headers


def test_without_the_setting_no_page_is_answered(postern):
    p = postern()
    answer = p.api.get("/api/v1/events", headers={"Origin": "https://app.example"})
    assert answer.status == 200 and not [h for h in answer.headers if h.startswith("Access-Control")]
    question = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    assert p.api.request("OPTIONS", "/api/v1/events", headers=question).status == 405


def test_a_wrong_origin_in_the_settings_is_named(postern):
    p = postern({"Api": {"CorsOrigins": ["*", "https://app.example/", "app.example", "https://good.example"]}})
    said = [m["text"] for m in p.log("settings.mistake")]
    assert len(said) == 3 and all("is no origin" in text for text in said)
    wait_until("it is up", lambda: p.api.get("/livez").status == 200)
