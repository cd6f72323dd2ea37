"""Following a store: read what is new, then wait for the bell."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

from torana.state.store import News, StoreUnavailable

_log = logging.getLogger("torana.state")
_RETRY = 0.5
"""Seconds between two attempts to read from a store that is away."""


class Bell:
    """Wakes whoever follows. Rung by every commit that is seen, and at the end."""

    def __init__(self) -> None:
        self._next = asyncio.Event()
        self.closed = False

    def next(self) -> asyncio.Event:
        """The event that the next ring sets. Take it before reading, so that no ring is missed."""
        return self._next

    def ring(self) -> None:
        """Wake everybody who took the present event."""
        self._next.set()
        if not self.closed:
            self._next = asyncio.Event()

    def close(self) -> None:
        """Ring for good: every event from here on is set."""
        self.closed = True
        self.ring()


async def follow(
    bell: Bell,
    read: Callable[[int, Collection[str]], Awaitable[News]],
    after: int,
    kinds: Collection[str],
) -> AsyncIterator[News]:
    """News after `after`, without end: what `Store.watch` promises, over one read of it.

    Raises `StoreUnavailable` once the store is closed; while it is merely away, waits and says so.
    """
    away = False
    while True:
        ring = bell.next()
        try:
            news = await read(after, kinds)
        except StoreUnavailable as error:
            if bell.closed:
                raise
            if not away:
                _log.warning("the store's changes cannot be read, trying again: %s", error)
            away = True
            await asyncio.sleep(_RETRY)
            continue
        away = False
        stale = news.revision == after
        after = news.revision
        if news.events or news.resync:
            yield news
        elif stale:
            await ring.wait()
