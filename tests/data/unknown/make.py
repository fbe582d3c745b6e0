"""Mails that no parser can know: what people, servers and programs send to an address that devices use. Deterministic.

    python3 make.py             writes the small ones beside this file (up to STORED_MAX bytes); the large ones are made by the test
    python3 make.py FOLDER      writes them all

Each must become one event of its row's kind, whose text is the subject and the first 300 visible characters of the row's text.
"""
import base64
import dataclasses
import pathlib
import quopri
import sys

STORED_MAX = 8192
JPEG = base64.b64decode("/9j/4AAQSkZJRgABAQAAAQABAAAA/9k=")


@dataclasses.dataclass(frozen=True)
class Shape:
    name: str
    mail: bytes
    subject: str = ""
    text: str = ""        # what a person would see
    kind: str = "unknown"


def header(subject, *more):
    lines = ["From: Somebody <somebody@example.org>", "To: postern@home.example", *([f"Subject: {subject}"] if subject else []), *more]
    return "".join(line + "\r\n" for line in lines).encode()


def part(content_type, body, *more):
    body = body if isinstance(body, bytes) else body.replace("\n", "\r\n").encode()
    return "".join(line + "\r\n" for line in (f"Content-Type: {content_type}", *more)).encode() + b"\r\n" + body


def multipart(kind, *parts, boundary="=_b"):
    inner = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), p) for p in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode() + inner + f"--{boundary}--\r\n".encode()


def plain(text):
    return part("text/plain; charset=utf-8", text, "Content-Transfer-Encoding: 8bit")


def attached(content_type, data, name="a"):
    return part(content_type, base64.encodebytes(data).replace(b"\n", b"\r\n"), "Content-Transfer-Encoding: base64",
                f'Content-Disposition: attachment; filename="{name}"')


def of(name, subject, body, text="", kind="unknown", more=()):
    """A mail whose subject is ASCII; body begins with its own header lines."""
    return Shape(name, header(subject, "MIME-Version: 1.0", *more) + body, subject, text, kind)


def message(subject, body):
    return b"Content-Type: message/rfc822\r\n\r\n" + header(subject, "MIME-Version: 1.0") + body


def nested(depth, body):
    for level in range(depth):
        body = multipart("mixed", body, boundary=f"b{level}")
    return body


def encoded(text, charset, label):
    return f"=?{label}?B?{base64.b64encode(text.encode(charset)).decode()}?="


LONG = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr. " * 200
SIGNATURE = base64.b64decode("MIIBAzCB7qADAgECAhA=")
ICS = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Alarm im Keller\nEND:VEVENT\nEND:VCALENDAR\n"

PEOPLE = [
    of("letter", "Holiday", plain("Dear all,\n\nwe are back on Monday.\n"), "Dear all, we are back on Monday."),
    of("subject-only", "Call me", b"\r\n"),
    of("no-subject", "", plain("Just a line."), "Just a line."),
    Shape("empty", b""),
    Shape("empty-body", header("") + b"\r\n"),
    of("blank-body", "Nothing", plain(" \t\n\n \n")),
    of("subject-is-the-beginning", "Back on Monday", plain("Back on Monday, all of us"), "Back on Monday, all of us"),
    of("nested-forward", "Fwd: Fwd: Offer", multipart("mixed", plain("see below"), message("Fwd: Offer", multipart("mixed", plain("and below"),
       message("Offer", plain("cheap bicycles")), boundary="in"))), "see below and below cheap bicycles"),
    of("forward-as-attachment", "Fwd: Offer", message("Offer", plain("cheap bicycles")), "cheap bicycles"),
    of("forward-inline", "Fwd: Offer", plain("fyi\n\n-----Original Message-----\nFrom: a@b\nSubject: Offer\n\nbicycles"),
       "fyi -----Original Message----- From: a@b Subject: Offer bicycles"),
    of("reply-with-quotes", "Re: Offer", plain("No.\n\n> cheap\n>> bicycles\n"), "No. > cheap >> bicycles"),
    of("flowed", "Flowed", part("text/plain; charset=utf-8; format=flowed", "one \ntwo \nthree"), "one two three"),
    of("alternative", "News", multipart("alternative", plain("plain words"), part("text/html", "<p>other <b>words</b></p>")), "plain words"),
    of("html-only", "News", part("text/html; charset=utf-8", "<html><head><title>t</title><style>p{color:red}</style><script>x()</script></head>"
       "<body><h1>Sale</h1><p>Socks &amp; hats<br>now</p></body></html>"), "Sale Socks & hats now"),
    of("emoji-and-right-to-left", "Party", plain("🎉 שלום עליכם 👩‍👩‍👧 مرحبا"), "🎉 שלום עליכם 👩‍👩‍👧 مرحبا"),
]

