"""Erasing: what an owner wants gone is gone from rows, index, files, log, exported pictures and archive; what is beside it stays."""
import base64
import re
import sqlite3
import threading
import time

import pytest

import mails
from farside import FarSide, slow, status
from postern import Api, points_of, wait_until
from test_archive import wait_copied
from test_export import fill

# As they lie there: text, words of the index (lower case), base64 of a mail.
SUBJECT, TEXT, USER = "Quellwasser", "Brombeerhecke", "Schlehdorn"
PICTURE = mails.jpeg(77, size=9000)
SECRETS = [SUBJECT, TEXT, USER]


def needles(pictures=True):
    words = [f(word).encode() for word in SECRETS for f in (str, str.lower)]
    words += [word.encode("utf-16-le") for word in SECRETS]
    if pictures:
        words += [PICTURE[600:664], base64.b64encode(PICTURE[600:663])]
    return words


def found_in(folder):
    """The files below it that hold any of them."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".log":
            held = path.read_bytes().replace(b"\r\n", b"")
            found |= {(path.name, needle[:20]) for needle in needles() if needle in held}
    return found


def secret_camera():
    return mails.camera(subject=f"Motion {SUBJECT}", text=f"Camera {TEXT}", pictures=[PICTURE])


def secret_panel():
    return mails.panel(f"{USER}, Set/Unset", subject=SUBJECT)


def plant(p):
    """Two mails with all of it, small and large, between neighbours. What the history then is."""
    p.send(mails.panel("Zone:1 Haselnuss, Innenbereich Alarm"))
    p.send(secret_camera(), to="einfahrt@house.example")
    p.send(secret_panel(), to="status@house.example")
    p.send(mails.camera(text="Camera Holunder", pictures=[mails.jpeg(5, size=90_000)]), to="einfahrt@house.example")
    return p.wait_events(4)


def secrets_of(events):
    return [e["id"] for e in events if any(word in str(e) for word in SECRETS)]


def erase(p, path):
    """Asks, confirms, and waits until nothing is left. The answer."""
    plan = p.api.request("DELETE", path).json
    assert plan["dry_run"] and plan["count"] > 0, plan
    join = "&" if "?" in path else "?"
    done = p.api.request("DELETE", f"{path}{join}confirm={plan['count']}").json
    assert not done["dry_run"] and done["count"] == plan["count"], done
    return done


def wait_erased(p, seconds=30):
    wait_until("nothing is left", lambda: p.api.get("/api/v1/erasures").json["complete"], seconds, 0.1)


def history(p):
    return {e["text"] for e in p.events() if e["kind"] != "system.started"}


def test_no_byte_of_it_is_left_and_its_neighbours_stay(postern, tmp_path):
    exported = tmp_path / "exported"
    p = postern({"Store": {"ExportFolder": str(exported)}})
    events = plant(p)
    wait_until("both pictures are exported", lambda: len(list(exported.rglob("*.json"))) == 2)
    assert found_in(exported)
    mine = secrets_of(events)
    assert len(mine) == 2
    p.api.request("PATCH", f"/api/v1/events/{mine[0]}", {"note": f"die {TEXT}"})
    p.api.post(f"/api/v1/events/ack?text={TEXT}")
    assert len(p.events(f"text={TEXT}")) == 2  # its text, and the other's note
    assert {name for name, _ in found_in(p.data)} >= {"postern.db-wal"}  # the control: they can be found
    for event in mine:
        erase(p, f"/api/v1/events/{event}")
        assert p.api.get(f"/api/v1/events/{event}").status == 404
    wait_erased(p)
    assert found_in(p.data) == found_in(exported) == set()
    assert [f.read_bytes() for f in exported.rglob("*.jpg")] == [mails.jpeg(5, size=90_000)]
    assert p.events(f"text={TEXT}") == p.events(f"user={USER}") == [] and len(p.events()) == len(events) - 2
    [picture] = [e for e in p.events() if e.get("media")]
    assert p.api.get(f"/api/v1/events/{picture['id']}/media/1").body == mails.jpeg(5, size=90_000)
    total = p.api.get("/api/v1/stats?by=kind").json["total"]
    assert total == len(p.events())
    audit = p.api.all("/api/v1/audit")
    assert [a["object"] for a in audit if a["what"] == "event.erase"] == mine[::-1]
    p.stop()
    with sqlite3.connect(p.data / "postern.db") as db:
        db.execute("VACUUM")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.execute("INSERT INTO search(search) VALUES('integrity-check')")
    assert found_in(p.data) == set()
    assert b"Holunder" in b"".join(f.read_bytes() for f in p.data.rglob("*") if f.is_file())
    p.start()
    assert len(p.events()) >= len(events) - 2 and secrets_of(p.events()) == []
    p.stop()
    assert p.command("verify").returncode == 0


def test_nothing_goes_without_the_right_number(postern):
    p = postern()
    for i in range(5):
        p.send(mails.panel(f"Zone:{i} {'Diele' if i < 3 else 'Keller'}, Innenbereich Alarm"))
    events = p.wait_events(5)
    plan = p.api.request("DELETE", "/api/v1/events?text=Diele").json
    assert (plan["dry_run"], plan["count"], plan["found"], plan["mails"], plan["more"], plan["copies"]) == (True, 3, 3, 3, False, [])
    assert plan["in_backups"]["since"] == min(e["received_at"] for e in events)
    for wrong in (0, 2, 4):
        answer = p.api.request("DELETE", f"/api/v1/events?text=Diele&confirm={wrong}")
        assert answer.status == 409 and "3 events would go now" in answer.json["detail"]
    for wrong in ("confirm=x", "confirm=-1", "copies=some", "zeit=5", "kind=nothing", "site=elsewhere"):
        assert p.api.request("DELETE", f"/api/v1/events?{wrong}").status == 400, wrong
    assert p.api.request("DELETE", "/api/v1/events/01M7YVTF4BAT4TB4CBG2W9M336").status == 404
    assert p.api.request("DELETE", f"/api/v1/events/{events[0]['id']}?confirm=2").status == 409
    assert len(p.events()) == 5
    p.send(mails.panel("Zone:9 Diele, Innenbereich Alarm"))  # between question and confirmation
    p.wait_events(6)
    assert p.api.request("DELETE", "/api/v1/events?text=Diele&confirm=3").status == 409
    done = p.api.request("DELETE", "/api/v1/events?text=Diele&confirm=4").json
    assert (done["erased"], done["left"], done["untold"]) == (4, 0, 0)
    assert {e["zone"]["name"] for e in p.events()} == {"Keller"}
    assert p.api.request("DELETE", "/api/v1/events?text=Diele&confirm=0").json["erased"] == 0
    [row] = [a for a in p.api.all("/api/v1/audit") if a["what"] == "event.erase"]
    assert row["detail"] == {"text": "…", "confirm": "4", "count": 4}


def test_only_an_admin_erases(postern):
    p = postern({"Api": {"Address": "0.0.0.0"}})
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    admin = Api(p.api.port, (p.data / "api-token").read_text().strip())
    [event] = wait_until("it is there", lambda: [e for e in admin.all("/api/v1/events") if "zone" in e])
    tokens = {role: admin.post("/api/v1/tokens", {"name": role, "role": role}).json["token"] for role in ("read", "operate", "admin")}
    asked = [("DELETE", "/api/v1/events"), ("DELETE", f"/api/v1/events/{event['id']}"), ("GET", "/api/v1/erasures")]
    for token, wanted in ((None, 401), (tokens["read"], 403), (tokens["operate"], 403), (tokens["admin"], 200)):
        for method, path in asked:
            assert Api(p.api.port, token).request(method, path).status == wanted, (wanted, path)
    assert admin.get(f"/api/v1/events/{event['id']}").status == 200
    foreign = {"Origin": "http://elsewhere.example"}
    assert admin.request("DELETE", f"/api/v1/events/{event['id']}?confirm=1", headers=foreign).status == 403


SMS = {"sms": {"Provider": "clicksend", "Username": "u", "Token": "key-1234", "From": "House", "Rate": 6000, "Burst": 100}}


def telling(far):
    return {"Site": {"Language": "en"}, "Accounts": {"sms": {**SMS["sms"], "Url": far.url}}, "Recipients": {"anna": ["sms:+491700000001"]},
            "Routes": [{"Kinds": ["alarm.*"], "Tell": ["anna"]}]}


def texts(far):
    return [sms["body"] for r in far.requests for sms in r.json["messages"]]


def test_nobody_is_told_of_what_was_erased(postern, clock):
    with FarSide() as far:
        p = postern(telling(far), clock=clock)
        far.always(status(500))
        p.send(mails.panel("Zone:1 Quellwasser, Innenbereich Alarm"))
        far.wait(1)
        p.send(mails.panel("Zone:2 Holunder, Innenbereich Alarm"))
        events = p.wait_events(2)
        wait_until("its attempt has ended", lambda: "detail" in (p.deliveries()[-1].get("message") or {}))
        plan = p.api.request("DELETE", "/api/v1/events?text=Quellwasser").json
        assert plan["untold"] == 1
        done = erase(p, "/api/v1/events?text=Quellwasser")
        assert done["untold"] == 1 and done["left"] == 0
        before = len(far.requests)
        far.always(None)
        clock.advance(120_000)
        p.wait_deliveries(1, "sent")
        assert all("Quellwasser" not in text for text in texts(far)[before:]) and any("Holunder" in text for text in texts(far)[before:])
        assert len(p.deliveries()) == 1 and len(p.events()) == len(events) - 1
        wait_erased(p)
        assert found_in(p.data) == set()


def quoting(far_gotify, far_hook):
    accounts = {"push": {"Provider": "gotify", "Url": far_gotify.url, "AppToken": "a", "Rate": 6000, "Burst": 100},
                "hook": {"Provider": "webhook", "Url": far_hook.url + "/hook", "Rate": 6000, "Burst": 100}}
    return {"Accounts": accounts, "Recipients": {"anna": ["push:"], "ben": ["hook:"]}, "Routes": [{"Kinds": ["*"], "Tell": ["anna", "ben"]}]}


def told_of_refusal(p):
    return [e for e in p.events() if e["kind"] == "system.delivery" and TEXT in e["text"]]


def test_what_a_refusal_quoted_of_it_goes_too(postern):
    """The service's own words stand in the delivery, in the event about it and what was told of that, at the account, and in what the next start remembers."""
    with FarSide() as gotify, FarSide() as hook:
        p = postern(quoting(gotify, hook))
        gotify.always(status(404, {"error": "Refused", "errorCode": 404, "errorDescription": f"no, not {TEXT}"}))
        p.send(mails.panel(f"Zone:1 {TEXT}, Innenbereich Alarm"))
        [mine] = p.wait_events(1, f"text={TEXT}&kind=alarm.*")
        wait_until("others are told of the refusal", lambda: told_of_refusal(p) and all(d["state"] == "sent" for d in p.deliveries() if d["recipient"] == "ben"))
        p.send(mails.panel("Zone:2 Holunder, Innenbereich Alarm"))
        p.wait_events(1, "text=Holunder")
        admin = Api(p.api.port, (p.data / "api-token").read_text().strip())
        everything = ["/api/v1/accounts", "/readyz", "/api/v1/deliveries", "/api/v1/events"]
        assert [path for path in everything if TEXT not in admin.get(path).text] == []  # the control
        def pending():
            return p.api.get("/api/v1/accounts").json["items"][0]["pending"]
        wait_until("two wait for it", lambda: pending() == 2)
        gotify.always(status(404))
        erase(p, f"/api/v1/events/{mine['id']}")
        wait_until("one waits for it", lambda: pending() == 1)
        wait_erased(p)
        for path in everything:
            wait_until(f"{path} says nothing of it", lambda path=path: TEXT not in admin.get(path).text)
        assert "push" in admin.get("/readyz").text  # it still refuses
        assert found_in(p.data) == set()
        p.restart()
        assert TEXT not in p.api.get("/api/v1/accounts").text and len(p.events("text=Holunder")) == 1
        p.stop()
        assert found_in(p.data) == set()


