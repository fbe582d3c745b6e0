"""farside: the far side of every provider in one small HTTP server: ClickSend, CM.com, Telegram, Gotify, ntfy, and a webhook's
receiver, told apart by the path. It answers as the real services are known to (docs/providers/), records what it got,
and misbehaves on demand:

    with FarSide() as far:
        far.next(throttle(20), drop_after_reading())   # the next two requests; then it behaves again
        far.always(status(500))                        # every request without a next(), until far.always(None)
        far.down(); far.up()                           # nobody listens; the same port again
        far.credit = 0                                 # ClickSend: INSUFFICIENT_CREDIT
        far.wait(1)                                    # one request has been read whole
        far.requests[0].json["messages"][0]["to"]

`requests` holds every request that was read to its end, `connections` counts the connections that were taken,
`accepted` is what a person would have got: (service, address, text) of every request answered with a yes.
"""

import base64
import binascii
import hashlib
import hmac
import itertools
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024 * 1024


# --- misbehaviour ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Behaviour:
    """What to do with one request instead of answering it well."""

    what: str
    status: int = 200
    headers: tuple = ()
    body: object = None  # bytes, str, or something for JSON; None: as the service words such an error
    seconds: float = 0.0


def status(code, body=None, headers=()):
    """A whole answer with this status code."""
    return Behaviour("status", status=code, body=body, headers=tuple(headers))


def throttle(seconds=None, body=None):
    """429, with Retry-After where seconds is given (Telegram says it in the body too)."""
    headers = (("Retry-After", str(seconds)),) if seconds is not None else ()
    return Behaviour("status", status=429, headers=headers, body=body, seconds=seconds or 0)


def garbage():
    """Something that is no HTTP."""
    return Behaviour("garbage")


def nonsense():
    """200, and a body that no service sends: a hotel's log-in page."""
    return Behaviour("status", status=200, body=b"<html><title>Welcome to our WLAN</title></html>", headers=(("Content-Type", "text/html"),))


def hang(seconds=3600):
    """Reads the request and says nothing for so long (until the server stops)."""
    return Behaviour("hang", seconds=seconds)


def slow(seconds):
    """Answers well, but late."""
    return Behaviour("slow", seconds=seconds)


def drop_before_reading():
    """Takes the connection and resets it before a byte of the request is read."""
    return Behaviour("drop_before_reading")


def drop_mid_request():
    """Resets the connection when the request's head has been read, its body not."""
    return Behaviour("drop_mid_request")


def drop_after_reading():
    """Reads the whole request, then closes without an answer."""
    return Behaviour("drop_after_reading")


def drop_mid_reply():
    """Answers well, but closes in the middle of the body."""
    return Behaviour("drop_mid_reply")


def close_after_second():
    """Answers this request and keeps the connection; reads the second one on it and closes without an answer."""
    return Behaviour("close_after_second")


def refuse(code):
    """The service's own word for a refusal: "INSUFFICIENT_CREDIT" (ClickSend, in the message's status), 303 (CM.com, in the
    message), (403, "Forbidden: bot was blocked by the user") (Telegram), 40301 (ntfy), 401 (Gotify)."""
    return Behaviour("refuse", body=code)


# --- what was seen ---------------------------------------------------------------------------------------------


