"""A panel mails one act to its alarm, status and Contact-ID recipient: separate events, linked, and nobody is told twice."""
import pytest

import mails
from farside import FarSide, refuse
from postern import wait_until

ALARM = "Zone:8 Ost 1, Innenbereich Alarm"
FRAME = "[haus 18113201008E5FA]"
KINDS = ["alarm.*", "mode.*"]
TO = {"alarm": ALARM, "status": ALARM, "contact-id": FRAME}


def settings(far, **more):
    return {
        "Site": {"Language": "en", "Name": "Cabin"},
        "Accounts": {"sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url},
                     "hook": {"Provider": "webhook", "Url": far.url + "/hook"}},
        "Recipients": {"anna": ["sms:+491700000001"], "home": ["hook:"]},
        "Routes": [{"Kinds": KINDS, "Tell": ["anna"]}, {"Otherwise": True, "Tell": []}],
        **more,
    }


def of_mails(p):
    """The events that came by mail, newest first: what we say ourselves is not among them."""
    return [e for e in p.events() if "arrival" in e]


def say(p, user, text=None):
    before = len(of_mails(p))
    address = f"{user}@house.example"
    p.send(mails.panel(text or TO[user], to=address), to=address)
    wait_until("it is understood", lambda: len(of_mails(p)) == before + 1)
    return of_mails(p)[0]


def deliveries(p):
    """(event, recipient) of all that was owed, in no order."""
    p.wait_settled()
    return sorted((d["event"], d["recipient"]) for d in p.api.all("/api/v1/deliveries"))


@pytest.mark.parametrize("order", [("alarm", "status", "contact-id"), ("contact-id", "alarm", "status"), ("status", "contact-id", "alarm")])
def test_three_mails_about_one_act_are_three_events_and_one_message(postern, order):
    with FarSide() as far:
        p = postern(settings(far))
        first, *others = [say(p, user) for user in order]
        assert "same_as" not in first
        assert [e["same_as"] for e in others] == [first["id"]] * 2
        assert {e["kind"] for e in (first, *others)} == {"alarm.interior"} and {e["code"] for e in (first, *others)} == {132}
        assert deliveries(p) == [(first["id"], "anna")]
        assert len(far.accepted) == 1
        assert p.api.get(f"/api/v1/events/{others[0]['id']}").json["same_as"] == first["id"]


def test_all_at_once_is_one_message_too(postern):
    with FarSide() as far:
        p = postern(settings(far))
        with p.connect() as s:
            s.ehlo()
            for user, text in TO.items():
                s.sendmail("panel@house.example", [f"{user}@house.example"], mails.panel(text))
        wait_until("all three are understood", lambda: len(of_mails(p)) == 3)
        events = of_mails(p)
        p.wait_settled()
        assert sorted("same_as" in e for e in events) == [False, True, True]
        assert len(far.accepted) == 1 and len(p.api.all("/api/v1/deliveries")) == 1


def test_two_equal_mails_to_one_recipient_are_two_acts(postern):
    with FarSide() as far:
        p = postern(settings(far))
        first, second, third, fourth = say(p, "alarm"), say(p, "alarm"), say(p, "status"), say(p, "status")
        assert "same_as" not in first and "same_as" not in second
        assert third["same_as"] == first["id"] and fourth["same_as"] == second["id"]
        assert deliveries(p) == sorted([(first["id"], "anna"), (second["id"], "anna")])


def test_who_was_not_told_of_the_first_is_told_of_the_second(postern):
    with FarSide() as far:
        p = postern(settings(far, Routes=[{"Kinds": KINDS, "To": ["alarm"], "Tell": ["anna"]},
                                          {"Kinds": KINDS, "To": ["status"], "Tell": ["anna", "home"]},
                                          {"Kinds": KINDS, "To": ["contact-id"], "Tell": ["home"]}, {"Otherwise": True, "Tell": []}]))
        alarm, state, code = say(p, "alarm"), say(p, "status"), say(p, "contact-id")
        assert state["same_as"] == code["same_as"] == alarm["id"]
        assert deliveries(p) == sorted([(alarm["id"], "anna"), (state["id"], "home")])
        [hook] = [r for r in far.requests if r.path == "/hook"]
        assert [e["same_as"] for e in hook.json["data"]["events"]] == [alarm["id"]]


def test_an_act_that_is_graver_than_it_was_told_is_told_again(postern):
    with FarSide() as far:
        p = postern(settings(far))
        state = say(p, "status", "Anna, Disarm")
        code = say(p, "contact-id", "[haus 18140100998]")  # with the duress code
        assert code["same_as"] == state["id"] and code["severity"] == "alarm" and state["severity"] == "info"
        assert deliveries(p) == sorted([(state["id"], "anna"), (code["id"], "anna")])