@pytest.mark.parametrize("mail,filter", [(mails.panel(f"Zone:1 {TEXT}, Innenbereich Alarm"), f"zone={TEXT}"), (secret_panel(), f"user={USER}")])
def test_the_audit_no_longer_quotes_what_was_acknowledged_by(postern, mail, filter):
    p = postern()
    p.send(mail)
    [mine] = p.wait_events(1)
    assert p.api.post(f"/api/v1/events/ack?{filter}").json["acknowledged"] == 1
    erase(p, f"/api/v1/events/{mine['id']}")
    wait_erased(p)
    [row] = [a for a in p.api.all("/api/v1/audit") if a["what"] == "event.ack"]
    assert row["detail"] == {"count": 1} and found_in(p.data) == set()


def test_a_conversation_that_goes_on_leaves_no_lines_of_it(postern):
    p = postern()
    with p.connect() as s:
        s.ehlo(TEXT)
        s.mail("panel@house.example")
        s.rcpt("alarm@house.example")
        s.data(mails.panel("Zone:1 Holunder, Innenbereich Alarm"))
        [mine] = p.wait_events(1)
        erase(p, f"/api/v1/events/{mine['id']}")
        wait_erased(p)
    p.send(mails.panel("Zone:2 Haselnuss, Innenbereich Alarm"))
    said = wait_until("what was said later is written", lambda: p.api.get(f"/api/v1/devices/{mine['device']['id']}/sessions").json.get("items"))
    assert TEXT not in str(said) and found_in(p.data) == set()


