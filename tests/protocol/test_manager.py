"""Under a service manager: it says when it is ready, alive and going, takes a socket that was opened for it, and reaps children."""
import os
import socket
import sys

from postern import free_port, wait_until
import mails

HAND_OVER = """
import os, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=16)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""

# A first process inherits whom others leave behind: here one child that is gone at once, and its child, which goes later.
INHERIT = """
import ctypes, os, sys, time
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
first = os.fork()
if first == 0:
    second = os.fork()
    if second == 0:
        time.sleep(1)
    else:
        open(sys.argv[1], "w").write(f"{os.getpid()} {second}")
    os._exit(0)
os.execv(sys.argv[2], sys.argv[2:])
"""


def told(manager):
    manager.settimeout(20)
    return manager.recv(4096).decode()


def test_the_manager_hears_ready_alive_and_stopping(postern, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        p = postern(env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"})
        words = [told(manager) for _ in range(3)]
        assert "READY=1" in words and words.count("WATCHDOG=1") >= 1
        p.stop()
        wait_until("it says that it stops", lambda: told(manager) == "STOPPING=1")


def test_an_abstract_socket_is_heard_too(postern):
    name = f"postern-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        postern(env={"NOTIFY_SOCKET": "@" + name})
        assert told(manager) == "READY=1"


def test_a_socket_that_was_opened_for_it_is_taken(postern):
    port = free_port()
    p = postern({"Smtp": {"Port": port}}, wrap=[sys.executable, "-c", HAND_OVER, str(port)])
    assert p.smtp[1] == port
    assert p.send(mails.panel("Zone:1 A, Innenbereich Alarm"))[0] == 250
    p.wait_events(1)
    p.stop()


def test_a_socket_that_no_setting_asks_for_is_said(postern):
    port = free_port()
    p = postern(wrap=[sys.executable, "-c", HAND_OVER, str(port)])
    assert p.wait_log("socket.untaken")[0]["port"] == str(port)
    assert str(port) in p.wait_log("health.degraded", reason="settings")[0]["detail"]


def test_sockets_for_somebody_else_are_left_alone(postern):
    p = postern(env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert p.send(mails.panel("Zone:1 A, Innenbereich Alarm"))[0] == 250


def test_it_reaps_whom_others_leave_to_it_and_none_of_its_own(postern, tmp_path):
    p = postern(wrap=[sys.executable, "-c", INHERIT, str(tmp_path / "left")])
    left = (tmp_path / "left").read_text().split()
    wait_until("both are gone, not only dead", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in left))
    assert p.send(mails.panel("Zone:1 A, Innenbereich Alarm"))[0] == 250
    p.wait_events(1)
    p.stop()
