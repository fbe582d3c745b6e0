"""A power cut, simulated: whatever heard 250 is there afterwards, byte for byte; and when one sync of the path is swallowed,
these tests see the loss."""
import http.client
import random
import socket
import threading
import time

import pytest

import mails
from postern import Postern, rounds, wait_until
from powercut import PowerCut

SENDERS = 3


class Sender(threading.Thread):
    """Sends until the line breaks; notes id and bytes of whatever heard 250."""

    def __init__(self, address, seed, tag):
        super().__init__()
        self.address, self.chance, self.tag = address, random.Random(seed), tag
        self.kept = {}

    def mail(self, i):
        text = f"Zone:{i} {self.tag} {i}, Innenbereich Alarm"
        if self.chance.random() < 0.15:
            return mails.camera(text=text, pictures=[mails.jpeg(seed=i, size=self.chance.randrange(60000, 150000))])
        return mails.panel(text)

    def run(self):
        try:
            with socket.create_connection(self.address, timeout=20) as s:
                self.talk(s)
        except OSError:
            pass

    def talk(self, s):
        lines = s.makefile("rb")
        ask = lambda what: (s.sendall(what), self.reply(lines))[1]  # noqa: E731
        self.reply(lines)
        ask(b"EHLO panel\r\n")
        for i in range(10000):
            mail = self.mail(i)
            if not (ask(b"MAIL FROM:<a@b.example>\r\n") and ask(b"RCPT TO:<alarm@b.example>\r\n") and ask(b"DATA\r\n")):
                return
            answer = ask(mail.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            if answer.startswith("250"):
                self.kept[id_in(answer)] = mail

    @staticmethod
    def reply(lines):
        while True:
            line = lines.readline().decode()
            if not line.endswith("\n"):
                raise OSError("the line broke")
            if line[3] == " ":
                return line


def id_in(answer):
    """The ULID in "250 2.0.0 … 01J…"."""
    return next(word.strip("<>().,") for word in answer.split() if len(word.strip("<>().,")) == 26)


def send_until_the_cut(p, seed, seconds):
    senders = [Sender(p.smtp, seed * 100 + n, f"r{seed}s{n}") for n in range(SENDERS)]
    for s in senders:
        s.start()
    time.sleep(seconds)
    p.kill9()
    for s in senders:
        s.join()
    return {k: v for s in senders for k, v in s.kept.items()}


def missing_of(p, kept):
    """Which of the kept mails are not there, byte for byte, as the API hands them out."""
    gone = []
    for name, mail in kept.items():
        try:
            answer = p.api.get(f"/api/v1/arrivals/{name}/raw")
            is_there = answer.status == 200 and answer.body == mail
        except http.client.HTTPException:  # shorter than its row says
            is_there = False
        if not is_there:
            gone.append(name)
    return gone


def daemon(tmp_path, cut):
    return Postern(tmp_path / "postern", {}, build="plain", preload="powercut", env=cut.env)


@pytest.mark.parametrize("chain", range(5))
def test_nothing_acknowledged_is_lost_with_the_power(tmp_path, chain):
    cut = PowerCut(tmp_path / "postern" / "data", tmp_path / "shadow")
    p = daemon(tmp_path, cut)
    chance, kept, fresh = random.Random(chain), {}, {}
    for n in range(max(1, rounds("powercut", 50) // 5)):
        cut.prepare()
        p.start()
        older = dict(chance.sample(sorted(kept.items()), min(len(kept), 50)))  # all of them once more at the end
        gone = missing_of(p, {**fresh, **older})
        assert not gone, f"round {n}: {len(gone)} of {len(fresh)} acknowledged mails are lost, such as {gone[:3]}"
        seconds = chance.uniform(0.95, 1.4) if n % 4 == 3 else chance.uniform(0.05, 0.3)  # now and then a checkpoint is cut, too
        fresh = send_until_the_cut(p, chain * 1000 + n, seconds)
        kept.update(fresh)
        cut.strike(seed=chain * 1000 + n)
    assert kept, "no mail was acknowledged at all"
    cut.prepare()
    p.start()
    assert not missing_of(p, kept)
    wait_until("every mail that heard 250 is an event", lambda: len({e["arrival"] for e in p.events()} & set(kept)) == len(kept), 60, 0.2)
    p.stop()


@pytest.mark.parametrize("sync", ["file", "folder", "parent", "root", "wal"])
def test_a_swallowed_sync_is_seen(tmp_path, sync):
    """In one of a few cuts: a checkpoint in the moment before one makes up for what was swallowed."""
    cut = PowerCut(tmp_path / "postern" / "data", tmp_path / "shadow", swallow=sync)
    p = daemon(tmp_path, cut)
    cut.prepare()
    p.start()
    for n in range(1, 6):
        kept = send_until_the_cut(p, n, 0.7)
        assert any(len(m) > 65536 for m in kept.values()) and any(len(m) < 65536 for m in kept.values())
        cut.strike(seed=n, keeps=0)
        cut.prepare()
        p.start()
        if missing_of(p, kept):
            break
    else:
        pytest.fail(f"syncs of the {sync} were swallowed and nothing is missing: this test cannot fail")
    p.stop()
