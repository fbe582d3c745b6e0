"""The archive in a MongoDB-compatible server: what is copied, how it is read back, and that it never stands in the way."""
import hashlib
import time

import bson
import mails
import mongo
import pytest
from postern import wait_until


def settings(uri, site="Home", **archive):
    return {"Site": {"Name": site, "TimeZone": "Europe/Berlin"}, "ConnectionStrings": {"MongoDB": uri}, "Archive": archive}


def is_copied(p):
    return p.metric("postern_archive_lag_events") == 0


def wait_copied(p, seconds=30):
    wait_until("the archive has everything", lambda: is_copied(p), seconds, 0.1)


def assert_agree(p, server, site="Home"):
    """Both stores have the same events, each of them the same."""
    here = {e["id"]: e for e in p.events()}
    wait_until("both stores have as many", lambda: len(server.events(site)) >= len(here), 20, 0.2)
    there = server.events(site)
    assert there.keys() == here.keys()
    for name, event in here.items():
        assert there[name]["event"] == event


@pytest.fixture(params=["ferretdb", "javamongo"])
def server(request):
    """Each of the two real servers."""
    return request.getfixturevalue(request.param)


def test_events_and_pictures_come_into_the_archive(postern, server):
    pictures = [mails.jpeg(1, size=600_000), mails.jpeg(2, size=20_000)]
    p = postern(settings(server.uri))
    p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"))
    p.send(mails.camera(pictures=pictures), to="einfahrt@house")
    p.send(mails.camera(pictures=pictures[:1]), to="einfahrt@house")
    p.wait_events(3)
    wait_copied(p)
    assert_agree(p, server)
    with server.database() as db:
        files = {f["_id"]: f for f in db["fs.files"].find()}
        assert files.keys() == {hashlib.sha256(x).hexdigest() for x in pictures}
        for x in pictures:
            name = hashlib.sha256(x).hexdigest()
            assert files[name]["length"] == len(x)
            chunks = sorted(db["fs.chunks"].find({"files_id": name}), key=lambda c: c["n"])
            assert b"".join(c["data"] for c in chunks) == x
        [gateway] = wait_until("the archive knows its gateway", lambda: list(db["gateways"].find()))
        assert gateway["site"] == "Home" and gateway["seq"] >= 3
