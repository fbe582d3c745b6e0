"""Other settings while mails go on coming: SIGHUP and POST /api/v1/reload. Bad ones change nothing and are said whole; good ones are in force
a moment later in the same process, and whoever knocked meanwhile was neither refused nor forgotten."""
import collections
import json
import os
import re
import signal
import smtplib
import socket
import threading
import time

import pytest

import mails
from farside import FarSide
from postern import Api, free_port, points_of, rounds, wait_until
from test_stream import Stream

ALARM = "Zone:8 Ost 1, Innenbereich Alarm"


@pytest.fixture
def far():
    with FarSide() as f:
        yield f


def change(p, **blocks):
    """Lays blocks over the settings file, as an owner edits it."""
    now = json.loads(p.settings_path.read_text())
    for block, values in blocks.items():
        now[block] = {**now.get(block, {}), **values} if isinstance(values, dict) else values
    fresh = p.settings_path.with_suffix(".new")
    fresh.write_text(json.dumps(now))
    fresh.rename(p.settings_path)


def starts(p):
    return len(p.log("started"))


def reload(p, how="api"):
    """Asks, and waits until it has begun again; its answer."""
    before, answer = starts(p), None
    if how == "api":
        answer = p.api.post("/api/v1/reload")
        assert answer.status == 202 and answer.json["restarts"], answer
    else:
        os.kill(p.pid, signal.SIGHUP)
    wait_until("it has begun again", lambda: starts(p) > before or not p.is_running())
    assert p.is_running(), p.log_tail()
    return answer


def setting(p, path):
    return {s["path"]: s["value"] for s in p.api.get("/api/v1/settings").json["items"]}[path]


@pytest.mark.parametrize("how", ("api", "signal"))
def test_other_settings_are_in_force_in_the_same_process(postern, how):
    p = postern({"Site": {"Name": "Old"}, "Api": {"Token": "boss"}})
    p.api = Api(p.api.port, "boss")
    pid = p.pid
    change(p, Site={"Name": "New", "Language": "de"}, Smtp={"MaxRecipients": 7})
    answer = reload(p, how)
    if answer:
        assert {c["path"]: (c["before"], c["after"]) for c in answer.json["changes"]} == {
            "Site:Name": ("Old", "New"), "Site:Language": ("en", "de"), "Smtp:MaxRecipients": ("1000", "7")}
    assert p.pid == pid and p.is_running()
    assert setting(p, "Site:Name") == "New" and setting(p, "Smtp:MaxRecipients") == "7", "on the same port, without another word"
    assert p.send(mails.panel(ALARM))[0] == 250
    assert p.wait_events(1)[0]["site"] == "New"
    [entry] = [a for a in p.api.get("/api/v1/audit").json["items"] if a["what"] == "settings.reload"]
    assert entry["who"] == ("SIGHUP" if how == "signal" else entry["who"])
    assert "Site:Name" in json.dumps(entry) if how == "api" else "3" in json.dumps(entry)


@pytest.mark.parametrize("how", ("api", "signal"))
def test_bad_settings_change_nothing_and_all_mistakes_are_said(postern, how):
    p = postern({"Site": {"Name": "Old"}})
    before = p.settings_path.read_text()
    change(p, Site={"Name": "New", "TimeZone": "Mars/Base"}, Smtp={"MaxRecipients": 0, "Colour": "red"}, Parsers={"Rules": [{"Name": "r", "Match": {"Subject": "("}}]})
    wanted = {m["path"] for m in p.api.post("/api/v1/settings/check", p.settings_path.read_bytes()).json["mistakes"] if not m["is_note"]}
    assert len(wanted) >= 4
    if how == "api":
        answer = p.api.post("/api/v1/reload")
        assert answer.status == 422 and answer.headers["Content-Type"] == "application/problem+json"
        assert {m["path"] for m in answer.json["mistakes"] if not m["is_note"]} == wanted
    else:
        os.kill(p.pid, signal.SIGHUP)
        p.wait_log("reload.refused")
        assert {line["path"] for line in p.log("reload.mistake")} == wanted
    assert setting(p, "Site:Name") == "Old" and starts(p) == 1
    p.settings_path.write_text("{ this is no JSON")
    assert p.api.post("/api/v1/reload").status == 422
    p.settings_path.unlink()
    assert p.api.post("/api/v1/reload").status == 422, "a file that has gone is a mistake"
    p.settings_path.write_text(before)
    same = p.api.post("/api/v1/reload")
    assert same.status == 202 and not same.json["restarts"] and same.json["changes"] == []
    p.wait_log("reload.unchanged")
    assert starts(p) == 1 and p.send(mails.panel(ALARM))[0] == 250


