"""Other MCP servers behind virtual keys: which tools a key may see and call, and how often.

Nothing is kept between two messages. A session's id is the server's own, sealed together with the
key it was opened with, so that every process knows it again and no other key can use it. Events
keep their ids: a client resumes a stream at the server it came from.
"""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Protocol, cast

import msgspec
from msgspec import Struct

from torana.llm.call import ANSWER_LIMIT
from torana.llm.errors import LlmError, told
from torana.llm.keys import Key, Keys, identify, take_request
from torana.llm.mark import whose
from torana.llm.spend import Spent
from torana.llm.sse import EVENT_STREAM, data_of, split
from torana.mcp import protocol as p
from torana.message import Body, BodyTooLarge, Headers, Reply, Request, read
from torana.net.client import Origin, Timeouts
from torana.state.counters import Limit, admit

_PASSED = ("accept", "content-type", "last-event-id", "mcp-method", "mcp-name")
_VERSION = "mcp-protocol-version"
_SESSION = "mcp-session-id"
_PARAMETER = "mcp-param-"
_LONGEST = 16 * 1024 * 1024
"""Bytes of an event that is looked into."""
_LIMIT = 4 * 1024 * 1024


class Seal(Protocol):
    """Closes what only this gateway may open."""

    def close(self, plain: bytes) -> str: ...
    def open(self, sealed: str) -> bytes: ...


class Server(Struct, frozen=True):
    """An MCP server elsewhere."""

    name: str
    origin: Origin
    path: str
    headers: tuple[tuple[str, str], ...]
    """Host and credentials among them."""
    timeouts: Timeouts
    tools: tuple[str, ...] = ("*",)
    """Patterns of the tools that are let through."""
    hidden: tuple[str, ...] = ()
    """Patterns of those that are not, whatever `tools` says."""
    limits: Mapping[str, float] = {}
    """Calls a minute that each key has, by a pattern of tools; the first that fits."""

    def lets(self, tool: str, key: Key) -> bool:
        """Whether a key may see and call a tool."""
        if not _fits(tool, self.tools) or _fits(tool, self.hidden):
            return False
        return _may(key, f"{self.name}/{tool}")


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, each) for each in patterns)


def _may(key: Key, name: str) -> bool:
    """`server` in a key means all of its tools; it may no more than what is above it."""
    server = name.partition("/")[0]
    own = any(each == server or fnmatchcase(name, each) for each in key.mcp)
    return own and _bound(key.above, name)


def _bound(above: Key | None, name: str) -> bool:
    """Users, teams and organizations that name nothing let everything through."""
    if above is None:
        return True
    return _may(above, name) if above.mcp else _bound(above.above, name)


