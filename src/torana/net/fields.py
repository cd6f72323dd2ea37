"""What replies of either version of HTTP have in common."""

import asyncio
import logging
import re
import ssl
import time
from http import HTTPStatus

import msgspec
from msgspec import Struct

from torana.message import Headers, Peer, Reply, Request
from torana.net.body import IncomingBody
from torana.net.tls import ServerContext

_log = logging.getLogger("torana.net")

REASON = {status.value: status.phrase for status in HTTPStatus}
BODILESS = frozenset({204, 304})
OWN = frozenset({"content-length", "transfer-encoding", "connection", "date", "keep-alive"})
"""Fields of a reply that are the server's business."""
_NO_TARGET = re.compile(r"[#\x00-\x20\x7f]|^[^?]*%(?:00|(?![0-9A-Fa-f]{2}))")
_FAULT = msgspec.json.encode({"message": "Internal server error"})


class Refused(Exception):
    """A request that is not answered by the application."""

    def __init__(self, status: int) -> None:
        super().__init__(REASON.get(status, "Refused"))
        self.status = status

    def reply(self) -> Reply:
        """The server's own answer."""
        body = msgspec.json.encode({"message": str(self)})
        return Reply(self.status, Headers([("Content-Type", "application/json")]), body)


class Dated(Struct, frozen=True):
    """A second, as heads say it."""

    second: int
    text: str
    """RFC 9110, 6.6.1."""
    keeps: str
    """The last lines of the head of a reply after which the connection goes on."""
    closes: str
    """The same where it ends."""


class Clock:
    """The Date field, made once a second."""

    def __init__(self) -> None:
        self._now = Dated(-1, "", "", "")

    def now(self) -> Dated:
        """The present second."""
        second = int(time.time())
        if second != self._now.second:
            text = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))
            date = f"Date: {text}\r\nConnection: "
            self._now = Dated(second, text, f"{date}keep-alive\r\n", f"{date}close\r\n")
        return self._now


CLOCK = Clock()


def faulty(request: Request, error: Exception) -> Reply:
    """The answer to a request whose handler failed: the client's fault if its body broke off."""
    body = request.body
    if isinstance(body, IncomingBody) and error is body.error:
        return Reply(408 if isinstance(error, TimeoutError) else 400, Headers())
    _log.error("%s %s failed", request.method, request.target.partition("?")[0], exc_info=error)
    return Reply(500, Headers([("Content-Type", "application/json")]), _FAULT)


def is_target(text: str) -> bool:
    """Whether a request can be for that: no fragment (RFC 9112, 3.2), blank or control character,
    and in the path no escape that is none (RFC 3986, 2.1) or hides a NUL (7.3).

    A query goes on as it came, as from Amazon API Gateway: functions there are known to be called
    with half an escape in one.
    """
    return _NO_TARGET.search(text) is None


def is_bodiless(method: str, status: int) -> bool:
    """Whether a reply has no body, whatever it says."""
    return method == "HEAD" or status in BODILESS or status < 200


def cleaned(headers: Headers) -> Headers:
    """Without line breaks: a backend cannot add fields."""

    def clean(text: str) -> str:
        return text.replace("\r", " ").replace("\n", " ").replace("\0", " ")

    return Headers([(clean(name), clean(value)) for name, value in headers.items])


def peer_of(transport: asyncio.Transport) -> Peer:
    """Who is at the other end."""
    remote: object = transport.get_extra_info("peername")
    local: object = transport.get_extra_info("sockname")
    address, port = (str(remote[0]), int(remote[1])) if isinstance(remote, tuple) else ("", 0)  # pyright: ignore[reportUnknownArgumentType]
    local_port = int(local[1]) if isinstance(local, tuple) else 0  # pyright: ignore[reportUnknownArgumentType]
    secure: object = transport.get_extra_info("ssl_object")
    if not isinstance(secure, ssl.SSLObject):
        return Peer(address, port, "http", local_port)
    cipher = secure.cipher()
    return Peer(
        address,
        port,
        "https",
        local_port,
        secure.version() or "",
        cipher[0] if cipher else "",
        secure.getpeercert(binary_form=True),
        secure.context.server_name if isinstance(secure.context, ServerContext) else "",
    )
