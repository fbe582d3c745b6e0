"""Links to pictures: good for a day and for one picture, without a token."""
import re
import stat

import pytest

import mails
from farside import FarSide
from postern import Api


@pytest.fixture
def far():
    with FarSide() as f:
        yield f


def urls(p, far):
    """What a webhook was sent of a mail with two pictures."""
    p.send(mails.camera(pictures=[mails.jpeg(1), mails.jpeg(2)]), to="einfahrt@house.example")
    [request] = far.wait(1)
    return [x["url"] for x in request.json["data"].get("pictures", [])]


def settings(far, **api):
    return {"Api": {"Address": "0.0.0.0", **api}, "Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook"}},
            "Recipients": {"house": ["hook:"]}, "Routes": [{"MinSeverity": "info", "Tell": ["house"]}]}


PUBLIC = "https://alarm.example.org/postern"


def test_a_link_shows_its_picture_to_whoever_has_it(postern, far, clock):
    p = postern(settings(far, PublicUrl=PUBLIC + "/"), clock=clock)
    first, second = [u.removeprefix(PUBLIC) for u in urls(p, far)]
    assert re.fullmatch(r"/api/v1/events/[0-9A-Z]{26}/media/1\?expires=\d+&key=[0-9a-f]{64}", first)
    nobody = Api(p.api.port)
    for path, picture in ((first, mails.jpeg(1)), (second, mails.jpeg(2))):
        answer = nobody.get(path)
        assert answer.status == 200 and answer.body == picture
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    key, plain = first.split("key=")[1], first.split("?")[0]
    expires = int(re.search(r"expires=(\d+)", first)[1])
    for wrong in (first[:-1] + ("0" if first[-1] != "0" else "1"), plain + f"?expires={expires + 1}&key={key}", plain + f"?key={key}",
                  second.split("?")[0] + "?" + first.split("?")[1], plain + f"?expires={expires}&key=", plain + f"?expires={expires}&key={key}0",
                  plain + f"?expires=0{expires}&key={key}"):
        answer = nobody.get(wrong)
        assert answer.status == 403 and "not one of ours" in answer.json["detail"], wrong
    assert nobody.get(plain).status == 401 and nobody.get(plain + f"?expires={expires}").status == 401
    assert nobody.get(f"/api/v1/events?key={key}&expires={expires}").status == 401, "it opens nothing else"
    assert key not in p.log_text()
    p.restart()
    assert Api(p.api.port).get(first).status == 200
    clock.advance(wall_ms=24 * 3600 * 1000 - 60_000)
    assert Api(p.api.port).get(first).status == 200
    clock.advance(wall_ms=61_000)
    answer = Api(p.api.port).get(first)
    assert answer.status == 403 and "expired" in answer.json["detail"]


def test_a_new_key_makes_all_links_void(postern, far):
    p = postern(settings(far, PublicUrl=PUBLIC))
    first = urls(p, far)[0].removeprefix(PUBLIC)
    path = p.data / "link-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(path.read_text().strip()) == 64
    assert Api(p.api.port).get(first).status == 200
    p.stop()
    path.unlink()
    p.start()
    assert Api(p.api.port).get(first).status == 403


def test_without_a_public_address_there_are_no_links(postern, far):
    p = postern(settings(far))
    assert urls(p, far) == []
