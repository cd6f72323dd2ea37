"""Documents in a SQLite file that all processes of a node share.

Write-ahead log with `synchronous=FULL`: a commit is on the disk before it is acknowledged, so it
survives `kill -9` and a power cut alike (NORMAL would only survive the first). The price, one flush
for each write, is shared by all the commits that wait for it.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from torana.settings import BadAddress
from torana.state.feed import Bell, follow
from torana.state.gather import Commit, Gatherer, Key, Write, decide, keys
from torana.state.store import (
    Change,
    Conflict,
    Deleted,
    Document,
    Expect,
    NewerSchema,
    News,
    StoreUnavailable,
)

T = TypeVar("T")

MIGRATIONS = (
    """
    CREATE TABLE documents (
        kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body BLOB,
        PRIMARY KEY (kind, id)
    );
    CREATE INDEX documents_version ON documents (version);
    CREATE INDEX documents_deleted ON documents (version) WHERE body IS NULL;
    CREATE TABLE clock (revision INTEGER NOT NULL, floor INTEGER NOT NULL);
    INSERT INTO clock VALUES (0, 0);
    """,
)
"""In order, each applied once. A document without a body is a tombstone; deletions up to the
clock's floor are forgotten."""

_PAGE = 256
_PATIENCE = 5.0
"""Seconds to wait for another process that writes."""
_POLL = 0.1
"""Seconds between two looks for commits of other processes."""


class SqliteStore:
    """One connection, used by one thread beside the event loop."""

    def __init__(self, path: str, keep: int) -> None:
        self._path = path
        self._keep = keep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="torana-sqlite")
        self._gatherer = Gatherer(self._write)
        self._bell = Bell()
        self._poller: asyncio.Task[None] | None = None
        self._file: _File | None = None

    async def open(self) -> None:
        """Create or migrate the file. Raises `StoreUnavailable` or `NewerSchema`."""
        try:
            self._file = await self._run(lambda: _File(self._path, self._keep))
        except BaseException:
            self._thread.shutdown(wait=False)
            raise

    async def get(self, kind: str, id: str) -> Document | None:
        """See `Store`."""
        return await self._ask(lambda file: file.get(kind, id))

    async def scan(self, kind: str, prefix: str = "", after: str = "") -> AsyncIterator[Document]:
        """See `Store`."""
        more = True
        while more:
            last = after
            page = await self._ask(lambda file: file.page(kind, prefix, last))
            more = len(page) == _PAGE
            for document in page:
                if not document.id.startswith(prefix):
                    return
                after = document.id
                yield document

    async def commit(self, changes: Sequence[Change | Expect]) -> int:
        """See `Store`."""
        return await self._gatherer.commit(changes)

    async def _write(self, batch: list[Commit]) -> list[int | Conflict]:
        outcomes = await self._ask(lambda file: file.write(batch))
        self._bell.ring()
        return outcomes

    async def revision(self) -> int:
        """See `Store`."""
        return await self._ask(lambda file: file.clock()[0])

    def watch(self, after: int, kinds: Collection[str] = ()) -> AsyncIterator[News]:
        """See `Store`."""
        if self._poller is None:
            self._poller = asyncio.get_running_loop().create_task(self._poll())
        return follow(self._bell, self._news, after, kinds)

    async def _news(self, after: int, kinds: Collection[str]) -> News:
        return await self._ask(lambda file: file.news(after, kinds))

    async def _poll(self) -> None:
        seen = -1
        while True:
            try:
                now = await self._ask(lambda file: file.data_version())
            except StoreUnavailable:
                now = -1
            if now != seen:
                self._bell.ring()
            seen = now
            await asyncio.sleep(_POLL)

    async def close(self) -> None:
        """See `Store`."""
        await self._gatherer.close()
        if self._poller is not None:
            self._poller.cancel()
        self._bell.close()
        if self._file is not None:
            file, self._file = self._file, None
            await self._run(file.close)
        self._thread.shutdown(wait=False)

    async def _ask(self, work: "Callable[[_File], T]") -> T:
        file = self._file
        if file is None:
            raise StoreUnavailable("the store is closed")
        return await self._run(lambda: work(file))

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error


