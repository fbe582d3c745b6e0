"""smtp_raw.py: a device that speaks SMTP as it likes: bytes out, replies in."""
import array
import fcntl
import socket
import termios


class Raw:
    """A connection to a daemon's listener. say() sends bytes or text as they are, hear() reads one whole reply."""

    def __init__(self, p, greet=True, timeout=20, source=None):
        self.socket = socket.create_connection(p.smtp, timeout=timeout, source_address=(source, 0) if source else None)
        self.lines = self.socket.makefile("rb")
        if greet:
            self.expect("220")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def say(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)
        return self

    def hear(self):
        """One reply, its lines joined by LF; "" when the link was closed."""
        reply = []
        while True:
            line = self.lines.readline().decode()
            reply.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                return "\n".join(reply)

    def expect(self, *starts):
        """The next replies begin with these; returns the last."""
        reply = ""
        for start in starts:
            reply = self.hear()
            assert reply.startswith(start), f"expected {start}, heard {reply!r}"
        return reply

    def data(self, sender="panel@house.example", to="alarm@house.example"):
        """Up to the 354."""
        self.say(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{to}>\r\nDATA\r\n").expect("250 2.1.0", "250 2.1.5", "354")
        return self

    def unread(self):
        """Bytes that the daemon's kernel has not acknowledged (SIOCOUTQ)."""
        left = array.array("i", [0])
        fcntl.ioctl(self.socket, termios.TIOCOUTQ, left)
        return left[0]

    def vanish(self):
        """Drops the link as a device does that loses power: no QUIT, a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.close()

    def close(self):
        self.lines.close()
        self.socket.close()
