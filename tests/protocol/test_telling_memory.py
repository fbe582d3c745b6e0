"""What telling remembers: refusals that were told, by reason and through a restart; where a chat moved to; the last text; and the pace
of a whole account."""
import sqlite3

import farside
import mails
import pytest
from farside import FarSide
from postern import wait_until


def alarm(zone):
    return mails.panel(f"Zone:{zone} Ost, Innenbereich Alarm")


def people(far, **more):
    return {
        "Site": {"Language": "en", "Name": "Cabin"},
        "Accounts": {
            "sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url},
            "hook": {"Provider": "webhook", "Url": far.url + "/hook"},
        },
        "Recipients": {"anna": ["sms:+491700000001"], "home": ["hook:"]},
        "Routes": [{"Kinds": ["alarm.*"], "Tell": ["anna"]}, {"Kinds": ["system.*"], "Tell": ["home"]}],
        **more,
    }


def said(far):
    """The texts of what was told about telling, oldest first."""
    return [r.json["data"]["events"][0]["text"] for r in far.requests if r.service == "webhook"]


def said_is(far, count):
    return wait_until(f"{count} events about telling", lambda: said(far) if len(said(far)) >= count else None)


def attempts(far):
    return len([r for r in far.requests if r.service == "clicksend"])


def test_each_reason_is_told_once_and_the_end_of_all_once(postern, clock):
    with FarSide() as far:
        far.always(None)
        words = ["INSUFFICIENT_CREDIT", "INSUFFICIENT_CREDIT", "INVALID_SENDER_ID", "INSUFFICIENT_CREDIT", "INVALID_SENDER_ID"]
        far.next(farside.refuse(words[0]))
        p = postern(people(far), clock=clock)
        p.send(alarm(8))
        said_is(far, 1)
        for n, word in enumerate(words[1:], 2):
            far.next(farside.refuse(word))
            wait_until("it is tried again", lambda: attempts(far) >= n or clock.advance(60_000), every=0.2)
            if n == 3:
                said_is(far, 2)
        assert far.quiet(1.5)
        assert ["no credit" in said(far)[0], "sender not allowed" in said(far)[1], len(said(far))] == [True, True, 2], said(far)
        wait_until("the alarm goes out", lambda: [a for a in far.accepted if a[0] == "clicksend"] or clock.advance(60_000), every=0.2)
        assert "takes SMS again" in said_is(far, 3)[2]
        assert far.quiet(1.5) and len(said(far)) == 3


@pytest.mark.parametrize("end", ["stop", "kill9"])
def test_a_refusal_that_was_told_is_not_told_again_after_a_restart_but_its_end_is(postern, clock, end):
    with FarSide() as far:
        far.credit = 0
        p = postern(people(far), clock=clock)
        p.send(alarm(8))
        said_is(far, 1)
        p.wait_log("delivery.ended", recipient="home")
        wait_until("it waits", lambda: p.deliveries("waiting"))
        wait_until("nothing is being written", lambda: far.quiet(0.5))
        getattr(p, end)()
        p.start()
        p.send(alarm(9))
        wait_until("it is tried again", lambda: attempts(far) >= 2 or clock.advance(60_000), every=0.2)
        assert far.quiet(1.5) and len(said(far)) == 1, said(far)
        p.restart()
        far.credit = 10
        wait_until("both go out", lambda: len(p.deliveries("sent")) >= 3 or clock.advance(60_000), every=0.2)
        assert "takes SMS again" in said_is(far, 2)[1]
        assert far.quiet(1.5) and len(said(far)) == 2


def telegram(far, *chats, **more):
    return people(far, Accounts={"tg": {"Provider": "telegram", "Token": "123456:key", "Url": far.url},
                                 "hook": {"Provider": "webhook", "Url": far.url + "/hook"}},
                  Recipients={"anna": [f"tg:{c}" for c in chats], "home": ["hook:"]}, **more)


def chats_asked(far):
    return [str(r.value("chat_id")) for r in far.requests if r.service == "telegram"]


def test_a_chat_that_moved_is_known_after_a_restart(postern, clock):
    with FarSide() as far:
        far.moved_chats = {"-4711": -100123456}
        p = postern(telegram(far, "-4711"), clock=clock)
        p.send(alarm(8))
        far.wait(1, service="telegram")
        wait_until("it is tried there", lambda: clock.advance(10_000) or p.deliveries("sent"))
        p.restart()
        p.send(alarm(9))
        p.wait_deliveries(2, "sent")
        assert chats_asked(far) == ["-4711", "-100123456", "-100123456"]


