"""Requests and replies as values, between the server, the gateway and the upstream client."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Protocol

from msgspec import Struct


class Headers(Struct, eq=False):
    """Header fields in wire order and wire spelling; duplicates are kept.

    Look-ups take the name in lower case. What they need is gathered at the first one, unless
    whoever made the fields gives it along.
    """

    items: list[tuple[str, str]] = []
    _first: dict[str, str] | None = None
    """The first value of each field, by its name in lower case."""

    def _gathered(self) -> dict[str, str]:
        first = self._first = {name.lower(): value for name, value in reversed(self.items)}
        return first

    def index(self) -> dict[str, list[str]]:
        """Every value by lower-case name."""
        index = dict[str, list[str]]()
        for name, value in self.items:
            index.setdefault(name.lower(), []).append(value)
        return index

    def get(self, name: str) -> str | None:
        """The first value of a header, or None."""
        first = self._first
        return (self._gathered() if first is None else first).get(name)

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for own, value in self.items if own.lower() == name] if name in self else []

    def add(self, name: str, value: str) -> None:
        """Append a field."""
        self.items.append((name, value))
        self._first = None

    def set(self, name: str, value: str) -> None:
        """Replace every field of that name by one."""
        self.remove(name)
        self.items.append((name, value))

    def remove(self, name: str) -> None:
        """Drop every field of that name, whatever its spelling."""
        lower = name.lower()
        self.items = [item for item in self.items if item[0].lower() != lower]
        self._first = None

    def copy(self) -> "Headers":
        """An independent copy."""
        return Headers(self.items.copy())

    def __contains__(self, name: str) -> bool:
        first = self._first
        return name in (self._gathered() if first is None else first)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.items == other.items

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self.items!r})"


class Stream(Protocol):
    """A body that arrives in pieces, under back-pressure: a piece is asked for, then sent.

    Iterating raises `TimeoutError` when the sender is too slow and `ConnectionError` when it is
    gone before the end. `trailers` is filled once the iteration has ended.
    """

    trailers: Headers

    def __aiter__(self) -> "Stream": ...
    async def __anext__(self) -> bytes: ...
    async def aclose(self) -> None:
        """Stop early: the sender is told, the connection is not used again."""
        ...


Body = bytes | Stream


class Continued:
    """Implements `Stream`: a body whose first piece is here already."""

    def __init__(self, first: bytes, pieces: AsyncIterator[bytes]) -> None:
        self.trailers = Headers()
        self._first, self._pieces = first, pieces

    def __aiter__(self) -> "Continued":
        return self

    async def __anext__(self) -> bytes:
        """See `Stream`."""
        if self._first:
            first, self._first = self._first, b""
            return first
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """See `Stream`."""
        closing = getattr(self._pieces, "aclose", None)
        if closing is not None:
            await closing()


class BodyTooLarge(Exception):
    """A body went over the limit it was read under."""


async def read(body: Body, limit: int) -> bytes:
    """A body as one value. Raises `BodyTooLarge` beyond `limit` bytes, and what `Stream` raises."""
    if isinstance(body, bytes):
        if len(body) > limit:
            raise BodyTooLarge
        return body
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in body:
            size += len(piece)
            if size > limit:
                raise BodyTooLarge
            pieces.append(piece)
    except BaseException:
        # Nobody reads the rest, not even of a caller that is cancelled: its sender is let go.
        await body.aclose()
        raise
    return b"".join(pieces)


class Peer(Struct, frozen=True):
    """Who is at the other end of a connection, made once per connection."""

    address: str
    port: int = 0
    scheme: str = "http"
    local_port: int = 0
    tls_version: str = ""
    tls_cipher: str = ""
    certificate: bytes | None = None
    """The client's certificate (DER) under mutual TLS."""
    server_name: str = ""
    """Whose own TLS it was, where a name has its own."""


NOBODY = Peer("127.0.0.1")


class Request(Struct):
    """An HTTP request. `body` is whole when it arrived whole, else a stream."""

    method: str
    target: str
    """As on the wire: path and query, still percent-encoded."""
    headers: Headers
    body: Body = b""
    peer: Peer = NOBODY
    version: str = "HTTP/1.1"
    received: float = 0.0
    """`time.time()` of the request's first byte."""


class Sent(Struct, frozen=True):
    """What became of a reply."""

    bytes: int
    """Of the body, after compression."""
    whole: bool
    """False when the client left, or the body's source failed, before the end."""


class Reply(Struct):
    """An HTTP reply. Framing fields (content-length, transfer-encoding, connection, date) are the
    server's business: it adds what the body needs. A stream whose length is known carries
    content-length in `headers`, else it goes out chunked."""

    status: int
    headers: Headers
    body: Body = b""
    sent: Callable[[Sent], None] | None = None
    """Called once, after the last byte went out or the client left."""
    denied: str | None = None
    """Why a client was not let in, for the audit trail. None: nobody said, and the status tells;
    empty: that is on record, or not the gateway's to say."""


class WebSocket(Protocol):
    """An open WebSocket, either end. `receive` gives None when it is closed."""

    close_code: int | None
    """Why it ended (RFC 6455, 7.4.1); 1005: nobody said, 1006: the other end is just gone."""
    close_reason: str

    @property
    def crowded(self) -> bool:
        """Whether the other end leaves unread what was sent."""
        ...

    async def receive(self) -> str | bytes | None: ...
    async def send(self, message: str | bytes) -> None: ...
    def put(self, message: str | bytes) -> None:
        """Send without waiting until it is taken: ask first whether it is crowded."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None: ...
    def say_goodbye(self, code: int, reason: str = "") -> None:
        """Begin to close, without waiting."""
        ...


class SocketLimits(Struct, frozen=True):
    """What one WebSocket may ask of us. Sizes in bytes, times in seconds."""

    message: int
    frame: int
    idle: float
    """Without a word from either end."""
    lifetime: float
    binary: bool = True
    """Whether binary messages are taken; else they end the session (1003)."""


class Upgrade(Reply):
    """The answer that accepts a WebSocket; `session` runs until it is over."""

    session: Callable[[WebSocket], Awaitable[None]] | None = None
    limits: SocketLimits | None = None
    """None: the listener's own."""


def headers(fields: Iterable[tuple[str, str]]) -> Headers:
    """Headers from any pairs."""
    return Headers(list(fields))
