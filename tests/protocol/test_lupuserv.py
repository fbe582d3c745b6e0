"""LupuServ's owners change nothing: their file, as .NET reads it, tells whom it always told."""
import http.server
import threading
import time

import pytest

import mails
from farside import FarSide
from postern import wait_until

FILE = '''{{ "Service": {{
    "Gateway": "ClickSend",
    // not required when using ClickSend
    "CM": {{ "ApiKey": "<CM API key>" }},
    "ClickSend": {{ "Username": "casa", "Token": "0123-4567", "Url": "{url}" }},
    "From": "Lupusec", "Recipients": [ "+491700000001", "00491700000002" ],
    "StatusUser": "status", "AlarmUser": "alarm", "Port": 2025,
    "CentralStation": {{ "Address": "{panel}", "Username": "admin", "Password": "lupus" }},
    "Gotify": {{ "Url": "{url}/",
      "Status": {{ "AppToken": "tStatus", "Title": "Status Update", "Priority": 1, "IsEnabled": "True" }},
      "Alarm": {{ "AppToken": "tAlarm", "ExclusionPattern": "Sabotage.*deaktiviert", "Priority": "8" }},
      {system}
      "Sensors": {{ "AppToken": "tSensors" }}, }} }},
  "Serilog": {{ "MinimumLevel": "Debug" }},
  "ConnectionStrings": {{ "MongoDB": "mongodb://lupuserv-ferretdb:27017/lupuserv-events" }} }}
'''
SYSTEM = '"System": { "AppToken": "tSystem" },'
LIST = b'/*-secure-\n{\tsenrows : [\n{no : 1, type : "Kontakt", name : "Terrasse", cond : "Offen", battery : "", tamp : ""},\n' \
       b'{no : 2, type : "PIR", name : "Caf\xc3\xa9", cond : "", battery : "Schwach", tamp : ""}\n] }\n*/\n'


@pytest.fixture
def panel():
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            good = self.path == "/action/sensorListGet" and self.headers.get("Authorization") == "Basic YWRtaW46bHVwdXM="
            self.send_response(200 if good else 401)
            self.send_header("Content-Length", str(len(LIST) if good else 0))
            if not good:
                self.send_header("WWW-Authenticate", 'Basic realm="."')
            self.end_headers()
            if good:
                self.wfile.write(LIST)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def file(far, panel="http://127.0.0.1:1", system=SYSTEM):
    return ("\ufeff" + FILE.format(url=far.url, panel=panel, system=system)).replace("\n", "\r\n").encode()


def told(far):
    """Who was told: numbers and channels with their texts."""
    return [(address, text) for _, address, text in far.accepted]


def numbers(far, part):
    return sorted(address for address, text in told(far) if address.startswith("+") and part in text)


def channels(far, part):
    return sorted(r.headers.get("X-Gotify-Key", r.headers.get("x-gotify-key", "")) for r in far.requests
                  if r.path.startswith("/message") and part in r.body.decode())


def test_alarms_go_by_sms_to_all_and_to_the_alarm_channel(postern):
    with FarSide() as far:
        p = postern(file(far))
        p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), to="alarm@house")
        wait_until("told", lambda: len(numbers(far, "Ost 1")) == 2 and channels(far, "Ost 1") == ["tAlarm"])
        assert numbers(far, "Ost 1") == ["+491700000001", "+491700000002"]


def test_status_goes_to_its_channel_and_by_sms_only_if_critical(postern):
    with FarSide() as far:
        p = postern(file(far))
        p.send(mails.panel("Zone:1 Terrasse, DC Open - Mobility"), to="status@house")
        wait_until("told", lambda: channels(far, "Terrasse") == ["tStatus"])
        p.send(mails.panel("Zone:2 Keller, Sensorüberwachungsfehler"), to="status@house")
        wait_until("told", lambda: len(numbers(far, "Keller")) == 2 and channels(far, "Keller") == ["tStatus"])
        assert numbers(far, "Terrasse") == []
        status = [r for r in far.requests if r.path.startswith("/message") and "Terrasse" in r.body.decode()][0].json
        assert status["title"] == "Status Update" and status["priority"] == 1
        assert status["message"].startswith("Zone:1 Terrasse, DC Open - Mobility"), "the mail's own text"


def test_an_alarm_sent_to_the_status_user_is_an_alarm(postern):
    with FarSide() as far:
        p = postern(file(far))
        p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), to="status@house")
        wait_until("told", lambda: len(numbers(far, "Ost 1")) == 2 and channels(far, "Ost 1") == ["tAlarm", "tStatus"])


def test_what_the_pattern_excludes_is_not_sent_to_that_channel(postern):
    with FarSide() as far:
        p = postern(file(far))
        p.send(mails.panel("Zone:3 Bad, Sabotage Alarm deaktiviert"), to="alarm@house")
        wait_until("told", lambda: len(numbers(far, "Bad")) == 2)
        p.send(mails.panel("Zone:4 Flur, Sabotage Alarm"), to="alarm@house")
        wait_until("told", lambda: channels(far, "Flur") == ["tAlarm"])
        assert channels(far, "Bad") == []


def test_other_mails_go_to_the_system_channel(postern):
    with FarSide() as far:
        p = postern(file(far))
        p.send(mails.plain("the router has a new firmware", "note"), to="admin@house")
        wait_until("told", lambda: channels(far, "firmware") == ["tSystem"])
        assert numbers(far, "firmware") == []


def test_without_that_channel_other_mails_go_by_sms_once_an_hour(postern, clock):
    with FarSide() as far:
        p = postern(file(far, system=""), clock=clock)
        for i in range(4):
            p.send(mails.plain(f"note {i}", f"subject {i}"), to="admin@house")
            p.wait_events(i + 1)
        wait_until("the first is told", lambda: len([a for a, _ in told(far) if a.startswith("+")]) >= 2)
        assert len([a for a, _ in told(far) if a == "+491700000001"]) == 1
        clock.advance(61 * 60 * 1000)
        wait_until("the rest is folded", lambda: len([a for a, _ in told(far) if a == "+491700000001"]) == 2)


def test_the_panel_is_asked_at_midnight(postern, panel, clock):
    with FarSide() as far:
        clock.advance((86400 - int(time.time()) % 86400 + 12 * 3600) * 1000)  # a noon
        p = postern(file(far, panel), clock=clock)
        clock.advance(24 * 3600 * 1000)
        wait_until("the list is told", lambda: channels(far, "Terrasse") == ["tSensors"])
        assert [e["zone"] for e in p.events("kind=trouble.battery")] == [{"number": 2, "name": "Café"}]


def test_the_shipped_example_runs_names_its_placeholders_and_sends_nothing(postern):
    import pathlib
    example = pathlib.Path(__file__).resolve().parents[1] / "data/settings/lupuserv-placeholders.json"
    p = postern(example.read_bytes())
    named = {line["path"] for line in p.log("settings.mistake")}
    assert {"Service:Recipients:0", "Service:ClickSend:Username", "Service:ClickSend:Token", "Service:Gotify:Status"} <= named
    assert p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))[0] == 250
    assert {d["message"]["provider"] for d in p.wait_deliveries(1, "sent")} == {"log"}
