"""The life of a connection: the handshake, message after message, the end.

Source: Developer Guide, "Manage connected users and client apps: $connect and $disconnect routes",
and the quotas of WebSocket APIs.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Callable
from random import getrandbits
from typing import Literal

import msgspec
from msgspec import Struct

from torana.gateway.contract import ANONYMOUS, Context, Observe, SocketEvent
from torana.gateway.errors import RESPONSE_TYPES, GatewayError
from torana.gateway.serve import new_trace_id, walk
from torana.gateway.websocket.plan import SocketPlan, SocketRoute
from torana.message import Headers, Reply, Request, SocketLimits, WebSocket
from torana.model.websocket_api import CONNECT, DEFAULT, DISCONNECT
from torana.net.tasks import spawn

_log = logging.getLogger("torana.websocket")

MESSAGE_LIMIT = 128 * 1024
FRAME_LIMIT = 32 * 1024
"""Bytes. Source: the service's quotas for WebSocket APIs."""
_AT_ONCE = 16
"""Messages of one connection that are under way; more are left unread until then."""
_REASONS = {1005: "Client-side close frame status not set", 1006: "Connection closed abnormally"}

Kind = Literal["CONNECT", "MESSAGE", "DISCONNECT"]
Place = tuple[str, str]
"""API id and stage name."""
FindPlan = Callable[[Place], SocketPlan | None]


class Times(Struct, frozen=True):
    """How long connections last, in seconds. Source: the service's quotas."""

    idle: float = 600.0
    lifetime: float = 7200.0

    def limits(self) -> SocketLimits:
        """What one connection may ask of us. Binary messages the service does not take."""
        return SocketLimits(MESSAGE_LIMIT, FRAME_LIMIT, self.idle, self.lifetime, binary=False)


def new_id() -> str:
    """A request's or a message's id, of the service's form. Not a secret."""
    return base64.b64encode(getrandbits(88).to_bytes(11), b"-_").decode()


