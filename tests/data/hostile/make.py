"""The hostile set: mails made to kill, stop or starve the reader, and how each must end. Deterministic; nothing of it is stored.

    python3 make.py FOLDER      writes them all

`end`: a kind the mail must be understood as, or "killed": the reader dies of its memory limit, so that Postern tells the mail
as unreadable. `seconds`: in which the reader must have ended, on a slow and loaded machine (the real limit is 2 s + 1 s per 5 MB).
Measured on Debian 12's GMime 3.2.13; the sizes are those at which it failed without our fences.
"""
import base64
import dataclasses
import pathlib
import sys

HEAD = b"From: a@b.c\r\nSubject: Zone:8 Ost 1, Innenbereich Alarm\r\nMIME-Version: 1.0\r\n"


@dataclasses.dataclass(frozen=True)
class Hostile:
    name: str
    make: callable
    end: str = "alarm.interior"
    seconds: int = 10


def multipart(parts):
    return HEAD + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n" + b"".join(b"--q\r\n" + p for p in parts) + b"--q--\r\n"


def nested_multiparts(n):
    return HEAD + b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (i, i) for i in range(n)) + b"\r\nx"


def nested_messages(n):
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * n


def long_parameter(n):
    """Upstream issue 165: g_mime_multipart_get_boundary never returns for such a name."""
    return HEAD + b"Content-Type: multipart/mixed; " + b"n" * n + b"=\xc3\xa4\r\n\r\n--x\r\n\r\ntext\r\n--x--\r\n"


def picture(bytes_):
    body = base64.encodebytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * (bytes_ // 256))
    return multipart([b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body])


def encoded_words(n):
    return b"Subject: " + b"=?gb2312?B?0tG+rQ==?= =?utf-7?Q?+AOk-?=\r\n " * n + b"\r\n\r\nZone:8 Ost 1, Innenbereich Alarm\r\n"


def html(n):
    return HEAD + b"Content-Type: text/html\r\n\r\n" + b"<div><!--&#x" * n


def parameters(n):
    return HEAD + b"Content-Type: text/plain" + b"".join(b";\r\n name*%d=a" % i for i in range(n)) + b"\r\n\r\nx\r\n"


HOSTILE = [
    Hostile("picture-19mb", lambda: picture(19 * 1024 * 1024)),
    Hostile("nested-multiparts-5000", lambda: nested_multiparts(5000)),
    Hostile("nested-messages-20000", lambda: nested_messages(20000)),
    Hostile("parts-200000", lambda: multipart([b"\r\nx\r\n"] * 200000)),
    Hostile("parts-19000", lambda: multipart([b"\r\nx\r\n"] * 19000)),
    Hostile("header-lines-625000", lambda: HEAD + b"X: y\r\n" * 625000 + b"\r\nx\r\n"),
    Hostile("header-lines-of-a-part", lambda: multipart([b"X: y\r\n" * 2000000 + b"\r\nx\r\n"]), end="killed"),
    Hostile("addresses-600000", lambda: HEAD + b"To: " + b"a@b," * 600000 + b"\r\n\r\nx\r\n"),
    Hostile("parameter-70", lambda: long_parameter(70)),
    Hostile("parameter-71", lambda: long_parameter(71)),
    Hostile("parameter-72", lambda: long_parameter(72)),
    Hostile("parameter-pieces-50000", lambda: parameters(50000)),
    Hostile("encoded-words-20000", lambda: encoded_words(20000)),
    Hostile("html-1000000", lambda: html(1000000)),
    Hostile("header-line-20mb", lambda: b"Subject: Zone:8 Ost 1, Innenbereich Alarm\r\nX: " + b"y" * (20 << 20) + b"\r\n\r\nx"),
    Hostile("header-without-end", lambda: HEAD + b"X" * (5 << 20)),
    Hostile("folded-100000", lambda: HEAD + b"X: y" + b"\r\n y" * 4000 + b"\r\n\r\nx\r\n"),
    Hostile("zeros-20mb", lambda: bytes(20 << 20), end="unknown"),
    Hostile("boundary-lines", lambda: HEAD + b"\r\n" + b"--\r\n" * 1000000),
    Hostile("base64-garbage", lambda: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=!?" * 3000000),
    Hostile("quoted-equals", lambda: HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 9000000),
    Hostile("uuencode", lambda: multipart([b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n" + b"Mxxx\r\n" * 1000000])),
    Hostile("charset-from-disk", lambda: HEAD + b"Content-Type: text/plain; charset=IBM1047\r\n\r\n\xc1\x4b\r\n"),
    Hostile("word-charset-from-disk", lambda: b"Subject: =?IBM1047?Q?=C1?= =?../../etc/passwd?Q?=C1?=\r\n\r\nZone:8 Ost 1, Innenbereich Alarm\r\n"),
    Hostile("dates", lambda: HEAD + b"Date: Sat, 99 Nov 999999999999 99:99:99 +9999\r\n\r\nx\r\n"),
    Hostile("time-zone-from-disk", lambda: HEAD + b"Date: Sat, 21 Nov 2026 03:12:45 (Europe/Berlin) EST5EDT\r\n\r\nx\r\n"),
    Hostile("zone-digits", lambda: b"Subject: x\r\n\r\nZone:" + b"9" * 60000 + b" a, Innenbereich Alarm\r\n", end="unknown"),
    Hostile("commas", lambda: b"Subject: x\r\n\r\n" + (b"Zone:" + b", " * 400 + b"\r\n") * 400, end="unknown"),
]


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for h in HOSTILE:
        (folder / f"{h.name}.eml").write_bytes(h.make())


if __name__ == "__main__":
    main(sys.argv[1])
