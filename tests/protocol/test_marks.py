"""What people say about events: acknowledged, kept, a note; one by one and for a whole filter; who did it stands in the audit."""
import sqlite3

import pytest

import mails
from postern import Api, repeating, wait_until
from test_export import fill


def marks(p, event):
    """(acked_ms, acked_by, kept, kept_by, note, changed) as they are kept."""
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        return db.execute("SELECT acked_ms, acked_by, kept, kept_by, note, changed FROM events WHERE id = ?", (event,)).fetchone()


def patch(p, event, **body):
    return p.api.request("PATCH", f"/api/v1/events/{event}", body)


def test_an_event_is_acknowledged_kept_and_noted(postern):
    p = postern()
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    event = p.wait_events(1)[0]["id"]
    answer = patch(p, event, acknowledged=True, note="die Katze\nwar's")
    assert answer.status == 200 and answer.json["id"] == event
    assert answer.json["acknowledged_by"] == "loopback" and answer.json["acknowledged_at"] and answer.json["note"] == "die Katze\nwar's"
    assert p.events("acknowledged=true") == [answer.json] and p.events("kept=true") == []
    acked, by, kept, kept_by, note, changed = marks(p, event)
    assert acked and by == "loopback" and (kept, kept_by) == (0, None) and note == "die Katze\nwar's" and changed > 0
    assert patch(p, event, kept=True).status == 200
    after = marks(p, event)
    assert after[:2] == (acked, by) and after[2:5] == (1, "loopback", note) and after[5] > changed
    assert patch(p, event, kept=True, acknowledged=True).status == 200  # nothing changes: no new number, and who was first stays
    assert marks(p, event) == after
    assert patch(p, event, acknowledged=False, kept=False, note="").status == 200
    assert marks(p, event)[:5] == (None, None, 0, None, None)
    p.restart()
    assert marks(p, event)[:5] == (None, None, 0, None, None)
    audit = p.api.all("/api/v1/audit")
    mine = [a for a in audit if a["what"] == "event.mark"]
    assert [a["detail"] for a in mine[::-1]] == [
        {"acknowledged": True, "note": "die Katze\nwar's"}, {"kept": True}, {"kept": True, "acknowledged": True},
        {"acknowledged": False, "kept": False, "note": ""}]
    assert all(a["object"] == event and a["who"] == "loopback" and a["role"] == "admin" and a["at"] for a in mine)


def test_a_wrong_mark_changes_nothing(postern):
    p = postern()
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    event = p.wait_events(1)[0]["id"]
    before = marks(p, event)
    wrong = [{}, [], "x", {"acknowledged": "yes"}, {"acknowledged": 1}, {"kept": None}, {"note": 5}, {"note": None}, {"note": "x" * 2001},
             {"note": "ü" * 2001}, {"seen": True}, {"acknowledged": True, "seen": True}]
    for body in wrong:
        assert p.api.request("PATCH", f"/api/v1/events/{event}", body).status == 400, body
    assert p.api.request("PATCH", f"/api/v1/events/{event}", b"{").status == 400
    assert p.api.request("PATCH", f"/api/v1/events/{event}", b'{"note":"' + b"x" * 70_000 + b'"}').status == 413
    assert marks(p, event) == before
    assert patch(p, "01M7YVTF4BAT4TB4CBG2W9M336", kept=True).status == 404
    assert p.api.all("/api/v1/audit") == []
    assert patch(p, event, note="ü" * 2000).status == 200 and marks(p, event)[4] == "ü" * 2000


def test_beyond_loopback_only_those_who_may(postern):
    p = postern({"Api": {"Address": "0.0.0.0"}})
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    admin = Api(p.api.port, (p.data / "api-token").read_text().strip())
    event = admin.all("/api/v1/events")
    for method, path in (("PATCH", "/api/v1/events/01M7YVTF4BAT4TB4CBG2W9M336"), ("POST", "/api/v1/events/ack"), ("GET", "/api/v1/audit")):
        assert Api(p.api.port).request(method, path, None if method == "GET" else {"kept": True}).status == 401
    assert event == [] or admin.request("PATCH", f"/api/v1/events/{event[0]['id']}", {"kept": True}).status == 200


