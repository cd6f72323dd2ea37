"""Length-prefixed MessagePack between processes of a node: one end of a connection."""

import asyncio
from collections.abc import Callable
from typing import Generic, Self, TypeVar, cast

import msgspec

Frame = TypeVar("Frame")


class Framed(asyncio.Protocol, Generic[Frame]):
    """Cuts what arrives into frames. A peer that sends nonsense is cut off.

    `longest`: bytes that a frame may have. `backlog`: bytes that may wait for a peer that does not
    read; after that it is cut off.
    """

    def __init__(
        self,
        decoder: msgspec.msgpack.Decoder[Frame],
        receive: Callable[[Self, Frame], None],
        lost: Callable[[Self], None],
        *,
        longest: int,
        backlog: int,
    ) -> None:
        self._decode = decoder.decode
        self._receive = receive
        self._lost = lost
        self._longest, self._backlog = longest, backlog
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        # uvloop's transports are not instances of asyncio's classes.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        buffer = self._buffer
        if not buffer and len(data) - 4 == int.from_bytes(data[:4], "big") <= self._longest:
            # One frame and nothing else, as nearly always.
            self._take(data[4:])
            return
        buffer += data
        start = 0
        while len(buffer) - start >= 4:
            length = int.from_bytes(buffer[start : start + 4], "big")
            end = start + 4 + length
            if length > self._longest:
                self.abort()
                return
            if len(buffer) < end:
                break
            # Copied, for a Raw field would keep pointing into the buffer.
            if not self._take(bytes(buffer[start + 4 : end])):
                return
            start = end
        del buffer[:start]

    def _take(self, body: bytes) -> bool:
        """Hand a frame on. False: it was nonsense."""
        try:
            frame = self._decode(body)
        except msgspec.MsgspecError:
            self.abort()
            return False
        self._receive(self, frame)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        self._lost(self)

    @property
    def open(self) -> bool:
        """Whether frames can still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def put(self, body: bytes) -> bool:
        """Send an encoded frame. False: the connection is lost."""
        if self._transport is None:
            return False
        self._transport.write(len(body).to_bytes(4, "big") + body)
        if self._transport.get_write_buffer_size() > self._backlog:
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
