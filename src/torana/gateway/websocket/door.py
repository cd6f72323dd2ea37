"""The front door's part for WebSocket APIs: `ws://{api-id}.execute-api.{suffix}/{stage}`, custom
domain names, and, with no DNS, `/apis/{api-id}/{stage}`; below each, `@connections/{id}`.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from torana.gateway.locate import Domains
from torana.gateway.websocket.life import Place, Times, new_id
from torana.gateway.websocket.manage import CONNECTIONS, manage
from torana.gateway.websocket.plan import SocketPlan
from torana.gateway.websocket.switchboard import Switchboard
from torana.message import Headers, Reply, Request, Upgrade
from torana.net.websocket import accept, is_upgrade

LOCAL = "/apis/"

Stages = Mapping[Place, SocketPlan]
Handler = Callable[[Request], Awaitable[Reply]]


class SocketTable(Struct, frozen=True):
    """Every stage that is live. Replaced whole by a deployment."""

    stages: Stages = {}
    domains: Domains = {}
    suffix: str = "localhost"

    def find(self, host: str, path: str) -> tuple[Place, str] | None:
        """A stage, and the path below it; None: none answers there."""
        if path.startswith(LOCAL):
            return self._under(path[len(LOCAL) :].partition("/"))
        name = host.partition(":")[0].lower()
        bases = self.domains.get(name)
        if bases is not None:
            return self._mapped(bases, path)
        api_id, _, rest = name.partition(".")
        if rest.startswith("execute-api.") and rest.endswith("." + self.suffix):
            return self._under((api_id, "/", path[1:]))
        return None

    def _under(self, parts: tuple[str, str, str]) -> tuple[Place, str] | None:
        stage, slash, rest = parts[2].partition("/")
        plan = self.stages.get((parts[0], stage))
        return ((parts[0], stage), slash + rest) if plan is not None and plan.own_address else None

    def _mapped(self, bases: Mapping[str, tuple[str, str]], path: str) -> tuple[Place, str] | None:
        for base, place in bases.items():
            if base and path[1:] != base and not path.startswith(f"/{base}/"):
                continue
            rest = path[1 + len(base) :] if base else path
            return (place, rest) if place in self.stages else None
        return None


class SocketDoor:
    """Serves the stages of a table. A deployment swaps it by one assignment."""

    def __init__(self, switchboard: Switchboard, times: Times) -> None:
        self.switchboard, self._limits = switchboard, times.limits()
        self._table = SocketTable()

    @property
    def table(self) -> SocketTable:
        """What is live."""
        return self._table

    @table.setter
    def table(self, table: SocketTable) -> None:
        before, self._table = self._table, table
        if before.stages.keys() - table.stages.keys():
            self.switchboard.connections.keep(table.stages)

    def find(self, host: str, path: str) -> Handler | None:
        """What serves a request; None: it is not for a WebSocket API."""
        found = self._table.find(host, path)
        if found is None:
            return None
        place, rest = found
        if rest in ("", "/"):
            return partial(self._open, place)
        if rest.startswith(CONNECTIONS):
            plan, id = self._table.stages[place], unquote(rest[len(CONNECTIONS) :])
            return partial(manage, self.switchboard, plan, place, id)
        return _nothing_there

    def _plan(self, place: Place) -> SocketPlan | None:
        return self._table.stages.get(place)

    async def _open(self, place: Place, request: Request) -> Reply:
        """The handshake."""
        if not is_upgrade(request) or request.headers.get("sec-websocket-version") != "13":
            return _plain(426, "Upgrade Required", Upgrade="websocket", Sec_WebSocket_Version="13")
        if accept(request.headers) is None:
            return _plain(400, "Bad Request")
        path, _, query = request.target.partition("?")
        request.body = b""
        connections = self.switchboard.connections
        connection = connections.make(place, self._plan, request, path, query)
        reply = await connection.connect(self._table.stages[place])
        if not 200 <= reply.status < 300:
            return reply
        agreed = reply.headers.get("sec-websocket-protocol")
        fields = Headers([] if agreed is None else [("Sec-WebSocket-Protocol", agreed)])
        session = partial(connections.serve, connection)
        return Upgrade(101, fields, session=session, limits=self._limits)


async def _nothing_there(request: Request) -> Reply:
    return _plain(403, "Forbidden")


def _plain(status: int, message: str, **fields: str) -> Reply:
    named = [(name.replace("_", "-"), value) for name, value in fields.items()]
    json = ("Content-Type", "application/json")
    headers = Headers([*named, json, ("x-amzn-RequestId", new_id())])
    return Reply(status, headers, msgspec.json.encode({"message": message}))
