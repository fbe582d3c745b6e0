"""Pictures on their way to people: an album with the text, or behind it when they are heavy; never instead of it."""
import base64
import json

import pytest

import farside
import mails
from farside import FarSide
from postern import wait_until

CHAT = {"Recipients": {"anna": ["tg:4711"]}, "Routes": [{"MinSeverity": "info", "Tell": ["anna"]}]}


@pytest.fixture
def far():
    with FarSide() as f:
        yield f


def telegram(far, **more):
    return {"Accounts": {"tg": {"Provider": "telegram", "Token": "123:abc", "Url": far.url, "Rate": 6000, "Burst": 100, **more}}, **CHAT}


def show(p, *pictures):
    p.send(mails.camera(pictures=pictures), to="einfahrt@house.example")


def method(request):
    return request.path.rsplit("/", 1)[1]


def files(request):
    return [data for _, (filename, _, data) in sorted(request.parts.items()) if filename]


def test_three_pictures_are_an_album_with_the_text(postern, far):
    p = postern(telegram(far))
    pictures = [mails.jpeg(seed) for seed in (1, 2, 3)]
    show(p, *pictures)
    [request] = far.wait(1)
    assert method(request) == "sendMediaGroup" and files(request) == pictures
    assert "3 pictures" in json.loads(request.value("media"))[0]["caption"]
    p.wait_deliveries(1, "sent")


def test_one_picture_is_a_photo(postern, far):
    p = postern(telegram(far))
    show(p, mails.jpeg(7))
    [request] = far.wait(1)
    assert method(request) == "sendPhoto" and files(request) == [mails.jpeg(7)] and "CAMERA Home" in request.value("caption")


def test_ten_of_twelve_pictures_fit_an_album(postern, far):
    p = postern(telegram(far))
    show(p, *[mails.jpeg(seed) for seed in range(1, 13)])
    [request] = far.wait(1)
    assert sorted(files(request)) == sorted(mails.jpeg(seed) for seed in range(1, 11))


def test_over_a_megabyte_the_text_goes_first_and_the_pictures_follow(postern, far):
    p = postern(telegram(far))
    pictures = [mails.jpeg(seed, size=700_000) for seed in (1, 2)]
    show(p, *pictures)
    text, album = far.wait(2)
    assert method(text) == "sendMessage" and "2 pictures" in text.value("text")
    assert method(album) == "sendMediaGroup" and files(album) == pictures
    assert p.wait_deliveries(1, "sent")[0]["message"]["attempts"] == 1
    assert far.quiet(1.5)


def test_a_picture_of_twelve_megabytes_is_a_document(postern, far):
    p = postern(telegram(far))
    big = mails.jpeg(5, size=12_000_000)
    show(p, big)
    text, document = far.wait(2)
    assert (method(text), method(document)) == ("sendMessage", "sendDocument") and files(document) == [big]


def test_pictures_that_the_far_side_refuses_do_not_cost_the_text(postern, far):
    p = postern(telegram(far))
    far.next(farside.refuse((400, "Bad Request: IMAGE_PROCESS_FAILED")))
    show(p, mails.jpeg(1))
    text = wait_until("the text alone", lambda: [r for r in far.requests if method(r) == "sendMessage"], seconds=20)[0]
    assert "CAMERA Home" in text.value("text")
    p.wait_deliveries(1, "sent")


def test_pictures_that_follow_survive_a_restart_and_end_alone(postern, far):
    p = postern(telegram(far))
    far.next(farside.slow(0), farside.throttle(1, {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 1}}))
    show(p, mails.jpeg(1, size=1_500_000))
    far.wait(2)
    p.wait_deliveries(1, "sent")
    p.kill9()
    p.restart()
    wait_until("the photo", lambda: [r for r in far.requests[2:] if method(r) == "sendPhoto"], seconds=30)
    assert p.deliveries()[0]["state"] == "sent"


def test_webhook_base64_and_link(postern, far):
    p = postern({"Accounts": {"b": {"Provider": "webhook", "Url": far.url + "/b", "Pictures": "base64"},
                              "l": {"Provider": "webhook", "Url": far.url + "/l", "Pictures": "link"},
                              "n": {"Provider": "webhook", "Url": far.url + "/n", "Pictures": "none"}},
                 "Recipients": {"b": ["b:"], "l": ["l:"], "n": ["n:"]}, "Routes": [{"MinSeverity": "info", "Tell": ["b", "l", "n"]}],
                 "Api": {"PublicUrl": "https://alarm.example.org/"}})
    show(p, mails.jpeg(1), mails.jpeg(2))
    got = {r.path: r.json["data"] for r in far.wait(3)}
    assert [base64.b64decode(x["data"]) for x in got["/b"]["pictures"]] == [mails.jpeg(1), mails.jpeg(2)]
    event = got["/l"]["events"][0]["id"]
    assert [x["url"].split("?")[0] for x in got["/l"]["pictures"]] == [f"https://alarm.example.org/api/v1/events/{event}/media/{n}" for n in (1, 2)]
    assert "pictures" not in got["/n"]


def test_of_folded_events_the_first_picture_each(postern, far):
    p = postern(telegram(far))
    far.next(farside.slow(2))
    show(p, mails.jpeg(1))
    far.wait(1)
    for seed in (2, 4, 6):
        show(p, mails.jpeg(seed), mails.jpeg(seed + 1))
    p.wait_deliveries(4)
    _, folded = far.wait(2)
    assert method(folded) == "sendMediaGroup" and files(folded) == [mails.jpeg(2), mails.jpeg(4), mails.jpeg(6)]


def test_a_picture_that_is_gone_never_stops_the_text(postern, far):
    p = postern(telegram(far))
    far.down()
    show(p, mails.jpeg(1, size=300_000))
    show(p, mails.jpeg(2, size=2_000_000))
    p.wait_deliveries(2)
    for file in (p.folder / "data" / "arrivals").rglob("*.eml"):
        file.unlink()
    far.up()
    p.wait_deliveries(2, "sent")
    assert {method(r) for r in far.requests} == {"sendMessage"}
    p.wait_log("picture.missing")