SIGNED = [
    of("smime-signed", "Signed", multipart("signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256", plain("words under a seal"),
       attached("application/pkcs7-signature; name=smime.p7s", SIGNATURE, "smime.p7s")), "words under a seal"),
    of("smime-opaque", "Sealed", attached("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", SIGNATURE, "smime.p7m")),
    of("pgp-mime-signed", "Signed", multipart("signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256", plain("words under a seal"),
       part("application/pgp-signature; name=s.asc", "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n")), "words under a seal"),
    of("pgp-encrypted", "Secret", multipart("encrypted; protocol=\"application/pgp-encrypted\"", part("application/pgp-encrypted", "Version: 1\n"),
       part("application/octet-stream; name=e.asc", "-----BEGIN PGP MESSAGE-----\n\nhQ==\n-----END PGP MESSAGE-----\n"))),
    of("pgp-inline", "Signed", plain("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhello\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"),
       "-----BEGIN PGP SIGNED MESSAGE----- Hash: SHA256 hello -----BEGIN PGP SIGNATURE----- iQ== -----END PGP SIGNATURE-----"),
]

PROGRAMS = [
    of("calendar-invitation", "Invitation", multipart("alternative", plain("You are invited"), part("text/calendar; method=REQUEST; charset=utf-8", ICS)),
       "You are invited"),
    of("calendar-alone", "Invitation", part("text/calendar; method=REQUEST; charset=utf-8", ICS)),
    of("bounce", "Undelivered Mail Returned to Sender", multipart("report; report-type=delivery-status", plain("I'm sorry."),
       part("message/delivery-status", "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1\n"),
       part("text/rfc822-headers", "Subject: x\n")), "I'm sorry. Subject: x"),
    of("read-receipt", "Read: Offer", multipart("report; report-type=disposition-notification", plain("It was read."),
       part("message/disposition-notification", "Disposition: manual-action/MDN-sent-manually; displayed\n")), "It was read."),
    of("out-of-office", "Automatic reply: Offer", plain("I am away."), "I am away.", more=("Auto-Submitted: auto-replied",)),
    of("list-digest", "Digest, Vol 1", multipart("mixed", plain("Topics"), multipart("digest", b"\r\n" + header("one") + b"\r\nfirst", b"\r\n" + header("two") +
       b"\r\nsecond", boundary="d")), "Topics first second"),
    of("newsletter-with-pixel", "News", multipart("related", part("text/html", "<p>Read on</p><img src=cid:1>"), attached("image/jpeg", JPEG, "p.jpg")),
       "Read on", kind="camera.motion"),  # a picture in a mail to a device's address
    of("scan-pdf", "Scan", multipart("mixed", plain("see attachment"), attached("application/pdf", b"%PDF-1.4 x", "scan.pdf")), "see attachment"),
    of("voice-mail", "Voicemail", multipart("mixed", plain("New message"), attached("audio/wav", b"RIFF\0\0\0\0WAVEfmt ", "v.wav")), "New message"),
    of("visiting-card", "Card", multipart("mixed", part("text/x-vcard; charset=utf-8", "BEGIN:VCARD\nFN:X\nEND:VCARD\n"))),
    of("winmail-dat", "Meeting", multipart("mixed", plain("agenda"), attached("application/ms-tnef", b"\x78\x9f\x3e\x22", "winmail.dat")), "agenda"),
    of("archive-alone", "Logs", attached("application/zip", b"PK\3\4....", "logs.zip")),
    of("uuencoded-inline", "Old", plain("see\n\nbegin 644 a.txt\n#0V%T\n`\nend\n"), "see begin 644 a.txt #0V%T ` end"),
    of("cron", "Cron <root@nas> backup", plain("rsync: 3 files\n"), "rsync: 3 files", more=("Auto-Submitted: auto-generated", "X-Cron-Env: <SHELL=/bin/sh>")),
    of("partial", "Part 1 of 2", b'Content-Type: message/partial; id="x"; number=1; total=2\r\n\r\nfirst half'),
]

