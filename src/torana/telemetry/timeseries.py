"""The node's time series: distributions by series and time, in a SQLite file of bounded size.

A value lives in exactly one tier: by the minute first (by the second where its metric asks for it),
and merged into coarser points when it is older. Source of the ages: CloudWatch User Guide, "Metrics
retention". When the file is full, values move on earlier.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from torana.telemetry.database import Database, give_back, size
from torana.telemetry.distribution import Distribution
from torana.telemetry.recorder import Dimensions, Point, Series

SCHEMA = (
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL,
        dimensions TEXT NOT NULL, unit TEXT NOT NULL, latest INTEGER NOT NULL,
        UNIQUE (namespace, name, dimensions, unit)
    );
    CREATE TABLE points (
        id INTEGER PRIMARY KEY, tier INTEGER NOT NULL, series INTEGER NOT NULL,
        at INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (tier, series, at)
    );
    CREATE INDEX points_at ON points (tier, at);
    CREATE TABLE senders (name TEXT PRIMARY KEY, number INTEGER NOT NULL, seen INTEGER NOT NULL);
    """,
)
DAY = 86400
TIERS = {1: 3 * 3600, 60: 15 * DAY, 300: 63 * DAY, 3600: 455 * DAY}
"""Seconds between points, and for how long they are kept so."""
_COARSER = {1: 60, 60: 300, 300: 3600}
_OPEN = 20_000
"""Points of the last while that are kept decoded, for the next values."""
_FORGOTTEN = 3 * DAY


class Found(Struct, frozen=True):
    """A series that there is, and when it last got a value."""

    series: Series
    latest: int


