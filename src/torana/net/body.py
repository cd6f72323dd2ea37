"""A body on its way in, with back-pressure: the sender is held while too much waits."""

import asyncio
from collections import deque
from collections.abc import Callable

from torana.message import Body, Headers, Reply, Sent


class IncomingBody:
    """The `Stream` that both ends give out. One reader."""

    __slots__ = (
        "_abandon",
        "_high",
        "_hold",
        "_idle",
        "_on_first",
        "_pieces",
        "_size",
        "_until",
        "_waiter",
        "ended",
        "error",
        "held",
        "trailers",
    )

    def __init__(
        self,
        hold: Callable[[bool], None],
        abandon: Callable[[], None],
        high: int,
        idle: float,
        on_first: Callable[[], None] | None = None,
    ) -> None:
        """`hold(True)` stops the sender, `hold(False)` lets it go on; `abandon` ends it all."""
        self.trailers = Headers()
        self.ended = self.held = False
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self.error: Exception | None = None
        """Why no more will come, though more was promised."""
        self._hold, self._abandon, self._on_first = hold, abandon, on_first
        self._high, self._idle = high, idle
        self._until = float("inf")

    def expect_end(self, until: float) -> None:
        """Waiting ends at this time of the loop's clock, whatever comes."""
        self._until = until

    def feed(self, piece: bytes) -> None:
        """A piece arrived."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._high and not self.held:
            self.held = True
            self._hold(True)
        self._wake()

    def end(self) -> None:
        """The last piece has arrived: what comes next of the sender is not held for this one."""
        self.ended = True
        if self.held:
            self.held = False
            self._hold(False)
        self._wake()

    def fail(self, error: Exception) -> None:
        """No more will come, though more was promised."""
        if not self.ended:
            self.error = error
            self._wake()

    def __aiter__(self) -> "IncomingBody":
        return self

    async def __anext__(self) -> bytes:
        """The next piece; everything that waits at once."""
        if self._on_first is not None:
            self._on_first()
            self._on_first = None
        while not self._pieces:
            if self.ended:
                raise StopAsyncIteration
            if self.error is not None:
                raise self.error
            await self._wait()
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self.held:
            self.held = False
            self._hold(False)
        return piece

    async def aclose(self) -> None:
        """Stop early."""
        if not self.ended and self.error is None:
            self.fail(ConnectionAbortedError("the body was abandoned"))
            self._abandon()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_at(min(loop.time() + self._idle, self._until), self._late)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _late(self) -> None:
        self.fail(TimeoutError("the body stalled"))
        self._abandon()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def broke_off(body: Body) -> bool:
    """Whether its sender failed before the end."""
    return isinstance(body, IncomingBody) and body.error is not None


def is_left(body: Body) -> bool:
    """Whether some of it has not come yet."""
    return isinstance(body, IncomingBody) and not body.ended


async def drop(reply: Reply) -> None:
    """Nobody gets this reply: who made it is told, and its source is let go."""
    try:
        if not isinstance(reply.body, bytes):
            await reply.body.aclose()
    finally:
        if reply.sent is not None:
            reply.sent(Sent(0, False))
