"""All threads at once: senders, readers of the API, a provider, a stop in the middle; what heard 250 is there afterwards.
This is the file that ThreadSanitizer is for."""
import smtplib
import threading

import pytest

import mails
from farside import FarSide
from postern import wait_until

pytestmark = pytest.mark.threads
SENDERS, EACH = 12, 15


def settings(far):
    return {"Accounts": {"hook": {"Provider": "webhook", "Url": far.url + "/hook", "Rate": 6000, "Burst": 50}}, "Recipients": {"home": ["hook:"]}}


class Crowd:
    """Threads that send until they are told to stop, or as many as each has; kept counts the 250s."""

    def __init__(self, p, each=EACH, is_large=False):
        self.p, self.each, self.is_large, self.kept, self.errors = p, each, is_large, [], []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]
        for t in self.threads:
            t.start()

    def _send(self, n):
        try:
            with self.p.connect() as s:
                s.ehlo()
                for i in range(self.each):
                    text = f"Zone:{n * 100 + i} Nr{n}x{i}, Innenbereich Alarm"
                    mail = mails.camera(text=text, pictures=[mails.jpeg(n, 90_000)]) if self.is_large and i % 3 == 0 else mails.panel(text)
                    s.sendmail("panel@house.example", ["alarm@house.example"], mail)
                    with self.lock:
                        self.kept.append(f"Nr{n}x{i}")
        except (smtplib.SMTPException, OSError) as e:
            self.errors.append(e)

    def join(self):
        for t in self.threads:
            t.join(120)
            assert not t.is_alive()


def read_all(p, is_over, failures):
    while not is_over.is_set():
        for path in ("/api/v1/events?limit=50", "/api/v1/deliveries?limit=50", "/metrics", "/readyz"):
            answer = p.api.get(path)
            if answer.status != 200:
                failures.append(answer)


def test_many_senders_and_readers_at_once(postern):
    with FarSide() as far:
        p = postern(settings(far))
        is_over, failures = threading.Event(), []
        readers = [threading.Thread(target=read_all, args=(p, is_over, failures)) for _ in range(3)]
        for r in readers:
            r.start()
        crowd = Crowd(p, is_large=True)
        crowd.join()
        assert not crowd.errors and len(crowd.kept) == SENDERS * EACH
        p.wait_events(SENDERS * EACH, seconds=120)
        is_over.set()
        for r in readers:
            r.join()
        assert not failures
        wait_until("nothing is owed any more", lambda: all(d["state"] == "sent" for d in p.deliveries()), 120, 0.5)
        assert p.metric("postern_arrivals_total", result="kept") == SENDERS * EACH


def test_a_stop_in_the_middle_loses_nothing(postern):
    with FarSide() as far:
        p = postern(settings(far))
        crowd = Crowd(p, each=1000)
        wait_until("some are kept", lambda: len(crowd.kept) > 40)
        p.stop(60)
        crowd.join()
        p.restart()
        told = [e["zone"]["name"] for e in p.wait_events(len(crowd.kept), seconds=120)]
        assert set(crowd.kept) <= set(told) and len(told) == len(set(told))
