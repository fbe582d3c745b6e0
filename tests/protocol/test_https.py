"""HTTPS by certificate files, read anew when they change; what is wrong with them never leaves the API without TLS."""
import http.client
import os
import socket
import ssl
import subprocess

import pytest

from postern import wait_until


def make(folder, name):
    """A self-signed pair: (certificate, key)."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def served(p, least=None, most=None):
    """The certificate that it shows, DER; None while handshakes fail."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if most:
        context.minimum_version, context.maximum_version = least, most
    try:
        with socket.create_connection(("127.0.0.1", p.api.port), timeout=10) as s, context.wrap_socket(s) as t:
            return t.getpeercert(binary_form=True)
    except (ssl.SSLError, ConnectionError):
        return None


def der(path):
    return ssl.PEM_cert_to_DER_cert(path.read_text())


def start(postern, cert, key, **more):
    return postern({"Api": {"Certificate": str(cert), "Key": str(key)}}, **more)


def get(p, cafile, path="/livez"):
    c = http.client.HTTPSConnection("127.0.0.1", p.api.port, timeout=10, context=ssl.create_default_context(cafile=cafile))
    c.request("GET", path)
    with c.getresponse() as r:
        return r.status, r.read()


@pytest.mark.threads
def test_it_answers_by_tls_alone_and_checks_out(postern, tmp_path):
    cert, key = make(tmp_path, "one")
    p = start(postern, cert, key)
    wait_until("it is read", lambda: served(p) == der(cert))
    assert get(p, cert) == (200, b"ok\n")
    assert get(p, cert, "/api/v1/events?limit=1")[0] == 200
    with socket.create_connection(("127.0.0.1", p.api.port), timeout=10) as s:
        s.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            assert b"200" not in s.recv(100), "plain text gets no answer"
        except ConnectionError:
            pass
    assert served(p, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1) is None
    assert served(p, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2) and served(p, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
    assert p.command("events").returncode == 0 and p.command("healthcheck").returncode == 0, "the command line follows"


def test_a_new_certificate_is_shown_and_open_connections_stay(postern, tmp_path, clock):
    cert, key = make(tmp_path, "one")
    p = start(postern, cert, key, clock=clock)
    wait_until("it is read", lambda: served(p) == der(cert))
    c = http.client.HTTPSConnection("127.0.0.1", p.api.port, timeout=10, context=ssl.create_default_context(cafile=cert))
    c.request("GET", "/livez")
    assert c.getresponse().read() == b"ok\n"
    cert2, key2 = make(tmp_path, "two")
    wanted = der(cert2)
    os.replace(key2, key)
    os.replace(cert2, cert)
    clock.advance(mono_ms=61_000)
    wait_until("the new one is shown", lambda: served(p) == wanted)
    cert.write_text("broken")
    clock.advance(mono_ms=61_000)
    p.wait_log("certificate.failed")
    assert served(p) == wanted, "what is broken changes nothing"


def test_a_file_that_cannot_be_read_is_said_and_a_pair_of_our_own_stands_in(postern, tmp_path):
    p = start(postern, tmp_path / "no.crt", tmp_path / "no.key")
    wait_until("ours is shown", lambda: served(p))
    assert "Api:Certificate" in p.wait_log("certificate.failed")[0]["text"]
    assert "MISTAKE Api:Certificate" in p.command("check").stdout
    assert p.command("healthcheck").returncode == 0
