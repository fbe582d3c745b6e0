"""TLS at the socket: STARTTLS, TLS from the first byte, the old devices' port, certificates that come and go."""
import hashlib
import json
import os
import random
import shutil
import smtplib
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

import mails
from postern import free_port, wait_until
from smtp_raw import Raw

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")

ALARM = mails.panel("Zone:8 Ost 1, Innenbereich Alarm")
AS_OLD_DEVICES = "ALL:@SECLEVEL=0"


def trusting(least=None, most=None, ciphers=None):
    """What a device has: it looks at no certificate."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    if ciphers:
        c.set_ciphers(ciphers)
    if least:
        c.minimum_version = least
    if most:
        c.maximum_version = most
    return c


def old_device():
    c = trusting(ciphers=AS_OLD_DEVICES)
    c.minimum_version = c.maximum_version = ssl.TLSVersion.TLSv1
    return c


def ready(p, count=1):
    """Waits for the certificate; the last `certificate.used` line."""
    return p.wait_log("certificate.used", count)[-1]


def fingerprint(sock):
    return ":".join(f"{b:02X}" for b in hashlib.sha256(sock.getpeercert(True)).digest())


def send(s, mail=ALARM):
    assert s.sendmail("panel@house.example", ["alarm@house.example"], bytes(mail)) == {}


def starttls(p, context=None):
    s = p.connect()
    s.starttls(context=context or trusting())
    return s


def make_pair(folder, name, days=30):
    """A certificate and a key as an owner has them."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", str(days),
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


# --- STARTTLS ----------------------------------------------------------------------------------------------------------


@pytest.mark.threads
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_mail_by_starttls_is_kept_and_says_so(postern, version):
    p = postern()
    ready(p)
    with starttls(p, trusting(version, version)) as s:
        assert not s.has_extn("starttls"), "what was heard before is forgotten"
        s.ehlo()
        assert not s.has_extn("starttls")
        assert s.docmd("STARTTLS")[0] == 554
        send(s)
    p.wait_events(1)
    name = {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
    assert p.metric("postern_smtp_tls_total", version=name) == 1
    assert stored_envelopes(p)[0]["tls"] == name


def test_a_mail_in_plain_text_says_nothing_of_tls(postern):
    p = postern()
    ready(p)
    p.send(ALARM)
    assert "tls" not in stored_envelopes(p)[0]


def stored_envelopes(p):
    import sqlite3
    with sqlite3.connect(f"file:{p.data}/postern.db?mode=ro", uri=True) as db:
        return [json.loads(row[0]) for row in db.execute("SELECT envelope FROM arrivals ORDER BY seq")]


def test_ehlo_auth_and_mail_before_starttls_are_forgotten(postern):
    p = postern()
    ready(p)
    with p.connect() as s:
        s.ehlo("forged")
        s.login("forged", "x")
        assert s.docmd("MAIL", "FROM:<forged@x>")[0] == 250
        assert s.docmd("RCPT", "TO:<forged@x>")[0] == 250
        s.starttls(context=trusting())
        assert s.docmd("DATA")[0] == 503
        assert s.docmd("MAIL", "FROM:<panel@house>")[0] == 250
        assert s.docmd("RCPT", "TO:<alarm@house>")[0] == 250
        assert s.data(ALARM)[0] == 250
    envelope = stored_envelopes(p)[0]
    assert (envelope["helo"], envelope["login"], envelope["from"], envelope["to"]) == ("", "", "panel@house", ["alarm@house"])


@pytest.mark.parametrize("behind", [b"MAIL FROM:<evil@x>\r\nRCPT TO:<alarm@b>\r\nDATA\r\n", b"\x16\x03\x01\x02\x00\x01", b"\n"])
def test_bytes_behind_starttls_end_the_conversation(postern, behind):
    p = postern()
    ready(p)
    with Raw(p) as d:
        d.say("EHLO x\r\n").expect("250")
        d.say(b"STARTTLS\r\n" + behind).expect("220", "554 5.5.1", "")
    assert p.wait_log("mail.refused")[0]["reason"] == "starttls"
    assert p.metric("postern_smtp_refused_total", reason="starttls") == 1


def test_plain_bytes_in_the_next_packet_are_no_commands_either(postern):
    p = postern()
    ready(p)
    with Raw(p) as d:
        d.say("STARTTLS\r\n").expect("220")
        d.say("MAIL FROM:<evil@x>\r\nRCPT TO:<alarm@b>\r\n")
        rest = d.lines.read()
        assert b"250" not in rest
    failed = p.wait_log("smtp.tls_failed")[0]
    assert failed["reason"] == "not_tls"
    assert p.metric("postern_smtp_tls_failed_total", reason="not_tls") == 1


# --- TLS from the first byte -------------------------------------------------------------------------------------------


def test_the_second_port_has_tls_from_the_first_byte(postern):
    port = free_port()
    p = postern({"Smtp": {"TlsPort": port}})
    ready(p)
    with smtplib.SMTP_SSL("127.0.0.1", port, context=trusting(), local_hostname="panel") as s:
        s.ehlo()
        assert not s.has_extn("starttls")
        send(s)
    p.wait_events(1)
    assert stored_envelopes(p)[0]["tls"] == "TLSv1.3"


def test_plain_text_at_the_second_port_is_told_where_to_go(postern):
    port = free_port()
    p = postern({"Smtp": {"TlsPort": port}})
    ready(p)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"EHLO camera\r\n")
        assert b"220" not in drain(s)
    failed = p.wait_log("smtp.tls_failed")[0]
    assert (failed["reason"], failed["setting"]) == ("not_tls", "Smtp:Port")