BROKEN = [
    Shape("no-header", b"only words, no header at all\r\nsecond line\r\n", "", "only words, no header at all second line"),
    Shape("header-without-end", header("Cut").rstrip(b"\r\n"), "Cut"),
    Shape("bare-lf", header("Lines").replace(b"\r\n", b"\n") + b"\none\ntwo\n", "Lines", "one two"),
    of("bare-cr", "Lines", b"Content-Type: text/plain\r\n\r\none\rtwo\rthree", "one two three"),
    Shape("mbox-line", b"From somebody Sat Nov 21 03:12:45 2026\r\n" + header("Box") + b"\r\nwords\r\n", "Box", "words"),
    of("nul-bytes", "Holes", b"\r\na\0b\0\0c", "abc"),
    of("control-characters", "Bell", b"\r\nring\x07 \x1b[31mred\x1b[0m", "ring [31mred[0m"),
    of("unknown-encoding", "Odd", part("text/plain", "as it is", "Content-Transfer-Encoding: x-own"), "as it is"),
    of("unknown-charset", "Odd", part("text/plain; charset=x-nonsense", "Gr\xfc\xdfe".encode("latin-1")), "Grüße"),
    of("base64-without-padding", "Odd", part("text/plain", "R3LDvMOfZQ", "Content-Transfer-Encoding: base64"), "Grüße"),
    of("quoted-wrongly", "Odd", part("text/plain; charset=utf-8", "a=ZZb =C3=BC =x", "Content-Transfer-Encoding: quoted-printable"), "a=ZZb ü =x"),
    of("boundary-never-comes", "Odd", b'Content-Type: multipart/mixed; boundary="x"\r\n\r\nall there is', "all there is"),
    of("two-content-types", "Odd", b"Content-Type: text/plain\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nwords", "words"),
    of("deep", "Deep", nested(60, plain("at the bottom")), "at the bottom"),
    Shape("subject-in-three-charsets", header(" ".join([encoded("Grüße ", "utf-8", "utf-8"), encoded("из ", "koi8-r", "koi8-r"), encoded("東京", "shift_jis", "shift_jis")])) + b"\r\n",
          "Grüße из 東京"),
    Shape("subject-folded", header("a\r\n very\r\n\tlong\r\n subject") + b"\r\nx", "a very long subject", "x"),
]

