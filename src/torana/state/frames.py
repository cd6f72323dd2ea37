"""What workers and the hub of their node say to each other: length-prefixed MessagePack."""

from collections.abc import Callable
from typing import Self

import msgspec
from msgspec import Struct

from torana.framing import Framed
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


class Wire(Framed[Frame]):
    """One end of a connection between a worker and the hub."""

    def __init__(
        self, receive: Callable[[Self, Frame], None], lost: Callable[[Self], None]
    ) -> None:
        super().__init__(_decoder, receive, lost, longest=_LARGEST, backlog=_BACKLOG)

    def send(self, frame: Frame) -> None:
        """Send a frame; nothing happens when the connection is lost."""
        self.put(_encoder.encode(frame))
