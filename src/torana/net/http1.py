"""HTTP/1.1, the server's end of a connection.

Framing is llhttp's in strict mode (`strict.py`); what it lets pass and RFC 9112 does not is refused
there and here. One task answers the requests of a connection in order.
"""

import asyncio
import logging
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from torana.message import Body, Headers, Peer, Reply, Request, Sent, Stream, Upgrade
from torana.net.body import IncomingBody, broke_off, drop, is_left
from torana.net.clients import Clients, crowded
from torana.net.fields import Refused, faulty, is_bodiless, peer_of
from torana.net.heads import (
    encode_bodiless,
    encode_fields,
    encode_reply,
    plain,
    read_request,
    switching,
)
from torana.net.limits import Limits
from torana.net.names import HOST, KNOWN, clean, known
from torana.net.strict import StrictParser
from torana.net.websocket import WebSocketSession, accept, refusal

if TYPE_CHECKING:
    from torana.net.server import Handler

_log = logging.getLogger("torana.net")

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""How a client that knows begins HTTP/2 (RFC 9113, 3.4)."""


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(
        self,
        handler: "Handler",
        limits: Limits,
        connections: Clients,
        http2: Callable[[asyncio.Transport, bytes], None],
    ) -> None:
        """`http2` goes on with a connection that turns out to speak HTTP/2, and what it sent."""
        self._handler, self._limits, self._connections = handler, limits, connections
        self._head_most, self._fields_most = limits.head, limits.header_count
        self._http2 = http2
        self._fresh = True
        self._behind: bytes | None = None
        """What came behind a request for another protocol, until that is answered."""
        self._loop = asyncio.get_running_loop()
        self._parser = StrictParser(self, limits)
        self._transport = cast(asyncio.Transport, None)
        self._peer = Peer("")
        self._queue: deque[Request | Refused] = deque()
        self._task: asyncio.Task[None] | None = None
        self.busy = False
        self._draining = self._broken = self._paused_reading = self._asked_to_close = False
        self._writable: asyncio.Future[None] | None = None
        self._stalled = 0.0
        self.since = self._loop.time()
        """When the present phase (idle, head) began."""
        self._reset()

    def _reset(self) -> None:
        self._fields: list[tuple[str, str]] = []
        self._first: dict[str, str] = {}
        self._head_size = 0
        self._url, self._version = b"", ""
        self._hosts = self._lengths = 0
        self._expect = False
        self._coding = ""
        self._parts: list[bytes] = []
        self._body: IncomingBody | None = None
        self._request: Request | None = None
        self._in_head = self._in_message = False

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast(asyncio.Transport, transport)
        self._peer = peer_of(self._transport)
        if crowded(self._connections, self._peer.address, self._limits):
            self._transport.write(plain(503, close=True))
            self._transport.close()
            self._broken = True
            return
        self._connections.add(self)
        secure: object = self._transport.get_extra_info("ssl_object")
        if isinstance(secure, ssl.SSLObject) and secure.selected_alpn_protocol() == "h2":
            self._switch(b"")

    def _switch(self, data: bytes) -> None:
        self._broken = True
        self._connections.discard(self)
        self._http2(self._transport, data)

    @property
    def address(self) -> str:
        """The client's."""
        return self._peer.address

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._broken:
            return
        if self._fresh:
            self._fresh = False
            if data.startswith(_PREFACE):
                self._switch(data)
                return
        elif self._behind is not None:
            self._wait_behind(data)
            return
        if not (self._in_message or self._draining):
            data = self._take_usual(data)
        if data:
            self._feed(data)
        self._start()

    def _take_usual(self, data: bytes) -> bytes:
        """The requests that `data` begins with, as far as they are of the usual form. Gives what
        is left."""
        end, size, limits = 0, len(data), self._limits
        while end < size:
            found = read_request(data, end, limits.head, limits.target, limits.header_count)
            if found is None:
                return data[end:]
            method, target, fields, first, begin, end = found
            headers, now = Headers(fields, first), time.time()
            self._enqueue(
                Request(method, target, headers, data[begin:end], self._peer, "HTTP/1.1", now)
            )
            self.since = self._loop.time()
        return b""

    def _feed(self, data: bytes) -> None:
        try:
            behind = self._parser.feed(data)
        except Refused as refused:
            if self._in_message or not self._asked_to_close:
                self._refuse(refused.status)
        else:
            if behind is not None:
                self._parser = StrictParser(self, self._limits)
                self._wait_behind(behind)
            elif self._in_message and self._request is None and not self._in_head:
                self._deliver_stream()

    def _wait_behind(self, data: bytes) -> None:
        self._behind = (self._behind or b"") + data
        if len(self._behind) > self._limits.buffered:
            self._refuse(413)
            self._start()

    def _go_on(self) -> None:
        """The request for another protocol was answered in this one."""
        behind, self._behind = self._behind, None
        if behind and not self._broken and not self._draining:
            self.data_received(behind)

    def eof_received(self) -> bool:
        """Half-closed clients are gone: nobody sends a request and leaves the reply."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left: what it asked for is cancelled."""
        self._broken = True
        self._connections.discard(self)
        if self._body is not None:
            self._body.fail(ConnectionResetError("the client left"))
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._writable = self._loop.create_future()
        self._stalled = self._loop.time()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # What the parser tells.

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._reset()
        self._in_head = self._in_message = True
        self.since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._url += url
        if len(self._url) > self._limits.target:
            raise Refused(414)

    def on_header(self, field: bytes, value: bytes) -> None:
        """One field."""
        self._head_size += len(field) + len(value) + 4
        fields = self._fields
        if self._head_size > self._head_most or len(fields) >= self._fields_most:
            raise Refused(431)
        name = KNOWN.get(field) or known(field)
        text = value.decode("latin-1").strip(" \t")
        if name is None or not (text.isprintable() or clean(text)):
            raise Refused(400)
        if not self._in_head:
            if self._body is not None:
                self._body.trailers.add(name.text, text)
            return
        fields.append((name.text, text))
        self._first.setdefault(name.lower, text)
        if name.framing:
            self._framing(name.lower, text)

    def _framing(self, lower: str, value: str) -> None:
        if lower == "host":
            self._hosts += 1
            if HOST.fullmatch(value) is None:
                raise Refused(400)
        elif lower == "content-length":
            self._lengths += 1
        elif lower == "transfer-encoding":
            self._coding += value.lower() + ","
        elif lower == "expect":
            if value.lower() != "100-continue":
                raise Refused(417)
            self._expect = True

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        version = self._version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Refused(505)
        if self._hosts > 1 or (self._hosts == 0 and version == "1.1"):
            raise Refused(400)
        if self._lengths > 1 or (self._coding and self._lengths):
            raise Refused(400)
        if self._coding and (self._coding != "chunked," or version == "1.0"):
            raise Refused(400 if "chunked" in self._coding else 501)
        if self._parser.get_method() == b"CONNECT":
            raise Refused(405)
        if self._lengths:
            self._parser.announced(int(self._first["content-length"]))

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._body is None:
            self._parts.append(body)
        else:
            self._body.feed(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._body is not None:
            self._body.end()
        else:
            parts = self._parts
            self._deliver(parts[0] if len(parts) == 1 else b"".join(parts))
        self._in_message = False
        self.since = self._loop.time()

    # Requests to the application, replies to the client.

    def _deliver_stream(self) -> None:
        """The head is here and the body is not: the application starts with a stream."""
        waits = self._expect and not self._parts and self._version == "1.1"
        go_on = self._continue if waits else None
        body = IncomingBody(
            self._hold, self._abandon, self._limits.buffered, self._limits.body_idle, go_on
        )
        body.expect_end(self._loop.time() + self._limits.body_time)
        for part in self._parts:
            body.feed(part)
        self._parts = []
        self._body = body
        self._deliver(body)

    def _deliver(self, body: Body) -> None:
        request = Request(
            self._parser.get_method().decode("ascii"),
            self._url.decode("latin-1"),
            Headers(self._fields, self._first),
            body,
            self._peer,
            "HTTP/1.1" if self._version == "1.1" else "HTTP/1.0",
            time.time(),
        )
        if not self._parser.should_keep_alive():
            # What comes after is not looked at (RFC 9112, 9.6).
            self._draining = self._asked_to_close = True
        self._request = request
        self._enqueue(request)

    def _enqueue(self, request: Request) -> None:
        self._queue.append(request)
        if len(self._queue) > self._limits.pipelined:
            self._hold(True)
            self._paused_reading = True

    def _continue(self) -> None:
        if not self._broken:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _hold(self, stop: bool) -> None:
        if self._broken or self._transport.is_closing():
            return
        if stop:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _abandon(self) -> None:
        self._draining = True

    def _refuse(self, status: int) -> None:
        """After this nothing more is read: where the next request begins cannot be known."""
        self._broken = True
        if self._body is not None and not self._body.ended:
            self._body.fail(ConnectionResetError("the request broke off"))
        self._queue.append(Refused(status))

    def _start(self) -> None:
        if self._queue and not self.busy:
            self.busy = True
            self._task = self._loop.create_task(self._answer())

    async def _answer(self) -> None:
        try:
            while self._queue:
                item = self._queue.popleft()
                if isinstance(item, Refused):
                    self._transport.write(plain(item.status, close=True))
                    break
                await self._one(item)
                if self._paused_reading and len(self._queue) < self._limits.pipelined // 2:
                    self._paused_reading = False
                    self._hold(False)
                if self._draining and not self._queue:
                    break
            else:
                return
            self._transport.close()
        finally:
            self.busy = False
            self._task = None

    async def _one(self, request: Request) -> None:
        # Kept here: whoever reads it whole may put the bytes in its place.
        asked = request.body
        try:
            reply = await self._handler(request)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: a fault in one request stays there
            reply = faulty(request, error)
        if self._broken and (broke_off(asked) or isinstance(reply, Upgrade)):
            # The request broke off: what is wrong with it is answered next, if anybody listens.
            await drop(reply)
            return
        if isinstance(reply, Upgrade):
            agreed = accept(request.headers) if self._behind is not None else None
            refused = refusal(request, reply, agreed)
            if refused is None:
                await self._converse(reply, agreed or "")
                return
            refused.sent = reply.sent
            reply = refused
        self._draining |= is_left(asked)
        whole, size, body = False, 0, reply.body
        try:
            if isinstance(body, bytes):
                size = self._put(request, reply, body)
                whole = not self._broken if self._writable is None else await self._drained()
            else:
                whole, size = await self._write_stream(request, reply, body)
        finally:
            if reply.sent is not None:
                reply.sent(Sent(size, whole))
        if self._behind is not None:
            self._go_on()

    async def _converse(self, reply: Upgrade, agreed: str) -> None:
        session = WebSocketSession(True, self._limits, self._peer.address, self._task, reply.limits)
        behind, self._broken = self._behind or b"", True
        self._connections.discard(self)
        self._connections.add(session)
        self._transport.write(switching(reply, agreed))
        session.take(self._transport, behind)
        assert reply.session is not None
        try:
            await reply.session(session)
            await session.close()
        except ConnectionError:
            session.abort()
        except Exception:  # noqa: BLE001 - the boundary: a fault in one session stays there
            _log.exception("a WebSocket session failed")
            await session.close(1011, "internal error")
        finally:
            self._connections.discard(session)
            if reply.sent is not None:
                reply.sent(Sent(0, True))

    def _last(self) -> bool:
        """Whether the connection ends with this reply: of several pipelined, only the last."""
        return self._draining and not self._queue

    def _put(self, request: Request, reply: Reply, body: bytes) -> int:
        """A whole reply's bytes. Gives the size of the body that went out."""
        if is_bodiless(request.method, reply.status):
            self._transport.write(encode_bodiless(request, reply, len(body), self._last()))
            return 0
        self._transport.write(encode_reply(reply, len(body), False, self._last(), body))
        return len(body)

    async def _write_stream(self, request: Request, reply: Reply, body: Stream) -> tuple[bool, int]:
        """A body in pieces: counted when its length is known, else chunked."""
        bodiless = is_bodiless(request.method, reply.status)
        declared = reply.headers.get("content-length")
        length = int(declared) if declared is not None and declared.isdigit() else None
        chunked = length is None and request.version == "HTTP/1.1" and not bodiless
        if length is None and not chunked:
            self._draining = True
        self._transport.write(encode_reply(reply, length, chunked, self._last()))
        size, done = 0, False
        try:
            if not bodiless:
                size = await self._pump(body, length, chunked)
            if chunked:
                self._transport.write(b"0\r\n" + encode_fields(body.trailers) + b"\r\n")
            done = not self._broken
        except Exception as error:  # noqa: BLE001 - the boundary: a fault in one reply stays there
            ours = not isinstance(error, (ConnectionError, TimeoutError))
            level = logging.ERROR if ours else logging.INFO
            _log.log(level, "a reply broke off: %s", error, exc_info=ours)
            self._transport.abort()
        finally:
            if not done:
                await body.aclose()
        return done, size

    async def _pump(self, body: Stream, length: int | None, chunked: bool) -> int:
        """The pieces, each after the client has taken enough of those before. Gives their size;
        raises `ConnectionError` when they are not what was announced."""
        size = 0
        async for piece in body:
            size += len(piece)
            if length is not None and size > length:
                raise ConnectionError("the body is longer than its content-length")
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if self._writable is not None and not await self._drained():
                raise ConnectionResetError("the client left")
        if length is not None and size != length:
            raise ConnectionError("the body is shorter than its content-length")
        return size

    async def _drained(self) -> bool:
        """Wait until the client has read; False when it is gone."""
        if self._writable is not None:
            await self._writable
        return not self._broken

    # What the listener asks.

    def check(self, now: float) -> None:
        """End what takes too long. Called about once a second."""
        if self._writable is not None and now - self._stalled > self._limits.write_stall:
            self._transport.abort()
        elif self._in_head and now - self.since > self._limits.head_time:
            self._refuse(408)
            self._start()
        elif not self.busy and not self._in_message and now - self.since > self._limits.keep_alive:
            self._transport.close()

    def drain(self) -> bool:
        """Finish what runs and take nothing more; True when nothing runs."""
        self._draining = True
        if self.busy or self._in_message:
            return False
        self._transport.close()
        return True

    def abort(self) -> None:
        """End at once."""
        self._transport.abort()
