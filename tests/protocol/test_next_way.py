"""A recipient's next account: at once where the first refuses, else after 30 s (alarm) or 5 min; the first goes on until one succeeded, then
it is withdrawn unless it is in flight. And when a debt is given up."""
import farside
import mails
import pytest
from farside import FarSide
from postern import wait_until

ALARM = ("Zone:8 Ost 1, Innenbereich Alarm", "alarm")
WARNING = ("Zone:2 Keller, Sensorüberwachungsfehler", "status")
INFO = ("Zone:1 Terrasse, DC Open - Mobility", "status")


def settings(first, second, **more):
    return {
        "Site": {"Language": "en"}, "Relay": {"RequestTimeout": 30},
        "Accounts": {"sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": first.url},
                     "hook": {"Provider": "webhook", "Url": second.url + "/hook"}},
        "Recipients": {"anna": ["sms:+491700000001", "hook:"]},
        "Routes": [{"Kinds": ["system.*"], "Tell": []}, {"Tell": ["anna"]}],
        **more,
    }


def send(p, mail):
    p.send(mails.panel(mail[0]), to=f"{mail[1]}@house")


@pytest.fixture
def two():
    with FarSide() as first, FarSide() as second:
        yield first, second


@pytest.mark.parametrize("word", ["INVALID_RECIPIENT", "INSUFFICIENT_CREDIT"])
def test_the_next_is_told_at_once_where_the_first_refuses(postern, two, clock, word):
    first, second = two
    first.always(farside.refuse(word))
    p = postern(settings(*two), clock=clock)
    send(p, WARNING)
    second.wait_accepted(1, seconds=5)
    p.wait_deliveries(1, "sent")


@pytest.mark.parametrize("mail, seconds", [(ALARM, 30), (WARNING, 300), (INFO, 300)], ids=["alarm", "warning", "info"])
def test_the_next_is_told_when_the_first_takes_too_long_and_the_first_is_withdrawn(postern, two, clock, mail, seconds):
    first, second = two
    first.always(farside.throttle(3600))
    p = postern(settings(*two), clock=clock)
    send(p, mail)
    p.wait_log("message.verdict", verdict="retry")
    wait_until("the verdict is kept", lambda: p.deliveries("waiting"))
    clock.advance((seconds - 5) * 1000)
    assert second.quiet(2)
    clock.advance(6 * 1000)
    second.wait_accepted(1, seconds=5)
    p.wait_deliveries(1, "sent")
    first.always(None)
    clock.advance(2 * 3600 * 1000)
    assert first.quiet(2) and len(first.requests) == 1, "who was told another way is not told again"


def test_the_first_goes_on_until_one_has_succeeded(postern, two, clock):
    first, second = two
    second.down()
    first.next(farside.throttle(60))
    p = postern(settings(*two), clock=clock)
    send(p, ALARM)
    p.wait_log("message.verdict", verdict="retry", account="sms")
    wait_until("the verdict is kept", lambda: p.deliveries("waiting"))
    clock.advance(31 * 1000)
    p.wait_log("message.verdict", verdict="retry", account="hook")
    clock.advance(31 * 1000)
    first.wait_accepted(1)
    p.wait_deliveries(1, "sent")
    second.up()
    clock.advance(3600 * 1000)
    assert second.quiet(2), "the second is withdrawn"


def test_what_is_in_flight_is_not_withdrawn_and_not_sent_again(postern, two, clock):
    first, second = two
    first.next(farside.slow(4))
    p = postern(settings(*two), clock=clock)
    send(p, ALARM)
    first.wait(1)
    clock.advance(31 * 1000)
    second.wait_accepted(1, seconds=3)
    first.wait_accepted(1)
    p.wait_deliveries(1, "sent")
    clock.advance(3600 * 1000)
    assert first.quiet(1.5) and len(first.requests) == 1


@pytest.mark.parametrize("mail, hours", [(ALARM, 72), (WARNING, 24), (INFO, 6)], ids=["alarm", "warning", "info"])
@pytest.mark.parametrize("change", [{}, {"Relay": {"GiveUpAlarm": 3, "GiveUpWarning": 2, "GiveUpInfo": 1}}], ids=["default", "set"])
def test_a_debt_is_given_up_after_so_much_running_time_and_not_by_a_clock_that_steps(postern, two, clock, mail, hours, change):
    first, second = two
    first.down()
    second.down()
    hours = {72: 3, 24: 2, 6: 1}[hours] if change else hours
    p = postern(settings(*two, **change), clock=clock)
    send(p, mail)
    p.wait_log("message.verdict", verdict="retry")
    clock.step(50 * 365 * 86400 * 1000)
    clock.step(-3600 * 1000)
    clock.advance((hours * 3600 - 60) * 1000)
    wait_until("it has looked", lambda: second.quiet(1.5))
    assert not p.deliveries("failed")
    clock.advance(120 * 1000)
    # An attempt that was under way is looked at again 10 s later, and an address that refused has its pause.
    [d] = wait_until("it is given up", lambda: clock.advance(500) or p.deliveries("failed"), every=0.1)
    first.up()
    assert p.api.post(f"/api/v1/deliveries/{d['id']}/retry").status == 202
    wait_until("it is told", lambda: clock.advance(500) or first.accepted, every=0.1)
