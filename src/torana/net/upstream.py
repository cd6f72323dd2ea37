"""HTTP/1.1, the client's end: one connection, one exchange at a time."""

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from torana.message import Headers, Reply
from torana.net.body import IncomingBody
from torana.net.heads import read_reply
from torana.net.names import KNOWN, known

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = float("inf")
_HIGH = 256 * 1024
_HEAD = 64 * 1024


class Upstream(asyncio.Protocol):
    """A connection to a backend. `exchange` is used by one caller at a time."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, freed: "Callable[[Upstream], None]"
    ) -> None:
        self._loop, self._freed = loop, freed
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._parser = httptools.HttpResponseParser(self)
        self._reply: asyncio.Future[Reply] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._body: IncomingBody | None = None
        self.alive = True
        """Whether it may be used for another exchange."""
        self.closed = False
        self.sending = self._over = False
        self.touched = False
        """Whether a byte of the present reply has come."""
        self.idle_since = 0.0
        self.deadline = NEVER
        """Of the present reply's head, by the loop's clock."""
        self._begin()

    def _begin(self) -> None:
        self._fields: list[tuple[str, str]] = []
        self._lengths, self._coded = 0, False
        self._size = 0
        self._parts: list[bytes] = []
        self._status = 0
        self._in_trailers = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = cast(asyncio.Transport, transport)

    def exchange(
        self, head: bytes, idle: float, deadline: float, method: str, sending: bool
    ) -> "asyncio.Future[Reply]":
        """Write a request's first bytes; the future gives the reply once its head is here.
        `sending`: until the caller says otherwise there is more to write."""
        self._idle, self._bodiless, self.touched = idle, method == "HEAD", False
        self.deadline, self.sending, self._over = deadline, sending, False
        reply = self._reply = self._loop.create_future()
        self._transport.write(head)
        return reply

    async def write(self, data: bytes) -> None:
        """A further piece of the request's body."""
        self._transport.write(data)
        if self._writable is not None:
            await self._writable

    def abort(self) -> None:
        """Drop the connection."""
        self.alive, self.deadline = False, NEVER
        self._transport.abort()

    def leave(self, exchange: "asyncio.Future[Reply]") -> None:
        """Nobody waits for this reply any more. Whoever uses the connection by now is not
        disturbed."""
        if self._reply is exchange:
            self._reply = None
            exchange.cancel()
            self.abort()
        elif not exchange.cancelled() and exchange.exception() is None:
            body = exchange.result().body
            if isinstance(body, IncomingBody) and not body.ended:
                self.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes of a reply."""
        if self._reply is None and self._body is None:
            self.abort()
            return
        if not self.touched:
            self.touched = True
            found = None if self._bodiless else read_reply(data, _HEAD)
            if found is not None:
                status, fields, begin = found
                self._give(Reply(status, Headers(fields), data[begin:]))
                self._release()
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(ConnectionError("the backend switched protocols unasked"))
        except (httptools.HttpParserError, UnicodeDecodeError) as error:
            self._fail(ConnectionError(f"the backend's reply is malformed: {error}"))
        else:
            if self._over:
                self._release()
            elif self._reply is not None and self._status and self._body is None:
                self._give_stream()

    def _give_stream(self) -> None:
        body = IncomingBody(self._hold, self.abort, _HIGH, self._idle)
        for part in self._parts:
            body.feed(part)
        self._parts = []
        self._body = body
        self._give(Reply(self._status, Headers(self._fields), body))

    def _give(self, reply: Reply) -> None:
        future, self._reply, self.deadline = self._reply, None, NEVER
        if future is not None and not future.done():
            future.set_result(reply)

    def give_up(self) -> None:
        """The reply took too long."""
        self.deadline = NEVER
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(TimeoutError("the backend did not answer in time"))

    def _release(self) -> None:
        """The reply is whole. A request that is not is never sent to its end, so that nobody else
        can write here."""
        if self.alive and not self.sending and not self._transport.is_closing():
            self._freed(self)
        else:
            self._transport.close()

    def eof_received(self) -> bool:
        """The end of a body that only the connection's end delimits."""
        self.alive = False
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The backend is gone."""
        self.closed, self.alive = True, False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if self._body is not None and self._until_close and exc is None:
            self._body.end()
        else:
            self._fail(ConnectionResetError("the backend closed the connection"))
        self._freed(self)

    _until_close = False

    def _fail(self, error: Exception) -> None:
        self.alive = False
        if self._body is not None:
            self._body.fail(error)
            self._body = None
        future, self._reply, self.deadline = self._reply, None, NEVER
        if future is not None and not future.done():
            future.set_exception(error)
        if not self.closed:
            self._transport.abort()

    def pause_writing(self) -> None:
        """The backend reads too slowly."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _hold(self, stop: bool) -> None:
        if self.closed or self._transport.is_closing():
            return
        if stop:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # What the parser tells.

    def on_message_begin(self) -> None:
        """A reply begins (perhaps an interim one)."""
        if self._over:
            raise httptools.HttpParserError("the backend says more than it was asked for")
        self._begin()

    def on_header(self, field: bytes, value: bytes) -> None:
        """One field, of the head or of the trailers."""
        self._size += len(field) + len(value)
        if self._size > _HEAD:
            raise httptools.HttpParserError("the head is too large")
        name = KNOWN.get(field) or known(field)
        if name is None:
            raise httptools.HttpParserError("a field's name is malformed")
        text = value.decode("latin-1")
        if self._status and self._body is not None:
            self._body.trailers.add(name.text, text)
        elif not self._in_trailers:
            self._fields.append((name.text, text))
            self._lengths += name.lower == "content-length"
            self._coded |= name.lower == "transfer-encoding"

    def on_headers_complete(self) -> None:
        """The head is whole."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        self._in_trailers = True
        if self._lengths + self._coded > 1:
            raise httptools.HttpParserError("ambiguous framing")
        framed = self._lengths or self._coded
        self._until_close = not framed and status not in (204, 304) and not self._bodiless
        self.alive = self._parser.should_keep_alive() and not self._until_close
        self._status = status
        if self._bodiless:
            self.alive = False
            self.on_message_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._body is not None:
            self._body.feed(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """The reply is whole."""
        if not self._status:
            return
        if self._body is not None:
            body, self._body = self._body, None
            body.end()
        else:
            parts = self._parts
            whole = parts[0] if len(parts) == 1 else b"".join(parts)
            self._give(Reply(self._status, Headers(self._fields), whole))
        self._status, self._over = 0, True
