"""Clients that ask in plain text are sent to HTTPS, and told to stay there."""

import re
from collections.abc import Awaitable, Callable

import msgspec

from torana.message import Headers, Reply, Request

Handler = Callable[[Request], Awaitable[Reply]]

_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_DEFAULT = 443


def to_https(port: int) -> Handler:
    """Answers every request with the same address over HTTPS, at this port. 308 keeps a method that
    is neither GET nor HEAD (RFC 9110, 15.4.9)."""

    async def handle(request: Request) -> Reply:
        host = _HOST.fullmatch(request.headers.get("host") or "")
        if host is None or not request.target.startswith("/"):
            return Reply(400, Headers([("Connection", "close")]))
        at = "" if port == _DEFAULT else f":{port}"
        place = f"https://{host[1]}{at}{request.target}"
        status = 301 if request.method in ("GET", "HEAD") else 308
        return Reply(status, Headers([("Location", place)]))

    return handle


def strict(handler: Handler, seconds: int) -> Handler:
    """Adds Strict-Transport-Security (RFC 6797) to replies that do not carry their own."""
    field = ("Strict-Transport-Security", f"max-age={seconds}")

    async def handle(request: Request) -> Reply:
        reply = await handler(request)
        if reply.headers.get("strict-transport-security") is not None:
            return reply
        return msgspec.structs.replace(reply, headers=Headers([*reply.headers.items, field]))

    return handle
