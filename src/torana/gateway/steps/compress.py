"""Compression of replies: gzip or deflate for clients that accept it.

Source: Developer Guide, "Payload compression for REST APIs in API Gateway".
"""

import asyncio
import zlib
from collections.abc import Awaitable

from torana.gateway.contract import Compiled, Context, Finish
from torana.message import Reply

_OFF_THE_LOOP = 64 * 1024
"""Bytes from which compressing would hold up other requests."""
_WINDOW = {"gzip": 31, "deflate": 15}


def build(to: Compiled) -> Finish | None:
    """A step for APIs with a minimum compression size."""
    smallest = to.api.minimum_compression_size
    if smallest is None:
        return None

    def compress(ctx: Context, reply: Reply) -> Reply | Awaitable[Reply]:
        body = reply.body
        if not isinstance(body, bytes) or len(body) < smallest or not body:
            return reply
        coding = accepted(ctx.request.headers.get("accept-encoding"))
        if coding is None or "content-encoding" in reply.headers:
            return reply
        if len(body) > _OFF_THE_LOOP:
            return _in_thread(reply, body, coding)
        return _coded(reply, deflate(body, coding), coding)

    return compress


def accepted(header: str | None) -> str | None:
    """The first coding that the client takes and we can do."""
    if header is None:
        return None
    for wanted in header.split(","):
        name, _, quality = wanted.partition(";")
        coding = name.strip().lower()
        if quality.replace(" ", "") in ("q=0", "q=0.0"):
            continue
        if coding in _WINDOW:
            return coding
        if coding == "*":
            return "gzip"
    return None


def deflate(body: bytes, coding: str) -> bytes:
    """A body in a coding of `accepted`."""
    coder = zlib.compressobj(6, zlib.DEFLATED, _WINDOW[coding])
    return coder.compress(body) + coder.flush()


async def _in_thread(reply: Reply, body: bytes, coding: str) -> Reply:
    return _coded(reply, await asyncio.to_thread(deflate, body, coding), coding)


def _coded(reply: Reply, body: bytes, coding: str) -> Reply:
    reply.headers.set("Content-Encoding", coding)
    reply.headers.add("Vary", "Accept-Encoding")
    reply.body = body
    return reply
