"""The front door's handler: from a request to the reply of the API it is for."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from msgspec import structs

from torana.gateway.http_api.request_id import new_id
from torana.gateway.load import USER_POOLS, Admission
from torana.gateway.locate import Table, normalise
from torana.gateway.serve import serve
from torana.ids import new_request_id
from torana.message import Headers, Reply, Request
from torana.model.version_set import UnknownVersion

Handler = Callable[[Request], Awaitable[Reply]]


class Beside(Protocol):
    """A handler of some paths, such as the LLM API's."""

    @property
    def surface(self) -> str:
        """Its name where priorities are given; empty: it sees to them itself."""
        ...

    def takes(self, path: str) -> bool:
        """Whether a path is its own: always the same of one path."""
        ...

    async def __call__(self, request: Request) -> Reply: ...


class Hosts(Protocol):
    """Handlers of whole hosts, such as function URLs."""

    def find(self, host: str, path: str) -> Handler | None: ...
    def never(self, host: str, path: str) -> bool:
        """Whether none is found there, whatever will be created."""
        ...


class Sockets(Protocol):
    """WebSocket APIs."""

    @property
    def table(self) -> object:
        """What handlers are found by. Replaced whole by a deployment."""
        ...

    def find(self, host: str, path: str) -> Handler | None: ...


PORTALS = "portals"
_MOST_KNOWN = 4096
Deny = Callable[[Request, Reply], None]
"""Told of a request that was not let in."""


class Portals(Hosts, Protocol):
    """Handlers that have names of their own, where nothing else is served."""

    def owns(self, host: str) -> bool: ...
    async def __call__(self, request: Request, /) -> Reply: ...


class FrontDoor:
    """Holds the table of live stages. A deployment swaps it by one assignment."""

    __slots__ = (
        "_known",
        "admission",
        "besides",
        "denied",
        "pools",
        "portals",
        "sockets",
        "table",
        "urls",
    )

    def __init__(self, table: Table) -> None:
        self.table = table
        self.besides: tuple[Beside, ...] = ()
        """What else this door serves, for paths that no domain of an API claims."""
        self.urls: Hosts | None = None
        self.sockets: Sockets | None = None
        self.pools: Hosts | None = None
        """Pages and keys of user pools."""
        self.admission: Admission | None = None
        """Who is let in under pressure, outside of the stages."""
        self.denied: Deny | None = None
        """Hears of what is not let in outside of the stages, whose plans have observers."""
        self.portals: Portals | None = None
        """Pages for developers of clients."""
        self._known: dict[tuple[str, str], tuple[Beside, object]] = {}
        """Who answers by Host and path, as long as the WebSocket APIs' table is that one. Bounded,
        so that clients cannot make it grow."""

    def __setattr__(self, name: str, value: object) -> None:
        """Of what was known before any part was replaced, nothing counts any more."""
        super().__setattr__(name, value)
        super().__setattr__("_known", {})

    def __call__(self, request: Request) -> Awaitable[Reply]:
        """Answer a request, whatever it asks for."""
        if not request.target.startswith("/"):
            try:
                request = origin_form(request)
            except ValueError as error:
                return _refused(str(error))
        asked, _, query = request.target.partition("?")
        host = request.headers.get("host") or ""
        if self._known and (known := self._known.get((host, asked))) is not None:
            beside, sockets = known
            if sockets is self._sockets():
                return self._watched(beside, request, beside.surface)
        path = normalise(asked)
        if self.portals is not None and self.portals.owns(host):
            return self._watched(self.portals, request, PORTALS)
        try:
            found = self.table.find(host, path, request.headers)
        except UnknownVersion as error:
            return _refused(str(error))
        if found is None:
            return self._elsewhere(request, host, asked, path)
        reply = serve(found.live.pick(), request, found.path, query, found.full_path)
        return _varied(reply, found.varies) if found.varies else reply

    def _elsewhere(self, request: Request, host: str, asked: str, path: str) -> Awaitable[Reply]:
        """What no stage answers. `asked`: the path before it was normalised."""
        for hosts, surface in (
            (self.urls, "function-urls"),
            (self.sockets, "websockets"),
            (self.pools, USER_POOLS),
            (self.portals, PORTALS),
        ):
            handler = hosts.find(host, path) if hosts is not None else None
            if handler is not None:
                return self._watched(handler, request, surface)
        for beside in self.besides:
            if beside.takes(path):
                if self._for_good(host, path):
                    self._know((host, asked), beside)
                return self._watched(beside, request, beside.surface)
        return _no_route() if self.table.misses(host, path) else self.nowhere(request)

    def _sockets(self) -> object:
        return None if self.sockets is None else self.sockets.table

    def _for_good(self, host: str, path: str) -> bool:
        """Whether what no door finds, no door will find while none of the tables is replaced."""
        doors = (self.urls, self.pools, self.portals)
        return not self.table.by_headers(host) and all(
            door is None or door.never(host, path) for door in doors
        )

    def _know(self, address: tuple[str, str], beside: Beside) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[address] = beside, self._sockets()

    def nowhere(self, request: Request) -> Awaitable[Reply]:
        """What is served nowhere, or not by this way."""
        return self._watched(nowhere, request)

    async def _watched(
        self,
        handler: Handler,
        request: Request,
        surface: str = "",
    ) -> Reply:
        if self.admission is not None and surface:
            usual = "high" if surface == USER_POOLS else "normal"
            late = self.admission.late(surface, usual=usual)
            if late:
                return _overloaded(late)
        reply = await handler(request)
        if self.denied is not None and not_let_in(reply):
            self.denied(request, reply)
        return reply


