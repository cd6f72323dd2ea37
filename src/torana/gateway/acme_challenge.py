"""Answers to an ACME authority that asks whether a name is ours (RFC 8555, 8.3)."""

import re
from collections.abc import Awaitable, Callable

from torana.message import Headers, Reply, Request

_PATH = re.compile(r"/\.well-known/acme-challenge/([A-Za-z0-9_-]{16,128})")

Answer = Callable[[Request], Awaitable[Reply]]


def challenged(handler: Answer, find: Callable[[str], Awaitable[bytes | None]]) -> Answer:
    """Before a handler of plain HTTP. `find` gives the answer to a token; a request for one that
    there is not goes on as any other."""

    async def look(request: Request, token: str) -> Reply:
        found = await find(token)
        if found is None:
            return await handler(request)
        return Reply(200, Headers([("Content-Type", "application/octet-stream")]), found)

    def answer(request: Request) -> Awaitable[Reply]:
        if request.method == "GET" and request.target.startswith("/.well-known/acme-challenge/"):
            asked = _PATH.fullmatch(request.target)
            if asked is not None:
                return look(request, asked[1])
        return handler(request)

    return answer
