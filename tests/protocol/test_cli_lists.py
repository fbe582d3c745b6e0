"""events and deliveries as an owner reads them, token and healthcheck as a container calls them."""
import http.server
import json
import subprocess
import threading
import time

import pytest

import mails
from postern import wait_until


def test_events_are_a_table_oldest_first(postern):
    p = postern({"Site": {"TimeZone": "Europe/Berlin"}})
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    p.wait_events(1)
    p.send(mails.panel("Gästezimmer, Arm"), to="status@house.example")
    p.wait_events(2)
    lines = p.command("events").stdout.splitlines()
    assert lines[0].split()[:4] == ["TIME", "CLOCK", "SEVERITY", "KIND"]
    assert lines[1].split()[2] in ("03:12:45", "2026-11-21")  # what the panel's clock showed: the day once it is far off
    assert "alarm.interior" in lines[1] and "8 Ost 1" in lines[1] and "mode.armed" in lines[2]
    assert len(p.command("events", "--limit", "1").stdout.splitlines()) == 2
    assert len(p.command("events", "--since", "1h").stdout.splitlines()) == 3
    assert len(p.command("events", "--kind", "alarm.*").stdout.splitlines()) == 2
    assert len(p.command("events", "--since=2100-01-01").stdout.splitlines()) == 1
    objects = [json.loads(line) for line in p.command("events", "--json").stdout.splitlines()]
    assert objects == list(reversed(p.events()))


def test_deliveries_are_a_table_with_the_providers_words(postern):
    p = postern()
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    [sent] = p.wait_deliveries(1, "sent")
    run = p.command("deliveries")
    assert "sent" in run.stdout and "log" in run.stdout and sent["event"] in run.stdout
    assert len(p.command("deliveries", "--state", "failed").stdout.splitlines()) == 1
    assert [json.loads(line) for line in p.command("deliveries", "--json").stdout.splitlines()] == [sent]


def test_wrong_words_are_said_to_be_wrong(postern):
    p = postern()
    for args in (["events", "--since", "tuesday"], ["events", "--limit", "0"], ["events", "--limit"], ["events", "--colour", "red"],
                 ["events", "x"], ["token"], ["token", "shew"]):
        run = p.command(*args)
        assert run.returncode == 64 and run.stderr and not run.stdout, (args, run)
    run = p.command("deliveries", "--state", "lost")
    assert run.returncode == 1 and "state" in run.stderr


def test_foreign_text_cannot_command_the_terminal(postern):
    p = postern()
    p.send(mails.panel("\x1b]0;pwned\x07\x1b[2Jhello \u202eevil"))
    p.wait_events(1)
    out = p.command("events").stdout
    assert "hello" in out
    assert not [c for c in out if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0 or c == "\u202e"]


def test_follow_shows_each_event_once_and_survives_a_restart(postern):
    p = postern()
    p.send(mails.panel("Zone:1 Tor, Innenbereich Alarm"))
    p.wait_events(1)
    out = p.folder / "follow"
    env = {**p.env, "Smtp__Port": str(p.smtp[1]), "Api__Port": str(p.api.port)}
    p.env.update({"Smtp__Port": str(p.smtp[1]), "Api__Port": str(p.api.port)})  # the same ports after the restart
    with open(out, "w") as f:
        command = [str(p.binary), "events", "--follow", "--json"]
        follow = subprocess.Popen([*command, *(["--settings", str(p.settings_path)] if p.settings_path else [])], stdout=f,
                                  stderr=subprocess.DEVNULL, env=env, cwd=p.folder)
    try:
        def seen():
            return [json.loads(line)["zone"]["number"] for line in out.read_text().splitlines()]

        wait_until("the first", lambda: seen() == [1])
        for i in (2, 3):
            p.send(mails.panel(f"Zone:{i} Tor, Innenbereich Alarm"))
        wait_until("the next two", lambda: sorted(seen()) == [1, 2, 3])
        p.restart()
        p.send(mails.panel("Zone:4 Tor, Innenbereich Alarm"))
        wait_until("one after the restart", lambda: 4 in seen())
        time.sleep(1.5)
        assert sorted(seen()) == [1, 2, 3, 4]
    finally:
        follow.terminate()
        follow.wait()


def test_healthcheck_is_quick_about_a_gateway_that_is_not_there(postern):
    p = postern()
    run = p.command("healthcheck")
    assert run.returncode == 0 and run.stdout.split()[0] in ("ok", "degraded")
    p.stop()
    start = time.monotonic()
    run = p.command("healthcheck")
    assert run.returncode == 1 and "no answer" in run.stderr
    assert time.monotonic() - start < 5
    assert p.command("events").returncode == 1


@pytest.mark.parametrize("body, code", [
    ("ok", 0), ("degraded", 0), ("migrating", 0), ("rebuilding", 0), ("down", 1), ("down: migrating", 1), ("", 1),
    ({"state": "migrating", "reasons": []}, 0),
    ({"state": "down", "reasons": [{"reason": "store:writes", "detail": "/srv/migrating: Input/output error"}]}, 1)])
def test_healthcheck_goes_by_the_state_and_by_no_word_beside_it(postern, body, code):
    p = postern()
    p.stop()
    state = body["state"] if isinstance(body, dict) else body
    text = json.dumps(body) if isinstance(body, dict) else body + "\n"

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if state in ("ok", "degraded") else 503)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", p.api.port), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run = p.command("healthcheck")
        server.shutdown()
    assert run.returncode == code and run.stdout.startswith(state)
