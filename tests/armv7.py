"""armv7.py BUILD LEFT CHECKS: prints the unit tests of a build, a line each, without those that LEFT names; these are noted as skipped."""
import json
import pathlib
import subprocess
import sys


def main(build, left, checks):
    rows = [line.split("\t") for line in pathlib.Path(left).read_text().splitlines() if not line.startswith("#")]
    reasons = dict(rows)
    tests = json.loads(subprocess.run(["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True).stdout)
    names = [t["name"] for t in tests if any(suite.endswith("unit") for suite in t["suite"])]
    unknown = reasons.keys() - set(names)
    if unknown:
        sys.exit(f"{left} names what is no test: {', '.join(sorted(unknown))}")
    print("\n".join(name for name in names if name not in reasons))
    with open(checks, "a", encoding="utf-8") as f:
        f.writelines(f"skipped armv7 {name}: {why}\n" for name, why in reasons.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
