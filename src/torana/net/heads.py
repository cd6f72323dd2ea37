"""Heads of HTTP/1.1 replies, as bytes."""

import msgspec

from torana.message import Headers, Reply
from torana.net.fields import CLOCK, OWN, REASON, cleaned
from torana.net.names import Spelled

_STATUS_LINE = {status: f"HTTP/1.1 {status} {text}\r\n" for status, text in REASON.items()}
_SHOWN = Spelled(lambda name: name.lower() not in OWN)


def switching(reply: Reply, agreed: str) -> bytes:
    """The head that opens a WebSocket."""
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", agreed)]
    shown = Headers([*fields, *cleaned(reply.headers).items])
    return b"HTTP/1.1 101 Switching Protocols\r\n" + encode_fields(shown) + b"\r\n"


def encode_fields(headers: Headers) -> bytes:
    """Fields as they go out, such as trailers."""
    return "".join(f"{field}: {value}\r\n" for field, value in headers.items).encode("latin-1")


def encode_head(reply: Reply, length: int | None, chunked: bool, close: bool) -> bytes:
    """A reply's head. Line breaks in a value become blanks: a backend cannot add fields."""
    lines = [f"{field}: {value}\r\n" for field, value in reply.headers.items if _SHOWN[field]]
    if length is not None:
        lines.append(f"Content-Length: {length}\r\n")
    elif chunked:
        lines.append("Transfer-Encoding: chunked\r\n")
    first = _STATUS_LINE.get(reply.status) or f"HTTP/1.1 {reply.status} \r\n"
    connection = "close" if close else "keep-alive"
    fields = "".join(lines)
    head = f"{first}{fields}Date: {CLOCK.date()}\r\nConnection: {connection}\r\n\r\n"
    if head.count("\n") != len(lines) + 4 or "\0" in head:
        return encode_head(Reply(reply.status, cleaned(reply.headers)), length, chunked, close)
    return head.encode("latin-1", "replace")


def plain(status: int, close: bool) -> bytes:
    """A whole reply of the server's own."""
    body = msgspec.json.encode({"message": REASON[status]})
    reply = Reply(status, Headers([("Content-Type", "application/json")]))
    return encode_head(reply, len(body), False, close) + body
