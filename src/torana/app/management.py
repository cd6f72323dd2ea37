"""The management listener: AWS service endpoints, metrics and health."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from torana.auth.keys import same
from torana.gateway.front_door import not_let_in
from torana.message import Headers, Reply, Request

Check = Callable[[str, str], bool]
"""Whether an access key id and a secret belong together."""


Answer = Callable[[Request], Awaitable[Reply]]


class Record(Protocol):
    """What is put on record of requests that are no calls of services."""

    def desk(self, request: Request, reply: Reply, service: str, arn: str, /) -> None: ...
    def refused(self, request: Request, reply: Reply, /) -> None: ...


class Management:
    """The handler. `/healthz` tells nothing and asks nothing, and `keys` of user pools are public;
    everything else wants credentials, of which `console` sees to its own. `desks` are for what is
    below a path."""

    def __init__(
        self,
        services: Answer,
        metrics: Callable[[], Awaitable[bytes]],
        check: Check,
        record: Record,
        desks: Mapping[str, Answer],
        keys: Callable[[str], bytes | None],
        console: Answer | None = None,
    ) -> None:
        self._services, self._metrics, self._check = services, metrics, check
        self._record, self._desks, self._keys, self._console = record, desks, keys, console

    async def __call__(self, request: Request) -> Reply:
        """Answer a request, and put on record whom nobody let in."""
        reply = await self._answer(request)
        if not_let_in(reply):
            self._record.refused(request, reply)
        return reply

    async def _answer(self, request: Request) -> Reply:
        path = request.target.partition("?")[0]
        if self._console is not None and (path == "/console" or path.startswith("/console/")):
            return await self._console(request)
        for below, desk in self._desks.items():
            if path.startswith(below):
                return await self._at(desk, request)
        if request.method == "GET":
            if path == "/healthz":
                return _json(200, {"status": "ok"})
            if path == "/metrics":
                return await self._read_metrics(request)
            if (public := self._keys(path)) is not None:
                return Reply(200, Headers([("Content-Type", "application/json")]), public)
        return await self._services(request)

    async def _at(self, desk: Answer, request: Request) -> Reply:
        if not _basic(request, self._check):
            return _unauthorized()
        reply = await desk(request)
        self._record.desk(request, reply, "torana", "root")
        return reply

    async def _read_metrics(self, request: Request) -> Reply:
        if not _basic(request, self._check):
            return _unauthorized()
        fields = [("Content-Type", "text/plain; version=1.0.0; charset=utf-8")]
        return Reply(200, Headers(fields), await self._metrics())


def _unauthorized() -> Reply:
    reply = _json(401, {"message": "Unauthorized"})
    reply.headers.add("WWW-Authenticate", 'Basic realm="torana"')
    return reply


def _basic(request: Request, check: Check) -> bool:
    """HTTP Basic with the access key's id and secret, as Prometheus sends it."""
    scheme, _, encoded = (request.headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return check(name, secret)


def matches(access_key: str, secret: str) -> Check:
    """A check against one pair."""
    return lambda name, given: same(name, access_key) and same(given, secret)


def _json(status: int, value: dict[str, str]) -> Reply:
    return Reply(
        status, Headers([("Content-Type", "application/json")]), msgspec.json.encode(value)
    )
