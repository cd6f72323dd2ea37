"""Many deadlines for one timer: what is nearly always called off should cost nearly nothing."""

import asyncio
from typing import Any

_SLOTS = 20
"""A second. A deadline is kept at most this part of a second late, and never early."""


class Deadlines:
    """Futures of one loop that fail with `TimeoutError` unless they are done in time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, set[asyncio.Future[Any]]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def set(self, when: float, future: "asyncio.Future[Any]") -> int:
        """Fail `future` at this time of the loop's clock. Gives the slot, for `forget`."""
        slot = int(when * _SLOTS) + 1
        waiting = self._slots.get(slot)
        if waiting is None:
            waiting = self._slots[slot] = set()
        waiting.add(future)
        if self._timer is None:
            self._timer = self._loop.call_later(1 / _SLOTS, self._tick)
        return slot

    def forget(self, slot: int, future: "asyncio.Future[Any]") -> None:
        """It is done."""
        waiting = self._slots.get(slot)
        if waiting is not None:
            waiting.discard(future)

    def _tick(self) -> None:
        now = self._loop.time() * _SLOTS
        for slot in [slot for slot, waiting in self._slots.items() if slot <= now or not waiting]:
            for future in self._slots.pop(slot):
                if not future.done():
                    future.set_exception(TimeoutError("the backend did not answer in time"))
        self._timer = self._loop.call_later(1 / _SLOTS, self._tick) if self._slots else None
