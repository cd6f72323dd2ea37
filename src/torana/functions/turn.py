"""An invocation under way: its deadline, its watch, and the one moment when it is over."""

import asyncio
import time
from collections.abc import Callable

from torana.functions.errors import Failure
from torana.message import Stream


class Turn:
    """An invocation under way."""

    def __init__(
        self,
        request_id: str,
        timer: asyncio.TimerHandle,
        watcher: asyncio.TimerHandle,
        finish: Callable[["Turn", Failure | None], None],
        arn: str = "",
    ) -> None:
        """`timer` ends it when its time is over, `watcher` looks at the memory meanwhile."""
        self.request_id, self.started = request_id, time.perf_counter()
        self.watcher, self.arn = watcher, arn
        self._timer, self._finish = timer, finish
        self._over = False
        self.failure: Failure | None = None
        """Why it is being ended before its time."""

    def over(self, failure: Failure | None) -> None:
        """It ended. Said once."""
        if not self._over:
            self._over = True
            self._timer.cancel()
            self.watcher.cancel()
            self._finish(self, failure)


class Ending:
    """A streamed answer that tells when it is over."""

    def __init__(self, source: Stream, turn: Turn) -> None:
        self._source, self._turn = source, turn
        self.trailers = source.trailers

    def __aiter__(self) -> "Ending":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._source)
        except BaseException:
            self._turn.over(self._turn.failure)
            raise

    async def aclose(self) -> None:
        self._turn.over(self._turn.failure)
        await self._source.aclose()
