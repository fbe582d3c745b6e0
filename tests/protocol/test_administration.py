"""What an operator sees and does: settings, a candidate for them, accounts, recipients; and that it stands in the audit."""
from datetime import datetime

import pytest

import farside
import mails
from farside import FarSide
from postern import Api, wait_until

ALARM = "Zone:8 Ost 1, Innenbereich Alarm"


@pytest.fixture
def far():
    with FarSide() as f:
        yield f


def hooks(far, *names):
    """Accounts, and one recipient with a way through each."""
    return {"Accounts": {n: {"Provider": "webhook", "Url": far.url + "/" + n, "Rate": 600, "Burst": 20} for n in names},
            "Recipients": {"anna": [f"{n}:" for n in names]}}


def account(p, name):
    return [a for a in p.api.get("/api/v1/accounts").json["items"] if a["name"] == name][0]


def test_settings_are_shown_with_their_source_and_without_secrets(postern):
    p = postern({"Site": {"Name": "Ferienhaus"},
                 "Accounts": {"tg": {"Provider": "telegram", "Token": "123:geheim1"}, "hook": {"Provider": "webhook", "Url": "https://user:geheim2@x.example/"}},
                 "Smtp": {"Users": {"cam": {"Password": "geheim3"}}}, "Recipients": {"anna": ["tg:4711"]},
                 "Api": {"Token": "geheim4"}}, env={"ConnectionStrings__MongoDB": "mongodb://u:geheim5@nowhere.example/x", "Smtp__MaxRecipients": "77"})
    answer = Api(p.api.port, "geheim4").get("/api/v1/settings")
    assert answer.status == 200 and "geheim" not in answer.text
    by = {s["path"]: s for s in answer.json["items"]}
    assert by["Site:Name"] == {"path": "Site:Name", "value": "Ferienhaus", "source": "file"}
    assert by["Smtp:MaxRecipients"]["value"] == "77" and "Smtp__MaxRecipients" in by["Smtp:MaxRecipients"]["source"]
    assert by["Relay:MaxReply"] == {"path": "Relay:MaxReply", "value": "64", "source": "default"}
    assert by["Accounts:tg:Token"]["value"] == "***" and by["Accounts:tg:Provider"]["value"] == "telegram"
    assert by["Api:Token"]["value"] == "***" and by["Recipients:anna:0"]["value"] == "tg:4711"
    assert len(by) == len(answer.json["items"]), "each once"


def test_a_candidate_is_checked_whole_and_changes_nothing(postern):
    p = postern({"Site": {"Name": "Home", "TimeZone": "Europe/Vienna"}})
    good = b'{ // with a comment\n "Site": {"Name": "Other", "TimeZone": "Asia/Tokyo"}, "Accounts": {"hook": {"Provider": "webhook", "Url": "http://x.example/"}}, "Recipients": {"a": ["hook:"]} }'
    answer = p.api.post("/api/v1/settings/check", good)
    assert answer.status == 200 and answer.json["ok"] and not [m for m in answer.json["mistakes"] if not m["is_note"]], answer.text
    bad = {"Smtp": {"Port": 70000, "Prot": 1}, "Site": {"TimeZone": "Mars/Base"}, "Smtp:Certificate": "x", "Accounts": {"x": {"Provider": "pigeon"}},
           "Parsers": {"Rules": [{"Name": "r", "Match": {"Subject": "("}}]}}
    bad["Smtp"]["Certificate"] = "/nowhere/cert.pem"
    answer = p.api.post("/api/v1/settings/check", bad)
    said = {m["path"]: m["text"] for m in answer.json["mistakes"]}
    assert answer.status == 200 and answer.json["ok"] is False
    for path in ("Smtp:Port", "Smtp:Prot", "Site:TimeZone", "Smtp:Certificate"):
        assert path in said, said
    assert any(path.startswith("Accounts:x") for path in said) and any(path.startswith("Parsers:Rules") for path in said), said
    broken = p.api.post("/api/v1/settings/check", b"{ not json").json
    assert broken["ok"] is False and broken["mistakes"]
    assert p.api.post("/api/v1/settings/check", b" " * (513 * 1024)).status == 413
    assert p.api.post("/api/v1/settings/check", b'{"Site":{"Name":"' + b"x" * 300_000 + b'"}}').status == 200, "more than other bodies may have"
    assert {s["path"]: s["value"] for s in p.api.get("/api/v1/settings").json["items"]}["Site:TimeZone"] == "Europe/Vienna"