def test_tls_at_the_plain_port_is_told_where_to_go(postern):
    p = postern()
    ready(p)
    with pytest.raises((ssl.SSLError, OSError)):
        smtplib.SMTP_SSL(*p.smtp, context=trusting(), timeout=10)
    failed = p.wait_log("smtp.tls_failed")[0]
    assert (failed["reason"], failed["setting"]) == ("early", "Smtp:TlsPort")
    p.send(ALARM)


def drain(s):
    out = b""
    try:
        while chunk := s.recv(4096):
            out += chunk
    except ConnectionResetError:
        pass
    return out


def test_a_probe_that_says_nothing_is_no_failure(postern):
    port = free_port()
    p = postern({"Smtp": {"TlsPort": port}})
    ready(p)
    socket.create_connection(("127.0.0.1", port)).close()
    p.send(ALARM)
    assert not p.log("smtp.tls_failed")


def test_a_taken_tls_port_keeps_no_mail_away(postern):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        p = postern({"Smtp": {"TlsPort": taken.getsockname()[1]}})
        assert p.wait_log("smtp.closed")[0]["setting"] == "Smtp:TlsPort"
        assert p.send(ALARM)[0] == 250


# --- old devices -------------------------------------------------------------------------------------------------------


def test_an_old_device_is_refused_by_the_main_listener_with_a_hint(postern):
    p = postern()
    ready(p)
    with pytest.raises(ssl.SSLError):
        starttls(p, old_device())
    failed = p.wait_log("smtp.tls_failed")[0]
    assert (failed["reason"], failed["setting"]) == ("version", "Smtp:Legacy")
    assert "this device speaks TLS 1.0" in failed["text"]


@pytest.mark.parametrize("manner", ["starttls", "first byte", "plain"])
def test_the_legacy_port_takes_it_in_every_manner(postern, manner):
    port = free_port()
    p = postern({"Smtp": {"Legacy": {"Port": port, "AllowFrom": "127.0.0.1"}}})
    ready(p)
    if manner == "first byte":
        with smtplib.SMTP_SSL("127.0.0.1", port, context=old_device(), local_hostname="panel") as s:
            send(s)
    else:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="panel") as s:
            if manner == "starttls":
                s.starttls(context=old_device())
            send(s)
    assert stored_envelopes(p)[0].get("tls") == (None if manner == "plain" else "TLSv1")


