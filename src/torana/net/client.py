"""The upstream client: a pool of kept-alive connections per origin."""

import asyncio
import ssl
import tempfile
from collections import deque
from functools import cached_property
from typing import Protocol

from msgspec import Struct

from torana.message import Reply, Request
from torana.net.body import IncomingBody
from torana.net.heads import encode_request
from torana.net.upstream import NEVER, Upstream


class Timeouts(Struct, frozen=True):
    """Deadlines of one exchange, in seconds."""

    connect: float = 5.0
    head: float = 29.0
    """From sending to the end of the reply's head."""
    idle: float = 30.0
    """Between two pieces of a streamed reply."""
    total: float | None = None


class Origin(Protocol):
    """One upstream address with its pool of kept-alive connections."""

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """Sends `request.target` as it is. The reply's body is whole when it arrived whole.

        Raises `TimeoutError` or `ConnectionError`, nothing else; cancelling drops the connection.
        """
        ...


class Tls(Struct, frozen=True):
    """How to speak TLS to an origin."""

    verify: bool = True
    verify_host: bool = True
    ca_file: str | None = None
    certificate: str | None = None
    """Shown to the origin. PEM."""
    key: str | None = None
    """The certificate's private key. PEM."""
    server_name: str | None = None
    """Whom the origin's certificate must name, where that is not its host."""

    def __repr__(self) -> str:
        return f"Tls(verify={self.verify}, ca_file={self.ca_file!r}, …)"


class Client(Protocol):
    """Every origin. Asking for one is a dictionary look-up: plans keep what they got."""

    def origin(self, scheme: str, host: str, port: int, tls: Tls | None = None) -> Origin:
        """`scheme` is http, https or unix (`host` is then the socket's path)."""
        ...


_IDLE = 50.0
"""Seconds that a connection is kept for the next request: below what servers usually keep."""
_MOST = 1024
"""Connections to one origin."""
_TICK = 0.05
"""Seconds. A deadline is kept at most so much late, and never early."""
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})


class Pool:
    """The connections to one origin."""

    def __init__(
        self,
        scheme: str,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        server_name: str | None = None,
    ) -> None:
        self._scheme, self._host, self._port, self._context = scheme, host, port, context
        self._server_name = server_name
        self._idle: deque[Upstream] = deque()
        self._all: set[Upstream] = set()
        self._timer: asyncio.TimerHandle | None = None

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Asked for once: asking costs a system call."""
        return asyncio.get_running_loop()

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """See `Origin`."""
        head, streams = encode_request(request)
        on = self._take()
        # A kept connection may be closed by the server just as it is used again (RFC 9112, 9.3.1):
        # what is safe to repeat is sent once more.
        again = on is not None and not streams and request.method in _IDEMPOTENT
        while True:
            if on is None:
                on = await self._connect(timeouts.connect)
            if self._timer is None:
                self._timer = self._loop.call_later(_TICK, self._tick)
            started = self._loop.time()
            deadline = started + timeouts.head
            answer = on.exchange(head, timeouts.idle, deadline, request.method, streams)
            try:
                if streams:
                    await _send_stream(on, request, answer)
                reply = await answer
            except BaseException as error:
                on.leave(answer)
                if not (again and isinstance(error, ConnectionError)) or on.touched:
                    raise
            else:
                if timeouts.total is not None and isinstance(reply.body, IncomingBody):
                    reply.body.expect_end(started + timeouts.total)
                return reply
            again, on = False, None

    def _tick(self) -> None:
        """One timer for every exchange: what is nearly always called off costs next to nothing."""
        now, busy = self._loop.time(), False
        for each in self._all:
            if each.deadline < now:
                each.give_up()
            busy |= each.deadline < NEVER
        self._timer = self._loop.call_later(_TICK, self._tick) if busy else None

    def _take(self) -> Upstream | None:
        now = self._loop.time()
        while self._idle:
            found = self._idle.pop()
            if found.alive and now - found.idle_since < _IDLE:
                return found
            found.abort()
        return None

    async def _connect(self, timeout: float) -> Upstream:
        if len(self._all) >= _MOST:
            raise ConnectionError(f"over {_MOST} connections to {self._host} are busy")
        loop = self._loop
        try:
            async with asyncio.timeout(timeout):
                if self._scheme == "unix":
                    _, made = await loop.create_unix_connection(self._made, self._host)
                else:
                    _, made = await loop.create_connection(
                        self._made,
                        self._host,
                        self._port,
                        ssl=self._context,
                        server_hostname=self._server_name,
                    )
        except TimeoutError as error:
            raise ConnectionError(f"connecting to {self._host} took too long") from error
        except (OSError, UnicodeError, ssl.SSLError) as error:
            raise ConnectionError(f"cannot connect to {self._host}: {error}") from error
        self._all.add(made)
        return made

    def _made(self) -> Upstream:
        return Upstream(self._loop, self._freed)

    def _freed(self, connection: Upstream) -> None:
        if connection.closed:
            self._all.discard(connection)
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)

    def close(self) -> None:
        """Drop every connection."""
        for connection in tuple(self._all):
            connection.abort()


async def _send_stream(on: Upstream, request: Request, answer: "asyncio.Future[Reply]") -> None:
    """The body as it comes. A backend that answers early, or is gone, is not sent the rest."""
    counted = "content-length" in request.headers
    body = request.body
    assert not isinstance(body, bytes)
    async for piece in body:
        if answer.done():
            return
        await on.write(piece if counted else b"%x\r\n%b\r\n" % (len(piece), piece))
    if not answer.done():
        if not counted:
            await on.write(b"0\r\n\r\n")
        on.sending = False


class HttpClient:
    """Implements `Client`."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str, int, Tls | None], Pool] = {}

    def origin(self, scheme: str, host: str, port: int, tls: Tls | None = None) -> Pool:
        """See `Client`. Raises `ValueError` for another scheme."""
        key = (scheme, host, port, tls)
        found = self._pools.get(key)
        if found is None:
            if scheme not in ("http", "https", "unix"):
                raise ValueError(f"no client for {scheme!r}")
            context = _context(tls or Tls()) if scheme == "https" else None
            name = tls.server_name if tls is not None and context is not None else None
            found = self._pools[key] = Pool(scheme, host, port, context, name)
        return found

    async def aclose(self) -> None:
        """Drop every connection."""
        for pool in self._pools.values():
            pool.close()
        await asyncio.sleep(0)


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if tls.certificate is not None:
        _show(context, tls.certificate, tls.key or "")
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not tls.verify_host:
        context.check_hostname = False
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Python reads certificates from files only: one that no other user can read, for as long as
    it takes."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate + "\n" + key)
        file.flush()
        context.load_cert_chain(file.name)