def not_let_in(reply: Reply) -> bool:
    """Whether a reply says that a client may not, and nobody has put that on record."""
    return reply.status in (401, 403) if reply.denied is None else bool(reply.denied)


async def _varied(answer: Awaitable[Reply], header: str) -> Reply:
    """So that no cache on the way gives one version for another."""
    reply = await answer
    reply.headers = Headers([*reply.headers.items, ("Vary", header)])
    return reply


def origin_form(request: Request) -> Request:
    """Of a target in absolute form the authority is the host, whatever Host says (RFC 9112,
    3.2.2); `*` asks of the whole server. Raises `ValueError` for a scheme that is not served."""
    scheme, separator, rest = request.target.partition("://")
    if not separator:
        return structs.replace(request, target="/")
    if scheme.lower() not in ("http", "https"):
        raise ValueError("Invalid request target")
    cut = min((rest.find(mark) for mark in "/?" if mark in rest), default=len(rest))
    target = rest[cut:] if rest[cut:].startswith("/") else f"/{rest[cut:]}"
    fields = request.headers.copy()
    fields.set("Host", rest[:cut].rpartition("@")[2])
    return structs.replace(request, target=target, headers=fields)


async def _refused(message: str) -> Reply:
    fields = [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", "BadRequestException"),
        ("x-amzn-RequestId", new_request_id()),
    ]
    return Reply(400, Headers(fields), msgspec.json.encode({"message": message}))


async def nowhere(request: Request) -> Reply:
    """No API there: the service's answer for an id or stage it does not know."""
    fields = [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", "ForbiddenException"),
        ("x-amzn-RequestId", new_request_id()),
    ]
    return Reply(403, Headers(fields), msgspec.json.encode({"message": "Forbidden"}))


def _overloaded(seconds: int) -> Reply:
    fields = [("Content-Type", "application/json"), ("Retry-After", str(seconds))]
    return Reply(503, Headers(fields), msgspec.json.encode({"message": "Service Unavailable"}))


async def _no_route() -> Reply:
    """No stage of an HTTP API there."""
    fields = [("Content-Type", "application/json"), ("Apigw-Requestid", new_id())]
    return Reply(404, Headers(fields), msgspec.json.encode({"message": "Not Found"}))