def test_what_is_on_its_way_is_let_end_and_then_goes(postern):
    with FarSide() as far:
        p = postern(telling(far))
        far.next(slow(1.5))
        p.send(mails.panel("Zone:1 Quellwasser, Innenbereich Alarm"))
        far.wait(1)
        p.wait_events(1)
        done = erase(p, "/api/v1/events?text=Quellwasser")
        assert (done["erased"], done["left"]) == (0, 1)
        assert p.api.get("/api/v1/erasures").json["mails"] == 1
        wait_erased(p)
        assert p.events("text=Quellwasser") == [] and p.deliveries() == []
        assert found_in(p.data) == set()


def test_it_goes_from_the_archive_too(postern, ferretdb):
    p = postern({"Site": {"Name": "Home"}, "ConnectionStrings": {"MongoDB": ferretdb.uri}})
    events = plant(p)
    wait_copied(p)
    ferretdb.stop()
    assert {name.split(".")[-1] for name, _ in found_in(ferretdb.folder / "data")} >= {"sqlite"}  # the control
    ferretdb.start()
    done = erase(p, f"/api/v1/events?since=2020-01-01T00:00:00Z&text={SUBJECT}")
    assert done["erased"] == 2
    wait_erased(p, 60)
    left = ferretdb.events()
    assert {e["id"] for e in p.events()} == set(left) and len(left) == len(events) - 2
    assert any("Holunder" in str(document) for document in left.values())
    with ferretdb.database() as db:
        everything = str([list(db[name].find()) for name in db.list_collection_names()])
    assert not any(word in everything or word.lower() in everything for word in SECRETS)
    ferretdb.stop()
    for path in (ferretdb.folder / "data").rglob("*.sqlite"):  # FerretDB leaves deleted rows in its files until they are vacuumed
        with sqlite3.connect(path) as db:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert found_in(ferretdb.folder / "data") == set()


