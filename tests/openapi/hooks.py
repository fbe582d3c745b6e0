"""What schemathesis loads: requests of the right kind name things that are there, and every answer is counted.

Two of three requests that were meant to be right get ids out of POSTERN_THINGS (written by run.py); the others keep what was
made up, and so does every request that was meant to be wrong. What is erased or revoked is taken from the list for good.
"""
import collections
import itertools
import json
import os
import pathlib
import re

import schemathesis

THINGS = json.loads(pathlib.Path(os.environ["POSTERN_THINGS"]).read_text())
COUNTS = pathlib.Path(os.environ["POSTERN_COUNTS"])
for kind in ("tokens", "disposable"):  # each run has its own to destroy
    THINGS[kind] = THINGS[kind][int(os.environ["POSTERN_RUN"]) % 5::5]

turns = collections.Counter()
numbers = itertools.count()
counts = COUNTS.open("a", buffering=1)


def fits(case, pattern):
    return re.fullmatch(pattern, case.operation.label)


def take_turn(kind):
    """The next of its kind, round and round."""
    turns[kind] += 1
    return THINGS[kind][turns[kind] % len(THINGS[kind])]


def take_for_good(kind):
    return THINGS[kind].pop() if THINGS[kind] else None


# Operation -> the thing that fills its path. First that fits.
PATHS = [
    (r"DELETE /api/v1/tokens/.*", lambda: {"id": take_for_good("tokens")}),
    (r"DELETE /api/v1/events/.*", lambda: {"id": take_for_good("disposable")}),
    (r"GET /api/v1/events/\{id\}/media/.*", lambda: {"id": take_turn("pictures"), "n": 1}),
    (r"\w+ /api/v1/events/\{id\}.*", lambda: {"id": take_turn("events")}),
    (r"\w+ /api/v1/arrivals/.*", lambda: {"id": take_turn("arrivals")}),
    (r"\w+ /api/v1/deliveries/.*", lambda: {"id": take_for_good("failed")}),
    (r"POST /api/v1/accounts/.*", lambda: {"name": take_turn("accounts")}),
    (r"\w+ /api/v1/devices/.*", lambda: {"device": take_turn("devices")}),
]


def leave_job():
    """What `postern import eml FOLDER` leaves for the gateway; the folder is empty."""
    path = pathlib.Path(THINGS["import_job"])
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
        json.dump({"source": "eml", "paths": [THINGS["import_folder"]]}, f)


def is_meant_right(case):
    meta = case.meta
    return meta is None or (meta.generation.mode.is_positive and all(c.mode.is_positive for c in meta.components.values()))


def name_what_is_there(case):
    for pattern, find in PATHS:
        if fits(case, pattern):
            case.path_parameters.update({name: value for name, value in find().items() if value is not None})
            return


@schemathesis.hook
def before_call(context, case, kwargs):
    label = case.operation.label
    turns[label] += 1
    if is_meant_right(case):
        if turns[label] % 3:
            name_what_is_there(case)
        if label.startswith("DELETE /api/v1/events") and turns[label] % 3 and isinstance(case.query, dict):
            case.query.pop("confirm", None)  # a made-up number is rarely the right one
        if label == "POST /api/v1/tokens" and isinstance(case.body, dict) and "name" in case.body:
            case.body["name"] = f"token {next(numbers)}"
        if label == "POST /api/v1/reparse" and isinstance(case.body, dict):
            case.body["device"] = "nobody"  # done at once: one at a time
        if label == "POST /api/v1/import" and turns[label] % 3:
            leave_job()
    spare_ourselves(case, label)


def spare_ourselves(case, label):
    """The run would saw at its own branch: its token, and the account that its test messages leave by."""
    if label == "DELETE /api/v1/tokens/{id}" and case.path_parameters.get("id") in (THINGS["ours"], "api-token"):
        case.path_parameters["id"] = "01M7YVTF4BAT4TB4CBG2W9M336"
    if label == "POST /api/v1/accounts/{name}/pause" and case.path_parameters.get("name") in ("log", "sms"):
        case.path_parameters["name"] = "spare"


@schemathesis.hook
def after_call(context, case, response):
    counts.write(f"{case.method} {case.operation.path} {response.status_code}\n")
    if case.operation.label == "POST /api/v1/tokens" and response.status_code == 201:
        THINGS["tokens"].append(response.json()["id"])
