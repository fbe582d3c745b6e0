"""Who may ask the REST interface: tokens beyond loopback, names on loopback, and pages that want to change something."""
import http.client
import stat

import pytest

import mails
from postern import Api


def ask(p, method, path, headers, body=None):
    """A request with exactly these headers."""
    c = http.client.HTTPConnection("127.0.0.1", p.api.port, timeout=30)
    c.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        c.putheader(name, value)
    if body is not None:
        c.putheader("Content-Length", str(len(body)))
    c.endheaders(body)
    with c.getresponse() as r:
        return r.status


def test_the_token_is_made_once_private_and_never_logged(postern):
    p = postern()
    path = p.data / "api-token"
    token = path.read_text().strip()
    assert len(token) >= 32 and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert p.command("token", "show").stdout.strip() == token
    p.restart()
    assert path.read_text().strip() == token
    assert token not in p.log_text(whole=True)


@pytest.mark.threads
def test_beyond_loopback_a_token_is_needed(postern):
    p = postern({"Api": {"Address": "0.0.0.0"}})
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    token = (p.data / "api-token").read_text().strip()
    for path in ("/api/v1/events", "/api/v1/deliveries", "/metrics", "/api/v1/arrivals/01M7YVTF4BAT4TB4CBG2W9M336/raw"):
        assert Api(p.api.port).get(path).status == 401
        assert Api(p.api.port, token[:-1]).get(path).status == 401
        assert Api(p.api.port, token).get(path).status in (200, 404)
    assert Api(p.api.port).post("/api/v1/test").status == 401
    for path in ("/livez", "/readyz"):
        answer = Api(p.api.port).get(path)
        assert answer.status == 200 and answer.text.strip() in ("ok", "degraded")
    assert Api(p.api.port).get("/readyz?verbose").text.strip() in ("ok", "degraded")
    assert Api(p.api.port, token).get("/readyz").json["state"] in ("ok", "degraded")
    [said] = p.log("api.refused")  # one line, not one for each
    assert said["peer"].endswith("127.0.0.1") and said["status"] == "401"
    assert token[:-1] not in p.log_text()


def test_a_token_of_the_settings_wins(postern):
    p = postern({"Api": {"Address": "0.0.0.0", "Token": "mine-and-only-mine"}})
    assert not (p.data / "api-token").exists()
    assert Api(p.api.port, "mine-and-only-mine").get("/metrics").status == 200
    assert Api(p.api.port, "other").get("/metrics").status == 401
    assert p.command("token", "show").stdout.strip() == "mine-and-only-mine"
    assert p.command("events").returncode == 0
    assert "mine-and-only-mine" not in p.log_text()


def test_on_loopback_a_foreign_name_is_not_answered(postern):
    p = postern({"Api": {"PublicUrl": "https://alarm.house.example/"}})
    for host, status in (("localhost", 200), (f"localhost:{p.api.port}", 200), ("127.0.0.1", 200), ("[::1]:1", 200),
                         ("alarm.house.example", 200), ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.nip.example", 421)):
        assert ask(p, "GET", "/api/v1/events", {"Host": host}) == status, host
        assert ask(p, "GET", "/readyz", {"Host": host}) == status, host


def test_a_foreign_page_changes_nothing(postern):
    p = postern()
    json = {"Host": f"localhost:{p.api.port}", "Content-Type": "application/json"}
    path = "/api/v1/deliveries/01M7YVTF4BAT4TB4CBG2W9M336/retry"
    assert ask(p, "POST", path, json, b"{}") == 404
    assert ask(p, "POST", path, json | {"Origin": f"http://localhost:{p.api.port}"}, b"{}") == 404
    for bad in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Content-Type": "text/plain"},
                {"Content-Type": "application/x-www-form-urlencoded"}):
        assert ask(p, "POST", path, json | bad, b"{}") == 403, bad
        assert ask(p, "POST", "/api/v1/test", json | bad, b"{}") == 403, bad
    assert p.events() == []
