"""gotify.py: the real Gotify server (build/servers/gotify, made by tools/servers.sh) in the hands of a test.

    def test_something(gotify):                       # the fixture of conftest.py: one server for all tests of a process
        token = gotify.application("Alarm")
        …
        [message] = gotify.wait(token_of="Alarm")     # newest first
"""
import base64
import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

from postern import ROOT, die_with_parent, free_port, wait_until

BINARY = ROOT / "build/servers/gotify"
VERSION = BINARY.with_suffix(".version")


class Gotify:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.version = VERSION.read_text().strip()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.applications = {}
        self.process = None

    def start(self):
        env = {
            **os.environ, "GOTIFY_SERVER_PORT": str(self.port), "GOTIFY_SERVER_LISTENADDR": "127.0.0.1",
            "GOTIFY_DATABASE_DIALECT": "sqlite3", "GOTIFY_DATABASE_CONNECTION": str(self.folder / "gotify.db"),
            "GOTIFY_UPLOADEDIMAGESDIR": str(self.folder / "images"), "GOTIFY_PLUGINSDIR": str(self.folder / "plugins"),
            "GOTIFY_DEFAULTUSER_NAME": "admin", "GOTIFY_DEFAULTUSER_PASS": "admin", "GOTIFY_PASSSTRENGTH": "4",
        }
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([str(BINARY)], cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)
        wait_until("Gotify answers", self._is_healthy, 20, 0.1)
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)

    def _is_healthy(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return self.ask("GET", "/health")["health"] == "green"
        except (urllib.error.URLError, ConnectionError):
            return False

    def ask(self, method, path, body=None):
        """A request as its owner; the answer's JSON."""
        headers = {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode(), "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as r:
            return json.loads(r.read() or b"null")

    def application(self, name):
        """A new application; its token."""
        made = self.ask("POST", "/application", {"name": name})
        self.applications[made["token"]] = made["id"]
        return made["token"]

    def messages(self, token):
        """What that application was told, newest first, as Gotify keeps it."""
        return self.ask("GET", f"/application/{self.applications[token]}/message?limit=100")["messages"]

    def wait(self, token, count=1, seconds=10):
        def look():
            found = self.messages(token)
            return found if len(found) >= count else None
        return wait_until(f"{count} messages in Gotify", look, seconds, 0.05)
