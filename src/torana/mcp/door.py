"""`/mcp/…` of the front door: APIs at `/mcp/{api-id}/{stage}`, other servers at `/mcp/{name}`."""

import logging
from collections.abc import Callable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from torana.gateway.front_door import FrontDoor
from torana.mcp import protocol as p
from torana.mcp.apis import ApiServer, Tools, made
from torana.mcp.oauth import NO_TOKENS, WELL_KNOWN, OAuth
from torana.mcp.proxy import Proxy
from torana.message import BodyTooLarge, Headers, Reply, Request, read

_log = logging.getLogger("torana.mcp")
_LIMIT = 4 * 1024 * 1024
"""Bytes of a message."""
_PATH = "/mcp/"


class McpDoor:
    """Implements the front door's `Beside`."""

    def __init__(
        self,
        door: FrontDoor,
        apis: tuple[str, ...],
        holds: Callable[[str, str, str], bool],
        origins: tuple[str, ...] = (),
        proxy: Proxy | None = None,
        oauth: OAuth = NO_TOKENS,
    ) -> None:
        """`apis`: patterns of `api-id/stage` that are offered; `origins`: pages that may ask."""
        self._door, self._apis, self._holds = door, apis, holds
        self._origins, self._proxy = frozenset(origins), proxy
        self._made: dict[tuple[str, str], Tools] = {}
        self._oauth = oauth

    surface = "mcp"

    def takes(self, path: str) -> bool:
        """See `Beside`."""
        if path.startswith(WELL_KNOWN):
            return bool(self._oauth.servers) and path.startswith(WELL_KNOWN + _PATH)
        return path.startswith(_PATH)

    async def __call__(self, request: Request) -> Reply:
        """Answer a message."""
        path = request.target.partition("?")[0]
        told = path.startswith(WELL_KNOWN)
        path = path.removeprefix(WELL_KNOWN)
        parts = path.removeprefix(_PATH).strip("/").split("/")
        if told:
            return self._told(path, parts, request)
        if not self._welcome(request):
            return p.refused(None, p.McpError(p.INVALID, "this origin may not ask", status=403))
        if len(parts) == 1 and self._proxy is not None and parts[0] in self._proxy.servers:
            return await self._proxy(parts[0], request)
        server = self._server(parts[0], parts[1]) if len(parts) == 2 else None
        if server is None:
            return p.refused(None, p.McpError(p.INVALID, "no MCP server is here", status=404))
        if request.method != "POST":
            return Reply(405, Headers([("Allow", "POST")]))
        oauth = self._oauth
        if oauth.wanted(server.api, request):
            error = p.McpError(p.INVALID, "Unauthorized: bring an access token", status=401)
            return oauth.challenge(p.refused(None, error), path, request)
        reply = await _exchange(server, request)
        return oauth.challenge(reply, path, request) if reply.status == 401 else reply

    def _told(self, path: str, parts: list[str], request: Request) -> Reply:
        """Where tokens for a stage are got."""
        if len(parts) != 2 or self._server(parts[0], parts[1]) is None:
            return p.refused(None, p.McpError(p.INVALID, "no MCP server is here", status=404))
        if request.method != "GET":
            return Reply(405, Headers([("Allow", "GET")]))
        return self._oauth.metadata(path, request)

    def _welcome(self, request: Request) -> bool:
        """Pages of other places may not reach servers through a browser (DNS rebinding)."""
        origin = request.headers.get("origin")
        if origin is None or origin in self._origins:
            return True
        return urlsplit(origin).netloc == request.headers.get("host")

    def _server(self, api: str, stage: str) -> ApiServer | None:
        """A stage that is live and offered; its tools are made anew when it was deployed anew."""
        live = self._door.table.stages.get((api, stage))
        if live is None or not any(fnmatchcase(f"{api}/{stage}", each) for each in self._apis):
            return None
        tools = self._made.get((api, stage))
        if tools is None or tools.of is not live.plan.to.api:
            tools = self._made[api, stage] = made(live.plan)
        return ApiServer(tools, stage, self._door, self._holds, tokens=bool(self._oauth.servers))


async def _exchange(server: ApiServer, request: Request) -> Reply:
    id: p.Id = None
    stateless = False
    try:
        message = p.decode(await body_of(request))
        id, stateless = p.id_of(message), message.stateless(request.headers)
        if not message.method or id is None:
            return p.accepted()
        if stateless:
            p.check(message, request.headers)
        return p.answered(id, await server(message, request, stateless), stateless)
    except p.McpError as error:
        return p.refused(id, error, stateless)
    except Exception:  # noqa: BLE001 - the boundary: a fault in one message stays there
        _log.exception("an MCP message failed")
        return p.refused(id, p.McpError(p.INTERNAL, "Internal error"), stateless)


async def body_of(request: Request) -> bytes:
    """Raises `McpError`."""
    try:
        return await read(request.body, _LIMIT)
    except BodyTooLarge:
        raise p.McpError(p.INVALID, f"a message is over {_LIMIT} bytes", status=413) from None
    except (TimeoutError, ConnectionError) as error:
        raise p.McpError(p.INVALID, "the message did not come whole", status=400) from error