class _File:
    """The open file, as its thread sees it."""

    def __init__(self, path: str, keep: int) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # A new file is its owner's alone, and so are the ones that SQLite puts beside it.
        Path(path).touch(mode=0o600)
        self._keep = keep
        self._db = sqlite3.connect(
            path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            self._keep_a_log()
            self._db.execute("PRAGMA synchronous = FULL")
            # What is deleted or replaced is overwritten with zeros: erased is erased.
            self._db.execute("PRAGMA secure_delete = ON").fetchall()
            self._migrate()
        except BaseException:
            self._db.close()
            raise

    def _keep_a_log(self) -> None:
        """Changing the journal's mode does not wait for others as every other statement does."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    def _migrate(self) -> None:
        with self._transaction("IMMEDIATE"):
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, applied TEXT)"
            )
            [(done,)] = self._db.execute("SELECT coalesce(max(version), 0) FROM migrations")
            if done > len(MIGRATIONS):
                raise NewerSchema(
                    f"the file is at migration {done}, this Torana knows {len(MIGRATIONS)}"
                )
            for number, script in enumerate(MIGRATIONS[done:], done + 1):
                for statement in filter(str.strip, script.split(";")):
                    self._db.execute(statement)
                self._db.execute("INSERT INTO migrations VALUES (?, datetime())", (number,))

    @contextmanager
    def _transaction(self, mode: str = "DEFERRED") -> Generator[None]:
        self._db.execute(f"BEGIN {mode}")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def get(self, kind: str, id: str) -> Document | None:
        for row in self._db.execute(
            "SELECT kind, id, version, body FROM documents"
            " WHERE kind = ? AND id = ? AND body IS NOT NULL",
            (kind, id),
        ):
            return Document(*row)
        return None

    def page(self, kind: str, prefix: str, after: str) -> list[Document]:
        rows = self._db.execute(
            "SELECT kind, id, version, body FROM documents"
            " WHERE kind = ? AND id >= ? AND id > ? AND body IS NOT NULL ORDER BY id LIMIT ?",
            (kind, prefix, after, _PAGE),
        )
        return [Document(*row) for row in rows]

    def clock(self) -> tuple[int, int]:
        [(revision, floor)] = self._db.execute("SELECT revision, floor FROM clock")
        return revision, floor

    def data_version(self) -> int:
        [(version,)] = self._db.execute("PRAGMA data_version")
        return version

    def write(self, batch: list[Commit]) -> list[int | Conflict]:
        with self._transaction("IMMEDIATE"):
            versions: dict[Key, int] = {}
            for key in keys(batch):
                for (version,) in self._db.execute(
                    "SELECT version FROM documents WHERE kind = ? AND id = ? AND body IS NOT NULL",
                    key,
                ):
                    versions[key] = version
            decision = decide(batch, versions, self.clock()[0])
            if decision.writes:
                self._put(decision.writes, decision.revision)
        return decision.outcomes

    def _put(self, writes: list[Write], revision: int) -> None:
        self._db.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET version = excluded.version, body = excluded.body",
            [(write.kind, write.id, write.version, write.body) for write in writes],
        )
        self._db.execute("UPDATE clock SET revision = ?", (revision,))
        old = revision - self._keep
        [(floor,)] = self._db.execute(
            "SELECT max(version) FROM documents WHERE body IS NULL AND version <= ?", (old,)
        )
        if floor is not None:
            self._db.execute("DELETE FROM documents WHERE body IS NULL AND version <= ?", (floor,))
            self._db.execute("UPDATE clock SET floor = ?", (floor,))

    def news(self, after: int, kinds: Collection[str]) -> News:
        with self._transaction():
            revision, floor = self.clock()
            if after > revision or 0 < after < floor:
                return News(revision, (), resync=True)
            wanted = json.dumps(list(kinds)) if kinds else None
            [(until, count)] = self._db.execute(
                "SELECT max(version), count(*) FROM (SELECT version FROM documents"
                " WHERE version > ?1 AND (?2 IS NULL OR kind IN (SELECT value FROM json_each(?2)))"
                " ORDER BY version LIMIT ?3)",
                (after, wanted, _PAGE),
            )
            until = until if count == _PAGE else revision
            rows = self._db.execute(
                "SELECT kind, id, version, body FROM documents WHERE version > ?1 AND version <= ?3"
                " AND (?2 IS NULL OR kind IN (SELECT value FROM json_each(?2))) ORDER BY version",
                (after, wanted, until),
            )
            events = tuple(Deleted(*row[:3]) if row[3] is None else Document(*row) for row in rows)
            return News(until, events)

    def close(self) -> None:
        self._db.close()


async def open(url: str) -> SqliteStore:
    """Open `sqlite:///relative/path` or `sqlite:////absolute/path`, made if it is not there.

    `?keep=N` sets how many revisions deletions are remembered for readers of the feed. Each
    process opens its own; an open store does not survive a fork.
    """
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not path:
        raise BadAddress(f"{url!r} names no file: write sqlite:///path or sqlite:////absolute/path")
    store = SqliteStore(path, int(parse_qs(parts.query).get("keep", ["10000"])[0]))
    await store.open()
    return store
