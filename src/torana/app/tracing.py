"""Traces of the node: which requests are traced, what waits to be kept, and the book of it.

Which requests are traced is for every process to decide, by the rules of the store.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import Any

from torana.gateway.contract import Traces
from torana.net.tasks import spawn
from torana.sealing import Cover
from torana.services.xray.rules import RULE, rule_of
from torana.services.xray.traces import read_segment
from torana.settings import Settings
from torana.state.store import Store
from torana.telemetry.sampling import DEFAULT, Sampler
from torana.telemetry.tracebook import Kept, TraceBook

_log = logging.getLogger("torana")

_TIDY = 60.0
_MOST = 20_000
"""Segments that may wait for a book that is away; what comes beyond is dropped and counted."""


class Daemon(asyncio.DatagramProtocol):
    """Takes segments as programs with an X-Ray SDK send them: a line that names the format, then
    the document. Source: X-Ray Developer Guide, "Sending segment documents to the X-Ray daemon"."""

    def __init__(self, keep: Callable[[Kept], None]) -> None:
        self._keep = keep

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """A segment; what is none is told in the log."""
        found, why = read_segment(data.partition(b"\n")[2].decode("utf-8", "replace"))
        if isinstance(found, Kept):
            self._keep(found)
        else:
            _log.warning("a segment sent to the X-Ray port is refused: %s", why)


class TraceDesk:
    """Of one process. `book` is there in the one that keeps the segments."""

    def __init__(
        self,
        settings: Settings,
        cover: Cover | None = None,
        *,
        owner: bool,
    ) -> None:
        folder, most, days = settings.folder(), settings.tracing.bytes, settings.retention.traces
        self.book = TraceBook(folder / "traces.db", most, cover, days) if owner else None
        self.sampler = Sampler()
        self.dropped = 0
        self.port = Traces(self.sampler.decide, self.keep)
        self._settings = settings.tracing
        self._waiting: list[Kept] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._daemon: asyncio.DatagramTransport | None = None

    def keep(self, segment: Kept) -> None:
        """One more; never waits."""
        if len(self._waiting) < _MOST:
            self._waiting.append(segment)
        else:
            self.dropped += 1

    async def open(self, store: Store) -> None:
        """Raises `NewerFile` and `OSError`."""
        revision = await store.revision()
        await self._load(store)
        self._tasks.append(spawn(self._follow(store, revision), "follow the sampling rules"))
        if self.book is not None:
            await self.book.open()
            self._tasks.append(spawn(self._tidy(self.book), "tidy the traces"))
            await self._open_daemon()

    async def _open_daemon(self) -> None:
        """Raises `OSError`."""
        port = self._settings.daemon
        if port is not None:
            loop = asyncio.get_running_loop()
            made = await loop.create_datagram_endpoint(
                lambda: Daemon(self.keep), local_addr=("127.0.0.1", port)
            )
            self._daemon = made[0]

    async def _load(self, store: Store) -> None:
        rules = [rule_of(document.body) async for document in store.scan(RULE)]
        named = {rule.name for rule in rules}
        self.sampler.replace(rules if DEFAULT.name in named else [*rules, DEFAULT])

    async def _follow(self, store: Store, revision: int) -> None:
        async for _ in store.watch(revision, (RULE,)):
            await self._load(store)

    def take(self) -> list[Kept]:
        """Everything since the last taking."""
        taken, self._waiting = self._waiting, []
        return taken

    async def _tidy(self, book: TraceBook) -> None:
        while True:
            await asyncio.sleep(_TIDY)
            try:
                await book.tidy()
            except (OSError, sqlite3.Error):
                _log.exception("old traces cannot be let go")

    async def aclose(self) -> None:
        """After the last segments."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._daemon is not None:
            self._daemon.close()
        if self.book is not None:
            await self.book.close()
