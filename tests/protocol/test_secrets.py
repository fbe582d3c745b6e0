"""What must stay between an owner and a provider: no log line at any level, no page, no command shows it."""
import base64

import mails
from farside import FarSide, drop_after_reading, garbage, status, throttle
from postern import wait_until

SECRETS = {
    "sms": "sekret-token-1", "cm": "sekret-key-2", "tg": "123:sekret-bot-3", "hook": "whsec_" + base64.b64encode(b"sekret-sign-number-four!").decode(),
    "url": "sekret-in-a-url-5", "push": "sekret-app-6", "ntfy": "tk_sekret7", "api": "sekret-api-8", "password": "hunter2hunter2",
}
PHONES = ("+491700000001", "+491700000002", "491700000001", "0491700000002")


def settings(far):
    return {
        "Log": {"Level": "debug"},
        "Api": {"Token": SECRETS["api"]},
        "Accounts": {
            "sms": {"Provider": "clicksend", "Username": "casa", "Token": SECRETS["sms"], "From": "House", "Url": far.url},
            "cm": {"Provider": "cm", "ApiKey": SECRETS["cm"], "From": "House", "Url": far.url},
            "tg": {"Provider": "telegram", "Token": SECRETS["tg"], "Url": far.url},
            "hook": {"Provider": "webhook", "Url": f"{far.url}/hook?key={SECRETS['url']}", "Secret": SECRETS["hook"]},
            "push": {"Provider": "gotify", "Url": far.url, "AppToken": SECRETS["push"]},
            "nt": {"Provider": "ntfy", "Url": far.url, "Token": SECRETS["ntfy"]},
        },
        "Recipients": {"a": ["sms:" + PHONES[0]], "b": ["cm:" + PHONES[1]], "c": ["tg:4711"], "d": ["hook:"], "e": ["push:"], "f": ["nt:topic"]},
    }


def shown_in(text):
    return [name for name, secret in SECRETS.items() if secret in text]


def test_nothing_shows_a_secret(postern):
    with FarSide() as far:
        p = postern(settings(far))
        p.api.token = SECRETS["api"]
        assert not p.log("settings.mistake")
        far.next(status(500), drop_after_reading(), garbage(), throttle(1), status(401), status(403))
        p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
        with p.connect() as s:
            s.ehlo()
            s.docmd("AUTH PLAIN " + base64.b64encode(f"\0cam\0{SECRETS['password']}".encode()).decode())
            s.docmd("AUTH LOGIN " + base64.b64encode(SECRETS["password"].encode()).decode())
        wait_until("every service was asked", lambda: len({r.service for r in far.requests}) == 6)
        far.down()
        p.send(mails.panel("Zone:9 Ost 1, Innenbereich Alarm"))
        p.wait_log("message.verdict", verdict="retry")
        far.up()
        for command in (["check"], ["check", "--print"], ["check", "--online"], ["deliveries"], ["deliveries", "--json"], ["events", "--json"]):
            run = p.command(*command, timeout=120)
            assert run.stdout and not shown_in(run.stdout + run.stderr), command
        for path in ("/metrics", "/readyz?verbose", "/api/v1/deliveries", "/api/v1/events"):
            answer = p.api.get(path)
            assert answer.status == 200 and not shown_in(answer.text), path
        p.stop(60)
        log = p.log_text(whole=True)
        assert "level=debug" in log and "message.verdict" in log
        assert not shown_in(log)
        assert not [n for n in PHONES if n in log]
        sent = b" ".join(r.body + repr(r.headers).encode() + r.path.encode() for r in far.requests).decode()
        assert SECRETS["push"] in sent and SECRETS["tg"] in sent and PHONES[0] in sent, "the test must be able to fail"