def test_accounts_tell_how_they_are(postern, far):
    p = postern(hooks(far, "hook"))
    fresh = account(p, "hook")
    assert fresh["state"] == "ok" and fresh["pending"] == 0 and "last_success_at" not in fresh and "last_error" not in fresh
    assert fresh["bucket"]["burst"] == 20 and fresh["bucket"]["per_minute"] == 600
    p.send(mails.panel(ALARM))
    p.wait_deliveries(1, "sent")
    assert account(p, "hook")["last_success_at"]
    far.next(farside.status(401))
    p.send(mails.panel("Zone:9 Ost 2, Innenbereich Alarm"))
    wait_until("it is refused", lambda: account(p, "hook")["state"] == "refused")
    seen = wait_until("it is pending", lambda: account(p, "hook") if account(p, "hook")["pending"] else None)
    assert "401" in seen["last_error"]["text"] and seen["last_error"]["at"] and seen["oldest_pending_s"] >= 0
    p.restart()
    again = wait_until("it is remembered", lambda: account(p, "hook") if "last_success_at" in account(p, "hook") else None)
    apart = datetime.fromisoformat(again["last_success_at"]) - datetime.fromisoformat(seen["last_success_at"])
    assert abs(apart.total_seconds()) < 1, "when it was heard, and when that was written"


@pytest.mark.threads
def test_a_paused_account_is_passed_over_until_it_is_resumed(postern, far):
    p = postern(hooks(far, "first", "second"))
    assert p.api.post("/api/v1/accounts/first/pause").status == 204
    assert account(p, "first")["state"] == "paused"
    p.send(mails.panel(ALARM))
    [request] = far.wait(1)
    assert request.path == "/second"
    p.wait_deliveries(1, "sent")
    p.restart()
    assert wait_until("it still is", lambda: account(p, "first")["state"] == "paused")
    p.send(mails.panel("Zone:9 Ost 2, Innenbereich Alarm"))
    assert far.wait(2)[1].path == "/second"
    assert p.api.post("/api/v1/accounts/first/resume").status == 204
    p.send(mails.panel("Zone:10 Ost 3, Innenbereich Alarm"))
    wait_until("the first again", lambda: [r for r in far.wait(3) if r.path == "/first"])
    whats = [(a["what"], a["object"], a["who"]) for a in p.api.get("/api/v1/audit").json["items"]]
    assert ("account.pause", "first", "loopback") in whats and ("account.resume", "first", "loopback") in whats


def test_what_waits_for_a_paused_account_leaves_when_it_is_resumed(postern, far):
    p = postern(hooks(far, "only"))
    assert p.api.post("/api/v1/accounts/only/pause").status == 204
    p.send(mails.panel(ALARM))
    p.wait_deliveries(1, "waiting")
    far.quiet(1.5)
    wait_until("it is counted", lambda: account(p, "only")["pending"] == 1)
    assert p.api.post("/api/v1/accounts/only/resume").status == 204
    far.wait(1)
    p.wait_deliveries(1, "sent")


def test_an_account_can_be_asked_whether_it_answers(postern, far):
    p = postern({"Accounts": {"tg": {"Provider": "telegram", "Token": "123:abc", "Url": far.url}, "log": {"Provider": "log"}},
                 "Recipients": {"anna": ["tg:4711"]}})
    good = p.api.post("/api/v1/accounts/tg/test")
    assert good.status == 200 and good.json["account"] == "tg" and isinstance(good.json["ok"], bool) and good.json["detail"], good.text
    far.stop()
    bad = p.api.post("/api/v1/accounts/tg/test")
    assert bad.status == 200 and bad.json["ok"] is False and "123:abc" not in bad.text
    for act in ("test", "pause", "resume"):
        assert p.api.post(f"/api/v1/accounts/nobody/{act}").status == 404, act
    assert p.api.post("/api/v1/accounts/tg/explode").status == 404


def test_recipients_are_shown_and_their_addresses_only_to_admins(postern):
    p = postern({"Api": {"Token": "boss"}, "Accounts": {"sms": {"Provider": "clicksend", "Username": "u", "Token": "t"}},
                 "Recipients": {"anna": {"Ways": ["sms:+491700000001"], "Language": "de", "Detail": "zone"}}})
    whole = Api(p.api.port, "boss").get("/api/v1/recipients").json["items"]
    assert [r["name"] for r in whole] == ["anna"] and whole[0]["detail"] == "zone", whole
    assert whole[0]["ways"] == [{"account": "sms", "address": "+491700000001"}]
    reader = Api(p.api.port, "boss").post("/api/v1/tokens", {"name": "r", "role": "read"}).json["token"]
    masked = Api(p.api.port, reader).get("/api/v1/recipients")
    assert "+491700000001" not in masked.text and masked.json["items"][0]["ways"][0]["account"] == "sms"


def test_each_of_them_wants_its_role(postern):
    p = postern({"Api": {"Token": "boss"}})
    token = {role: Api(p.api.port, Api(p.api.port, "boss").post("/api/v1/tokens", {"name": role, "role": role}).json["token"]) for role in ("read", "operate")}
    for method, path, role, status in (("GET", "/api/v1/accounts", "read", 200), ("GET", "/api/v1/recipients", "read", 200),
                                       ("GET", "/api/v1/settings", "operate", 403), ("POST", "/api/v1/settings/check", "operate", 403),
                                       ("POST", "/api/v1/accounts/log/test", "read", 403), ("POST", "/api/v1/accounts/log/pause", "operate", 403),
                                       ("POST", "/api/v1/accounts/log/resume", "operate", 403)):
        assert token[role].request(method, path, body={} if method == "POST" else None).status == status, (method, path)
