"""run.py: schemathesis asks the real gateway, which has 1,000 events, everything that api/openapi.json says may be asked, and
much that may not. Exit 1 if an answer is a 5xx or not documented, if an operation answered 2xx fewer than 20 times, or if a run
with one wrong field in a copy of the document does not fail.

    build/venv-openapi/bin/python tests/openapi/run.py [SECONDS]
"""
import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "protocol"))

import mails  # noqa: E402
import openapi  # noqa: E402
from farside import FarSide, refuse  # noqa: E402
from postern import Postern  # noqa: E402

EVENTS, ENOUGH = 1000, 20
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method"


# --- the gateway and its history ----------------------------------------------------------------------------------------


def settings(far):
    return {
        "Site": {"Name": "Hütte"},
        "Accounts": {"log": {"Provider": "log"}, "spare": {"Provider": "log"}, "sms": {"Provider": "clicksend", "Username": "casa", "Token": "key-1234", "Url": far.url}},
        "Recipients": {"anna": ["log:"], "lost": ["sms:+491700000001"]},
        "Routes": [{"Kinds": ["test.*"], "Tell": ["anna"]}, {"To": ["lost"], "Tell": ["lost"]}, {"Otherwise": True, "Tell": []}],
        "Devices": {"fixed": {"Name": "Named by the settings", "Match": {"Login": "fixed"}}},
    }


def a_mail(i):
    if i % 10 == 0:
        return mails.camera(pictures=[mails.jpeg(i)], text=f"Camera {i}")
    if i % 10 == 1:
        return mails.plain(f"Grüße, Nummer {i}", subject="=cmd|' /C calc'!A0")
    return mails.panel(f"Zone:{i % 40} Tür {i % 40}, " + ["Innenbereich Alarm", "DC Open", "Sabotage Alarm", "Panikalarm"][i % 4])


def fill(p):
    with p.connect() as s:
        s.ehlo()
        for i in range(EVENTS):
            s.mail(f"device{i % 7}@house.example")
            s.rcpt("lost@house.example" if i % 25 == 2 else "alarm@house.example")
            code, text = s.data(bytes(a_mail(i)))
            assert code == 250, text
    return p.wait_events(EVENTS, seconds=120)


