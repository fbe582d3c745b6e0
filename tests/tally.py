"""tally.py FOLDER: adds up what tools/test.sh left there and says it in one closing line; exit 1 if anything failed or nothing ran.

checks           a line per proof: "passed NAME", "failed NAME", "skipped NAME"
*.meson.json     a line per C test program as meson logs it; its cmocka cases are counted one by one
*.junit.xml      pytest's own count
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml
from collections import Counter


def of_checks(path):
    return Counter(line.split()[0] for line in path.read_text().splitlines())


def of_program(run):
    """One test program: its cmocka cases, or itself where it died before it could count them."""
    said = run.get("stdout", "") + run.get("stderr", "")
    passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", said, re.M)))
    failed = sum(map(int, re.findall(r"^\[  FAILED  \] (\d+) test", said, re.M)))
    skipped = sum(map(int, re.findall(r"^\[  SKIPPED \] (\d+) test", said, re.M)))
    if run["result"] == "SKIP":
        return Counter(skipped=1)
    if run["result"] == "OK":
        return Counter(passed=max(passed, 1), skipped=skipped)
    return Counter(passed=passed, failed=max(failed, 1), skipped=skipped)


def of_meson(path):
    return sum((of_program(json.loads(line)) for line in path.read_text().splitlines()), Counter())


def of_junit(path):
    total = Counter()
    for suite in xml.parse(path).getroot().iter("testsuite"):
        n = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
        failed = n["failures"] + n["errors"]
        total.update(passed=n["tests"] - failed - n["skipped"], failed=failed, skipped=n["skipped"])
    return total


def main(folder):
    readers = (("checks", of_checks), ("*.meson.json", of_meson), ("*.junit.xml", of_junit))
    total = Counter()
    for pattern, read in readers:
        for path in sorted(folder.glob(pattern)):
            count = read(path)
            print(f"{path.name.split('.')[0]}: {count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
            total += count
    more = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{more}")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
