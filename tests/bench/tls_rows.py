"""tls_rows.py: what TLS costs: mails a second under it, handshakes, and the memory of connections that say nothing.

The devices are Python's, so that a rate says what both ends do on one machine; the CPU is the server's alone.
"""
import smtplib
import ssl
import time

import mails
import measure

IDLE = 200
VERSIONS = {"plain": None, "TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}


def trusting(version):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    c.minimum_version = c.maximum_version = version
    return c


def device(p, version=None):
    s = smtplib.SMTP(*p.smtp, timeout=30, local_hostname="panel")
    if version:
        s.starttls(context=trusting(version))
    s.ehlo()
    return s


def send(s, mail):
    assert s.sendmail("panel@house.example", ["alarm@house.example"], mail) == {}


def counted(p, seconds, act):
    """How often act() can be done a second, and the server's CPU ms for each."""
    cpu, begin, count = measure.cpu_seconds(p.pid), time.monotonic(), 0
    while time.monotonic() - begin < seconds:
        act()
        count += 1
    took = time.monotonic() - begin
    return {"per_s": count / took, "cpu_ms": (measure.cpu_seconds(p.pid) - cpu) * 1000 / count}


def rates(p, seconds, mail, version):
    s = device(p, version)
    many = counted(p, seconds, lambda: send(s, mail))
    s.quit()

    def one():
        with device(p, version) as s:
            send(s, mail)
    return {"many_per_connection": many, "one_per_connection": counted(p, seconds, one)}


def idle_kib(p, version):
    """What one more silent connection costs, after its EHLO."""
    before = measure.memory_kib(p.pid, "Private_Dirty")
    crowd = [device(p, version) for _ in range(IDLE)]
    time.sleep(1)
    each = (measure.memory_kib(p.pid, "Private_Dirty") - before) / IDLE
    for s in crowd:
        s.close()
    return each


def row(p, name, seconds):
    version = VERSIONS[name]
    small, picture = bytes(mails.panel("Zone:8 Ost 1, Innenbereich Alarm")), bytes(mails.camera(pictures=[mails.jpeg(1, 147_000)]))
    device(p, version).quit()
    return {"idle_kib": idle_kib(p, version), "small": rates(p, seconds, small, version), "picture": rates(p, seconds, picture, version)}


def show(result):
    print(f"\nTLS (RSA 2048), one connection at a time: mails/s (server's CPU ms each); KiB of one silent connection of {IDLE}")
    for name, r in result.items():
        cells = [f"{r[mail][each]['per_s']:7.0f} ({r[mail][each]['cpu_ms']:.2f})" for mail in ("small", "picture")
                 for each in ("many_per_connection", "one_per_connection")]
        print(f"{name:8} 1 KB: {cells[0]}, one each: {cells[1]};  200 KB: {cells[2]}, one each: {cells[3]};  idle {r['idle_kib']:.1f}")