class Connection:
    """One client of a stage."""

    __slots__ = (
        "_domain",
        "_find",
        "_path",
        "_query",
        "_request",
        "_running",
        "active",
        "connected",
        "id",
        "place",
        "principal",
        "socket",
    )

    def __init__(
        self, id: str, place: Place, find: FindPlan, request: Request, path: str, query: str
    ) -> None:
        """`find` gives the plan of the moment: a deployment holds for who is connected, too."""
        self.id, self.place, self._find = id, place, find
        self._request, self._path, self._query = request, path, query
        self._domain = _domain(request)
        self._running: set[asyncio.Task[None]] = set()
        self.connected = self.active = time.time()
        self.principal = ANONYMOUS
        self.socket: WebSocket | None = None
        """None until the handshake is over."""

    @property
    def identity(self) -> dict[str, str]:
        """Who is at the other end, as far as the handshake told."""
        agent = self._request.headers.get("user-agent")
        found = {"sourceIp": self._request.peer.address}
        return found if agent is None else {**found, "userAgent": agent}

    async def connect(self, plan: SocketPlan) -> Reply:
        """What the integration of `$connect` answers; a reply to refuse with where one is due."""
        ctx = self._context(plan, "CONNECT", CONNECT)
        route = plan.routes.get(CONNECT)
        if route is None:
            return _done(ctx, plan.observe, Reply(200, Headers()))
        try:
            reply = await self._walk(route, ctx)
        except GatewayError as error:
            return _done(ctx, route.observe, _refusal(ctx, error))
        self.principal = ctx.principal
        if not route.answers and reply.status >= 300:
            reply = Reply(reply.status, Headers(), b"")
        return _done(ctx, route.observe, reply)

    async def converse(self, socket: WebSocket) -> None:
        """Take messages until the connection is over."""
        self.socket = socket
        while (message := await socket.receive()) is not None:
            self.active = time.time()
            plan = self._find(self.place)
            if plan is None:
                socket.say_goodbye(1001, "Going away")
                continue
            if len(self._running) >= _AT_ONCE:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            body = message.encode() if isinstance(message, str) else message
            task = spawn(self._message(plan, body), "a message of a WebSocket")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def left(self) -> None:
        """Finish what runs, then tell `$disconnect` why the connection ended."""
        if self._running:
            await asyncio.wait(self._running)
        plan = self._find(self.place)
        route = plan.routes.get(DISCONNECT) if plan is not None else None
        if plan is None or route is None or self.socket is None:
            return
        ctx = self._context(plan, "DISCONNECT", DISCONNECT)
        assert ctx.socket is not None
        code = ctx.socket.close_code = self.socket.close_code or 1006
        ctx.socket.close_reason = self.socket.close_reason or _REASONS.get(code, "")
        try:
            _done(ctx, route.observe, await self._walk(route, ctx))
        except GatewayError as error:
            _done(ctx, route.observe, _refusal(ctx, error))

    async def _message(self, plan: SocketPlan, body: bytes) -> None:
        ctx = self._context(plan, "MESSAGE", DEFAULT, body)
        observe, answers = plan.observe, True
        try:
            assert ctx.socket is not None
            ctx.socket.message_id = new_id()
            route = plan.route(ctx)
            if route is None:
                raise GatewayError("ACCESS_DENIED", "Forbidden")
            observe, answers = route.observe, route.answers
            ctx.socket.route_key = route.to.method.path
            reply = await self._walk(route, ctx)
            if answers and len(_payload(reply)) > MESSAGE_LIMIT:
                raise GatewayError("API_CONFIGURATION_ERROR", detail="the answer is over 128 KB")
        except GatewayError as error:
            reply, answers = _refusal(ctx, error), True
        payload = _payload(reply)
        if answers and payload:
            await self._answer(payload)
        _done(ctx, observe, reply)

    async def _answer(self, payload: bytes) -> None:
        assert self.socket is not None
        try:
            await self.socket.send(readable(payload))
            self.active = time.time()
        except ConnectionError:
            return

    async def _walk(self, route: SocketRoute, ctx: Context) -> Reply:
        """Raises `GatewayError` and nothing else: a fault in one message stays there."""
        ctx.to = route.to
        try:
            return await walk(route, ctx)
        except GatewayError as error:
            ctx.error = error
            raise
        except Exception as error:  # the boundary
            _log.exception("%s %s failed", route.to.api.id, route.to.place())
            fault = GatewayError("API_CONFIGURATION_ERROR", detail=repr(error))
            ctx.error = fault
            raise fault from error

    def _context(self, plan: SocketPlan, kind: Kind, route: str, body: bytes = b"") -> Context:
        request = self._request
        now = Request(
            request.method,
            request.target,
            request.headers,
            body,
            request.peer,
            received=time.time(),
        )
        ctx = Context(now, plan.to, new_id(), "/", self._query, {}, {}, self._path)
        ctx.domain, ctx.body, ctx.principal = self._domain, body, self.principal
        ctx.trace_id = new_trace_id(now)
        ctx.socket = SocketEvent(kind, route, self.id, int(self.connected * 1000))
        return ctx


def _payload(reply: Reply) -> bytes:
    """Integrations of routes answer whole."""
    assert isinstance(reply.body, bytes)
    return reply.body


def readable(data: bytes) -> str | bytes:
    """A text as a text frame; what is none as a binary one, which a text frame cannot hold."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _domain(request: Request) -> str:
    """The address that a function may send back to: with the port where it is not the scheme's."""
    host = request.headers.get("host") or ""
    usual = ":443" if request.peer.scheme == "https" else ":80"
    return host.removesuffix(usual)


def _refusal(ctx: Context, error: GatewayError) -> Reply:
    """What the client is told, in the handshake or as a message."""
    assert ctx.socket is not None
    ctx.error = error
    said = RESPONSE_TYPES[error.type]
    message = msgspec.json.encode(str(error)).decode()
    ids = f'"connectionId":"{ctx.socket.connection_id}", "requestId":"{ctx.request_id}"'
    fields = [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", said.error_type),
        ("x-amzn-RequestId", ctx.request_id),
    ]
    body = f'{{"message": {message}, {ids}}}'.encode()
    return Reply(error.status or said.status, Headers(fields), body)


def _done(ctx: Context, observe: Observe, reply: Reply) -> Reply:
    """Count it, and write it down."""
    reply.denied = ""
    ctx.status, ctx.finished = reply.status, time.time()
    ctx.response_length = len(reply.body) if isinstance(reply.body, bytes) else 0
    try:
        observe(ctx)
    except Exception:  # noqa: BLE001 - the boundary: no fault of the client's
        _log.exception("what happened on a WebSocket is not written down")
    return reply