def test_what_only_the_archive_has_is_erased_by_its_id(postern, ferretdb):
    p = postern({"Site": {"Name": "Home"}, "ConnectionStrings": {"MongoDB": ferretdb.uri}})
    p.send(mails.panel("Zone:1 Quellwasser, Innenbereich Alarm"))
    [event] = p.wait_events(1, "text=Quellwasser")
    wait_copied(p)
    with sqlite3.connect(p.data / "postern.db", timeout=20) as db:  # as if it had been forgotten by age
        db.execute("DELETE FROM deliveries")
        db.execute("DELETE FROM events WHERE id = ?", (event["id"],))
    path = f"/api/v1/events/{event['id']}"
    assert p.api.request("DELETE", path).json["count"] == 1
    assert p.api.request("DELETE", path + "?confirm=2").status == 409
    assert p.api.request("DELETE", path + "?confirm=1").json["erased"] == 1
    wait_erased(p)
    assert event["id"] not in ferretdb.events() and p.api.request("DELETE", path).status == 404


def test_an_import_does_not_bring_it_back(postern, tmp_path):
    folder = tmp_path / "eml"
    folder.mkdir()
    (folder / "one.eml").write_bytes(secret_panel())
    (folder / "two.eml").write_bytes(mails.panel("Zone:2 Holunder, Innenbereich Alarm"))
    p = postern()
    assert p.command("import", "eml", str(folder), timeout=60).returncode == 0
    p.wait_events(2)
    erase(p, f"/api/v1/events?user={USER}")
    assert p.command("import", "eml", str(folder), timeout=60).returncode == 0
    assert p.command("reparse", timeout=60).returncode == 0
    wait_erased(p)
    assert [e for e in p.events() if e.get("user") == USER] == []
    assert {name for name, _ in found_in(p.data)} == set()


