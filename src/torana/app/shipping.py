"""Batches on their way to the process that keeps them: numbered, and sent again until they are
acknowledged."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

Send = Callable[[str, int, list[T]], Awaitable[None]]
"""Sender, number, and what is in it."""


class Shipping(Generic[T]):
    """Of one process."""

    def __init__(self, sender: str, take: Callable[[], list[T]], send: Send[T]) -> None:
        self._sender, self._take, self._send = sender, take, send
        self._pending: list[T] = []
        self._number = 0

    async def flush(self) -> None:
        """Send what there is, or again what was not acknowledged. Raises what `send` raises; the
        batch waits then."""
        if not self._pending:
            self._pending = self._take()
            if not self._pending:
                return
            self._number += 1
        await self._send(self._sender, self._number, self._pending)
        self._pending = []
