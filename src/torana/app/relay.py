"""A service that another process of this node answers, over a unix socket."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from torana.message import Headers, Reply, Request
from torana.net.client import Client, Timeouts
from torana.services.ports import Backend, Turn
from torana.services.router import Invocation

_TIMEOUT = "x-torana-timeout"
_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})
_LONGEST = 910.0
"""Seconds."""


def relay(client: Client, path: Path) -> Backend:
    """Sends each request on as it came."""
    origin = client.origin("unix", str(path), 0)

    async def backend(turn: Turn) -> Reply:
        asked = turn.request
        fields = [item for item in asked.headers.items if item[0].lower() not in _HOP]
        fields += [("Host", "owner"), (_TIMEOUT, str(turn.timeout))]
        request = Request(asked.method, asked.target, Headers(fields), asked.body)
        limit = turn.timeout
        return await origin.send(request, Timeouts(5.0, limit, _LONGEST, _LONGEST))

    return backend


def answering(
    service: str, region: str, dispatch: Callable[[Invocation], Awaitable[Reply]]
) -> Callable[[Request], Awaitable[Reply]]:
    """The other end: answers what is relayed of one service."""

    async def handle(request: Request) -> Reply:
        timeout = float(request.headers.get(_TIMEOUT) or _LONGEST)
        return await dispatch(Invocation(service, region, "", request, None, timeout))

    return handle