def test_a_chat_that_blocks_the_bot_is_told_about_and_tried_until_it_opens_and_stops_nobody_else(postern, clock):
    with FarSide() as far:
        settings = telegram(far, "4711")
        settings["Recipients"]["bob"] = ["tg:4712"]
        settings["Routes"][0]["Tell"] = ["anna", "bob"]
        p = postern(settings, clock=clock)
        far.next(*[farside.refuse((403, "Forbidden: bot was blocked by the user"))])
        p.send(alarm(8))
        far.wait_accepted(1, service="telegram")
        assert "blocked" in said_is(far, 1)[0]
        p.wait_deliveries(1, "waiting")
        assert "account" not in p.api.get("/readyz?verbose").text
        p.send(alarm(9))  # who is not blocked hears the next one at once
        far.wait_accepted(2, service="telegram")
        wait_until("the verdicts are kept", lambda: len(p.deliveries("waiting")) == 2)
        wait_until("it opens", lambda: len(p.deliveries("sent")) >= 5 or clock.advance(60_000), every=0.2)
        assert "again" in said_is(far, 2)[1]
        assert len([a for a in far.accepted if a[0] == "telegram"]) == 4


def test_where_only_the_failing_account_is_asked_for_the_others_are_told(postern):
    """A route that sends all system events through the account that fails would be silence."""
    with FarSide() as far:
        settings = people(far, Routes=[{"Kinds": ["alarm.*"], "Tell": ["home"]}, {"Kinds": ["system.*"], "Tell": ["home"]}])
        p = postern(settings)
        far.next(farside.status(401))
        p.send(alarm(8))
        [told] = far.wait_accepted(1, service="clicksend")
        assert "Webhook refuses messages (key not valid)" in told[2]


def test_of_a_bad_number_the_other_numbers_of_the_account_are_told(postern):
    with FarSide() as far:
        p = postern(people(far, Recipients={"anna": ["sms:+491700000001"], "bob": ["sms:+491700000002"]},
                           Routes=[{"Devices": ["nobody"], "Tell": []}, {"Kinds": ["alarm.*"], "Tell": ["anna"]}]))
        far.next(farside.refuse("INVALID_RECIPIENT"))
        p.send(alarm(8))
        [told] = far.wait_accepted(1, service="clicksend")
        assert told[1] == "+491700000002" and "wrong number" in told[2]
        assert far.quiet(1.5)
        p.send(alarm(9))
        _, alarm_told, end_told = far.wait_accepted(3, service="clicksend")
        assert alarm_told[1] == "+491700000001" and end_told[1] == "+491700000002" and "takes SMS again" in end_told[2]


def test_the_last_text_is_known_after_a_restart(postern):
    """ClickSend swallows a text that equals the one before."""
    with FarSide() as far:
        far.throttles_equal_texts = True
        p = postern(people(far, Messages={"Style": "original"}))
        p.send(alarm(8))
        p.wait_deliveries(1, "sent")
        p.restart()
        p.send(alarm(8))
        p.wait_deliveries(2, "sent")
        first, second = [text for service, _, text in far.accepted if service == "clicksend"]
        assert second == first + " #2"


def test_no_second_holds_more_than_a_whole_account_may_send(postern):
    with FarSide() as far:
        settings = telegram(far)
        settings["Recipients"] = {f"r{i}": [f"tg:{4000 + i}"] for i in range(60)}
        settings["Routes"] = [{"Tell": list(settings["Recipients"])}]
        p = postern(settings)
        p.send(alarm(8))
        p.send(alarm(9))
        far.wait_accepted(60, seconds=20)
        # By the daemon's own word: on a busy machine they arrive here in heaps, and not in order.
        with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
            begun = db.execute("SELECT created_ms, address FROM messages ORDER BY seq").fetchall()
        assert len({address for _, address in begun[:60]}) == 60, "nobody hears a second message before all have heard the first"
        times = [t for t, _ in begun]
        assert max(sum(1 for other in times if t <= other < t + 1000) for t in times) <= 26