def test_secrets_are_masked_where_they_change(postern, far):
    p = postern({"Accounts": {"tg": {"Provider": "telegram", "Token": "123:geheim1", "Url": far.url}}, "Recipients": {"anna": ["tg:4711"]}})
    change(p, Accounts={"tg": {"Provider": "telegram", "Token": "123:geheim2", "Url": far.url}})
    answer = reload(p)
    assert answer.json["changes"] == [{"path": "Accounts:tg:Token", "before": "***", "after": "***"}]
    assert "geheim" not in p.log_text() and "geheim" not in p.api.get("/api/v1/audit").text


def test_the_time_zone_of_the_environment_is_there_again_where_the_settings_name_none(postern):
    p = postern({"Site": {"TimeZone": "Asia/Tokyo"}})  # the environment of the tests: Europe/Berlin
    now = json.loads(p.settings_path.read_text())
    p.settings_path.write_text(json.dumps({**now, "Site": {}}))
    answer = reload(p)
    assert [c for c in answer.json["changes"] if c["path"] == "Site:TimeZone"] == [{"path": "Site:TimeZone", "before": "Asia/Tokyo", "after": "Europe/Berlin"}]
    assert setting(p, "Site:TimeZone") == "Europe/Berlin"


def test_a_port_that_cannot_be_had_is_found_before_the_old_one_is_given_up(postern):
    port, other = free_port(), free_port()
    p = postern({"Smtp": {"Port": port}})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        change(p, Smtp={"Port": taken.getsockname()[1]})
        answer = p.api.post("/api/v1/reload")
        assert answer.status == 422 and [m["path"] for m in answer.json["mistakes"] if not m["is_note"]] == ["Smtp:Port"], answer
        change(p, Smtp={"Port": port, "Address": "192.0.2.1"})
        assert p.api.post("/api/v1/reload").status == 422, "an address that is not ours"
        change(p, Store={"Folder": str(p.folder / "elsewhere")}, Smtp={"Address": "127.0.0.1"})
        assert [m["path"] for m in p.api.post("/api/v1/reload").json["mistakes"] if not m["is_note"]] == ["Store:Folder"]
    change(p, Store={"Folder": str(p.data)}, Smtp={"Port": other})
    reload(p)
    p.smtp = ("127.0.0.1", other)
    assert p.send(mails.panel(ALARM))[0] == 250
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    change(p, Smtp={"Port": port, "TlsPort": other})  # its old port, and that becomes another door's
    reload(p)
    p.smtp = ("127.0.0.1", port)
    assert p.send(mails.panel(ALARM))[0] == 250
    p.wait_events(2)


def test_it_does_not_cut_short_what_takes_long(postern):
    p = postern({"Site": {"Name": "Old"}})
    change(p, Site={"Name": "New"})
    silent = p.connect()
    with p.connect() as s:
        s.ehlo()
        s.mail("cam@house.example")
        s.rcpt("alarm@house.example")
        s.docmd("DATA")
        s.send(b"Subject: slow\r\n\r\n")
        time.sleep(1.2)  # longer than it takes for calm
        assert p.api.post("/api/v1/reload").status == 202
        assert p.api.post("/api/v1/reload").status == 409, "one at a time"
        assert p.send(mails.panel(ALARM))[0] == 250, "others go on meanwhile"
        assert setting(p, "Site:Name") == "Old" and starts(p) == 1
        s.send(b"the end\r\n.\r\n")
        assert s.getreply()[0] == 250
    wait_until("it has begun again", lambda: starts(p) == 2)
    assert setting(p, "Site:Name") == "New" and len(p.wait_events(2)) == 2
    assert silent.getreply()[0] == 421, "who says nothing is parted with"
    silent.close()


