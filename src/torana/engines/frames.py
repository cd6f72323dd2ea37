"""What callers and an engine host say to each other: length-prefixed MessagePack."""

import asyncio
from collections.abc import Callable
from typing import Generic, Literal, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

LARGEST = 64 * 1024 * 1024
"""Bytes of one frame: a batch of images fits."""
_BACKLOG = 2 * LARGEST
"""Bytes that may wait for a peer that does not read; after that it is cut off."""

Frame = TypeVar("Frame")


class Call(Struct, frozen=True, tag=True, array_like=True):
    """Run these. No items: only see to it that the engine is loaded."""

    call: int
    capability: str
    timeout: float
    """Seconds; after that nobody waits for the answer any more."""
    items: Raw


class Cancel(Struct, frozen=True, tag=True, array_like=True):
    """Nobody waits for this call any more."""

    call: int


class Ask(Struct, frozen=True, tag=True, array_like=True):
    """How are you?"""

    call: int


class Answer(Struct, frozen=True, tag=True, array_like=True):
    """The outputs of a `Call`, in order."""

    call: int
    items: Raw


class Refusal(Struct, frozen=True, tag=True, array_like=True):
    """A `Call` that was not answered. `moved`: the host is leaving, ask its successor."""

    call: int
    reason: Literal["busy", "failed", "missing", "late", "moved"]
    message: str


class Leaving(Struct, frozen=True, tag=True, array_like=True):
    """The host finishes what it has and then ends: make new calls on a new connection."""


class Load(Struct, frozen=True):
    """The work one engine did in one host."""

    capability: str
    loaded: bool
    load_seconds: float
    runs: int
    items: int
    seconds: float
    waiting: int


class State(Struct, frozen=True, tag=True, array_like=True):
    """The answer to `Ask`."""

    call: int
    host: str
    pid: int
    resident: int
    """Bytes of memory."""
    engines: list[Load]


ToHost = Call | Cancel | Ask
FromHost = Answer | Refusal | Leaving | State

_encode = msgspec.msgpack.Encoder().encode


class Wire(asyncio.Protocol, Generic[Frame]):
    """One end of a connection. A peer that sends nonsense is cut off."""

    def __init__(
        self,
        decoder: msgspec.msgpack.Decoder[Frame],
        receive: Callable[["Wire[Frame]", Frame], None],
        lost: Callable[["Wire[Frame]"], None],
    ) -> None:
        self._decode = decoder.decode
        self._receive = receive
        self._lost = lost
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # uvloop's transports are not instances of asyncio's classes.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= 4:
            length = int.from_bytes(buffer[start : start + 4], "big")
            end = start + 4 + length
            if length > LARGEST:
                self.abort()
                return
            if len(buffer) < end:
                break
            try:
                # Copied, for a Raw field would keep pointing into the buffer.
                frame = self._decode(bytes(buffer[start + 4 : end]))
            except msgspec.MsgspecError:
                self.abort()
                return
            start = end
            self._receive(self, frame)
        del buffer[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        self._lost(self)

    @property
    def open(self) -> bool:
        """Whether frames can still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, frame: ToHost | FromHost) -> bool:
        """Send a frame. False: it is too long, or the connection is lost."""
        if self._transport is None:
            return False
        body = _encode(frame)
        if len(body) > LARGEST:
            return False
        self._transport.write(len(body).to_bytes(4, "big") + body)
        if self._transport.get_write_buffer_size() > _BACKLOG:
            self.abort()
        return True

    def close(self) -> None:
        """Send what waits, then close the connection."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()
