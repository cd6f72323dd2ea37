"""HTTP/2, the server's end of a connection: frames and flow control by h2, one task a stream.

Source: RFC 9113. A request is checked as strictly as one of HTTP/1.1, and is the same value.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import FrameTooLargeError, H2Error
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from torana.message import Body, Headers, Peer, Reply, Request, Sent, Stream, Upgrade
from torana.net.body import IncomingBody
from torana.net.clients import Clients
from torana.net.fields import CLOCK, OWN, Refused, cleaned, faulty, is_bodiless, is_target, peer_of
from torana.net.frames import Frames
from torana.net.limits import Limits
from torana.net.names import HOST, clean, known

_log = logging.getLogger("torana.net")

_RESETS = 200
"""Streams a client may take back in a second: beyond, it only makes work (CVE-2023-44487)."""
_HOP = OWN | {"upgrade", "proxy-connection", "te"}

Handler = Callable[[Request], Awaitable[Reply]]


class Exchange:
    """One stream: a request and its reply."""

    __slots__ = ("body", "fields", "parts", "request", "stalled", "task", "unread", "window")

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.fields = fields
        self.parts: list[bytes] = []
        self.body: IncomingBody | None = None
        self.request: Request | None = None
        self.task: asyncio.Task[None] | None = None
        self.window: asyncio.Future[None] | None = None
        self.stalled = 0.0
        """Since when the client takes nothing."""
        self.unread = 0
        """Bytes whose room the client is not given back yet."""


class Http2(asyncio.Protocol):
    """One client."""

    def __init__(self, handler: Handler, limits: Limits, connections: Clients) -> None:
        self._handler, self._limits, self._connections = handler, limits, connections
        self._loop = asyncio.get_running_loop()
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._peer = Peer("")
        self._streams: dict[int, Exchange] = {}
        self._begun: list[int] = []
        self._draining = self._broken = False
        self._writable: asyncio.Future[None] | None = None
        self._frames = Frames(self._h2.max_inbound_frame_size)
        self._last_id = self._resets = self._resets_second = 0
        self._stalled, self.since = 0.0, self._loop.time()

    def take(self, transport: asyncio.Transport, data: bytes) -> None:
        """Go on with a connection that speaks HTTP/2; `data` is what it has sent."""
        self._transport, self._peer = transport, peer_of(transport)
        transport.set_protocol(self)
        self._connections.add(self)
        limits = self._limits
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: limits.streams,
                SettingCodes.MAX_HEADER_LIST_SIZE: limits.head,
                SettingCodes.INITIAL_WINDOW_SIZE: limits.buffered,
            },
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(limits.buffered * 16)
        self._flush()
        if data:
            self.data_received(data)

    @property
    def address(self) -> str:
        """See `clients.Client`."""
        return self._peer.address

    # What the transport tells.

    def data_received(self, data: bytes) -> None:
        """Frames came."""
        if self._broken:
            return
        self.since = self._loop.time()
        try:
            self._frames.follow(data)
            for event in self._h2.receive_data(data):
                self._happened(event)
        except H2Error as error:
            _log.debug("a client of HTTP/2 broke the protocol: %s", error)
            if isinstance(error, FrameTooLargeError):
                self._h2.close_connection(ErrorCodes.FRAME_SIZE_ERROR)
            self._flush()
            self._close()
            return
        begun, self._begun = self._begun, []
        for stream_id in begun:
            self._start(stream_id)
        self._flush()

    def _happened(self, event: Event) -> None:
        react = _REACTIONS.get(type(event))
        if react is not None:
            react(self, event)

    def _on_request(self, event: RequestReceived) -> None:
        stream_id = event.stream_id
        if self._draining and stream_id > self._last_id:
            self._h2.reset_stream(stream_id, ErrorCodes.REFUSED_STREAM)
            return
        self._last_id = max(self._last_id, stream_id)
        fields = [(str(name), str(value)) for name, value in event.headers or ()]
        self._streams[stream_id] = Exchange(fields)
        self._begun.append(stream_id)

    def _on_data(self, event: DataReceived) -> None:
        exchange = self._streams.get(event.stream_id)
        size = event.flow_controlled_length or 0
        if exchange is None:
            self._h2.acknowledge_received_data(size, event.stream_id)
            return
        data = event.data or b""
        exchange.unread += size
        if exchange.body is None:
            exchange.parts.append(data)
        else:
            exchange.body.feed(data)
        if exchange.body is None or not exchange.body.held:
            self._give_room(event.stream_id, exchange)

    def _give_room(self, stream_id: int, exchange: Exchange) -> None:
        """The client may send as much again as was taken."""
        if exchange.unread and not self._broken:
            size, exchange.unread = exchange.unread, 0
            try:
                self._h2.acknowledge_received_data(size, stream_id)
            except H2Error:
                return

    def _on_end(self, event: StreamEnded) -> None:
        exchange = self._streams.get(event.stream_id or 0)
        if exchange is None:
            return
        if exchange.body is not None:
            exchange.body.end()
        elif exchange.request is None:
            self._begun = [each for each in self._begun if each != event.stream_id]
            self._start(event.stream_id or 0, b"".join(exchange.parts))

    def _on_trailers(self, event: TrailersReceived) -> None:
        exchange = self._streams.get(event.stream_id or 0)
        if exchange is not None and exchange.body is not None:
            for name, value in event.headers or ():
                exchange.body.trailers.add(str(name), str(value))

    def _on_reset(self, event: StreamReset) -> None:
        second = int(self._loop.time())
        if second != self._resets_second:
            self._resets, self._resets_second = 0, second
        self._resets += 1
        if self._resets > _RESETS:
            self._h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self._flush()
            self._close()
            return
        exchange = self._streams.pop(event.stream_id or 0, None)
        if exchange is not None:
            _abandon(exchange)

    def _on_room(self, event: WindowUpdated | RemoteSettingsChanged) -> None:
        if isinstance(event, WindowUpdated) and event.stream_id:
            exchange = self._streams.get(event.stream_id)
            _wake(exchange)
            return
        for exchange in self._streams.values():
            _wake(exchange)

    def _on_goodbye(self, event: ConnectionTerminated) -> None:
        self._draining = True
        if not self._streams:
            self._close()

    def eof_received(self) -> bool:
        """Half-closed clients are gone."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left: what it asked for is cancelled."""
        self._broken = True
        self._connections.discard(self)
        self.resume_writing()
        for exchange in self._streams.values():
            _abandon(exchange)
        self._streams.clear()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._writable = self._loop.create_future()
        self._stalled = self._loop.time()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        self._broken = True
        self._transport.close()

    # Requests to the application.

    def _start(self, stream_id: int, whole: bytes | None = None) -> None:
        exchange = self._streams.get(stream_id)
        if exchange is None:
            return
        body: Body = b"" if whole is None else whole
        if whole is None:
            body = exchange.body = self._incoming(stream_id, exchange)
        try:
            exchange.request = self._request(exchange.fields, body)
        except Refused as refused:
            self._run(exchange, self._write(stream_id, exchange, refused.reply()))
            return
        self._run(exchange, self._answer(stream_id, exchange))

    def _run(self, exchange: Exchange, work: Awaitable[None]) -> None:
        exchange.task = self._loop.create_task(work)  # pyright: ignore[reportArgumentType]

    def _incoming(self, stream_id: int, exchange: Exchange) -> IncomingBody:
        def hold(stop: bool) -> None:
            if not stop:
                self._give_room(stream_id, exchange)
                self._flush()

        limits = self._limits
        body = IncomingBody(hold, lambda: None, limits.buffered // 2, limits.body_idle)
        for part in exchange.parts:
            body.feed(part)
        exchange.parts = []
        return body

    def _request(self, fields: list[tuple[str, str]], body: Body) -> Request:
        """What h2 has checked already: pseudo-fields, upper case, connection fields, lengths."""
        pseudo = {name: value for name, value in fields if name.startswith(":")}
        method, path = pseudo.get(":method", ""), pseudo.get(":path", "")
        if method == "CONNECT":
            raise Refused(405)
        if not path.startswith("/") and path != "*":
            raise Refused(400)
        if len(path) > self._limits.target:
            raise Refused(414)
        if not is_target(path):
            raise Refused(400)
        kept = self._fields(fields)
        hosts = [value for name, value in kept if name == "host"]
        authority = pseudo.get(":authority") or (hosts[0] if len(hosts) == 1 else "")
        if HOST.fullmatch(authority) is None or any(host != authority for host in hosts):
            raise Refused(400)
        if not hosts:
            kept.insert(0, ("host", authority))
        return Request(method, path, Headers(kept), body, self._peer, "HTTP/2.0", time.time())

    def _fields(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        kept: list[tuple[str, str]] = []
        cookies: list[str] = []
        size = 0
        for name, value in fields:
            size += len(name) + len(value) + 32
            if name.startswith(":"):
                continue
            if known(name.encode("latin-1")) is None or not clean(value):
                raise Refused(400)
            if name == "cookie":
                cookies.append(value)
            else:
                kept.append((name, value))
        if size > self._limits.head or len(fields) > self._limits.header_count:
            raise Refused(431)
        if cookies:
            kept.append(("cookie", "; ".join(cookies)))
        return kept

    async def _answer(self, stream_id: int, exchange: Exchange) -> None:
        request = exchange.request
        assert request is not None
        try:
            reply = await self._handler(request)
        except Exception as error:  # noqa: BLE001 - the boundary: a fault in one request stays there
            reply = faulty(request, error)
        if isinstance(reply, Upgrade):
            reply = Reply(501, Headers(), sent=reply.sent)
        await self._write(stream_id, exchange, reply)

    # Replies to the client.

    async def _write(self, stream_id: int, exchange: Exchange, reply: Reply) -> None:
        size, whole, body = 0, False, reply.body
        try:
            size = await self._send(stream_id, exchange, reply)
            whole = True
        except (H2Error, ConnectionError, TimeoutError) as error:
            _log.info("a reply broke off: %s", error)
            self._reset(stream_id, ErrorCodes.INTERNAL_ERROR)
        except Exception:  # noqa: BLE001 - the boundary: a fault in one reply stays there
            _log.exception("a reply broke off")
            self._reset(stream_id, ErrorCodes.INTERNAL_ERROR)
        finally:
            if not isinstance(body, bytes) and not whole:
                await body.aclose()
            self._streams.pop(stream_id, None)
            if reply.sent is not None:
                reply.sent(Sent(size, whole))
        if exchange.body is not None and not exchange.body.ended:
            # The rest of the request is not wanted (RFC 9113, 8.1).
            exchange.body.fail(ConnectionAbortedError("the reply is complete"))
            self._reset(stream_id, ErrorCodes.NO_ERROR)
        if self._draining and not self._streams:
            self._close()

    def _reset(self, stream_id: int, code: ErrorCodes) -> None:
        if not self._broken:
            try:
                self._h2.reset_stream(stream_id, code)
            except H2Error:
                return
            self._flush()

    async def _send(self, stream_id: int, exchange: Exchange, reply: Reply) -> int:
        """The whole reply. Gives the size of its body."""
        body, request = reply.body, exchange.request
        bodiless = is_bodiless("GET" if request is None else request.method, reply.status)
        length = len(body) if isinstance(body, bytes) else None
        fields = _head(reply, length)
        over = bodiless or length == 0
        self._h2.send_headers(stream_id, fields, end_stream=over)
        self._flush()
        if over:
            return 0
        if isinstance(body, bytes):
            await self._data(stream_id, exchange, body, end=True)
            return len(body)
        return await self._pump(stream_id, exchange, body)

    async def _pump(self, stream_id: int, exchange: Exchange, body: Stream) -> int:
        size = 0
        async for piece in body:
            size += len(piece)
            await self._data(stream_id, exchange, piece, end=False)
        trailers = [(name.lower(), value) for name, value in body.trailers.items]
        if trailers:
            self._h2.send_headers(stream_id, trailers, end_stream=True)
        else:
            self._h2.send_data(stream_id, b"", end_stream=True)
        self._flush()
        return size

    async def _data(self, stream_id: int, exchange: Exchange, data: bytes, end: bool) -> None:
        """As much as the client has room for, then wait for more room."""
        at = 0
        while at < len(data):
            room = min(
                self._h2.local_flow_control_window(stream_id), self._h2.max_outbound_frame_size
            )
            if room <= 0:
                await self._room(exchange)
                continue
            piece = data[at : at + room]
            at += len(piece)
            self._h2.send_data(stream_id, piece, end_stream=end and at == len(data))
            self._flush()
            if self._writable is not None:
                await self._writable
            if self._broken:
                raise ConnectionResetError("the client left")

    async def _room(self, exchange: Exchange) -> None:
        exchange.window = self._loop.create_future()
        exchange.stalled = self._loop.time()
        try:
            await exchange.window
        finally:
            exchange.window = None

    # What the listener asks.

    @property
    def busy(self) -> int:
        """See `clients.Client`."""
        return len(self._streams)

    def check(self, now: float) -> None:
        """See `clients.Client`."""
        limits = self._limits
        if self._writable is not None and now - self._stalled > limits.write_stall:
            self._transport.abort()
        elif not self._streams and now - self.since > limits.keep_alive:
            self._goodbye()
            self._close()
        for stream_id, exchange in tuple(self._streams.items()):
            if exchange.window is not None and now - exchange.stalled > limits.write_stall:
                self._streams.pop(stream_id)
                _abandon(exchange)
                self._reset(stream_id, ErrorCodes.CANCEL)

    def drain(self) -> bool:
        """See `clients.Client`."""
        if not self._draining:
            self._draining = True
            self._goodbye()
        if self._streams:
            return False
        self._close()
        return True

    def _goodbye(self) -> None:
        # Written by hand: h2 would take the connection for closed, with streams under way.
        frame = GoAwayFrame(0, last_stream_id=self._last_id, error_code=0)
        if not self._transport.is_closing():
            self._transport.write(frame.serialize())

    def abort(self) -> None:
        """See `clients.Client`."""
        self._transport.abort()


_REACTIONS: dict[type[Event], Callable[..., None]] = {
    RequestReceived: Http2._on_request,  # pyright: ignore[reportPrivateUsage]
    DataReceived: Http2._on_data,  # pyright: ignore[reportPrivateUsage]
    StreamEnded: Http2._on_end,  # pyright: ignore[reportPrivateUsage]
    TrailersReceived: Http2._on_trailers,  # pyright: ignore[reportPrivateUsage]
    StreamReset: Http2._on_reset,  # pyright: ignore[reportPrivateUsage]
    WindowUpdated: Http2._on_room,  # pyright: ignore[reportPrivateUsage]
    RemoteSettingsChanged: Http2._on_room,  # pyright: ignore[reportPrivateUsage]
    ConnectionTerminated: Http2._on_goodbye,  # pyright: ignore[reportPrivateUsage]
}


def _abandon(exchange: Exchange) -> None:
    if exchange.body is not None:
        exchange.body.fail(ConnectionResetError("the client left"))
    if exchange.task is not None:
        exchange.task.cancel()


def _wake(exchange: Exchange | None) -> None:
    if exchange is not None and exchange.window is not None and not exchange.window.done():
        exchange.window.set_result(None)


def _head(reply: Reply, length: int | None) -> list[tuple[str, str]]:
    fields = [(":status", str(reply.status))]
    declared = None
    for name, value in cleaned(reply.headers).items:
        lower = name.lower()
        if lower == "content-length":
            declared = value
        elif lower not in _HOP:
            fields.append((lower, value.strip()))
    if length is not None and reply.status not in (204, 304):
        declared = declared if length == 0 and declared else str(length)
    if declared is not None:
        fields.append(("content-length", declared))
    fields.append(("date", CLOCK.now().text))
    return fields