def test_openssl_with_tls_1_0_only_speaks_to_the_legacy_port_only(postern):
    port = free_port()
    p = postern({"Smtp": {"Legacy": {"Port": port, "AllowFrom": "127.0.0.1"}}})
    ready(p)
    command = ["openssl", "s_client", "-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0", "-starttls", "smtp", "-connect"]
    main = subprocess.run([*command, f"127.0.0.1:{p.smtp[1]}"], input=b"QUIT\r\n", capture_output=True, timeout=20)
    old = subprocess.run([*command, f"127.0.0.1:{port}"], input=b"QUIT\r\n", capture_output=True, timeout=20)
    assert b"alert protocol version" in main.stderr
    assert b"Protocol  : TLSv1\n" in old.stdout, old.stdout[-2000:]


def test_others_are_refused_at_the_legacy_port(postern):
    port = free_port()
    p = postern({"Smtp": {"Legacy": {"Port": port, "AllowFrom": ["127.0.0.2", "192.0.2.0/24"]}}})
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        assert s.recv(200).startswith(b"554 5.7.1")
    assert p.wait_log("smtp.refused")[0]["setting"] == "Smtp:Legacy:AllowFrom"
    assert p.metric("postern_smtp_refused_total", reason="legacy_allow_from") == 1
    with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=("127.0.0.2", 0)) as s:
        assert s.recv(200).startswith(b"220")


# --- certificates ------------------------------------------------------------------------------------------------------


def test_our_own_pair_stays_over_restarts_and_nobody_else_may_read_it(postern):
    p = postern()
    first = ready(p)
    assert first["from"] == "made now"
    said = [line["at"] for line in p.log()]
    assert said.index("smtp.listening") < said.index("certificate.used"), "no mail waits for a key"
    with starttls(p) as s:
        assert fingerprint(s.sock) == first["sha256"]
    assert (p.data / "tls.pem").stat().st_mode & 0o777 == 0o600
    p.stop()
    p.start()
    again = ready(p)
    assert (again["sha256"], again["from"]) == (first["sha256"], "tls.pem")
    p.stop()
    (p.data / "tls.pem").write_bytes(b"")
    p.start()
    assert ready(p)["sha256"] != first["sha256"], "a pair that cannot be read is made anew"


def test_the_owners_files_are_exchanged_while_it_runs(postern, tmp_path, clock):
    one, two = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    certificate, key = tmp_path / "used.crt", tmp_path / "used.key"
    shutil.copy(one[0], certificate), shutil.copy(one[1], key)
    p = postern({"Smtp": {"Certificate": str(certificate), "Key": str(key)}}, clock=clock)
    before = ready(p)
    assert (before["for"], before["from"]) == ("Smtp", "the settings")
    open_before = starttls(p)

    shutil.copy(two[0], certificate)  # half of it: the key is still the old one
    clock.advance(61_000)
    failed = p.wait_log("certificate.failed")[0]
    assert "the key is not the one of the certificate" in failed["text"] and failed["instead"] == "the one before"
    assert "the key is not the one" in p.wait_log("health.degraded", reason="settings")[0]["detail"]
    with starttls(p) as s:
        assert fingerprint(s.sock) == before["sha256"]
    clock.advance(61_000)
    shutil.copy(two[1], tmp_path / "new.key")
    os.replace(tmp_path / "new.key", key)  # never seen half copied
    clock.advance(61_000)
    after = ready(p, 2)
    assert after["sha256"] != before["sha256"]
    assert len(p.log("certificate.failed")) == 1, "said once"
    with starttls(p) as s:
        assert fingerprint(s.sock) == after["sha256"]
    send(open_before)  # it goes on as it began
    open_before.quit()


def test_one_file_may_hold_both_and_a_secret_may_be_the_key(postern, tmp_path):
    certificate, key = make_pair(tmp_path, "one")
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    p = postern({"Smtp": {"Certificate": str(both)}})
    used = ready(p)["sha256"]
    p.stop()
    p.configure({"Smtp": {"Certificate": str(certificate)}})
    p.env["Smtp__Key_FILE"] = str(key)
    p.start()
    assert ready(p)["sha256"] == used