def things(p, token):
    """What hooks.py puts into paths."""
    events = fill(p)
    lost = p.wait_deliveries(EVENTS // 25, "failed", seconds=120)
    empty = p.folder / "empty"
    empty.mkdir()
    tokens = [p.api.post("/api/v1/tokens", {"name": f"old {i}", "role": "read"}).json["id"] for i in range(150)]
    return {
        "events": [e["id"] for e in events[:300]], "disposable": [e["id"] for e in events[300:]],
        "pictures": [e["id"] for e in events[:300] if e.get("media")],
        "arrivals": [e["arrival"] for e in events[:300] if "arrival" in e],
        "failed": [d["id"] for d in lost], "devices": [d["id"] for d in p.api.all("/api/v1/devices")],
        "accounts": ["spare"], "import_job": str(p.data / "import.json"), "import_folder": str(empty), "tokens": tokens, "ours": token["id"],
    }


# --- runs -----------------------------------------------------------------------------------------------------------------


class Runs:
    def __init__(self, p, folder, token, found):
        self.p, self.folder, self.token = p, folder, token
        (folder / "things.json").write_text(json.dumps(found))
        self.counts = folder / "counts"
        self.number = 0

    def run(self, document, *options):
        """schemathesis over this document; what it said, and whether it found nothing."""
        (self.folder / "document.json").write_text(json.dumps(document))
        # One worker: hypothesis keeps caches that threads may not share.
        command = [pathlib.Path(sys.executable).with_name("st"), "--config-file", HERE / "schemathesis.toml", "run", self.folder / "document.json", "--url", self.p.api.url(""),
                   "-H", f"Authorization: Bearer {self.token['token']}", "-c", CHECKS, "--no-color", "--warnings", "off",
                   "--generation-database", "none", "--request-timeout", "40", "--continue-on-failure", *options]
        self.number += 1
        env = {**os.environ, "POSTERN_RUN": str(self.number), "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1",
               "POSTERN_THINGS": str(self.folder / "things.json"), "POSTERN_COUNTS": str(self.counts)}
        done = subprocess.run([str(c) for c in command], cwd=self.folder, env=env, capture_output=True, text=True)
        return done.stdout + done.stderr, done.returncode == 0

    def answers(self):
        """{operation: {status: how often}}"""
        out = collections.defaultdict(collections.Counter)
        for line in self.counts.read_text().splitlines():
            label, status = line.rsplit(" ", 1)
            out[label][int(status)] += 1
        return out


def good_of(seen):
    return sum(n for status, n in seen.items() if 200 <= status < 300)


def lacking(answers):
    """The operations that have not yet answered well often enough."""
    return [(method, path) for method, path, _ in openapi.document().operations() if good_of(answers[f"{method} {path}"]) < ENOUGH]


def ask_again(p, method, path):
    """What has next to nothing to vary is one case for schemathesis: the same again, held against the document by Api.request()."""
    seen = collections.Counter()
    while good_of(seen) < ENOUGH and sum(seen.values()) < 2 * ENOUGH:
        seen[p.api.request(method, path).status] += 1
    return seen


def fill_up(runs):
    """Right requests only, to those operations that the time did not suffice for; at most three times."""
    answers, faults = runs.answers(), []
    for seed in ("2", "3", "4"):
        named = [word for method, path in lacking(answers) for word in ("--include-name", f"{method} {path}")]
        if not named or faults:
            break
        said, is_well = runs.run(openapi.document().root, "--phases", "fuzzing", "--mode", "positive", "-n", "60", "--seed", seed, *named)
        faults += [] if is_well else [said[-12000:]]
        answers = runs.answers()
        for method, path in lacking(answers):
            if method == "GET" and "{" not in path:
                answers[f"{method} {path}"] += ask_again(runs.p, method, path)
    return answers, faults


def with_one_wrong_field():
    """A copy that has "kinds" where the gateway says "kind"."""
    document = json.loads(openapi.PATH.read_text())
    event = document["components"]["schemas"]["Event"]
    event["properties"]["kinds"] = event["properties"].pop("kind")
    event["required"] = ["kinds" if name == "kind" else name for name in event["required"]]
    return document


def judge(runs, seconds):
    said, is_well = runs.run(openapi.document().root, "--phases", "examples,coverage,fuzzing", "-n", "30", "--seed", "1", "--max-time", seconds)
    answers, faults = fill_up(runs)
    for method, path, _ in openapi.document().operations():
        print(f"{method:6} {path:40} {dict(sorted(answers[f'{method} {path}'].items()))}")
    faults += [f"{method} {path} answered 2xx fewer than {ENOUGH} times" for method, path in lacking(answers)]
    if not is_well:
        faults.append(said[-12000:])
    said, is_well = runs.run(with_one_wrong_field(), "--phases", "fuzzing", "-n", "5", "--include-path", "/api/v1/events/{id}", "--max-time", 10)
    if is_well or "kind" not in said:
        faults.append("a document with one wrong field was not noticed\n" + said[-2000:])
    return faults


@contextlib.contextmanager
def gateway(folder):
    with FarSide() as far:
        far.always(refuse("INVALID_RECIPIENT"))
        p = Postern(folder, settings(far))
        p.start()
        try:
            yield p
        finally:
            p.close()


def main(seconds):
    with tempfile.TemporaryDirectory(prefix="postern-openapi-") as folder:
        folder = pathlib.Path(folder)
        started = time.monotonic()
        with gateway(folder / "gateway") as p:
            token = p.api.post("/api/v1/tokens", {"name": "schemathesis", "role": "admin"}).json
            runs = Runs(p, folder, token, things(p, token))
            print(f"{EVENTS} events after {time.monotonic() - started:.0f} s")
            faults = judge(runs, seconds)
        print(f"{time.monotonic() - started:.0f} s")
    for fault in faults:
        print(f"-- {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
