"""What waits for a receiver outside: bounded, in order, sent again until it is taken."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_log = logging.getLogger("torana")
_PAUSES = (0.2, 1.0, 5.0, 15.0)


class Refused(Exception):
    """The receiver will not take what was sent, however often."""


class Outgoing(Generic[T]):
    """On the way to one receiver. What comes while too much waits is dropped and counted."""

    def __init__(
        self,
        name: str,
        send: Callable[[list[T]], Awaitable[None]],
        *,
        most: int = 10_000,
        batch: int = 500,
    ) -> None:
        """`send` raises `OSError` or `TimeoutError` for what is to be sent again, and `Refused`."""
        self._name, self._send, self._most, self._batch = name, send, most, batch
        self._waiting: deque[T] = deque()
        self._some, self._none = asyncio.Event(), asyncio.Event()
        self._none.set()
        self.dropped = 0

    def __call__(self, item: T) -> None:
        """One more; never waits."""
        if len(self._waiting) >= self._most:
            self.dropped += 1
            return
        self._waiting.append(item)
        self._some.set()
        self._none.clear()

    async def run(self) -> None:
        """Deliver, until cancelled."""
        failures = 0
        while True:
            await self._some.wait()
            batch = [self._waiting[at] for at in range(min(self._batch, len(self._waiting)))]
            try:
                await self._send(batch)
            except (OSError, TimeoutError) as error:
                if failures == 0:
                    _log.error("%s wait: %s", self._name, error)
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
                continue
            except Refused as error:
                _log.error("%s are refused: %s", self._name, error)
                self.dropped += len(batch)
            failures = 0
            for _ in batch:
                self._waiting.popleft()
            if not self._waiting:
                self._some.clear()
                self._none.set()

    async def drain(self, seconds: float = 2.0) -> None:
        """Wait for what is on its way, but not for long."""
        try:
            async with asyncio.timeout(seconds):
                await self._none.wait()
        except TimeoutError:
            _log.error("%d of %s did not arrive", len(self._waiting), self._name)