def test_while_mails_are_read_again_it_waits_to_be_asked_again(postern):
    p = postern({"Site": {"Name": "Old"}})
    for i in range(60):
        p.send(mails.panel(f"Zone:{i} A, Innenbereich Alarm"))
    p.wait_events(60)
    change(p, Site={"Name": "New"})
    assert p.api.post("/api/v1/reparse").status == 202
    answer = p.api.post("/api/v1/reload")
    assert answer.status in (202, 409)  # it may have ended
    if answer.status == 409:
        assert "again" in answer.json["detail"] and starts(p) == 1


def test_a_stream_goes_on_where_it_was(postern):
    p = postern({"Site": {"Name": "Old"}})
    reader = Stream(p)
    p.send(mails.panel("Zone:1 A, Innenbereich Alarm"))
    first = reader.next("event")[2]["id"]
    change(p, Site={"Name": "New"})
    reload(p)
    with pytest.raises((EOFError, OSError)):
        while True:
            reader.frame()
    p.send(mails.panel("Zone:2 B, Innenbereich Alarm"))
    again = Stream(p, last=reader.last)
    found = again.next("event")[2]
    assert found["id"] != first and found["zone"]["number"] == 2
    again.close()


def test_a_new_certificate_alone_needs_no_new_beginning(postern, tmp_path):
    from test_https import make
    make(tmp_path, "one")
    p = postern({"Smtp": {"Certificate": str(tmp_path / "one.crt"), "Key": str(tmp_path / "one.key")}})
    p.wait_log("certificate.used")
    make(tmp_path, "two")
    os.replace(tmp_path / "two.key", tmp_path / "one.key")
    os.replace(tmp_path / "two.crt", tmp_path / "one.crt")
    answer = p.api.post("/api/v1/reload")
    assert answer.status == 202 and not answer.json["restarts"]
    used = p.wait_log("certificate.used", count=2)
    assert used[0]["sha256"] != used[1]["sha256"] and starts(p) == 1


def told(manager, until):
    manager.settimeout(30)
    words = []
    while until not in (words[-1] if words else ""):
        words.append(manager.recv(4096).decode())
    return words


def test_the_manager_hears_that_it_reloads_and_when_it_is_ready(postern, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        p = postern({"Site": {"Name": "Old"}}, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        told(manager, "READY=1")
        change(p, Site={"Name": "New"})
        os.kill(p.pid, signal.SIGHUP)
        words = told(manager, "READY=1")
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", words[0]) and not any("STOPPING" in w for w in words), words
        change(p, Site={"TimeZone": "Mars/Base"})
        os.kill(p.pid, signal.SIGHUP)
        assert "RELOADING=1" in told(manager, "READY=1")[0]


def test_who_asks_needs_to_be_an_admin(postern):
    p = postern({"Api": {"Token": "boss"}})
    boss = Api(p.api.port, "boss")
    operator = Api(p.api.port, boss.post("/api/v1/tokens", {"name": "o", "role": "operate"}).json["token"])
    assert operator.post("/api/v1/reload").status == 403
    assert boss.post("/api/v1/reload").status == 202


# --- traffic ------------------------------------------------------------------------------------------------------------


class Panel(threading.Thread):
    """A device: one alarm after the other, each on a connection of its own, until told to end. 421 means: come again."""

    def __init__(self, p, number):
        super().__init__()
        self.p, self.number, self.kept, self.again, self.longest, self.error = p, number, [], 0, 0.0, None
        self.is_over = threading.Event()

    def send(self, text):
        began = time.monotonic()
        s = smtplib.SMTP(local_hostname="panel", timeout=60)
        try:
            code, _ = s.connect(*self.p.smtp)  # ConnectionRefusedError would end the test
            self.longest = max(self.longest, time.monotonic() - began)
            assert code == 220, code
            s.ehlo_or_helo_if_needed()
            s.sendmail("panel@house.example", ["alarm@house.example"], bytes(mails.panel(text)))
        finally:
            s.close()

    def run(self):
        i = 0
        try:
            while not self.is_over.is_set():
                text = f"Zone:{self.number * 1000 + i} T{self.number}x{i}y, Innenbereich Alarm"
                try:
                    self.send(text)
                except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException) as e:
                    assert isinstance(e, smtplib.SMTPServerDisconnected) or e.smtp_code == 421, e
                    self.again += 1
                    continue
                self.kept.append(text.split(",")[0].split(" ")[1])
                i += 1
                time.sleep(0.02)
        except Exception as e:  # said by the test
            self.error = e


def hook(far):
    return {"Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook", "Rate": 6000, "Burst": 100}}, "Recipients": {"anna": ["hook:"]}}


