"""The node's logs: events of groups and streams, in a SQLite file of bounded size.

What is acknowledged is on the disk: all events that wait are committed together, with one flush.
When the file is full, the oldest events of all groups go.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from torana.sealing import Cover, NotOpened
from torana.telemetry import log_catalog as catalog
from torana.telemetry.database import Database, give_back, insert, overwriting, size

_log = logging.getLogger("torana.logs")

T = TypeVar("T")
_DAY = 86_400_000
_OVERHEAD = 26
"""Bytes that an event counts beside its text. Source: CloudWatch Logs quotas."""
_PAGE = 1000
_TOGETHER = 20_000
"""Events that are committed together, at most."""

_AFTER = "SELECT id, grp, length(text) + 26, text FROM events WHERE id > ? ORDER BY id LIMIT 2000"
Entry = tuple[str, str, int, str]
"""Group, stream, milliseconds since 1970, text."""


class Event(Struct, frozen=True):
    """An event as it is kept."""

    id: int
    stream: str
    at: int
    ingested: int
    text: str


class Kept(Struct, frozen=True):
    """Events of a group that were just kept."""

    group: str
    events: list[Event]


class Put(Struct):
    """Events that wait to be committed."""

    entries: Sequence[Entry]
    sender: str
    number: int
    done: asyncio.Future[None]


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
        self._cover = cover
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

    async def put(self, entries: Sequence[Entry], sender: str = "", number: int = 0) -> None:
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
                number = len(batch[0].entries)
                while self._waiting and number < _TOGETHER:
                    batch.append(self._waiting.pop(0))
                    number += len(batch[-1].entries)
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
        now = int(self.clock() * 1000)
        rows: list[tuple[int, int, int, int, str]] = []
        names: list[tuple[str, str]] = []
        for put in batch:
            if put.sender and not _fresh(db, put.sender, put.number, now):
                continue
            for group, stream, at, text in put.entries:
                ids = self._ids.get((group, stream)) or self._make(db, group, stream, now)
                rows.append((*ids, at, now, text))
                names.append((group, stream))
        if not rows:
            return []
        first = _next_id(db)
        insert(
            db,
            "events (grp, stream, at, ingested, text)",
            [(*each[:4], closed(self._cover, each[4])) for each in rows] if self._cover else rows,
        )
        _sum_up(db, rows, now)
        return self._told(first, rows, names)

    def _told(
        self, first: int, rows: list[tuple[int, int, int, int, str]], names: list[tuple[str, str]]
    ) -> list[Kept]:
        watched = self.watched
        if watched is not None and not watched:
            return []
        found: dict[str, list[Event]] = {}
        pairs = zip(rows, names, strict=True)
        for number, ((_, _, at, now, text), (group, stream)) in enumerate(pairs, first):
            if watched is None or group in watched:
                found.setdefault(group, []).append(Event(number, stream, at, now, text))
        return [Kept(group, events) for group, events in found.items()]

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
            lambda db: _page(db, group, streams, start, end, after, backward, most, self._cover)
        )  # fmt: skip

    async def event(self, id: int) -> tuple[Event, str] | None:
        """An event and its group's name."""

        def work(db: sqlite3.Connection) -> tuple[Event, str] | None:
            row = db.execute(
                "SELECT e.id, s.name, at, e.ingested, text, g.name FROM events AS e"
                " JOIN streams AS s ON s.id = e.stream JOIN groups AS g ON g.id = e.grp"
                " WHERE e.id = ?",
                (id,),
            ).fetchone()
            if row is None:
                return None
            kept = opened(self._cover, row[4])
            return Event(row[0], row[1], row[2], row[3], kept), row[5]

        return await self._database.run(work)

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
            rows = await self._database.run(lambda db: db.execute(_AFTER, (last,)).fetchall())
            if not rows:
                return gone
            after = rows[-1][0]
            found = [
                (id, group, bytes_)
                for id, group, bytes_, kept in rows
                if hit(opened(self._cover, kept))
            ]
            gone += len(found)
            if found and not dry:
                await self._database.write(lambda db: _remove(db, found))

    async def _expire(self, group: int, before: int) -> bool:
        """Whether there was something to drop."""
        return bool(await self._database.write(lambda db: _expire(db, group, before)))

    async def tidy(self) -> None:
        """Drop what is too old for its group, and the oldest where the file is too large."""
        now = int(self.clock() * 1000)
        for each in await self._database.run(catalog.groups):
            days = each.retention or self.days(each.name)
            before, moved = now - days * _DAY, bool(days)
            while moved:
                moved = await self._expire(each.id, before)
        while await self._database.run(size) > self._most_bytes:
            if not await self._database.write(_shrink):
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