LARGE = [
    Shape("recipients-10000", header("All of you", "Cc: " + ",\r\n ".join(f"user{i}@example.org" for i in range(10000))) + b"\r\nhello", "All of you", "hello"),
    of("parts-200", "Parts", multipart("mixed", *(plain(f"part {i}") for i in range(200))), " ".join(f"part {i}" for i in range(200))),
    of("attachments-200", "Many", multipart("mixed", plain("see"), *(attached("application/pdf", b"%PDF-1.4", f"{i}.pdf") for i in range(200))), "see"),
    of("text-1mb", "Book", plain(LONG * 90), LONG * 90),
    of("one-line-100000", "Line", plain("x" * 100000), "x" * 100000),
    of("subject-5000", "s" * 5000, b"\r\n"),
    of("html-1mb", "Page", part("text/html", "<div>" + "<p>word</p>" * 90000), "word " * 90000),
    of("attachment-5mb", "Archive", multipart("mixed", plain("all of it"), attached("application/zip", b"PK\3\4" + bytes(5 << 20), "a.zip")), "all of it"),
    of("headers-1000", "Travelled", plain("far"), "far", more=tuple(f"Received: from mx{i} by mx{i + 1}" for i in range(1000))),
]

# Every label of parsers/charset.c: what Python calls it, and words that it can write.
WORDS = {"west": "Grüße aus Köln", "middle": "Příliš žluťoučký kůň", "cyrillic": "Привет из Киева", "greek": "Καλημέρα", "turkish": "Günaydın şehir",
         "chinese": "检测到移动", "traditional": "您好世界", "japanese": "こんにちは東京", "korean": "안녕하세요"}
CHARSETS = {
    "iso-8859-1": ("latin-1", "west"), "windows-1252": ("cp1252", "west"), "iso-8859-15": ("iso-8859-15", "west"), "us-ascii": ("latin-1", "west"),
    "latin1": ("latin-1", "west"), "cp1252": ("cp1252", "west"), "gb2312": ("gb2312", "chinese"), "gbk": ("gbk", "chinese"),
    "gb18030": ("gb18030", "chinese"), "x-gbk": ("gbk", "chinese"), "big5": ("big5", "traditional"), "iso-8859-2": ("iso-8859-2", "middle"),
    "iso-8859-5": ("iso-8859-5", "cyrillic"), "iso-8859-7": ("iso-8859-7", "greek"), "iso-8859-9": ("iso-8859-9", "turkish"),
    "windows-1250": ("cp1250", "middle"), "windows-1251": ("cp1251", "cyrillic"), "windows-1253": ("cp1253", "greek"), "windows-1254": ("cp1254", "turkish"),
    "koi8-r": ("koi8-r", "cyrillic"), "koi8-u": ("koi8-u", "cyrillic"), "shift_jis": ("shift_jis", "japanese"), "euc-jp": ("euc_jp", "japanese"),
    "iso-2022-jp": ("iso2022_jp", "japanese"), "euc-kr": ("euc_kr", "korean"), "ks_c_5601-1987": ("euc_kr", "korean"), "utf-16": ("utf-16", "cyrillic"),
    "utf-16le": ("utf-16-le", "cyrillic"), "utf-16be": ("utf-16-be", "cyrillic"), "utf-7": ("utf-7", "west"), "macintosh": ("mac_roman", "west"),
    "ibm850": ("cp850", "west"), "cp850": ("cp850", "west"), "ibm437": ("cp437", "west"),
}


def in_charset(label):
    codec, words = CHARSETS[label]
    body = base64.encodebytes(WORDS[words].encode(codec)).replace(b"\n", b"\r\n")
    return of("charset-" + label, "Charset", part(f"text/plain; charset={label}", body, "Content-Transfer-Encoding: base64"), WORDS[words])


SHAPES = PEOPLE + SIGNED + PROGRAMS + BROKEN + LARGE + [in_charset(label) for label in CHARSETS] + [
    of("charset-utf-8", "Charset", part("text/plain; charset=utf-8", quopri.encodestring("Grüße".encode()), "Content-Transfer-Encoding: quoted-printable"), "Grüße"),
]


def is_stored(shape):
    return len(shape.mail) <= STORED_MAX


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__ + "/..").resolve()
    for shape in SHAPES:
        if len(sys.argv) > 1 or is_stored(shape):
            (folder / f"{shape.name}.eml").write_bytes(shape.mail)