def test_wrong_files_are_said_and_our_own_pair_stands_in(postern, tmp_path):
    p = postern({"Smtp": {"Certificate": str(tmp_path / "none.crt")}})
    assert p.wait_log("certificate.failed")[0]["instead"] == "our own"
    assert ready(p)["from"] == "made now"
    with starttls(p) as s:
        send(s)


def test_check_names_what_is_wrong_with_the_certificate(postern, tmp_path):
    one, two = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    past = tmp_path / "past.crt"
    subprocess.run(["openssl", "x509", "-in", one[0], "-signkey", one[1], "-days", "-1", "-out", past], check=True,
                   capture_output=True)
    p = postern()
    for certificate, key, text in [(one[0], one[1], None), (one[0], two[1], "the key is not the one of the certificate"),
                                   (past, one[1], "it has expired"), (tmp_path / "none", one[1], "No such file"),
                                   (one[1], one[1], "no certificate in PEM form"), (one[0], "", "no key in PEM form")]:
        said = p.command("check", env={"Smtp__Certificate": str(certificate), "Smtp__Key": str(key)}).stdout
        mistakes = [line for line in said.splitlines() if "Smtp:Certificate" in line]
        assert (text is None and not mistakes) or (len(mistakes) == 1 and text in mistakes[0]), (text, said)
    said = p.command("check", env={"Smtp__Legacy__Port": "2026"}).stdout
    assert "MISTAKE Smtp:Legacy:Port" in said and "Smtp:Legacy:AllowFrom" in said
    said = p.command("check", env={"Smtp__Key": "x"}).stdout
    assert "MISTAKE Smtp:Key" in said


def test_the_key_is_nowhere_to_be_read(postern, tmp_path):
    certificate, key = make_pair(tmp_path, "one")
    p = postern({"Smtp": {"Certificate": str(certificate)}}, env={"Smtp__Key": key.read_text(), "Log__Level": "debug"})
    ready(p)
    secret = key.read_text().splitlines()[3]
    assert secret not in p.log_text() + p.command("check", "--print").stdout


# --- rude, slow, large -------------------------------------------------------------------------------------------------


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        trusting().wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without us")


