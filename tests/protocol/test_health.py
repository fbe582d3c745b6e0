"""/readyz: each reason comes when its cause comes and goes when it goes; only what keeps mails from being kept is down."""
import mails
from farside import FarSide
from postern import wait_until
from test_disk import failing  # noqa: F401 (a fixture)

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")
PICTURE = mails.camera(pictures=[mails.jpeg(seed=1, size=120_000)])


def reasons(p):
    answer = p.api.get("/readyz?verbose")
    return answer.status, {r["reason"] for r in answer.json["reasons"]}


def comes(p, reason, status=200, seconds=30):
    wait_until(f"{reason} comes", lambda: reason in reasons(p)[1], seconds)
    assert status is None or reasons(p)[0] == status


def goes(p, reason, seconds=30):
    wait_until(f"{reason} goes", lambda: reason not in reasons(p)[1], seconds)


def telling(far, **more):
    return {"Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook", **more}}, "Recipients": {"home": ["hook:"]}}


def test_all_is_well(postern):
    with FarSide() as far:
        p = postern(telling(far) | {"Site": {"TimeZone": "UTC"}})
        wait_until("ok", lambda: reasons(p) == (200, set()))
        assert p.api.get("/readyz").text.strip() == "ok"
        assert p.api.get("/livez").status == 200
        assert p.command("healthcheck").returncode == 0


def test_recipients_and_settings(postern):
    p = postern({"Smtp": {"Prot": 1}})
    assert {"recipients", "settings"} <= reasons(p)[1]
    p.stop()
    with FarSide() as far:
        p.configure(telling(far))
        p.start()
        assert not {"recipients", "settings"} & reasons(p)[1]


def test_account(postern, clock):
    with FarSide() as far:
        p = postern(telling(far), clock=clock)
        far.down()
        p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
        comes(p, "account:hook")
        assert p.command("healthcheck").returncode == 0, "degraded is no reason to restart a container"
        far.up()
        clock.advance(10 * 60 * 1000)
        goes(p, "account:hook")
        assert p.wait_deliveries(1, "sent")


def test_inspector(postern, tmp_path):
    real = None
    helper = tmp_path / "postern-inspect"
    p = postern({}, env={"POSTERN_INSPECT": str(helper)})
    real = p.binary.parent / "postern-inspect"
    comes(p, "inspector")
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    wait_until("told as unreadable", lambda: [e for e in p.events() if e["kind"] == "unreadable"], 40)
    helper.symlink_to(real)
    goes(p, "inspector", 60)
    wait_until("corrected", lambda: [e for e in p.events() if e["kind"] == "alarm.interior"], 60)
    assert len(p.events()) == 1


def test_clock(postern, clock):
    clock.step(-20 * 365 * 86400 * 1000)
    p = postern({}, clock=clock)
    comes(p, "clock")
    clock.step(20 * 365 * 86400 * 1000)
    goes(p, "clock")


def test_relay(postern, tmp_path):
    """Its thread stands still: seen after 30 s, and gone when it moves again. Mails are kept all the time."""
    stall = tmp_path / "stall"
    p = postern({}, build="plain", preload="stallpoll", env={"STALLPOLL_FILE": stall})
    assert "relay" not in reasons(p)[1]
    stall.touch()
    comes(p, "relay", seconds=60)
    assert p.send(ALARM)[0] == 250
    stall.unlink()
    goes(p, "relay")
    p.wait_deliveries(1, "sent")


def test_disk(failing):
    p, disk = failing({"Store": {"Reserve": 4, "MaxBytes": 1 << 40}}, rules=["quota * 12000000 ENOSPC"])
    wait_until("the reserve is there", lambda: (p.data / "reserve").exists())
    wait_until("it is full", lambda: p.send(PICTURE)[0] == 452)
    comes(p, "disk")
    assert p.send(ALARM)[0] == 250, "degraded: an alarm is still kept"
    disk.works()
    goes(p, "disk")
    [full], [free] = [e for e in p.events("kind=system.storage") if not e["restored"]], [e for e in p.events("kind=system.storage") if e["restored"]]
    assert full["severity"] == "warning" and free["severity"] == "info"


def test_store_and_down(failing):
    p, disk = failing()
    assert p.send(ALARM)[0] == 250
    assert "store" not in reasons(p)[1]
    disk.fails("sync *-wal 1+ EIO")
    assert p.send(ALARM)[0] == 451
    comes(p, "store", status=None)
    wait_until("three in a row: down", lambda: p.send(ALARM)[0] == 451 and p.api.get("/readyz").status == 503)
    assert p.api.get("/readyz?verbose").json["state"] == "down"
    assert p.command("healthcheck").returncode == 1
    assert p.api.get("/livez").status == 200, "it lives: a restart would not help"
    disk.works()
    goes(p, "store")
    wait_until("up again", lambda: p.api.get("/readyz").status == 200)
    assert p.send(ALARM)[0] == 250
    assert p.command("healthcheck").returncode == 0


def test_a_data_folder_that_dies_with_its_container_is_said(postern, tmp_path):
    table = tmp_path / "mountinfo"
    table.write_text("1 0 0:50 / / rw,relatime master:1 - overlay overlay rw\n")
    p = postern(env={"POSTERN_MOUNTINFO": table})
    told = wait_until("the event", lambda: p.events("kind=system.storage"))
    assert 'add "- ./data/postern:/data" under volumes' in told[0]["text"]
    p.wait_log("store.volume")
    ready = p.api.get("/readyz?verbose").json
    assert ready["state"] == "degraded" and "will not survive" in str(ready["reasons"])
