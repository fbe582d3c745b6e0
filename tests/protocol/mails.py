"""mails.py: the mails that devices send, as bytes with CR LF, the same ones on every run."""
import base64
import email.utils
import random
import struct
import zlib

DATE = "Sat, 21 Nov 2026 03:12:45 +0100"


def message(headers, body):
    """Header lines and a body (text, or bytes that are already as they go out)."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    if isinstance(body, str):
        body = body.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    return head.encode() + b"\r\n" + body


def panel(text, subject="", sender="panel@house.example", to="alarm@house.example", charset="utf-8"):
    """A Lupusec's mail: one line of plain text."""
    return message([("From", sender), ("To", to), ("Subject", subject), ("Date", DATE), ("MIME-Version", "1.0"),
                    ("Content-Type", f"text/plain; charset={charset}"), ("Content-Transfer-Encoding", "8bit")],
                   text.encode(charset) + b"\r\n")


def camera(subject="Motion detected", text="Camera Einfahrt", pictures=(), sender="cam@house.example", to="einfahrt@house.example",
           names=None):
    """A camera's mail: a text and its pictures as base64 attachments."""
    edge = "----=_postern_test_boundary"
    names = names or [f"Snap_20261121-031245-{i}.jpg" for i in range(len(pictures))]
    out = [f"--{edge}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()]
    for name, picture in zip(names, pictures):
        out.append((f"--{edge}\r\nContent-Type: image/jpeg; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n"
                    f"Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n").encode())
        out.append(base64.encodebytes(picture).replace(b"\n", b"\r\n"))
    out.append(f"--{edge}--\r\n".encode())
    return message([("From", sender), ("To", to), ("Subject", subject), ("Date", DATE), ("MIME-Version", "1.0"),
                    ("Content-Type", f'multipart/mixed; boundary="{edge}"')], b"".join(out))


def plain(text="hello", subject="note", sender="someone@house.example", to="someone@house.example"):
    """Any other mail."""
    return message([("From", email.utils.formataddr(("", sender))), ("To", to), ("Subject", subject), ("Date", DATE)], text + "\n")


# --- pictures -------------------------------------------------------------------------------------------------------
# A baseline JPEG of grey 8x8 blocks (ITU T.81): real enough for any decoder, and of any size asked for by a comment segment.

_DC_BITS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])  # table K.3
_DC_CODES = {0: "00", 1: "010", 2: "011", 3: "100", 4: "101", 5: "110", 6: "1110", 7: "11110", 8: "111110"}
_AC_EOB = "0"  # our own table: one code, "end of block"


def _segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def _scan(greys):
    """One DC difference per block, no AC: Huffman coded, stuffed."""
    bits, last = "", 0
    for grey in greys:
        diff, last = grey - last, grey
        size = abs(diff).bit_length()
        value = diff if diff >= 0 else diff + (1 << size) - 1
        bits += _DC_CODES[size] + (format(value, f"0{size}b") if size else "") + _AC_EOB
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


def jpeg(seed=1, size=0, blocks=8):
    """A JPEG of blocks x blocks grey squares; padded to at least `size` bytes. The same seed, the same bytes."""
    chance = random.Random(seed)
    pixels = 8 * blocks
    out = [b"\xff\xd8", _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"), _segment(0xDB, bytes([0]) + bytes([8] * 64)),
           _segment(0xC0, struct.pack(">BHHB", 8, pixels, pixels, 1) + bytes([1, 0x11, 0])),
           _segment(0xC4, bytes([0x00]) + _DC_BITS + bytes(range(12))),
           _segment(0xC4, bytes([0x10]) + bytes([1]) + bytes(15) + bytes([0]))]
    rest = _segment(0xDA, bytes([1, 1, 0, 0, 63, 0])) + _scan([chance.randint(-100, 100) for _ in range(blocks * blocks)]) + b"\xff\xd9"
    have = sum(map(len, out)) + len(rest)
    while have < size:
        comment = _segment(0xFE, chance.randbytes(min(65533, max(1, size - have - 4))))
        out.append(comment)
        have += len(comment)
    return b"".join(out) + rest


def png(seed=1):
    """A small PNG: 16 x 16 greys."""
    chance = random.Random(seed)
    rows = b"".join(b"\0" + chance.randbytes(16) for _ in range(16))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)) + \
        chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