def _sum_up(db: sqlite3.Connection, rows: list[tuple[int, int, int, int, str]], now: int) -> None:
    """Sizes of groups, and times of streams."""
    sizes: dict[int, int] = {}
    spans: dict[int, tuple[int, int]] = {}
    for group, stream, at, _, text in rows:
        sizes[group] = sizes.get(group, 0) + len(text) + _OVERHEAD
        first, last = spans.get(stream, (at, at))
        spans[stream] = min(first, at), max(last, at)
    db.executemany(
        "UPDATE groups SET bytes = bytes + ? WHERE id = ?",
        [(size, group) for group, size in sizes.items()],
    )
    catalog.touched(db, [(id, first, last, now) for id, (first, last) in spans.items()])


def _page(
    db: sqlite3.Connection, group: int, streams: Sequence[int], start: int, end: int,
    after: tuple[int, int] | None, backward: bool, most: int, cover: Cover | None,
) -> list[Event]:  # fmt: skip
    # One bound is the place in the index itself, so that a page begins where the last one ended.
    edge = (end, 1 << 62) if backward else (start, -1)
    at, id = edge if after is None else min(after, edge) if backward else max(after, edge)
    beyond = "(at, e.id) < (?, ?) AND at >= ?" if backward else "(at, e.id) > (?, ?) AND at <= ?"
    order, other = ("DESC", start) if backward else ("ASC", end)
    if len(streams) == 1:
        where, given = "stream = ?", [*streams]
    elif streams:
        marks = ", ".join("?" * len(streams))
        where, given = f"e.grp = ? AND stream IN ({marks})", [group, *streams]
    else:
        where, given = "e.grp = ?", [group]
    rows = db.execute(
        "SELECT e.id, s.name, at, e.ingested, text FROM events AS e"  # noqa: S608  fixed pieces
        f" JOIN streams AS s ON s.id = e.stream WHERE {where} AND {beyond}"
        f" ORDER BY at {order}, e.id {order} LIMIT ?",
        (*given, at, id, other, most),
    )
    return [Event(row[0], row[1], row[2], row[3], opened(cover, row[4])) for row in rows]


def _remove(db: sqlite3.Connection, rows: list[tuple[int, int, int]]) -> int:
    """Events, by id, group and size."""
    sizes: dict[int, int] = {}
    for _, group, bytes_ in rows:
        sizes[group] = sizes.get(group, 0) + bytes_
    db.executemany("DELETE FROM events WHERE id = ?", [(id,) for id, _, _ in rows])
    db.executemany(
        "UPDATE groups SET bytes = max(0, bytes - ?) WHERE id = ?",
        [(size, group) for group, size in sizes.items()],
    )
    return len(rows)


def _expire(db: sqlite3.Connection, group: int, before: int) -> int:
    rows = db.execute(
        "SELECT id, grp, length(text) + 26 FROM events WHERE grp = ? AND at < ? LIMIT 5000",
        (group, before),
    ).fetchall()
    return _remove(db, rows)


def _shrink(db: sqlite3.Connection) -> int:
    """Drop some of the oldest events of all."""
    [(number,)] = db.execute("SELECT count(*) FROM events")
    rows = db.execute(
        "SELECT id, grp, length(text) + 26 FROM events ORDER BY id LIMIT ?",
        (max(1, number // 20),),
    ).fetchall()
    return _remove(db, rows)


def _forget(db: sqlite3.Connection, now: int) -> None:
    """Streams whose events are gone for long, and senders that are."""
    db.execute("DELETE FROM senders WHERE seen < ?", (now - _DAY,))
    db.execute(
        "DELETE FROM streams WHERE ingested < ? AND NOT EXISTS"
        " (SELECT 1 FROM events WHERE events.stream = streams.id)",
        (now - _DAY,),
    )


def closed(cover: Cover | None, text: str) -> str | bytes:
    """A text as the file has it."""
    if cover is None or not cover.closes:
        return text
    return cover.close(text.encode("utf-8", "surrogatepass"))


def opened(cover: Cover | None, kept: str | bytes) -> str:
    """`closed` the other way. Raises `NotOpened`."""
    if isinstance(kept, str):
        return kept
    if cover is None:
        raise NotOpened("the file is encrypted, and [encryption] is not set")
    return cover.open(kept).decode("utf-8", "surrogatepass")


def tail(
    path: Path, after: int, name: str = "", most: int = 1000, cover: Cover | None = None
) -> Iterator[tuple[int, str, str]]:
    """Id, group and text of events behind an id, read from outside the process that keeps them.
    `after` below 0: of the last so many. Raises `sqlite3.Error` and `NotOpened`."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        if after < 0:
            rows = db.execute(
                "SELECT e.id, g.name, text FROM events AS e JOIN groups AS g ON g.id = e.grp"
                " WHERE instr(g.name, ?) ORDER BY e.id DESC LIMIT ?",
                (name, -after),
            ).fetchall()[::-1]
        else:
            rows = db.execute(
                "SELECT e.id, g.name, text FROM events AS e JOIN groups AS g ON g.id = e.grp"
                " WHERE e.id > ? AND instr(g.name, ?) ORDER BY e.id LIMIT ?",
                (after, name, most),
            ).fetchall()
        yield from ((id, group, opened(cover, text)) for id, group, text in rows)
    finally:
        db.close()