def test_whoever_could_not_be_told_of_the_first_is_told_of_the_second(postern):
    with FarSide() as far:
        p = postern(settings(far))
        far.next(refuse("INVALID_RECIPIENT"))
        alarm = say(p, "alarm")
        wait_until("the first has failed", lambda: p.deliveries("failed"))
        state = say(p, "status")
        assert state["same_as"] == alarm["id"]
        assert (state["id"], "anna") in deliveries(p)


def test_another_zone_device_or_end_is_another_act(postern):
    with FarSide() as far:
        p = postern(settings(far))
        events = [say(p, "alarm"), say(p, "status", "Zone:9 Ost 2, Innenbereich Alarm"), say(p, "status", "Zone:8 Ost 1, Sabotage Alarm"),
                  say(p, "status", "Zone:8 Ost 1, Innenbereich Alarm deaktiviert"), say(p, "contact-id", "[haus 18113001009]")]
        assert [e for e in events if "same_as" in e] == [events[4]]  # a burglary in zone 9: what the second said
        assert events[4]["same_as"] == events[1]["id"]
        p.send(mails.panel(ALARM), to="status@house.example", sender="gate@house.example")
        wait_until("the sixth is understood", lambda: len(of_mails(p)) == 6)
        assert "same_as" not in of_mails(p)[0]


def test_it_is_known_after_a_restart_and_after_kill_9(postern):
    with FarSide() as far:
        p = postern(settings(far))
        alarm = say(p, "alarm")
        p.wait_settled()
        p.kill9()
        p.start()
        state = say(p, "status")
        p.restart()
        code = say(p, "contact-id")
        assert state["same_as"] == code["same_as"] == alarm["id"]
        assert len(deliveries(p)) == len(far.accepted) == 1


def test_kill_9_between_linking_and_its_commit_changes_nothing(postern):
    with FarSide() as far:
        p = postern(settings(far))
        alarm = say(p, "alarm")
        p.wait_settled()
        p.restart(fault=f"relay.debts_written:{p.hits()['relay.debts_written']}")  # what a start says itself passes it, too
        p.send(mails.panel(ALARM), to="status@house.example")
        p.wait_killed()
        p.restart()
        wait_until("the second is understood", lambda: len(of_mails(p)) == 2)
        assert of_mails(p)[0]["same_as"] == alarm["id"]
        assert len(deliveries(p)) == len(far.accepted) == 1


def test_later_than_the_setting_and_with_zero_never(postern, clock):
    with FarSide() as far:
        p = postern(settings(far), clock=clock)
        say(p, "alarm")
        clock.advance(wall_ms=11000)
        assert "same_as" not in say(p, "status")
        p.stop()
        p.configure(settings(far, Parsers={"SameActSeconds": 0}))
        p.start()
        assert "same_as" not in say(p, "contact-id")
        assert len(deliveries(p)) == len(far.accepted) == 3


def test_a_message_that_was_not_needed_costs_no_token(postern):
    """Burst 2, next to no rate: three acts of three mails each would need nine tokens; they need three, and two are there."""
    with FarSide() as far:
        p = postern(settings(far, Accounts={"sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url,
                                                    "Rate": 0.01, "Burst": 2}}, Recipients={"anna": ["sms:+491700000001"]}))
        for zone in (1, 2):
            for user in ("alarm", "status"):
                say(p, user, f"Zone:{zone} Ost, Innenbereich Alarm")
                wait_until("it is sent", lambda n=zone: len(far.accepted) == n)
        p.wait_settled()


def test_a_panel_of_the_settings_is_known_by_its_login_and_told_in_its_language(postern):
    with FarSide() as far:
        p = postern(settings(far, Devices={"haus": {"Name": "Haus", "Kind": "panel", "Language": "de", "Match": {"Login": "xt1"}}}))
        for user in ("contact-id", "alarm"):
            p.send(mails.panel(TO[user]), to=f"{user}@house.example", sender=f"{user}@house.example", login="xt1")
            wait_until("it is understood", lambda n=user: of_mails(p) and of_mails(p)[0]["parser"] == {"alarm": "lupusec"}.get(n, n))
        text, code = of_mails(p)
        assert code["text"] == f"Einbruch Innenbereich {FRAME}" and code["device"] == text["device"] == {"id": "haus", "name": "Haus"}
        assert text["same_as"] == code["id"]