class TimeSeries:
    """One process' to open. Others send it their points (`keep`)."""

    def __init__(
        self,
        path: Path,
        most_bytes: int = 1 << 30,
        most_series: int = 100_000,
        clock: Callable[[], float] = time.time,
        days: int = 0,
    ) -> None:
        """`days`: older values go, whatever their tier; 0: by their tier alone."""
        self._days = days
        self._database = Database(path, SCHEMA, sync=False)
        self._most_bytes, self._most_series, self.clock = most_bytes, most_series, clock
        self._ids: dict[Series, int] = {}
        self._latest: dict[int, int] = {}
        self._open: dict[tuple[int, int, int], Distribution] = {}
        self._names: dict[str, list[Found]] = {}
        self.refused = 0
        """Points of series beyond the most that may be."""

    async def open(self) -> None:
        """Raises `NewerFile` and `OSError`."""
        await self._database.open()
        await self._database.run(self._load)

    def _load(self, db: sqlite3.Connection) -> None:
        for id, namespace, name, found, unit, latest in db.execute(
            "SELECT id, namespace, name, dimensions, unit, latest FROM series"
        ):
            series = Series(namespace, name, _read(found), unit)
            self._ids[series], self._latest[id] = id, latest

    async def close(self) -> None:
        """After what is under way."""
        await self._database.close()

    @property
    def full(self) -> bool:
        """Whether no new series can be taken."""
        return len(self._ids) >= self._most_series

    def has(self, series: Series) -> bool:
        """Whether it has values."""
        return series in self._ids

    async def naming(self, value: str) -> int:
        """How many series have a dimension of this value."""
        return sum(any(given == value for _, given in each.dimensions) for each in self._ids)

    async def keep(self, points: Sequence[Point], sender: str = "", number: int = 0) -> bool:
        """Add values. A batch that a sender sends again, by its number, is added once; whether it
        was not there yet."""
        return await self._database.write(lambda db: self._keep(db, points, sender, number))

    def _keep(
        self, db: sqlite3.Connection, points: Sequence[Point], sender: str, number: int
    ) -> bool:
        if sender and not _fresh(db, sender, number, int(self.clock())):
            return False
        touched: dict[tuple[int, int, int], Distribution] = {}
        now = self.clock()
        try:
            for point in points:
                id = self._id(db, point.series)
                if id is None:
                    self.refused += 1
                    continue
                tier = _tier(point, now)
                at = point.at // tier * tier
                key = tier, id, at
                there = self._point(db, key)
                there.merge(point.values)
                touched[key] = there
                if at > self._latest[id]:
                    self._latest[id] = at
                    db.execute("UPDATE series SET latest = ? WHERE id = ?", (at, id))
            _put(db, touched)
        except BaseException:
            self._open.clear()
            self._ids.clear()
            self._load(db)
            raise
        return True

    def _id(self, db: sqlite3.Connection, series: Series) -> int | None:
        found = self._ids.get(series)
        if found is None and not self.full:
            [(found,)] = db.execute(
                "INSERT INTO series (namespace, name, dimensions, unit, latest)"
                " VALUES (?, ?, ?, ?, 0) ON CONFLICT DO UPDATE SET latest = latest RETURNING id",
                (series.namespace, series.name, _written(series.dimensions), series.unit),
            )
            self._ids[series], self._latest[found] = found, 0
        return found

    def _point(self, db: sqlite3.Connection, key: tuple[int, int, int]) -> Distribution:
        there = self._open.get(key)
        if there is None:
            if len(self._open) >= _OPEN:
                for old in list(self._open)[: _OPEN // 2]:
                    del self._open[old]
            there = self._open[key] = _get(db, key) or Distribution()
        return there

    def find(self, namespace: str | None, name: str | None, unit: str | None = None) -> list[Found]:
        """Series by what is named."""
        return [
            Found(series, self._latest[id])
            for series, id in list(self._ids.items())
            if (namespace is None or series.namespace == namespace)
            and (name is None or series.name == name)
            and (unit is None or series.unit == unit)
        ]

    def units(self, namespace: str, name: str, dimensions: Dimensions) -> list[Series]:
        """A metric's series, one for each unit."""
        units = ("None", "Count", "Milliseconds", "Seconds", "Percent", "Bytes", *_UNITS)
        every = (Series(namespace, name, dimensions, unit) for unit in units)
        return [each for each in every if each in self._ids]

    async def read(
        self, series: Iterable[Series], start: int, end: int, period: int
    ) -> dict[int, Distribution]:
        """The values of some series together, from `start` until before `end`, by periods counted
        from `start`."""
        ids = [id for each in series if (id := self._ids.get(each)) is not None]
        if not ids:
            return {}
        rows = await self._database.run(lambda db: _rows(db, ids, start, end))
        return await asyncio.to_thread(_summed, rows, start, period)

    async def tidy(self) -> None:
        """Move on what is old, and more than that where the file is too large."""
        now = int(self.clock())
        for tier, age in TIERS.items():
            moved = 1
            while moved:
                moved = await self._database.write(lambda db: self._move(db, tier, now - age))
        while self._days and await self._database.write(lambda db: self._expire(db, now)):
            continue
        while await self._database.run(size) > self._most_bytes:
            if not await self._database.write(self._shrink):
                break
        await self._database.write(lambda db: self._forget(db, now))
        await self._database.run(give_back)

    def _move(self, db: sqlite3.Connection, tier: int, before: int, most: int = 5000) -> int:
        """Merge points into the next tier, or drop those of the last one."""
        coarser = _COARSER.get(tier)
        if coarser is not None:
            before -= before % coarser
        rows = db.execute(
            "SELECT series, at, body FROM points WHERE tier = ? AND at < ? ORDER BY at LIMIT ?",
            (tier, before, most),
        ).fetchall()
        touched: dict[tuple[int, int, int], Distribution] = {}
        for series, at, body in rows:
            self._open.pop((tier, series, at), None)
            if coarser is not None:
                key = coarser, series, at // coarser * coarser
                if key not in touched:
                    touched[key] = self._point(db, key)
                touched[key].merge(_decode(body))
        _put(db, touched)
        db.executemany(
            "DELETE FROM points WHERE tier = ? AND series = ? AND at = ?",
            [(tier, series, at) for series, at, _ in rows],
        )
        return len(rows)

    def _expire(self, db: sqlite3.Connection, now: int) -> int:
        """Drop some of what is older than anything may be; 0: there is nothing left."""
        before = now - self._days * DAY
        return sum(
            db.execute(
                "DELETE FROM points WHERE id IN"
                " (SELECT id FROM points WHERE tier = ? AND at < ? LIMIT 5000)",
                (tier, before),
            ).rowcount
            for tier in TIERS
        )

    def _shrink(self, db: sqlite3.Connection) -> int:
        """Move on the oldest tenth of the tier that takes most room; 0: there is nothing left."""
        [(tier, number)] = db.execute(
            "SELECT tier, count(*) AS number FROM points GROUP BY tier"
            " UNION ALL SELECT 0, 0 ORDER BY number DESC LIMIT 1"
        )
        return self._move(db, tier, 1 << 62, max(100, number // 10)) if number else 0

    def _forget(self, db: sqlite3.Connection, now: int) -> None:
        """Series of which no value is left, and senders that are gone."""
        db.execute("DELETE FROM senders WHERE seen < ?", (now - DAY,))
        gone = db.execute(
            "SELECT id FROM series AS mine WHERE latest < ? AND NOT EXISTS (SELECT 1 FROM points"
            " WHERE points.series = mine.id AND tier IN (1, 60, 300, 3600))",
            (now - _FORGOTTEN,),
        ).fetchall()
        ids = {id for (id,) in gone}
        if ids:
            db.executemany("DELETE FROM series WHERE id = ?", gone)
            self._ids = {series: id for series, id in self._ids.items() if id not in ids}


_UNITS = (
    "Microseconds", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits",
    "Megabits", "Gigabits", "Terabits", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second",
    "Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second",
    "Gigabits/Second", "Terabits/Second", "Count/Second",
)  # fmt: skip


def _tier(point: Point, now: float) -> int:
    """Where a value of that age belongs."""
    for tier, age in TIERS.items():
        if tier >= point.span and point.at >= now - age:
            return tier
    return 3600


def _fresh(db: sqlite3.Connection, sender: str, number: int, now: int) -> bool:
    [(last,)] = db.execute("SELECT coalesce(max(number), 0) FROM senders WHERE name = ?", (sender,))
    if number <= last:
        return False
    db.execute(
        "INSERT INTO senders VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET number = ?2, seen = ?3",
        (sender, number, now),
    )
    return True


def _get(db: sqlite3.Connection, key: tuple[int, int, int]) -> Distribution | None:
    for (body,) in db.execute(
        "SELECT body FROM points WHERE tier = ? AND series = ? AND at = ?", key
    ):
        return _decode(body)
    return None


def _put(db: sqlite3.Connection, points: dict[tuple[int, int, int], Distribution]) -> None:
    db.executemany(
        "INSERT INTO points (tier, series, at, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET body = excluded.body",
        [(*key, _ENCODE(values)) for key, values in points.items()],
    )


_ENCODE = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Distribution).decode


def _rows(db: sqlite3.Connection, ids: list[int], start: int, end: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for id in ids:
        for tier in TIERS:
            found += db.execute(
                "SELECT at, body FROM points WHERE tier = ? AND series = ? AND at >= ? AND at < ?",
                (tier, id, start, end),
            )
    return found


def _summed(rows: list[tuple[int, bytes]], start: int, period: int) -> dict[int, Distribution]:
    found: dict[int, Distribution] = {}
    for at, body in rows:
        values = _decode(body)
        into = start + (at - start) // period * period
        if into in found:
            found[into].merge(values)
        else:
            found[into] = values
    return dict(sorted(found.items()))


def _written(found: Dimensions) -> str:
    return msgspec.json.encode(found).decode()


def _read(text: str) -> Dimensions:
    return msgspec.json.decode(text, type=Dimensions)
