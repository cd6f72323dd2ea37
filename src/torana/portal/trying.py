"""Try-it: a developer's request, sent to the front door as anybody's would be.

It bears what the developer wrote, and nothing of the portal: no cookie, no rights.
"""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from torana.console.refused import Refused
from torana.gateway.locate import Live, local_address, normalise
from torana.message import BodyTooLarge, Headers, Reply, Request, Sent, read
from torana.portal.verbs import VERBS
from torana.services.apigateway.book import Json

Door = Callable[[Request], Awaitable[Reply]]

_REPLY = 1024 * 1024
_LONGEST = 60
"""Seconds."""
_HOPS = ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
_OURS = frozenset({*_HOPS, "host", "cookie", "content-length", "expect", "x-torana-csrf"})
"""Fields that are not the developer's to set."""
_FIELD = r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$"


class Field(Struct, frozen=True):
    """A header field."""

    name: Annotated[str, Meta(pattern=_FIELD)]
    value: Annotated[str, Meta(pattern=r"^[\t\x20-\x7e\x80-\xff]*$", max_length=8192)]


class Try(Struct, frozen=True):
    """What is asked of a stage; `path` is below it, with its query."""

    product: str
    api: str
    stage: str
    method: str
    path: Annotated[str, Meta(pattern=r"^/[!-~]*$", max_length=8192)]
    headers: tuple[Field, ...] = ()
    body: str = ""


async def send(asked: Try, live: Live, request: Request, door: Door) -> Json:
    """The answer, with how long it took. Raises `Refused`."""
    verb = asked.method.upper()
    if verb.lower() not in VERBS:
        raise Refused(400, "Malformed", f"{asked.method} is no method")
    base = local_address(asked.api, asked.stage, live).rstrip("/")
    path, mark, query = asked.path.partition("?")
    if not normalise(base + path).startswith(base + "/"):
        raise Refused(400, "Malformed", "The path leads out of the API")
    fields = [(each.name, each.value) for each in asked.headers if each.name.lower() not in _OURS]
    fields.append(("Host", request.headers.get("host") or "localhost"))
    content = asked.body.encode()
    if content:
        fields.append(("Content-Length", str(len(content))))
    began = time.perf_counter()
    sent = Request(
        verb,
        base + path + mark + query,
        Headers(fields),
        content,
        request.peer,
        received=time.time(),
    )
    try:
        async with asyncio.timeout(_LONGEST):
            reply, body = await _answered(sent, door)
    except BodyTooLarge:
        raise Refused(502, "TooLarge", f"The answer is over {_REPLY} bytes") from None
    except TimeoutError:
        raise Refused(504, "Timeout", f"There was no whole answer in {_LONGEST} s") from None
    except ConnectionError as error:
        raise Refused(502, "Incomplete", f"The answer broke off: {error}") from None
    taken = time.perf_counter() - began
    told: Json = {
        "status": reply.status,
        "headers": [[name, value] for name, value in reply.headers if name.lower() != "set-cookie"],
        "milliseconds": round(taken * 1000, 1),
        "bytes": len(body),
    }
    try:
        return {**told, "text": body.decode()}
    except UnicodeDecodeError:
        return {**told, "base64": base64.b64encode(body).decode()}


async def _answered(request: Request, door: Door) -> tuple[Reply, bytes]:
    reply = await door(request)
    try:
        return reply, await read(reply.body, _REPLY)
    finally:
        if reply.sent is not None:
            reply.sent(Sent(0, whole=True))


def asked_of(given: Json) -> Try:
    """Raises `Refused`."""
    try:
        return msgspec.convert(given, Try)
    except msgspec.ValidationError as error:
        raise Refused(400, "Malformed", str(error)) from error