class Proxy:
    """Passes messages on."""

    def __init__(
        self,
        servers: Mapping[str, Server],
        keys: Callable[[], Keys],
        bucket: Callable[[str, float, float], Limit],
        seal: Seal,
        spend: Callable[[Spent], None],
    ) -> None:
        self.servers, self._keys, self._bucket = servers, keys, bucket
        self._seal, self._spend = seal, spend

    async def __call__(self, name: str, request: Request) -> Reply:
        """Answer a message, or open the stream of what the server says by itself."""
        server = self.servers[name]
        id: p.Id = None
        try:
            key = identify(self._keys(), request.headers)
            if not any(each.partition("/")[0] == name or _fits(name, (each,)) for each in key.mcp):
                raise LlmError("permission", f"This API key may not use the MCP server `{name}`.")
            if request.method == "POST":
                body = await _body(request)
                message = p.decode(body)
                id = p.id_of(message)
                return await self._pass(server, key, message, body, request)
            if request.method in ("GET", "DELETE"):
                return await self._send(server, key, b"", request)
            return Reply(405, Headers([("Allow", "GET, POST, DELETE")]))
        except p.McpError as error:
            return p.refused(id, error)
        except LlmError as error:
            reply = p.refused(id, p.McpError(p.INVALID, error.message, status=error.status))
            if error.status == 401:
                reply.headers.add("WWW-Authenticate", "Bearer")
            if error.retry_after is not None:
                reply.headers.add("Retry-After", str(max(1, round(error.retry_after))))
            return told(reply, error)

    async def _pass(
        self, server: Server, key: Key, message: p.Message, body: bytes, request: Request
    ) -> Reply:
        if message.method != "tools/call":
            return await self._send(server, key, body, request)
        tool = str(message.params.get("name"))[:256]
        if not server.lets(tool, key):
            unknown = p.McpError(p.BAD_PARAMS, f"Unknown tool: {tool}")
            reply = p.refused(p.id_of(message), unknown)
            reply.denied = f"{key.name} may not call the tool {server.name}/{tool}"
            return reply
        await take_request(key)
        await self._within(server, key, tool)
        started, status = time.time(), 502
        try:
            reply = await self._send(server, key, body, request)
            status = reply.status
            return reply
        finally:
            self._spend(
                Spent(
                    started,
                    key.name,
                    f"mcp/{server.name}",
                    server.name,
                    tool,
                    status,
                    usd=0.0,
                    seconds=time.time() - started,
                    **whose(key),
                )
            )

    async def _within(self, server: Server, key: Key, tool: str) -> None:
        for pattern, most in server.limits.items():
            if not fnmatchcase(tool, pattern):
                continue
            limit = self._bucket(f"mcp/{server.name}/{pattern}/{key.name}", most / 60, most)
            if not await admit(limit):
                raise LlmError(
                    "rate_limit", f"Rate limit reached for the tool {tool}.", retry_after=60 / most
                )
            return

    async def _send(self, server: Server, key: Key, body: bytes, request: Request) -> Reply:
        fields = Headers([*server.headers, *self._fields(server, key, request)])
        asked = Request(request.method, server.path, fields, body)
        try:
            reply = await server.origin.send(asked, server.timeouts)
            kind = (reply.headers.get("content-type") or "").partition(";")[0].strip().lower()
            answer = Reply(reply.status, self._told(server, key, reply))
            if kind == EVENT_STREAM:
                answer.body = Screened(reply.body, lambda tool: server.lets(tool, key))
            else:
                whole = await read(reply.body, ANSWER_LIMIT)
                answer.body = screen(whole, lambda tool: server.lets(tool, key))
            return answer
        except TimeoutError as error:
            raise LlmError("timeout", f"{server.name} did not answer in time") from error
        except ConnectionError as error:
            raise LlmError("upstream", f"{server.name} cannot be reached: {error}") from error
        except BodyTooLarge as error:
            raise LlmError("upstream", f"{server.name} answers with too much") from error

    def _fields(self, server: Server, key: Key, request: Request) -> Iterator[tuple[str, str]]:
        for name, value in request.headers.items:
            lower = name.lower()
            if lower in _PASSED or lower == _VERSION or lower.startswith(_PARAMETER):
                yield name, value
            elif lower == _SESSION:
                yield name, self._opened(server, key, value)

    def _told(self, server: Server, key: Key, reply: Reply) -> Headers:
        kept = ("allow", "cache-control", "content-type", "retry-after")
        fields = [item for item in reply.headers.items if item[0].lower() in kept]
        session = reply.headers.get(_SESSION)
        if session is not None:
            plain = msgspec.json.encode((server.name, key.name, session))
            sealed = base64.b64decode(self._seal.close(plain))
            fields.append(("Mcp-Session-Id", base64.urlsafe_b64encode(sealed).decode()))
        return Headers(fields)

    def _opened(self, server: Server, key: Key, sealed: str) -> str:
        """The server's own session. Raises `McpError` for one that is not this key's."""
        try:
            plain = self._seal.open(sealed.replace("-", "+").replace("_", "/"))
            name, owner, session = msgspec.json.decode(plain, type=tuple[str, str, str])
        except (ValueError, msgspec.DecodeError):
            name, owner, session = "", "", ""
        if (name, owner) != (server.name, key.name):
            raise p.McpError(p.INVALID, "Session not found", status=404)
        return session


async def _body(request: Request) -> bytes:
    try:
        return await read(request.body, _LIMIT)
    except BodyTooLarge:
        raise p.McpError(p.INVALID, f"a message is over {_LIMIT} bytes", status=413) from None
    except (TimeoutError, ConnectionError) as error:
        raise p.McpError(p.INVALID, "the message did not come whole", status=400) from error


def screen(message: bytes, lets: Callable[[str], bool]) -> bytes:
    """A message without the tools that its reader may not see."""
    if b'"tools"' not in message:
        return message
    try:
        value = msgspec.json.decode(message, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return message
    result: Any = value.get("result")
    if not isinstance(result, dict):
        return message
    found = cast(p.Json, result)
    tools: Any = found.get("tools")
    if not isinstance(tools, list):
        return message
    listed = cast("list[p.Json]", tools)
    found["tools"] = [each for each in listed if lets(str(each.get("name")))]
    return p.encode(value)


class Screened:
    """Implements `Stream`: a server's events, lists of tools among them cut to what may be seen."""

    def __init__(self, body: Body, lets: Callable[[str], bool]) -> None:
        self.trailers = Headers()
        self._body, self._lets, self._rest = body, lets, b""
        self._over = False

    def __aiter__(self) -> "Screened":
        return self

    async def __anext__(self) -> bytes:
        """See `Stream`."""
        while not self._over:
            piece = await self._next()
            if piece is None:
                self._over = True
                whole, self._rest = self._rest, b""
            else:
                whole, self._rest = split(self._rest + piece)
                if len(self._rest) > _LONGEST:
                    await self.aclose()
                    raise ConnectionError("an event is too long")
            if whole:
                return self._screened(whole)
        raise StopAsyncIteration

    async def _next(self) -> bytes | None:
        if isinstance(self._body, bytes):
            piece, self._body = self._body, b""
            return piece or None
        return await anext(self._body, None)

    def _screened(self, whole: bytes) -> bytes:
        if b'"tools"' not in whole:
            return whole
        events = whole.replace(b"\r\n", b"\n").split(b"\n\n")
        return b"\n\n".join(map(self._event, events))

    def _event(self, block: bytes) -> bytes:
        if b'"tools"' not in block:
            return block
        lines = [line for line in block.split(b"\n") if not line.startswith(b"data:")]
        lines += [b"data: " + screen(data, self._lets) for data in data_of(block + b"\n\n")]
        return b"\n".join(lines)

    async def aclose(self) -> None:
        """See `Stream`."""
        self._over = True
        if not isinstance(self._body, bytes):
            await self._body.aclose()