def test_the_command_asks_first(postern):
    p = postern()
    for i in range(3):
        p.send(mails.panel(f"Zone:{i} {'Diele' if i < 2 else 'Keller'}, Innenbereich Alarm"))
    p.wait_events(3)
    (p.data / "postern.db.v3").write_bytes(b"Quellwasser")
    asked = p.command("erase", "--text", "Diele", input="3\n")
    assert asked.returncode == 1 and "2 events with 2 mails" in asked.stdout and "postern.db.v3" in asked.stdout and "nothing was erased" in asked.stderr
    assert len(p.events("text=Diele")) == 2
    assert p.command("erase").returncode == p.command("erase", "--text").returncode == p.command("erase", "--colour", "red").returncode == 64
    done = p.command("erase", "--text", "Diele", "--copies", input="2\n")
    assert done.returncode == 0 and "2 events are erased" in done.stdout and "nothing is left of it here" in done.stdout, done
    assert p.events("text=Diele") == [] and not (p.data / "postern.db.v3").exists()
    assert p.command("erase", "--status").stdout.startswith("nothing is left")
    [event] = p.events("text=Keller")
    assert "1 events are erased" in p.command("erase", event["id"], "--yes").stdout
    assert p.command("erase", event["id"], "--yes").returncode == 1


def test_every_point_of_it_is_in_this_list():
    assert {point for point, _ in KILLS} == set(points_of("erase."))


KILLS = [("erase.written_down", 1), ("erase.mails_gone", 1), ("erase.step_kept", 1), ("erase.merged", 1), ("erase.log_emptied", 1)]


@pytest.mark.parametrize("point,hit", KILLS)
def test_killed_in_between_it_goes_on_at_the_next_start(postern, point, hit):
    p = postern(build="plain", fault=f"{point}:{hit}")
    for i in range(14):
        p.send(secret_camera() if i % 3 == 2 else mails.panel(f"Zone:{i} {'Quellwasser' if i % 3 else 'Holunder'}, Innenbereich Alarm"), to="einfahrt@house.example")
    p.wait_events(14)
    path = "/api/v1/events?text=Quellwasser"
    count = p.api.request("DELETE", path).json["count"]
    assert count == 9
    def ask():
        try:
            p.api.request("DELETE", f"{path}&confirm={count}")
        except OSError:
            pass  # it was killed meanwhile
    asking = threading.Thread(target=ask)
    asking.start()
    p.wait_killed()
    asking.join()
    p.restart()
    wait_erased(p)
    assert p.events("text=Quellwasser") == [] and len([e for e in p.events() if "zone" in e]) == 5
    assert found_in(p.data) == set()
    assert p.api.get("/api/v1/stats?by=kind").json["total"] == len(p.events())


def test_ten_thousand_may_go_at_once(postern):
    p = postern(build="plain")
    fill(p, 10_050)
    p.send(mails.panel("Zone:99 Tor, Innenbereich Alarm"))  # with the next write they are indexed
    p.wait_events(1, "text=Tor")
    plan = p.api.request("DELETE", "/api/v1/events?device=house", timeout=60).json
    assert (plan["count"], plan["found"], plan["more"], plan["mails"]) == (10_000, 10_000, True, 0)
    assert p.api.request("DELETE", "/api/v1/events?device=house&confirm=10050", timeout=60).status == 409
    done = erase(p, "/api/v1/events?device=house&zone=7")  # 503 of them, in many transactions
    assert (done["erased"] + done["left"], done["more"]) == (503, False)
    wait_erased(p)
    assert p.api.get("/api/v1/stats?by=device").json["total"] == 10_050 - 503 + 1
