"""postfix.py: a Postfix of our own beside the system's: own configuration, queue and port; it keeps mails as Postfix does
(cleanup writes and syncs the queue file before the 250) and then leaves them on hold, so that its numbers are those of
taking a mail and nothing else: no queue manager, no DNS, no log file, no rate limits."""
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import time

MAIN = """
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = bench.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
in_flow_delay = 0
default_process_limit = 200
message_size_limit = 52428800
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = static:all
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = check_client_access static:HOLD, permit_mynetworks
smtpd_delay_reject = yes
default_transport = discard
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C {env}
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """with Postfix(folder) as p: p.port, p.pid. env: "LD_PRELOAD=… …" for its daemons."""

    def __init__(self, folder, env=None):
        self.folder = pathlib.Path(folder)
        self.env = " ".join(f"{k}={v}" for k, v in (env or {}).items())

    @staticmethod
    def is_here():
        return os.geteuid() == 0 and shutil.which("postfix") is not None

    def _command(self, word):
        return subprocess.run(["postfix", "-c", str(self.folder / "etc"), word], capture_output=True, text=True, timeout=60, check=False)

    def _write(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        owner = pwd.getpwnam("postfix")
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir(parents=True)
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        main = MAIN.format(queue=self.folder / "queue", data=self.folder / "data", env=self.env)
        (self.folder / "etc/main.cf").write_text(main)
        (self.folder / "etc/master.cf").write_text(MASTER.format(port=self.port))

    def __enter__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self._write()
        run = self._command("start")
        try:
            self._wait()
        except OSError as e:
            self._command("stop")
            raise RuntimeError(f"postfix does not start: {e}\n{run.stdout}{run.stderr}") from None
        self.pid = int((self.folder / "queue/pid/master.pid").read_text())
        return self

    def _wait(self):
        end = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as s:
                    if s.recv(100).startswith(b"220"):
                        return
                    raise OSError("no 220")
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def __exit__(self, *_):
        self._command("stop")
        shutil.rmtree(self.folder, ignore_errors=True)
