"""The management listener: AWS service endpoints, metrics and health."""

import base64
import binascii
from collections.abc import Awaitable, Callable

import msgspec

from torana.auth.keys import same
from torana.message import Headers, Reply, Request

Check = Callable[[str, str], bool]
"""Whether an access key id and a secret belong together."""


def management(
    services: Callable[[Request], Awaitable[Reply]],
    metrics: Callable[[], Awaitable[bytes]],
    check: Check,
    llm: Callable[[Request], Awaitable[Reply]] | None = None,
    keys: Callable[[str], bytes | None] = lambda path: None,
    console: Callable[[Request], Awaitable[Reply]] | None = None,
    pools: Callable[[Request], Awaitable[Reply]] | None = None,
) -> Callable[[Request], Awaitable[Reply]]:
    """The handler. `/healthz` tells nothing and asks nothing, and `keys` of user pools are public;
    everything else wants credentials, of which `console` sees to its own."""

    async def handle(request: Request) -> Reply:
        path = request.target.partition("?")[0]
        if request.method == "GET" and path == "/healthz":
            return _json(200, {"status": "ok"})
        if console is not None and (path == "/console" or path.startswith("/console/")):
            return await console(request)
        if llm is not None and path.startswith("/llm/v1/"):
            return await llm(request) if _basic(request, check) else _unauthorized()
        if pools is not None and path.startswith("/user-pools/v1/"):
            return await pools(request) if _basic(request, check) else _unauthorized()
        if request.method == "GET" and (public := keys(path)) is not None:
            return Reply(200, Headers([("Content-Type", "application/json")]), public)
        if request.method == "GET" and path == "/metrics":
            if not _basic(request, check):
                return _unauthorized()
            fields = [("Content-Type", "text/plain; version=1.0.0; charset=utf-8")]
            return Reply(200, Headers(fields), await metrics())
        return await services(request)

    return handle


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
