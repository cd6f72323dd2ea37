"""What callers and an engine host say to each other: length-prefixed MessagePack."""

from collections.abc import Callable
from typing import Literal, Self

import msgspec
from msgspec import Raw, Struct

from torana.framing import Frame, Framed

LARGEST = 64 * 1024 * 1024
"""Bytes of one frame: a batch of images fits."""
_BACKLOG = 2 * LARGEST
"""Bytes that may wait for a peer that does not read; after that it is cut off."""


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


class Wire(Framed[Frame]):
    """One end of a connection between a caller and a host."""

    def __init__(
        self,
        decoder: msgspec.msgpack.Decoder[Frame],
        receive: Callable[[Self, Frame], None],
        lost: Callable[[Self], None],
    ) -> None:
        super().__init__(decoder, receive, lost, longest=LARGEST, backlog=_BACKLOG)

    def send(self, frame: ToHost | FromHost) -> bool:
        """Send a frame. False: it is too long, or the connection is lost."""
        body = _encode(frame)
        return len(body) <= LARGEST and self.put(body)