@pytest.mark.threads
def test_devices_that_die_in_the_handshake_leave_nothing(postern):
    port = free_port()
    p = postern({"Smtp": {"TlsPort": port}})
    ready(p)
    hello = client_hello()
    for count, n in enumerate([1, 5, 6, len(hello) // 2, len(hello) - 1, len(hello)], 1):
        s = socket.create_connection(("127.0.0.1", port), timeout=20)
        s.sendall(hello[:n])
        if n == len(hello):  # answered: now it vanishes, with a reset
            assert s.recv(1) == b"\x16"
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        wait_until("it is counted", lambda: p.metric("postern_smtp_tls_failed_total", reason="left") == count)
    assert p.metric("postern_smtp_connections") == 0
    with starttls(p) as s:
        send(s)


def test_a_handshake_that_hangs_is_cut(postern):
    port = free_port()
    p = postern({"Smtp": {"TlsPort": port, "TlsTimeout": 1}})
    ready(p)
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s, Raw(p) as d:
        s.sendall(client_hello()[:50])
        d.say("STARTTLS\r\n").expect("220")
        assert drain(s) == b""
        assert d.lines.read() == b""
    assert 0.9 < time.monotonic() - started < 6
    assert p.metric("postern_smtp_tls_failed_total", reason="timeout") == 2
    assert p.wait_log("smtp.tls_failed")[0]["setting"] == "Smtp:TlsTimeout"


class Relay(threading.Thread):
    """Between a device and us: hands its bytes over in pieces of its own size."""

    def __init__(self, target, piece):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.target, self.piece = self.listener.getsockname()[1], target, piece
        self.start()

    def run(self):
        device, _ = self.listener.accept()
        with device, socket.create_connection(self.target) as us, self.listener:
            us.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.back, args=(us, device), daemon=True).start()
            try:
                while chunk := device.recv(65536):
                    for at in range(0, len(chunk), self.piece):
                        us.sendall(chunk[at:at + self.piece])
            except OSError:
                pass  # we ended it first

    @staticmethod
    def back(us, device):
        try:
            while chunk := us.recv(65536):
                device.sendall(chunk)
        except OSError:
            pass


def test_records_of_16_kib_in_single_bytes(postern):
    p = postern()
    ready(p)
    relay = Relay(p.smtp, 1)
    mail = ALARM + b"x" * 70 + b"\r\n" + b"y" * 40_000 + b"\r\n"
    with smtplib.SMTP("127.0.0.1", relay.port, local_hostname="panel") as s:
        s.starttls(context=trusting())
        send(s, mail)
    assert p.wait_log("mail.kept")[0]["bytes"] == str(len(mail))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_mail_of_25_mb_over_tls(postern, version):
    p = postern()
    ready(p)
    line = bytes(random.randbytes(37).hex(), "ascii") + b"\r\n"
    mail = ALARM + line * (25_000_000 // len(line))
    with starttls(p, trusting(version, version)) as s:
        send(s, mail)
    assert p.wait_log("mail.kept")[0]["bytes"] == str(len(mail))
    (kept,) = p.data.rglob("*.eml")
    assert kept.read_bytes() == mail


def test_a_link_dropped_after_the_final_dot_is_a_mail_kept(postern):
    p = postern()
    ready(p)
    for _ in range(3):
        s = starttls(p)
        s.mail("a@b"), s.rcpt("alarm@b"), s.docmd("DATA")
        s.sock.sendall(ALARM + b".\r\n")
        assert s.getreply()[0] == 250
        s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    assert len(p.wait_log("mail.kept", 3)) == 3


def test_tls_that_is_ended_in_order_still_hears_its_answer(postern):
    """A device that says all at once and closes TLS: its mail is kept and answered."""
    p = postern()
    ready(p)
    with Raw(p) as d:
        d.say("STARTTLS\r\n").expect("220")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2).wrap_bio(incoming, outgoing)

        def step(call):
            while True:
                try:
                    out = call()
                    d.socket.sendall(outgoing.read())
                    return out
                except ssl.SSLWantReadError:
                    d.socket.sendall(outgoing.read())
                    chunk = d.socket.recv(65536)
                    if not chunk:
                        incoming.write_eof()
                    incoming.write(chunk)

        step(tls.do_handshake)
        tls.write(b"MAIL FROM:<a@b>\r\nRCPT TO:<alarm@b>\r\nDATA\r\n" + ALARM + b".\r\nQUIT\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()  # close_notify behind the last command, in the same packet
        d.socket.sendall(outgoing.read())
        incoming.write(drain(d.socket))
        heard = b""
        with pytest.raises(ssl.SSLError):  # there is no more: it was ended
            while True:
                heard += tls.read(65536) or (_ for _ in ()).throw(ssl.SSLZeroReturnError())
        assert [line[:3] for line in heard.splitlines()] == [b"250", b"250", b"354", b"250", b"221"]
    assert len(p.wait_log("mail.kept")) == 1


def test_swaks_sends_by_tls(postern):
    if not shutil.which("swaks") or subprocess.run(["perl", "-MNet::SSLeay", "-e1"], capture_output=True).returncode:
        pytest.skip("no swaks with TLS: swaks, libnet-ssleay-perl")
    port = free_port()
    p = postern({"Smtp": {"TlsPort": port}})
    ready(p)
    for where in [["--server", f"127.0.0.1:{p.smtp[1]}", "--tls"], ["--server", f"127.0.0.1:{port}", "--tls-on-connect"]]:
        run = subprocess.run(["swaks", *where, "--from", "panel@house", "--to", "alarm@house", "--body", "Zone:8 Ost 1 Alarm"],
                             capture_output=True, text=True, timeout=30, env={**os.environ, "HOME": str(p.folder)})
        assert run.returncode == 0, run.stdout
    assert len(p.wait_log("mail.kept", 2)) == 2
