"""The node's logs: events of groups and streams, in a SQLite file of bounded size.

What is acknowledged is on the disk: all events that wait are committed together, with one flush.
When the file is full, the oldest events of all groups go.
"""

import asyncio
import logging
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from torana.sealing import Cover, Vault
from torana.telemetry import log_catalog as catalog
from torana.telemetry import log_runs
from torana.telemetry.database import Database, give_back, overwriting, size
from torana.telemetry.log_runs import Event, Run

_log = logging.getLogger("torana.logs")

T = TypeVar("T")
_DAY = 86_400_000
_PAGE = 1000
_TOGETHER = 20_000
"""Events that are committed together, at most."""

Entries = tuple[str, str, list[tuple[int, str]]]
"""Group, stream, and the events' milliseconds since 1970 and texts."""


class Kept(Struct, frozen=True):
    """Events of a group that were just kept."""

    group: str
    events: list[Event]


class Put(Struct):
    """Events that wait to be committed."""

    entries: Sequence[Entries]
    sender: str
    number: int
    done: asyncio.Future[None]

    @property
    def size(self) -> int:
        """How many."""
        return sum(len(events) for _, _, events in self.entries)


class LogBook:
    """One process' to open."""

    def __init__(
        self,
        path: Path,
        most_bytes: int = 1 << 30,
        clock: Callable[[], float] = time.time,
        cover: Cover | None = None,
    ) -> None:
        """`cover` encrypts the events' texts."""
        self.days: Callable[[str], int] = lambda group: 0
        """For how long events of a group without a retention of its own are kept; 0: as long as
        there is room."""
        self._database = Database(path, catalog.SCHEMA, sync=True)
        self._cover = cover or Vault().cover("logs")
        self._most_bytes, self.clock = most_bytes, clock
        self._ids: dict[tuple[str, str], tuple[int, int]] = {}
        self._waiting: list[Put] = []
        self._flush: asyncio.Task[None] | None = None
        self.watched: frozenset[str] | None = frozenset()
        """Groups whose events `heard` wants; None: those of all."""
        self.heard: Callable[[list[Kept]], None] | None = None

    async def open(self) -> None:
        """Raises `NewerFile` and `OSError`."""
        await self._database.open()

    async def close(self) -> None:
        """After what waits."""
        while self._flush is not None:
            await self._flush
        await self._database.close()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Look something up."""
        return await self._database.run(work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Change groups, streams or filters, whole or not at all."""
        found = await self._database.write(work)
        self._ids.clear()
        return found

    async def put(self, entries: Sequence[Entries], sender: str = "", number: int = 0) -> None:
        """Keep events; groups and streams that are missing are made. They are on the disk when
        this returns. A batch that a sender sends again, by its number, is kept once."""
        loop = asyncio.get_running_loop()
        waits = Put(entries, sender, number, loop.create_future())
        self._waiting.append(waits)
        if self._flush is None:
            self._flush = loop.create_task(self._flush_all())
        await waits.done

    async def _flush_all(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.pop(0)]
                number = batch[0].size
                while self._waiting and number < _TOGETHER:
                    batch.append(self._waiting.pop(0))
                    number += batch[-1].size
                await self._settle(batch)
        finally:
            self._flush = None

    async def _settle(self, batch: list[Put]) -> None:
        try:
            kept = await self._database.write(lambda db: self._keep(db, batch))
        except Exception as error:  # noqa: BLE001  handed to everybody who waits for it
            self._ids.clear()
            for each in batch:
                if not each.done.done():
                    each.done.set_exception(error)
            return
        for each in batch:
            if not each.done.done():
                each.done.set_result(None)
        if kept and self.heard is not None:
            self.heard(kept)

    def _keep(self, db: sqlite3.Connection, batch: list[Put]) -> list[Kept]:
        now, watched = int(self.clock() * 1000), self.watched
        came: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        for put in batch:
            if put.sender and not _fresh(db, put.sender, put.number, now):
                continue
            for group, stream, events in put.entries:
                came[group, stream] += events
        id = _next_id(db)
        runs: list[Run] = []
        spans: list[tuple[int, int, int, int]] = []
        told: dict[str, list[Event]] = {}
        for (group, name), events in came.items():
            own, stream = self._ids.get((group, name)) or self._make(db, group, name, now)
            events.sort(key=itemgetter(0))
            spans.append((stream, events[0][0], events[-1][0], now))
            runs += log_runs.cut(id, own, stream, now, events)
            if watched is None or group in watched:
                told.setdefault(group, []).extend(
                    Event(number, name, at, now, text)
                    for number, (at, text) in enumerate(events, id)
                )
            id += len(events)
        log_runs.add(db, self._cover, runs)
        catalog.touched(db, spans)
        return [Kept(group, events) for group, events in told.items()]

    def _make(self, db: sqlite3.Connection, group: str, stream: str, now: int) -> tuple[int, int]:
        there = catalog.group(db, group)
        own = there.id if there else catalog.make_group(db, group, now, {})
        assert own is not None
        found = catalog.stream(db, own, stream)
        id = found.id if found else catalog.make_stream(db, own, stream, now)
        assert id is not None
        if len(self._ids) > 10_000:
            self._ids.clear()
        self._ids[group, stream] = own, id
        return own, id

    async def page(
        self,
        group: int,
        streams: Sequence[int],
        start: int,
        end: int,
        *,
        after: tuple[int, int] | None = None,
        backward: bool = False,
        most: int = _PAGE,
    ) -> list[Event]:
        """Events of a group (of some streams, if any are named) from `start` to `end`, both
        included, in order of time. `after`: time and id of the last one seen."""
        return await self._database.run(
            lambda db: log_runs.page(
                db, self._cover, group, streams, start, end, after, backward, most
            )
        )

    async def event(self, id: int) -> tuple[Event, str] | None:
        """An event and its group's name."""
        return await self._database.run(lambda db: log_runs.event(db, self._cover, id))

    async def erase(self, hit: Callable[[str], bool], *, dry: bool = False) -> int:
        """Drop every event whose text is one that is meant, without a trace of it in the file; how
        many. `dry`: only count."""
        await self._database.run(lambda db: overwriting(db, True))
        try:
            return await self._erase(hit, dry=dry)
        finally:
            await self._database.run(lambda db: overwriting(db, False))

    async def _erase(self, hit: Callable[[str], bool], *, dry: bool) -> int:
        after, gone = 0, 0
        while True:
            last = after
            found = await self._database.write(
                lambda db: log_runs.erase(db, self._cover, last, hit, dry=dry)
            )
            if found is None:
                return gone
            gone, after = gone + found[0], found[1]

    async def _expire(self, group: int, before: int) -> bool:
        """Whether there was something to drop."""
        return await self._database.write(
            lambda db: log_runs.expire(db, self._cover, group, before)
        )

    async def tidy(self) -> None:
        """Drop what is too old for its group, and the oldest where the file is too large."""
        now = int(self.clock() * 1000)
        for each in await self._database.run(catalog.groups):
            days = each.retention or self.days(each.name)
            before, moved = now - days * _DAY, bool(days)
            while moved:
                moved = await self._expire(each.id, before)
        while await self._database.run(size) > self._most_bytes:
            if not await self._database.write(
                lambda db: log_runs.shrink(db, self._most_bytes // 20)
            ):
                break
        await self._database.write(lambda db: _forget(db, now))
        await self._database.run(give_back)
        self._ids.clear()


def _next_id(db: sqlite3.Connection) -> int:
    [(last,)] = db.execute(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"
    )
    return last + 1


def _fresh(db: sqlite3.Connection, sender: str, number: int, now: int) -> bool:
    [(last,)] = db.execute("SELECT coalesce(max(number), 0) FROM senders WHERE name = ?", (sender,))
    if number <= last:
        return False
    db.execute("INSERT OR REPLACE INTO senders VALUES (?, ?, ?)", (sender, number, now))
    return True


def _forget(db: sqlite3.Connection, now: int) -> None:
    """Streams whose events are gone for long, and senders that are."""
    db.execute("DELETE FROM senders WHERE seen < ?", (now - _DAY,))
    db.execute(
        "DELETE FROM streams WHERE ingested < ? AND NOT EXISTS"
        " (SELECT 1 FROM events WHERE events.stream = streams.id)",
        (now - _DAY,),
    )