def tags(far):
    return collections.Counter(tag for r in far.requests for tag in set(re.findall(r"T\d+x\d+y", r.body.decode())))


def test_mails_all_the_time_during_many_reloads_are_all_kept_and_told_once(postern, far):
    count = rounds("reload", 20)
    p = postern({**hook(far), "Site": {"Name": "House 0"}})
    pid, panels = p.pid, [Panel(p, i) for i in range(3)]
    for one in panels:
        one.start()
    try:
        for i in range(count):
            change(p, Site={"Name": f"House {i + 1}"})
            reload(p, ("api", "signal")[i % 2])
    finally:
        for one in panels:
            one.is_over.set()
            one.join()
    assert [one.error for one in panels] == [None] * 3
    kept = [tag for one in panels for tag in one.kept]
    wait_until("all are told", lambda: set(kept) <= set(tags(far)), 60)
    assert p.pid == pid and starts(p) == count + 1 and setting(p, "Site:Name") == f"House {count}"
    p.stop()
    seen = tags(far)
    assert {tag: n for tag, n in seen.items() if n != 1} == {}, "told once"
    assert set(seen) == set(kept), "nothing but what heard 250"
    print(f"{count} reloads, {len(kept)} mails, {sum(one.again for one in panels)} asked to come again, "
          f"longest way to 220: {max(one.longest for one in panels) * 1000:.0f} ms")


@pytest.mark.parametrize("point", points_of("reload."))
def test_killed_in_the_middle_of_it_nothing_is_lost(postern, far, point):
    p = postern({**hook(far), "Site": {"Name": "Old"}})
    p.stop()
    p.fault = point
    p.start()
    panel = Panel(p, 1)
    panel.start()
    try:
        wait_until("mails come", lambda: len(panel.kept) > 3)
        change(p, Site={"Name": "New"})
        os.kill(p.pid, signal.SIGHUP)
        p.wait_killed()
    finally:
        panel.is_over.set()
        panel.join()
    p.fault = None
    p.start()
    assert setting(p, "Site:Name") == "New"
    kept = set(panel.kept)
    wait_until("all are told", lambda: kept <= set(tags(far)), 60)


@pytest.mark.parametrize("delay_ms", (0, 30, 60, 100, 150))
def test_a_stop_in_the_middle_of_it_is_a_stop(postern, delay_ms):
    p = postern({"Site": {"Name": "Old"}})
    change(p, Site={"Name": "New"})
    os.kill(p.pid, signal.SIGHUP)
    p.wait_log("reload.goes")
    time.sleep(delay_ms / 1000)  # whatever it is doing by then
    p.stop()


def test_the_command_shows_what_changes_and_what_is_wrong(postern):
    p = postern({"Site": {"Name": "Old"}})
    change(p, Site={"Name": "Ferienhaus"})
    run = p.command("reload")
    assert run.returncode == 0 and re.search(r"change +Site:Name +Old -> Ferienhaus", run.stdout), run
    wait_until("it has begun again", lambda: starts(p) == 2)
    change(p, Smtp={"MaxRecipients": 0})
    run = p.command("reload")
    assert run.returncode == 1 and re.search(r"MISTAKE +Smtp:MaxRecipients +0 is below", run.stdout) and "stay in force" in run.stdout, run