@dataclass
class Request:
    method: str
    path: str
    headers: dict  # names in lower case
    body: bytes
    time: float  # monotonic, when its last byte was read
    connection: int  # number of the connection, from 1
    order: int  # number of the request on its connection, from 1
    service: str = ""
    parts: dict = field(default_factory=dict)  # multipart/form-data: name -> (file name or None, type, bytes)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def basic(self):
        """(user, password) of HTTP Basic, or None."""
        scheme, _, rest = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        return tuple(base64.b64decode(rest).decode().split(":", 1))

    def value(self, name):
        """A parameter of a Telegram call, whether it came as JSON or as a form."""
        if self.parts:
            return self.parts[name][2].decode() if name in self.parts else None
        return self.json.get(name)

    def is_signed_by(self, secret):
        """Whether the Standard Webhooks signature fits; also no later than five minutes."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        stamp = self.headers["webhook-timestamp"]
        text = f"{self.headers['webhook-id']}.{stamp}.".encode() + self.body
        want = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        return want in self.headers["webhook-signature"].split(" ")


def read_parts(content_type, body):
    """multipart/form-data, by hand: cgi has left Python, and email changes line ends."""
    boundary = b"--" + content_type.split("boundary=", 1)[1].strip('"').encode()
    parts = {}
    for piece in body.split(boundary)[1:-1]:
        head, _, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        lines = {k.lower(): v for k, v in lines.items()}
        options = dict(o.strip().split("=", 1) for o in lines["content-disposition"].split(";")[1:])
        options = {k: v.strip('"') for k, v in options.items()}
        parts[options["name"]] = (options.get("filename"), lines.get("content-type"), data.removesuffix(b"\r\n"))
    return parts


# --- the services ----------------------------------------------------------------------------------------------


def clicksend(far, request, code):
    if request.path.endswith("/v3/account"):
        data = {"username": request.basic[0] if request.basic else "", "api_key": request.basic[1] if request.basic else "",
                "balance": f"{far.credit:.2f}", "_currency": {"currency_name_short": "EUR"}}
        return 200, {"http_code": 200, "response_code": "SUCCESS", "response_msg": "Here's your account", "data": data}
    if request.basic is None:
        return 401, {"http_code": 401, "response_code": "UNAUTHORIZED", "response_msg": "Authorization failed.", "data": None}
    messages = []
    for sms in request.json["messages"]:
        word = code or far.clicksend_word(sms)
        messages.append({"direction": "out", "to": sms["to"], "body": sms["body"], "from": sms.get("from", ""), "schedule": "",
                         "message_id": f"M{next(far.numbers)}", "message_parts": 1, "message_price": "0.0770",
                         "custom_string": sms.get("custom_string", ""), "country": "DE", "carrier": "", "status": word})
        if word == "SUCCESS":
            far.credit -= 1
            far.deliver("clicksend", sms["to"], sms["body"])
    data = {"total_price": 0.077, "total_count": len(messages), "queued_count": len(messages), "messages": messages}
    return 200, {"http_code": 200, "response_code": "SUCCESS", "response_msg": "Messages queued for delivery.", "data": data}


def cm(far, request, code):
    root = request.json["messages"]
    if "x-cm-producttoken" not in request.headers and "authentication" not in root:
        return 401, {"messages": [], "details": "No account found", "errorCode": 103}
    if not root["msg"]:
        return 400, {"messages": [], "details": "No messages", "errorCode": 203}
    answers = []
    for sms in root["msg"]:
        assert ("minimumNumberOfMessageParts" in sms) == ("maximumNumberOfMessageParts" in sms)
        for to in sms["to"]:
            answers.append({"to": to["number"], "parts": 1, "status": "Rejected" if code else "Accepted", "reference": sms.get("reference"),
                            "messageErrorCode": code or 0, "messageDetails": "said the test" if code else None})
            if not code:
                far.deliver("cm", to["number"], sms["body"]["content"])
    return 200, {"messages": answers, "details": f"Created {0 if code else len(answers)} message(s)", "errorCode": 201 if code else 0}


def telegram(far, request, code):
    method = request.path.rsplit("/", 1)[1]
    if code:
        number, words, *more = code
        return number, {"ok": False, "error_code": number, "description": words} | ({"parameters": more[0]} if more else {})
    if method == "getMe":
        return 200, {"ok": True, "result": {"id": 42, "is_bot": True, "first_name": "Postern", "username": "postern_test_bot"}}
    if method == "getUpdates":
        return 200, {"ok": True, "result": far.updates}
    if method not in ("sendMessage", "sendPhoto", "sendDocument", "sendVideo", "sendMediaGroup"):
        return 404, {"ok": False, "error_code": 404, "description": "Not Found: method not found"}
    chat = str(request.value("chat_id"))
    if chat in far.moved_chats:
        return 400, {"ok": False, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
                     "parameters": {"migrate_to_chat_id": far.moved_chats[chat]}}
    text = request.value("text") or request.value("caption") or ""
    if method == "sendMediaGroup":
        media = json.loads(request.value("media"))
        if not 2 <= len(media) <= 10:
            return 400, {"ok": False, "error_code": 400, "description": "Bad Request: group must include 2-10 items"}
        text = next((m["caption"] for m in media if "caption" in m), "")
        assert all(m["media"].removeprefix("attach://") in request.parts for m in media)
    if method == "sendMessage" and not text:
        return 400, {"ok": False, "error_code": 400, "description": "Bad Request: message text is empty"}
    far.deliver("telegram", chat, text)
    one = {"message_id": next(far.numbers), "chat": {"id": int(chat) if chat.lstrip("-").isdigit() else chat}, "date": int(time.time())}
    return 200, {"ok": True, "result": [one] if method == "sendMediaGroup" else one}


def gotify(far, request, code):
    if request.path.endswith("/version"):
        return 200, {"version": "2.6.1", "commit": "0", "buildDate": "2025-01-01"}
    if request.path.endswith("/health"):
        return 200, {"health": "green", "database": "green"}
    if code or "x-gotify-key" not in request.headers:
        number = code or 401
        return number, {"error": "Unauthorized", "errorCode": number, "errorDescription": "you need to provide a valid access token"}
    message = request.json
    if not message.get("message"):
        return 400, {"error": "Bad Request", "errorCode": 400, "errorDescription": "Field 'message' is required"}
    far.deliver("gotify", request.headers["x-gotify-key"], message["message"])
    return 200, {"id": next(far.numbers), "appid": 1, "date": "2025-01-01T00:00:00Z", **message}


def ntfy(far, request, code):
    if request.path.endswith("/v1/health"):
        return 200, {"healthy": True}
    if request.path.endswith("/v1/account"):
        return 200, {"username": "anna", "role": "user"}
    if code:
        return int(str(code)[:3]), {"code": code, "http": int(str(code)[:3]), "error": "said the test", "link": "https://ntfy.sh/docs/"}
    message = request.json
    if not message.get("topic"):
        return 400, {"code": 40009, "http": 400, "error": "invalid request: topic invalid"}
    far.deliver("ntfy", message["topic"], message.get("message", ""))
    return 200, {"id": f"n{next(far.numbers)}", "time": int(time.time()), "expires": 0, "event": "message", **message}


def webhook(far, request, code):
    if request.method == "HEAD":
        return 405, None
    far.deliver("webhook", request.path, request.json["data"]["text"])
    return 200, {"ok": True}


def service_of(method, path):
    path = path.split("?", 1)[0]
    if "/v3/" in path:
        return "clicksend"
    if path.endswith("/v1.0/message"):
        return "cm"
    if "/bot" in path:
        return "telegram"
    if path.endswith(("/message", "/version", "/health")) and not path.endswith("/v1/health"):
        return "gotify"
    if path.endswith(("/v1/health", "/v1/account")) or path == "/":
        return "ntfy"
    return "webhook"


SERVICES = {"clicksend": clicksend, "cm": cm, "telegram": telegram, "gotify": gotify, "ntfy": ntfy, "webhook": webhook}

ERRORS = {  # how each words an error that has no words of its own
    "clicksend": lambda s, b: {"http_code": s, "response_code": {401: "UNAUTHORIZED", 403: "FORBIDDEN", 429: "TOO_MANY_REQUESTS"}.get(s, "BAD_REQUEST"),
                               "response_msg": "said the test", "data": None},
    "cm": lambda s, b: {"messages": [], "details": "said the test", "errorCode": 500 if s >= 500 else 999},
    "telegram": lambda s, b: {"ok": False, "error_code": s, "description": f"Too Many Requests: retry after {int(b.seconds)}" if s == 429 else "said the test"}
    | ({"parameters": {"retry_after": int(b.seconds)}} if s == 429 and b.seconds else {}),
    "gotify": lambda s, b: {"error": "said the test", "errorCode": s, "errorDescription": "said the test"},
    "ntfy": lambda s, b: {"code": s * 100 + 1, "http": s, "error": "said the test"},
    "webhook": lambda s, b: None,
}


# --- the server ------------------------------------------------------------------------------------------------


class Closed(Exception):
    """The peer, or we, ended the connection."""


class Stream:
    """A socket read by lines and lengths."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed
        self.buffer += data

    def head(self):
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) > MAX_HEAD:
                raise Closed
            self.fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def exactly(self, n):
        if n > MAX_BODY:
            raise Closed
        while len(self.buffer) < n:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def chunked(self):
        data = b""
        while True:
            while b"\r\n" not in self.buffer:
                self.fill()
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            n = int(line.split(b";")[0], 16)
            data += self.exactly(n)
            self.exactly(2)
            if n == 0:
                return data

    def reset(self):
        """Closes so that the peer sees RST, not FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Closed


class FarSide:
    def __init__(self):
        self.requests, self.accepted = [], []
        self.connections = 0
        self.credit = 1000.0
        self.moved_chats = {}  # Telegram: "-100" -> -100123: group chats that became supergroups
        self.updates = []  # Telegram: what getUpdates answers
        self.throttles_equal_texts = False  # ClickSend: the same text to the same number again is THROTTLED
        self.numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._next, self._always = [], None
        self._stopping = threading.Event()
        self._sockets = set()
        self._listener = None
        self.port = 0
        self.up()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    # - what a test says -

    def next(self, *behaviours):
        with self._changed:
            self._next.extend(behaviours)

    def always(self, behaviour):
        with self._changed:
            self._always = behaviour

    def down(self):
        """Nobody listens; connections that are open end."""
        listener, self._listener = self._listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._changed:
            for sock in list(self._sockets):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def up(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self):
        self._stopping.set()
        self.down()

    def wait(self, count=1, seconds=10.0, service=None):
        """Until so many requests (of one service) have been read whole; returns them."""
        return self._wait(lambda: [r for r in self.requests if service in (None, r.service)], count, seconds, "requests")

    def wait_accepted(self, count=1, seconds=10.0, service=None):
        """Until so many messages have been answered with a yes; returns them."""
        return self._wait(lambda: [a for a in self.accepted if service in (None, a[0])], count, seconds, "accepted messages")

    def quiet(self, seconds):
        """True when no further request comes for so long."""
        with self._changed:
            before = len(self.requests)
            return not self._changed.wait_for(lambda: len(self.requests) > before, seconds)

    # - inside -

    def _wait(self, those, count, seconds, what):
        with self._changed:
            if not self._changed.wait_for(lambda: len(those()) >= count, seconds):
                raise AssertionError(f"{len(those())} of {count} {what} after {seconds} s")
            return those()

    def deliver(self, service, address, text):
        """Called by a service while it answers: believed only once the answer is on its way."""
        self._pending.append((service, address, text))

    def clicksend_word(self, sms):
        if self.credit < 1:
            return "INSUFFICIENT_CREDIT"
        if self.throttles_equal_texts and ("clicksend", sms["to"], sms["body"]) in self.accepted:
            return "THROTTLED"
        return "SUCCESS"

    _local = threading.local()

    @property
    def _pending(self):
        if not hasattr(self._local, "pending"):
            self._local.pending = []
        return self._local.pending

    def _take(self, *only):
        """The behaviour for this request; with `only`, just if it is one of these."""
        with self._changed:
            first = self._next[0] if self._next else self._always
            if only and (first is None or first.what not in only):
                return None
            return self._next.pop(0) if self._next else self._always

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._changed:
                self.connections += 1
                number = self.connections
                self._sockets.add(sock)
            threading.Thread(target=self._converse, args=(sock, number), daemon=True).start()

    def _converse(self, sock, number):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(sock)
        try:
            if self._take("drop_before_reading"):
                stream.reset()
            is_last_read = False
            for order in itertools.count(1):
                head = stream.head()
                behaviour = None if is_last_read else self._take()
                request = self._read(stream, head, behaviour, number, order)
                if is_last_read:
                    raise Closed
                self._answer(stream, request, behaviour)
                is_last_read = behaviour is not None and behaviour.what == "close_after_second"
        except (Closed, OSError):
            pass
        finally:
            with self._changed:
                self._sockets.discard(sock)
            sock.close()

    def _read(self, stream, head, behaviour, number, order):
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
        if behaviour and behaviour.what == "drop_mid_request":
            stream.reset()
        if headers.get("expect", "").lower() == "100-continue":
            stream.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        body = stream.chunked() if is_chunked else stream.exactly(int(headers.get("content-length", "0")))
        request = Request(method, path, headers, body, time.monotonic(), number, order, service_of(method, path))
        if headers.get("content-type", "").startswith("multipart/form-data"):
            request.parts = read_parts(headers["content-type"], body)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        return request

    def _answer(self, stream, request, behaviour):
        what = behaviour.what if behaviour else ""
        if what == "drop_after_reading":
            raise Closed
        if what in ("hang", "slow"):
            self._stopping.wait(behaviour.seconds)
            if what == "hang":
                raise Closed
        if what == "garbage":
            stream.sock.sendall(b"\x00\x01\x02 this is no HTTP\r\n\r\n" + bytes(range(256)))
            raise Closed
        self._pending.clear()
        code, body, headers = self._word(request, behaviour)
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        names = {k.lower() for k, _ in headers}
        headers = [*headers, ("Content-Length", str(len(data)))]
        if "content-type" not in names:
            headers.append(("Content-Type", "application/json"))
        reply = f"HTTP/1.1 {code} Test\r\n".encode() + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers) + b"\r\n"
        if request.method != "HEAD":
            reply += data
        if what == "drop_mid_reply":
            stream.sock.sendall(reply[: len(reply) - max(1, len(data) // 2)])
            raise Closed
        with self._changed:
            self.accepted.extend(self._pending)
            self._changed.notify_all()
        stream.sock.sendall(reply)

    def _word(self, request, behaviour):
        """(status, body, headers) of the answer."""
        if behaviour and behaviour.what == "status":
            body = behaviour.body
            if body is None:
                body = ERRORS[request.service](behaviour.status, behaviour)
            return behaviour.status, body.encode() if isinstance(body, str) else body, list(behaviour.headers)
        code = behaviour.body if behaviour and behaviour.what == "refuse" else None
        try:
            return *SERVICES[request.service](self, request, code), []
        except (ValueError, KeyError, binascii.Error) as wrong:
            return 400, {"error": f"bad request: {wrong!r}"}, []
