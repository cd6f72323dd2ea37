"""Heads of HTTP/1.1 messages, from bytes and as bytes.

The usual ones are read and written by `_heads`, which is compiled where there was a compiler when
this was installed. Whatever is not usual, and everything where it is not compiled, is read by
llhttp and written here.
"""

from torana.message import Headers, Reply, Request
from torana.net.fields import BODILESS, CLOCK, OWN, REASON, Refused, cleaned
from torana.net.names import Spelled

try:
    from torana.net import _heads as compiled
except ImportError:  # There was no compiler: slower, and the same to everybody else.
    compiled = None

COMPILED = compiled is not None

_STATUS_LINE = {status: f"HTTP/1.1 {status} {text}" for status, text in REASON.items()}
_SHOWN = Spelled(lambda name: name.lower() not in OWN)

Fields = list[tuple[str, str]]


def unread(*_: object) -> None:
    """Nothing is usual."""


read_request = unread if compiled is None else compiled.read_request
"""`(data, at, most, target, count)`: the request at that place, if it is usual and whole."""
read_reply = unread if compiled is None else compiled.read_reply
"""`(data, most)`: the reply that the data is, if it is usual and whole."""


def _counted(items: Fields) -> bool:
    return any(len(name) == 14 and name.lower() == "content-length" for name, _ in items)


def _renamed(items: Fields, names: dict[str, str]) -> Fields:
    return [(own, value) for name, value in items if (own := names[name])]


def _write(
    first: str, items: Fields, shown: dict[str, bool] | None, last: str, body: bytes
) -> bytes | None:
    """See `_heads.write`."""
    fields = [f"{name}: {value}" for name, value in items if shown is None or shown[name]]
    lines = [first, *fields]
    text = "\r\n".join(lines)
    if text.count("\n") != len(fields) or text.count("\r") != len(fields) or "\0" in text:
        return None
    try:
        return f"{text}\r\n{last}\r\n".encode("latin-1") + body
    except UnicodeEncodeError:
        return None


counted = _counted if compiled is None else compiled.counted
renamed = _renamed if compiled is None else compiled.renamed
"""`(items, names)`: the fields under their new names, without those whose new name is empty."""
write = _write if compiled is None else compiled.write
_write_request = unread if compiled is None else compiled.write_request


def switching(reply: Reply, agreed: str) -> bytes:
    """The head that opens a WebSocket."""
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", agreed)]
    shown = Headers([*fields, *cleaned(reply.headers).items])
    return b"HTTP/1.1 101 Switching Protocols\r\n" + encode_fields(shown) + b"\r\n"


def encode_fields(headers: Headers) -> bytes:
    """Fields as they go out, such as trailers."""
    return "".join(f"{field}: {value}\r\n" for field, value in headers.items).encode("latin-1")


def encode_reply(
    reply: Reply, length: int | None, chunked: bool, close: bool, body: bytes = b""
) -> bytes:
    """A reply's head, and its body where that is whole. Line breaks in a value become blanks: a
    backend cannot add fields."""
    first = _STATUS_LINE.get(reply.status) or f"HTTP/1.1 {reply.status} "
    framing = "Transfer-Encoding: chunked\r\n" if chunked else ""
    if length is not None:
        framing = f"Content-Length: {length}\r\n"
    now = CLOCK.now()
    last = framing + (now.closes if close else now.keeps)
    items = reply.headers.items
    return write(first, items, _SHOWN, last, body) or _careful(first, items, last, body)


def encode_bodiless(request: Request, reply: Reply, length: int | None, close: bool) -> bytes:
    """The head of a reply that has no body, with the length (in bytes) of the one that GET would
    have got."""
    declared = reply.headers.get("content-length") if request.method == "HEAD" else None
    if declared is not None and declared.isdigit():
        length = int(declared)
    elif reply.status in BODILESS:
        length = None
    return encode_reply(reply, length, False, close)


def _careful(first: str, items: Fields, last: str, body: bytes) -> bytes:
    """The same, of whatever a backend or a mapping put into fields."""
    kept = [item for item in cleaned(Headers(items)).items if _SHOWN[item[0]]]
    text = "\r\n".join([first, *[f"{name}: {value}" for name, value in kept], last])
    return f"{text}\r\n".encode("latin-1", "replace") + body


_BODIED = frozenset({"POST", "PUT", "PATCH"})


def encode_request(request: Request) -> tuple[bytes, bool]:
    """The request's first bytes, and whether its body follows as a stream.

    Raises `ValueError` for a target or a field that would break the framing.
    """
    body, items, framing = request.body, request.headers.items, ""
    streams = not isinstance(body, bytes)
    if isinstance(body, bytes):
        usual = _write_request(request.method, request.target, items, body)
        if usual is not None:
            return usual, False
    if not counted(items):
        if streams:
            framing = "Transfer-Encoding: chunked\r\n"
        elif body or request.method in _BODIED:
            framing = f"Content-Length: {len(body)}\r\n"
    first = f"{request.method} {request.target} HTTP/1.1"
    whole = body if isinstance(body, bytes) else b""
    if first.count(" ") == 2:
        made = write(first, items, None, framing, whole)
        if made is None:
            items = [(name, _latin(value)) for name, value in items]
            made = write(_latin(first), items, None, framing, whole)
        if made is not None:
            return made, streams
    raise ValueError("a header or the target holds a line break, a NUL or a blank")


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


def plain(status: int, close: bool) -> bytes:
    """A whole reply of the server's own."""
    reply = Refused(status).reply()
    assert isinstance(reply.body, bytes)
    return encode_reply(reply, len(reply.body), False, close, reply.body)
