"""A SQLite file of one process: every statement on one thread beside the event loop.

Write-ahead log: what is committed survives `kill -9`. `sync` also makes it survive a power cut, for
a flush to disk at each commit.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from torana.sealing import Cover, NotOpened

T = TypeVar("T")
_TOGETHER = 100
"""Rows of one statement."""


class NewerFile(Exception):
    """The file was written by a newer Torana."""


class Database:
    """`schema`: scripts in order, each applied once to a file."""

    def __init__(self, path: Path, schema: tuple[str, ...], *, sync: bool) -> None:
        self._path, self._schema, self._sync = path, schema, sync
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=path.stem)
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Make the file or bring it up to date. Raises `NewerFile` and `OSError`."""
        self._db = await self.run(lambda _: self._connect())

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if self._sync else 'NORMAL'}")
        [(done,)] = db.execute("PRAGMA user_version")
        if done > len(self._schema):
            db.close()
            raise NewerFile(f"{self._path} is at version {done}, known are {len(self._schema)}")
        for number, script in enumerate(self._schema[done:], done + 1):
            db.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT")
        return db

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something on the thread."""

        def act() -> T:
            return work(self._db)  # pyright: ignore[reportArgumentType]  None while it opens

        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something whole or not at all."""

        def act(db: sqlite3.Connection) -> T:
            with transaction(db):
                return work(db)

        return await self.run(act)

    async def close(self) -> None:
        """After what is under way."""
        if self._db is not None:
            await self.run(lambda db: db.close())
            self._db = None
        self._thread.shutdown(wait=False)


@contextmanager
def transaction(db: sqlite3.Connection) -> Generator[None]:
    """Whole or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def insert(db: sqlite3.Connection, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows to `table (columns)`, a hundred with a statement: every statement hands the
    interpreter to the other threads and waits to get it back."""
    for at in range(0, len(rows), _TOGETHER):
        some = rows[at : at + _TOGETHER]
        row = f"({', '.join('?' * len(some[0]))})"
        values = ", ".join([row] * len(some))
        db.execute(f"INSERT INTO {into} VALUES {values}", list(chain.from_iterable(some)))  # noqa: S608  fixed pieces


def overwriting(db: sqlite3.Connection, on: bool) -> None:
    """Whether what is deleted is overwritten with zeros; when not any more, the log goes, too."""
    db.execute(f"PRAGMA secure_delete = {'ON' if on else 'OFF'}").fetchall()
    if not on:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def size(db: sqlite3.Connection) -> int:
    """Bytes in use; what was freed is left out."""
    [(pages,)] = db.execute("PRAGMA page_count")
    [(free,)] = db.execute("PRAGMA freelist_count")
    [(bytes_,)] = db.execute("PRAGMA page_size")
    return (pages - free) * bytes_


def give_back(db: sqlite3.Connection) -> None:
    """Return to the disk what was freed, some of it at a time."""
    # A script: a statement without columns is stepped only once, which frees a single page.
    db.executescript("PRAGMA incremental_vacuum(10000)")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def closed(cover: Cover | None, text: str) -> str | bytes:
    """A text as a file has it."""
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