@pytest.mark.threads
def test_a_whole_filter_is_acknowledged_while_events_arrive(postern):
    p = postern()
    fill(p, 3000)
    p.send(mails.panel("Zone:99 Tor, Innenbereich Alarm"))  # with the next write they are indexed
    wait_until("an index", lambda: len(p.events("kind=zone.open")) == 2700)
    with repeating(lambda: p.send(mails.panel("Zone:99 Tor, Innenbereich Alarm"))):
        answer = p.api.post("/api/v1/events/ack?kind=zone.open", {})
        assert answer.status == 200 and answer.json == {"acknowledged": 2700, "complete": True}
        assert p.api.post("/api/v1/events/ack?kind=zone.open", {}).json == {"acknowledged": 0, "complete": True}
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT count(*), count(DISTINCT changed) FROM events WHERE acked_ms NOT NULL").fetchone() == (2700, 2700)
        assert db.execute("SELECT count(*) FROM events WHERE acked_ms NOT NULL AND kind != 'zone.open'").fetchone() == (0,)
    [audit] = p.api.all("/api/v1/audit")
    assert audit["what"] == "event.ack" and audit["detail"] == {"filter": "kind=zone.open", "count": 2700}
    assert p.api.post("/api/v1/events/ack?kind=nonsense", {}).status == 400
    assert p.api.post("/api/v1/events/ack?limit=5", {}).status == 400
    rest = p.api.post("/api/v1/events/ack", {}).json
    assert rest["complete"] and rest["acknowledged"] == len(p.events()) - 2700


def test_events_are_acknowledged_and_kept_from_the_command_line(postern):
    p = postern()
    for i, words in enumerate(("Zone:8 Ost 1, Innenbereich Alarm", "Zone:9 Ost 2, Innenbereich Alarm", "Jörg Weiß, Arm")):
        p.send(mails.panel(words))
        p.wait_events(i + 1)
    mode, second, first = [e["id"] for e in p.events()]
    assert p.command("ack", first, second).stdout == "2 events acknowledged\n"
    assert [e["id"] for e in p.events("acknowledged=true")] == [second, first]
    assert p.command("ack", second, "--undo", "--note", "wer war's?").stdout == "1 events no longer acknowledged\n"
    assert [(e["id"], e.get("note")) for e in p.events("acknowledged=false")] == [(mode, None), (second, "wer war's?")]
    assert p.command("ack", "--kind", "mode.*", "--since=1h").stdout == "1 events acknowledged\n"
    assert p.command("ack", "--all").stdout == "1 events acknowledged\n" and p.events("acknowledged=false") == []
    assert p.command("keep", "--kind=alarm.*").stdout == "2 events kept\n"
    assert [e["id"] for e in p.events("kept=true")] == [second, first]
    assert p.command("keep", "--zone", "9", "--undo").stdout == "1 events no longer kept\n"
    assert [e["id"] for e in p.events("kept=true")] == [first]
    run = p.command("keep", mode, "01M7YVTF4BAT4TB4CBG2W9M336")
    assert run.returncode == 1 and run.stdout == "1 events kept\n" and "01M7YVTF4BAT4TB4CBG2W9M336" in run.stderr
    for wrong in ([], ["--undo"], ["--all", first], [first, "--kind", "alarm.*"], ["--colour", "red"], ["--since", "tuesday"], ["--kind"], ["--note"]):
        for command in ("ack", "keep"):
            run = p.command(command, *wrong)
            assert run.returncode == 64 and run.stderr and not run.stdout, (wrong, run)
    assert p.command("ack", "--kind", "nonsense").returncode == 1
