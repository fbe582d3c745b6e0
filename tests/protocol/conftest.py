"""The fixtures of the protocol tests; what they hand out is described in postern.py.

    def test_a_mail_is_kept(postern):
        p = postern({"Site": {"Name": "Home"}})
        p.send(mails.panel("Zone:8 Ost 1, Innenbereich Alarm"), to="alarm@house")
        assert p.wait_events(1)[0]["kind"] == "alarm.interior"

Every daemon is stopped at the end of its test, and the test fails if it leaves a sanitizer's report, a child, or another
exit code than 0. Mark a test `threads` (pytest.mark.threads) to run it on the ThreadSanitizer build as well.
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import gotify as gotify_server  # noqa: E402
import mongo  # noqa: E402
from postern import Clock, Postern  # noqa: E402


@pytest.fixture
def postern(tmp_path):
    """A function that starts a daemon: postern(settings, env=…, build=…, preload=…, clock=…, fault=…, args=…); see Postern."""
    started = []

    def start(settings=None, **options):
        folder = tmp_path / f"postern{len(started) or ''}"
        p = Postern(folder, settings, **options)
        started.append(p)
        p.start()
        return p

    yield start
    for p in started:
        p.close()


@pytest.fixture
def clock(tmp_path):
    """A test clock to hand to postern(clock=…): clock.advance(wall_ms=…, mono_ms=…)."""
    c = Clock(tmp_path / "clock")
    yield c
    c.close()


@pytest.fixture(scope="session")
def gotify(tmp_path_factory):
    """The real Gotify server, see gotify.py. Where it was not built its tests are skipped, and counted as skipped."""
    if not gotify_server.BINARY.exists():
        pytest.skip("no Gotify server: tools/servers.sh")
    server = gotify_server.Gotify(tmp_path_factory.mktemp("gotify"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def ferretdb(tmp_path):
    """A FerretDB of this test's own, see mongo.py. Where it was not built its tests are skipped, and counted as skipped."""
    if not mongo.FERRETDB.exists():
        pytest.skip("no FerretDB: tools/servers.sh")
    server = mongo.FerretDB(tmp_path / "ferretdb")
    yield server.start()
    server.kill()


@pytest.fixture
def ferretdb_with(tmp_path):
    """ferretdb_with(option, …): one with options, see mongo.FerretDBProgram; without any: that of the compose file."""
    if not mongo.FERRETDB_PROGRAM.exists():
        pytest.skip("no FerretDB: tools/servers.sh")
    servers = []

    def start(*options):
        folder = tmp_path / f"ferretdb{len(servers)}"
        servers.append(mongo.FerretDBProgram(folder, *options) if options else mongo.FerretDBOfCompose(folder))
        return servers[-1].start()
    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def javamongo(tmp_path):
    """A mongo-java-server, the second opinion."""
    if not mongo.SERVERS.joinpath("javamongo.version").exists():
        pytest.skip("no mongo-java-server: tools/servers.sh")
    server = mongo.JavaMongo(tmp_path / "javamongo")
    yield server.start()
    server.kill()
