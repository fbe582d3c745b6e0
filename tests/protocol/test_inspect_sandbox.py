"""The sandbox of postern-inspect. The release build is what counts (POSTERN_RELEASE, default build/release): a sanitizer needs
system calls that the release filter refuses. With -Dsandbox=false the attacks of this file succeed, so it can fail."""
import ctypes
import json
import os
import pathlib
import platform
import socket
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("POSTERN_BUILD", ROOT / "build" / "asan"))
RELEASE = pathlib.Path(os.environ.get("POSTERN_RELEASE", ROOT / "build" / "release"))
SAMPLE = ROOT / "tests" / "data" / "lupusec" / "b12-interior.eml"

needs_release = pytest.mark.skipif(not (RELEASE / "postern-inspect").exists(), reason=f"no release build in {RELEASE}")


def run(build, *arguments, **options):
    return subprocess.run([build / "postern-inspect", *arguments], capture_output=True, timeout=60, **options)


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def serve(build, *arguments, **options):
    """A served reader and our end of its socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    process = subprocess.Popen([build / "postern-inspect", "--jobs", *arguments], stdin=theirs, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, **options)
    theirs.close()
    ours.settimeout(30)
    return process, ours


def receive(ours):
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack("=I", data[:4])[0]:
        piece = ours.recv(65536)
        assert piece
        data += piece
    return json.loads(data[4:])


@pytest.mark.parametrize("build", [BUILD, pytest.param(RELEASE, marks=needs_release)], ids=["tested", "release"])
def test_a_served_reader_runs_filtered(build):
    process, ours = serve(build)
    assert receive(ours) == {"ready": True}
    status = status_of(process.pid)
    ours.close()
    process.communicate(timeout=30)
    assert status["Seccomp"].strip() == "2"
    assert status["NoNewPrivs"].strip() == "1"
    assert process.returncode == 0


@needs_release
@pytest.mark.parametrize("attack", ["openat", "socket", "execve", "fork", "ptrace", "memory"])
def test_an_attack_behind_the_sandbox_fails(attack):
    assert run(RELEASE, "--attack", attack).returncode != 0


@pytest.mark.parametrize("attack", ["socket", "execve", "fork", "memory"])
def test_an_attack_fails_under_sanitizers_too(attack):
    assert run(BUILD, "--attack", attack).returncode != 0


@pytest.mark.parametrize("attack", ["openat", "socket", "execve", "fork"])
def test_the_same_attack_succeeds_without_the_sandbox(attack):
    assert run(BUILD, "--attack", attack, "--sandbox", "off").returncode == 0


class SockFilter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_uint16), ("filter", ctypes.POINTER(SockFilter))]


def forbid_seccomp():
    """As in a container without it: seccomp() says ENOSYS and prctl(PR_SET_SECCOMP) EINVAL."""
    load, equal, give = 0x20, 0x15, 0x06
    seccomp, prctl = {"x86_64": (317, 157), "aarch64": (277, 167)}[platform.machine()]
    program = [
        (load, 0, 0, 0), (equal, 0, 1, seccomp), (give, 0, 0, 0x00050000 | 38),
        (equal, 0, 3, prctl), (load, 0, 0, 16), (equal, 0, 1, 22), (give, 0, 0, 0x00050000 | 22),
        (give, 0, 0, 0x7FFF0000),
    ]
    filters = (SockFilter * len(program))(*[SockFilter(*line) for line in program])
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(SockFprog(len(program), filters)), 0, 0) == 0


needs_known_machine = pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="system call numbers of this machine")


@needs_known_machine
def test_without_seccomp_it_refuses_with_one_clear_line():
    done = run(BUILD, SAMPLE, preexec_fn=forbid_seccomp)
    assert done.returncode == 69
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and b"filter" in done.stderr


@needs_known_machine
def test_without_seccomp_a_served_reader_says_why_and_ends():
    process, ours = serve(BUILD, preexec_fn=forbid_seccomp)
    assert "filter" in receive(ours)["error"]
    _, said = process.communicate(timeout=30)
    ours.close()
    assert process.returncode == 69
    assert b"Inspect:Sandbox=off" in said


@needs_known_machine
def test_without_seccomp_it_reads_when_the_sandbox_is_off():
    done = run(BUILD, SAMPLE, "--sandbox", "off", preexec_fn=forbid_seccomp)
    assert done.returncode == 0
    assert json.loads(done.stdout)["events"][0]["kind"] == "alarm.interior"
