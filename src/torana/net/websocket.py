"""WebSocket, either end of a connection, once the handshake is over.

Framing, masking and the closing handshake are wsproto's; sizes, deadlines and back-pressure are
kept here. Source: RFC 6455.
"""

import asyncio
import base64
import binascii
import hashlib
import math
from collections import deque
from typing import cast

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from torana.message import Headers, Reply, Request, SocketLimits, Upgrade
from torana.net.limits import Limits

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OVERHEAD = 64
"""Bytes that a waiting message takes beside what is in it."""
_GOING_AWAY, _NOT_TAKEN, _ABNORMAL, _TOO_BIG = 1001, 1003, 1006, 1009


class WebSocketSession(asyncio.Protocol):
    """Implements `message.WebSocket`. One reader, any number of writers."""

    def __init__(
        self,
        server: bool,
        limits: Limits,
        address: str = "",
        task: "asyncio.Task[None] | None" = None,
        own: SocketLimits | None = None,
    ) -> None:
        """`task` serves the session: it is cancelled when it does not see that it is over."""
        self._own = own or SocketLimits(
            limits.websocket_message, limits.websocket_message, limits.websocket_idle, math.inf
        )
        self._task = task
        self._wire = Connection(ConnectionType.SERVER if server else ConnectionType.CLIENT)
        self._limits, self.address = limits, address
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._waiting: deque[str | bytes] = deque()
        self._size = 0
        self._parts: list[str | bytes] = []
        self._parts_size = self._frame_size = 0
        self._reader: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._ping: Ping | None = None
        """What came while the other end did not read."""
        self._over = asyncio.Event()
        self._held = self._lost = False
        self._closing_since = 0.0
        self._said: tuple[int, str] | None = None
        """With which words this end began to close."""
        self.since = self._stalled = self._loop.time()
        """When something last came or went."""
        self._until = self.since + self._own.lifetime
        self.close_code: int | None = None
        self.close_reason = ""

    def take(self, transport: asyncio.Transport, data: bytes) -> None:
        """Go on with a connection whose handshake is over; `data` came right behind it."""
        self._transport = transport
        transport.set_protocol(self)
        if data:
            self.data_received(data)

    # What the application does.

    async def receive(self) -> str | bytes | None:
        """See `message.WebSocket`."""
        while not self._waiting:
            if self.close_code is not None:
                return None
            self._reader = self._loop.create_future()
            await self._reader
        message = self._waiting.popleft()
        self._size -= len(message) + _OVERHEAD
        if self._held and self._size <= self._limits.buffered // 2:
            self._read_on()
        return message

    def _read_on(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.resume_reading()
        self._held = False

    async def send(self, message: str | bytes) -> None:
        """See `message.WebSocket`. Raises `ConnectionError` when it is closed."""
        self.put(message)
        if self._writable is not None:
            # Others wait for it, too: one that is cancelled does not take them along.
            await asyncio.shield(self._writable)
            if self._lost:
                raise ConnectionResetError("the other end left")

    def put(self, message: str | bytes) -> None:
        """See `message.WebSocket`. Raises `ConnectionError` when it is closed."""
        event: Event = (
            TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
        )
        if self.close_code is not None or self._closing_since:
            raise ConnectionResetError("the WebSocket is closed")
        self.since = self._loop.time()
        self._write(event)

    @property
    def crowded(self) -> bool:
        """See `message.WebSocket`."""
        return self._writable is not None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """See `message.WebSocket`. Waits for the other end's agreement, for a while."""
        self.say_goodbye(code, reason)
        try:
            async with asyncio.timeout(self._limits.websocket_close):
                await self._over.wait()
        except TimeoutError:
            self.abort()

    def say_goodbye(self, code: int, reason: str = "") -> None:
        """See `message.WebSocket`."""
        if self._wire.state is ConnectionState.OPEN and not self._lost:
            self._closing_since = self._loop.time()
            self._said = code, reason
            self._read_on()
            self._write(CloseConnection(code=code, reason=reason))

    # What the transport tells.

    def data_received(self, data: bytes) -> None:
        """Frames came."""
        self.since = self._loop.time()
        try:
            self._wire.receive_data(data)
            for event in self._wire.events():
                self._happened(event)
        except RemoteProtocolError as error:
            self._broken(error)

    def _happened(self, event: Event) -> None:
        if isinstance(event, (TextMessage, BytesMessage)):
            self._piece(event)
        elif isinstance(event, Ping):
            self._answer(event)
        elif isinstance(event, CloseConnection):
            if self._wire.state is ConnectionState.REMOTE_CLOSING:
                self._write(event.response())
            self._end(event.code, event.reason or "")
            self._transport.close()
        elif not isinstance(event, Pong):
            raise RemoteProtocolError(f"unexpected {type(event).__name__}")

    def _answer(self, ping: Ping) -> None:
        """Only the last ping matters to a client that does not read (RFC 6455, 5.5.3)."""
        if self._writable is not None:
            self._ping = ping
        elif self._wire.state is ConnectionState.OPEN:
            self._write(ping.response())

    def _piece(self, event: TextMessage | BytesMessage) -> None:
        data = event.data if isinstance(event.data, str) else bytes(event.data)
        self._parts.append(data)
        size = len(event.data) if isinstance(data, bytes) else len(data.encode())
        self._parts_size += size
        self._frame_size += size
        if self._parts_size > self._own.message or self._frame_size > self._own.frame:
            self._refuse(_TOO_BIG, "message too big")
            return
        if isinstance(data, bytes) and not self._own.binary:
            self._refuse(_NOT_TAKEN, "binary messages are not supported")
            return
        if event.frame_finished:
            self._frame_size = 0
        if event.message_finished:
            whole = self._joined()
            self._parts, self._parts_size = [], 0
            if not self._closing_since:
                self._deliver(whole)

    def _refuse(self, code: int, reason: str) -> None:
        self._parts.clear()
        self.say_goodbye(code, reason)
        self._end(code, reason)

    def _joined(self) -> str | bytes:
        if isinstance(self._parts[0], str):
            return "".join(cast(list[str], self._parts))
        return b"".join(cast(list[bytes], self._parts))

    def _deliver(self, message: str | bytes) -> None:
        self._waiting.append(message)
        self._size += len(message) + _OVERHEAD
        if self._size > self._limits.buffered and not self._held:
            self._held = True
            self._transport.pause_reading()
        self._wake()

    def _broken(self, error: RemoteProtocolError) -> None:
        hint = error.event_hint
        if isinstance(hint, CloseConnection) and not self._lost:
            self._write(hint)
            self._end(hint.code, hint.reason or "")
        self._end(1002)
        self._transport.close()

    def _write(self, event: Event) -> None:
        try:
            self._transport.write(self._wire.send(event))
        except LocalProtocolError as error:
            raise ConnectionResetError("the WebSocket is closed") from error

    def _end(self, code: int, reason: str = "") -> None:
        if self.close_code is None:
            self.close_code, self.close_reason = self._said or (code, reason)
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def eof_received(self) -> bool:
        """The other end left without a word."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._lost = True
        self._end(_ABNORMAL)
        self._over.set()
        self.resume_writing()
        if self._task is not None:
            self._loop.call_later(self._limits.websocket_close, self._task.cancel)

    def pause_writing(self) -> None:
        """The other end reads too slowly."""
        self._writable = self._loop.create_future()
        self._stalled = self._loop.time()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        ping, self._ping = self._ping, None
        if ping is not None and not self._lost:
            self._answer(ping)

    # What the listener asks.

    @property
    def busy(self) -> int:
        """See `clients.Client`: nobody waits for an answer."""
        return 0

    def check(self, now: float) -> None:
        """See `clients.Client`."""
        stalled = self._writable is not None and now - self._stalled > self._limits.write_stall
        closing = self._closing_since
        if stalled or (closing and now - closing > self._limits.websocket_close):
            self.abort()
        elif not self._closing_since and (now - self.since > self._own.idle or now > self._until):
            self.say_goodbye(_GOING_AWAY, "Going away")

    def drain(self) -> bool:
        """See `clients.Client`."""
        if not self._closing_since:
            self.say_goodbye(_GOING_AWAY, "Going away")
        return self._lost

    def abort(self) -> None:
        """See `clients.Client`."""
        self._transport.abort()


def is_upgrade(request: Request) -> bool:
    """Whether a request asks for a WebSocket."""
    wanted = (request.headers.get("upgrade") or "").lower()
    return request.method == "GET" and wanted == "websocket" and request.version == "HTTP/1.1"


def refusal(request: Request, reply: Upgrade, agreed: str | None) -> Reply | None:
    """What is wrong with a client's handshake; `agreed` is the answer to its key."""
    if request.headers.get("sec-websocket-version") != "13":
        return Reply(426, Headers([("Sec-WebSocket-Version", "13")]))
    if agreed is None or not is_upgrade(request) or reply.session is None:
        return Reply(400, Headers())
    return None


def accept(headers: Headers) -> str | None:
    """The `Sec-WebSocket-Accept` of a handshake; None: it is malformed (RFC 6455, 4.2.1)."""
    keys = headers.all("sec-websocket-key")
    try:
        whole = len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == 16
    except (binascii.Error, ValueError):
        return None
    if not whole:
        return None
    return base64.b64encode(hashlib.sha1(keys[0].encode() + _GUID).digest()).decode()  # noqa: S324
