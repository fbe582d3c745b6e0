"""What can be said of the image, the compose file and the units without building or starting them; `make image-check` does that."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

import mails

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.example.yml"
HADOLINT = pathlib.Path(sys.executable).with_name("hadolint")


def services():
    return yaml.safe_load(COMPOSE.read_text())["services"]


@pytest.mark.skipif(not HADOLINT.exists(), reason="no hadolint for this machine on PyPI")
def test_the_dockerfile_is_lint_free():
    # Versions are the suite's (DL3008), `base` is an argument's (DL3006), the shell is POSIX without pipes (DL4006), /etc/target sets
    # what seems not to be set (SC2154).
    ignored = [word for rule in ("DL3008", "DL3006", "DL4006", "SC2046", "SC2154") for word in ("--ignore", rule)]
    run = subprocess.run([HADOLINT, *ignored, ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_dockerfile_needs_no_front_end_from_a_registry_and_ends_as_nobody():
    text = (ROOT / "Dockerfile").read_text()
    assert "# syntax=" not in text
    for stage in re.split(r"^FROM ", text, flags=re.M)[-2:]:
        assert "USER 10001:10001" in stage and "HEALTHCHECK" in stage and "STOPSIGNAL SIGTERM" in stage and "RUN" not in stage


def test_the_build_in_the_image_is_given_all_it_reads():
    let_in = {line[1:].strip() for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    named = {match for path in [ROOT / "meson.build", *ROOT.glob("[a-z]*/meson.build")] if path.parent.name not in ("tests", "build")
             for match in re.findall(r"files\('\.\./([^']+)'\)", path.read_text())}
    named |= set(re.findall(r"^subdir\('(\w+)'\)", (ROOT / "meson.build").read_text(), flags=re.M))
    named |= set(re.findall(r"sh (docker/[\w.-]+)", (ROOT / "Dockerfile").read_text()))
    assert named and not {name for name in named if name not in let_in and name.split("/")[0] not in let_in}


@pytest.mark.parametrize("name", services())
def test_a_service_of_the_compose_file_may_do_little(name):
    s = services()[name]
    assert s["read_only"] is True and s["cap_drop"] == ["ALL"] and s["security_opt"] == ["no-new-privileges:true"]
    assert s["mem_limit"] == "256m" and s["pids_limit"] <= 200 and s["logging"]["options"]["max-size"]


def test_the_compose_file_opens_the_panels_port_in_the_house_only():
    text = COMPOSE.read_text()
    ports = services()["postern"]["ports"]
    assert ports == ["${LAN_ADDRESS:?set the Pi's own address}:2025:2025", "127.0.0.1:8080:8080"]
    assert "data:/data" in services()["postern"]["volumes"]
    assert services()["archive"]["profiles"] == ["archive"]
    for setting in services()["postern"]["environment"]:
        assert re.fullmatch(r"(Site|ConnectionStrings|Accounts|Recipients)__\w+", setting), text


@pytest.mark.skipif(not shutil.which("docker"), reason="no docker here to read the compose file with")
def test_docker_reads_the_compose_file():
    probe = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60)
    if probe.returncode != 0:
        pytest.skip("docker has no compose here")
    run = subprocess.run(["docker", "compose", "-f", COMPOSE, "--profile", "archive", "config", "-q"], capture_output=True, text=True,
                         env={**os.environ, "LAN_ADDRESS": "192.0.2.1"}, timeout=60)
    assert run.returncode == 0, run.stderr


def test_the_forges_workflow_asks_for_what_there_is():
    jobs = yaml.safe_load((ROOT / "deploy" / "ci.yml").read_text())["jobs"]
    runs = "\n".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    targets = set(re.findall(r"\bmake ([a-z][a-z-]*)", runs))
    assert {"test", "image-check"} <= targets <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    assert all(job["timeout-minutes"] for name, job in jobs.items() if name != "release") and "buildx bake --push" in runs


def test_the_alert_rules_fire_when_they_must():
    tool = subprocess.run([ROOT / "tools" / "promtool.sh"], capture_output=True, text=True, timeout=120)
    if tool.returncode:
        pytest.skip(tool.stderr.strip())
    run = subprocess.run([tool.stdout.strip(), "test", "rules", "alerts_test.yml"], cwd=ROOT / "tests" / "deploy", capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here to read the unit with")
def test_systemd_understands_the_unit(tmp_path):
    unit = (ROOT / "deploy" / "postern.service").read_text().replace("/usr/bin/postern", "/bin/true")
    (tmp_path / "postern.service").write_text(unit)
    (tmp_path / "postern.socket").write_text((ROOT / "deploy" / "postern.socket").read_text())
    run = subprocess.run(["systemd-analyze", "verify", tmp_path / "postern.service", tmp_path / "postern.socket"], capture_output=True, text=True, timeout=60)
    ours = [line for line in run.stderr.splitlines() if "postern" in line and "Failed to" not in line]
    assert not ours, run.stderr


# What the unit's SystemCallFilter makes of a process, without a systemd as the first process: whatever is not named ends it.
UNDER_THE_FILTER = """
import ctypes, os, sys
KILL_PROCESS, ALLOW = 0x80000000, 0x7fff0000
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype, lib.seccomp_init.argtypes = ctypes.c_void_p, [ctypes.c_uint32]
lib.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
lib.seccomp_load.argtypes = [ctypes.c_void_p]
rules = lib.seccomp_init(KILL_PROCESS)
for name in sys.argv[1].split():
    number = lib.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        lib.seccomp_rule_add(rules, ALLOW, number, 0)
assert lib.seccomp_load(rules) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""


def system_calls(word):
    """A group's calls, those of groups in it too; a call's own name."""
    if not word.startswith("@"):
        return {word}
    shown = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, timeout=60, check=True).stdout
    words = [line.strip() for line in shown.splitlines() if line.startswith("    ") and not line.strip().startswith("#")]
    return set().union(*map(system_calls, words))


def unit_values(name):
    return [line.split("=", 1)[1] for line in (ROOT / "deploy" / "postern.service").read_text().splitlines() if line.startswith(f"{name}=")]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here to read the unit with")
def test_the_unit_allows_every_system_call_that_a_journey_asks_for(postern):
    allowed = set().union(*(system_calls(word) for line in unit_values("SystemCallFilter") for word in line.split()))
    if unit_values("ProtectClock") == ["yes"]:
        allowed -= system_calls("@clock")
    p = postern(build="release", wrap=[sys.executable, "-c", UNDER_THE_FILTER, " ".join(sorted(allowed))])
    assert p.send(mails.panel("Zone:1 A, Innenbereich Alarm"))[0] == 250
    assert p.wait_events(1)[0]["kind"] == "alarm.interior"
    p.stop()
    assert p.exit_code == 0 and "inspector.ended" not in p.log_text()


def test_the_unit_stops_the_gateway_before_its_helper_and_leaves_it_the_time_it_takes():
    assert unit_values("KillMode") == ["mixed"]
    grace = int(re.search(r"GRACE_MS = (\d+) \* 1000", (ROOT / "service" / "run_inside.h").read_text())[1])
    assert int(unit_values("TimeoutStopSec")[0]) > grace and int(services()["postern"]["stop_grace_period"].rstrip("s")) > grace
