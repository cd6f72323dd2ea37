"""Messages of the Model Context Protocol over streamable HTTP, both ways of speaking it: with the
`initialize` handshake, and with everything in each request (from 2026-07-28 on).

Source: MCP specification, "Lifecycle", "Transports" and "Versioning"; JSON-RPC 2.0.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from torana.message import Headers, Reply

HANDSHAKE = ("2025-03-26", "2025-06-18", "2025-11-25")
STATELESS = ("2026-07-28",)

PARSE, INVALID, NO_METHOD, BAD_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
MISMATCH, NO_VERSION = -32020, -32022
_STATUS = {
    PARSE: 400,
    INVALID: 400,
    BAD_PARAMS: 400,
    MISMATCH: 400,
    NO_VERSION: 400,
    NO_METHOD: 404,
}
_META = "io.modelcontextprotocol/"
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""What `Mcp-Name` says of a request."""

Json = dict[str, Any]
Id = int | str | None

encode = msgspec.json.Encoder().encode


class Message(Struct):
    """A request, or without `id` a notification; without `method` it is an answer."""

    jsonrpc: str
    method: str = ""
    id: int | str | UnsetType = UNSET
    params: Json = {}

    def stateless(self, headers: Headers) -> bool:
        """Whether it brings along all that the handshake would have said."""
        meta = self.params.get("_meta")
        named = isinstance(meta, dict) and f"{_META}protocolVersion" in meta
        return named or headers.get("mcp-protocol-version") in STATELESS


class McpError(Exception):
    """A refusal. `status` is that of HTTP, where it says more than 200."""

    def __init__(self, code: int, message: str, *, data: Json | None = None, status: int = 0):
        super().__init__(message)
        self.code, self.message, self.data, self.status = code, message, data, status


_decoder = msgspec.json.Decoder(Message)


def decode(body: bytes) -> Message:
    """Raises `McpError`, also for several messages at once, which newer versions do not know."""
    try:
        message = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise McpError(INVALID, f"Invalid Request: {error}", status=400) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise McpError(PARSE, "Parse error", status=400) from error
    if message.jsonrpc != "2.0":
        raise McpError(INVALID, "Invalid Request: jsonrpc must be 2.0", status=400)
    return message


def check(message: Message, headers: Headers) -> None:
    """What a stateless request says of itself twice must agree. Raises `McpError`."""
    given = message.params.get("_meta")
    meta = cast(Json, given) if isinstance(given, dict) else {}
    version = meta.get(f"{_META}protocolVersion")
    if version is None or f"{_META}clientCapabilities" not in meta:
        raise McpError(BAD_PARAMS, "params._meta lacks the protocol version or capabilities")
    said = {
        "mcp-protocol-version": version,
        "mcp-method": message.method,
        "mcp-name": message.params.get(_NAMED.get(message.method, "")),
    }
    for name, wanted in said.items():
        if wanted is not None and headers.get(name) != wanted:
            raise McpError(MISMATCH, f"the header {name} does not match the request")
    if version not in STATELESS:
        data = {"supported": [*HANDSHAKE, *STATELESS], "requested": version}
        raise McpError(NO_VERSION, f"Unsupported protocol version: {version}", data=data)


def initialized(message: Message, name: str, version: str) -> Json:
    """What the handshake is answered with."""
    wanted = message.params.get("protocolVersion")
    return {
        "protocolVersion": wanted if wanted in HANDSHAKE else HANDSHAKE[-1],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": name, "version": version},
    }


def discovered(name: str, version: str) -> Json:
    """What `server/discover` is answered with."""
    return {
        "supportedVersions": [*HANDSHAKE, *STATELESS],
        "capabilities": {"tools": {}},
        "_meta": {f"{_META}serverInfo": {"name": name, "version": version}},
    }


def answered(id: Id, result: Mapping[str, Any], stateless: bool) -> Reply:
    """A result; a stateless one says that it is whole, and for how long it holds: not at all."""
    more = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"} if stateless else {}
    return reply(200, {"jsonrpc": "2.0", "id": id, "result": {**result, **more}})


def refused(id: Id, error: McpError, stateless: bool = False) -> Reply:
    """An error."""
    told: Json = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    status = error.status or (_STATUS.get(error.code, 200) if stateless else 200)
    return reply(status, {"jsonrpc": "2.0", "id": id, "error": told})


def reply(status: int, value: Json) -> Reply:
    """Any message to a client."""
    return Reply(status, Headers([("Content-Type", "application/json")]), encode(value))


def accepted() -> Reply:
    """A notification was taken."""
    return Reply(202, Headers())


def id_of(message: Message) -> Id:
    """As answers repeat it."""
    return None if message.id is UNSET else message.id
