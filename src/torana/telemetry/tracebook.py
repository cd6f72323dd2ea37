"""Traces of the node: segments by trace and time, in a SQLite file of bounded size.

The oldest leave when the file is full or they are older than the service keeps them. Source of the
age and of the largest document: X-Ray Developer Guide, "Quotas"; API Reference, "PutTraceSegments".
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from sqlite3 import Connection

from msgspec import Struct

from torana.sealing import Cover
from torana.telemetry.database import Database, closed, give_back, opened, overwriting, size

SCHEMA = (
    """
    CREATE TABLE segments (
        place INTEGER PRIMARY KEY, trace TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL,
        kept REAL NOT NULL, document TEXT NOT NULL, UNIQUE (trace, id)
    );
    CREATE INDEX segments_at ON segments (at);
    CREATE INDEX segments_kept ON segments (kept);
    CREATE TABLE senders (name TEXT PRIMARY KEY, number INTEGER NOT NULL, seen REAL NOT NULL);
    """,
)
_FORGOTTEN = 3 * 86400.0
_PLACES = "SELECT place, document FROM segments WHERE place > ? ORDER BY place LIMIT 1000"
_AT_ONCE = 5000
"""Segments that leave a full file together."""


class Kept(Struct):
    """A segment as it travels and is kept."""

    trace: str
    id: str
    at: float
    """When it began, in seconds since 1970."""
    document: str
    """JSON, as X-Ray's API has it."""


class TraceBook:
    """One process' to open; others send it their segments."""

    def __init__(self, path: Path, most: int, cover: Cover | None = None, days: int = 30) -> None:
        """`most`: bytes. `cover` encrypts the documents; `days`: for how long they are kept, 0: as
        long as there is room."""
        self._age = days * 86400.0
        self._file, self._most = Database(path, SCHEMA, sync=False), most
        self._cover = cover

    async def open(self) -> None:
        """Raises `NewerFile` and `OSError`."""
        await self._file.open()

    async def put(self, segments: Sequence[Kept], sender: str, number: int) -> None:
        """Keep a batch; one that came before is passed over. A segment that comes again, such as
        one that was in progress, takes the place of itself."""
        now = time.time()
        rows = [
            (each.trace, each.id, each.at, now, closed(self._cover, each.document))
            for each in segments
        ]

        def work(db: Connection) -> None:
            found = db.execute("SELECT number FROM senders WHERE name = ?", (sender,)).fetchone()
            if found is not None and found[0] >= number:
                return
            db.executemany("INSERT OR REPLACE INTO segments VALUES (NULL, ?, ?, ?, ?, ?)", rows)
            db.execute("INSERT OR REPLACE INTO senders VALUES (?, ?, ?)", (sender, number, now))

        await self._file.write(work)

    async def documents(self, traces: Sequence[str]) -> dict[str, list[str]]:
        """Every segment of some traces, the earliest first."""
        marks = ",".join("?" * len(traces))
        query = f"SELECT trace, document FROM segments WHERE trace IN ({marks}) ORDER BY at"  # noqa: S608 - only marks
        rows = await self._file.run(lambda db: db.execute(query, tuple(traces)).fetchall())
        return _gathered(rows, self._cover)

    async def between(self, start: float, end: float, most: int) -> dict[str, list[str]]:
        """Whole traces with a segment that began in this time, the latest first."""
        query = (
            "SELECT trace, document FROM segments WHERE trace IN (SELECT trace FROM segments "
            "WHERE at >= ? AND at < ? GROUP BY trace ORDER BY MAX(at) DESC LIMIT ?) ORDER BY at"
        )
        rows = await self._file.run(lambda db: db.execute(query, (start, end, most)).fetchall())
        found = _gathered(rows, self._cover)
        return dict(reversed(found.items()))

    async def since(self, place: int) -> tuple[int, list[str]]:
        """Segments kept after this place, for whoever exports them, and how far that is."""
        query = "SELECT place, document FROM segments WHERE place > ? ORDER BY place LIMIT 500"
        rows = await self._file.run(lambda db: db.execute(query, (place,)).fetchall())
        documents = [opened(self._cover, document) for _, document in rows]
        return (rows[-1][0] if rows else place), documents

    async def last(self) -> int:
        """The last place there is."""
        query = "SELECT COALESCE(MAX(place), 0) FROM segments"
        rows = await self._file.run(lambda db: db.execute(query).fetchall())
        return int(rows[0][0])

    async def erase(self, hit: Callable[[str], bool], *, dry: bool = False) -> int:
        """Drop every segment whose document is one that is meant, without a trace of it in the
        file; how many. `dry`: only count."""
        await self._file.run(lambda db: overwriting(db, True))
        try:
            return await self._erase(hit, dry=dry)
        finally:
            await self._file.run(lambda db: overwriting(db, False))

    async def _erase(self, hit: Callable[[str], bool], *, dry: bool) -> int:
        place, gone = 0, 0
        while True:
            rows = await self._file.run(lambda db: db.execute(_PLACES, (place,)).fetchall())
            if not rows:
                return gone
            place = rows[-1][0]
            found = [(at,) for at, document in rows if hit(opened(self._cover, document))]
            gone += len(found)
            if found and not dry:
                await self._file.write(
                    lambda db: db.executemany("DELETE FROM segments WHERE place = ?", found)
                )

    async def tidy(self) -> None:
        """Let the oldest go."""
        now = time.time()

        def work(db: Connection) -> None:
            if self._age:
                db.execute("DELETE FROM segments WHERE kept < ?", (now - self._age,))
            db.execute("DELETE FROM senders WHERE seen < ?", (now - _FORGOTTEN,))

        await self._file.write(work)
        while await self._file.run(size) > self._most:
            await self._file.write(_oldest_go)
        await self._file.run(give_back)

    async def close(self) -> None:
        """After what is under way."""
        await self._file.close()


def _oldest_go(db: Connection) -> None:
    db.execute(
        "DELETE FROM segments WHERE place IN (SELECT place FROM segments ORDER BY kept LIMIT ?)",
        (_AT_ONCE,),
    )


def _gathered(rows: Iterable[tuple[str, str | bytes]], cover: Cover | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for trace, document in rows:
        found.setdefault(trace, []).append(opened(cover, document))
    return found
