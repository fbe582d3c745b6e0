"""reading.py: a postern-inspect that runs, fed as Postern feeds it (inspect/job.h), and how long each answer takes."""
import array
import json
import os
import pathlib
import socket
import struct
import subprocess
import time

INLINE_MAX = 64 * 1024  # larger mails come as a descriptor


class Reader:
    """with Reader(program) as r: ms = r.read(mail)"""

    def __init__(self, program):
        self.program = str(program)

    def __enter__(self):
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(30)
        self.process = subprocess.Popen([self.program, "--jobs"], stdin=theirs)
        theirs.close()
        assert self.receive() == {"ready": True}
        return self

    def __exit__(self, *exc):
        self.ours.close()
        self.process.wait(10)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            piece = self.ours.recv(n - len(data))
            assert piece, "postern-inspect is gone"
            data += piece
        return data

    def receive(self):
        return json.loads(self.exactly(struct.unpack("=I", self.exactly(4))[0]))

    def read(self, mail):
        """Milliseconds from the question to the answer; a helper that retires is replaced, not counted."""
        question = json.dumps({"received_ms": 1795227165000, "envelope": {"listener": "smtp", "peer": "192.168.1.30", "helo": "cam", "login": "",
                                                                           "from": "cam@home.example", "to": ["cam@home.example"]}}).encode()
        is_small = len(mail) <= INLINE_MAX
        body = question + b"\0" + mail if is_small else question
        fd = -1 if is_small else self.descriptor(mail)
        ancillary = [] if is_small else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        begin = time.perf_counter()
        frame = struct.pack("=I", len(body)) + body
        sent = self.ours.sendmsg([frame], ancillary)
        self.ours.sendall(frame[sent:])
        answer = self.receive()
        ms = (time.perf_counter() - begin) * 1000
        if fd >= 0:
            os.close(fd)
        assert answer.get("events"), answer
        if answer.get("retire"):
            self.__exit__()
            self.__enter__()
        return ms

    @staticmethod
    def descriptor(mail):
        fd = os.memfd_create("mail")
        os.write(fd, mail)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd


def samples(root):
    """Every mail of tests/data: real and invented ones of all devices, and those nobody knows."""
    return {f"{path.parent.name}/{path.stem}": path.read_bytes() for path in sorted(pathlib.Path(root).glob("tests/data/*/*.eml"))}
