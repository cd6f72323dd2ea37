"""What workers and the hub of their node say to each other: length-prefixed MessagePack."""

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec
from msgspec import Struct

from torana.state.allowance import Draw, Grant

_LARGEST = 16 * 1024 * 1024
_BACKLOG = 64 * 1024 * 1024
"""Bytes that may wait for a peer that does not read; after that it is cut off."""


class DrawFrom(Struct, frozen=True, tag=True, array_like=True):
    """Draw from a bucket. `full`: it may start full, for nobody can have used it before."""

    call: int
    bucket: str
    rate: float
    burst: float
    full: bool
    draw: Draw


class Granted(Struct, frozen=True, tag=True, array_like=True):
    """The answer to `DrawFrom`."""

    call: int
    grant: Grant


class Recall(Struct, frozen=True, tag=True, array_like=True):
    """Somebody is short of a bucket: report, and give back what is not needed."""

    bucket: str


class Peers(Struct, frozen=True, tag=True, array_like=True):
    """How many workers the hub serves."""

    count: int


class LockName(Struct, frozen=True, tag=True, array_like=True):
    """Lock a name (`token` 0), or renew the lock that has the token."""

    call: int
    name: str
    ttl: float
    token: int = 0


class Locked(Struct, frozen=True, tag=True, array_like=True):
    """The answer to `LockName`: the token, or 0."""

    call: int
    token: int


class Unlock(Struct, frozen=True, tag=True, array_like=True):
    """Let a lock go."""

    name: str
    token: int


class Message(Struct, frozen=True, tag=True, array_like=True):
    """A message for everybody who listens to a topic."""

    topic: str
    body: bytes


Frame = DrawFrom | Granted | Recall | Peers | LockName | Locked | Unlock | Message

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


class Wire(asyncio.Protocol):
    """One end of a connection. A peer that sends nonsense is cut off."""

    def __init__(
        self, receive: Callable[["Wire", Frame], None], lost: Callable[["Wire"], None]
    ) -> None:
        self._receive = receive
        self._lost = lost
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # Not checked by class: uvloop's transports do not derive from asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= 4:
            length = int.from_bytes(buffer[start : start + 4], "big")
            end = start + 4 + length
            if length > _LARGEST:
                self.abort()
                return
            if len(buffer) < end:
                break
            try:
                frame = _decoder.decode(memoryview(buffer)[start + 4 : end])
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

    def send(self, frame: Frame) -> None:
        """Send a frame; nothing happens when the connection is lost."""
        if self._transport is None:
            return
        body = _encoder.encode(frame)
        self._transport.write(len(body).to_bytes(4, "big") + body)
        if self._transport.get_write_buffer_size() > _BACKLOG:
            self.abort()

    def close(self) -> None:
        """Send what waits, then close the connection."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()
