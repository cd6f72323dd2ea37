"""Documents in PostgreSQL, shared by any number of nodes.

Commits take their revision from one locked row, so revisions become visible in order and a reader
that has seen one has seen all before it. NOTIFY wakes the readers; they catch up by revision, so a
lost notification costs time, never news.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import asyncpg

from torana.settings import BadAddress
from torana.state.feed import Bell, follow
from torana.state.gather import Commit, Gatherer, Write, decide, keys
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

MIGRATIONS = (
    """
    CREATE TABLE documents (
        kind text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
        version bigint NOT NULL, body bytea, PRIMARY KEY (kind, id)
    );
    CREATE INDEX documents_version ON documents (version);
    CREATE INDEX documents_deleted ON documents (version) WHERE body IS NULL;
    CREATE TABLE clock (revision bigint NOT NULL, floor bigint NOT NULL);
    INSERT INTO clock VALUES (0, 0);
    """,
)
"""In order, each applied once. A document without a body is a tombstone; deletions up to the
clock's floor are forgotten."""

_PAGE = 256
_CONNECT = 5.0
_ANSWER = 10.0
"""Seconds for a connection, and for a statement."""
_PULSE = 2.0
"""Seconds between two looks at the listening connection, and for news without a notification."""
_LOCK = 0x746F72616E61
"""The advisory lock that lets one process at a time migrate."""

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    _Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]


class PostgresStore:
    """A small pool for reading and writing, and one connection that listens."""

    def __init__(self, dsn: str, schema: str, keep: int) -> None:
        self._dsn = dsn
        self._schema = schema
        self._keep = keep
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._gatherer = Gatherer(self._write)
        self._bell = Bell()
        self._listener: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and migrate. Raises `StoreUnavailable` or `NewerSchema`."""
        try:
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=1,
                max_size=4,
                timeout=_CONNECT,
                command_timeout=_ANSWER,
                server_settings={"search_path": self._schema, "application_name": "torana"},
            )
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise self._away(error) from error
        try:
            await self._migrate()
        except BaseException:
            self._pool.terminate()
            raise

    async def _migrate(self) -> None:
        async with self._transaction() as db:
            await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            if not await db.fetchval("SELECT to_regnamespace($1)", self._schema):
                await db.execute(f'CREATE SCHEMA "{self._schema}"')
            await db.execute(
                "CREATE TABLE IF NOT EXISTS migrations"
                " (version int PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())"
            )
            done: int = await db.fetchval("SELECT coalesce(max(version), 0) FROM migrations")
            if done > len(MIGRATIONS):
                raise NewerSchema(
                    f"the schema is at migration {done}, this Torana knows {len(MIGRATIONS)}"
                )
            for number, script in enumerate(MIGRATIONS[done:], done + 1):
                await db.execute(script)
                await db.execute("INSERT INTO migrations VALUES ($1)", number)

    @asynccontextmanager
    async def _transaction(self, snapshot: bool = False) -> "AsyncGenerator[_Connection]":
        """A transaction; one of snapshots reads everything as of its first statement."""
        pool = self._pool
        if pool is None:
            raise StoreUnavailable("the store is closed")
        try:
            async with (
                pool.acquire(timeout=_CONNECT) as db,
                db.transaction(
                    isolation="repeatable_read" if snapshot else "read_committed",
                    readonly=snapshot,
                ),
            ):
                yield db
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise self._away(error) from error

    def _away(self, error: BaseException) -> StoreUnavailable:
        host = urlsplit(self._dsn)
        return StoreUnavailable(f"PostgreSQL at {host.hostname}:{host.port or 5432}: {error!r}")

    async def get(self, kind: str, id: str) -> Document | None:
        """See `Store`."""
        async with self._transaction() as db:
            row = await db.fetchrow(
                "SELECT kind, id, version, body FROM documents"
                " WHERE kind = $1 AND id = $2 AND body IS NOT NULL",
                kind,
                id,
            )
        return Document(*row) if row else None

    async def scan(self, kind: str, prefix: str = "", after: str = "") -> AsyncIterator[Document]:
        """See `Store`."""
        more = True
        while more:
            async with self._transaction() as db:
                rows = await db.fetch(
                    "SELECT kind, id, version, body FROM documents WHERE kind = $1 AND id >= $2"
                    " AND id > $3 AND body IS NOT NULL ORDER BY id LIMIT $4",
                    kind,
                    prefix,
                    after,
                    _PAGE,
                )
            more = len(rows) == _PAGE
            for document in (Document(*row) for row in rows):
                if not document.id.startswith(prefix):
                    return
                after = document.id
                yield document

    async def commit(self, changes: Sequence[Change | Expect]) -> int:
        """See `Store`."""
        return await self._gatherer.commit(changes)

    async def _write(self, batch: list[Commit]) -> list[int | Conflict]:
        async with self._transaction() as db:
            revision: int = await db.fetchval("SELECT revision FROM clock FOR UPDATE")
            named = sorted(keys(batch))
            rows = await db.fetch(
                "SELECT kind, id, version FROM documents WHERE body IS NOT NULL"
                " AND (kind, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
                [kind for kind, _ in named],
                [id for _, id in named],
            )
            versions = {(row["kind"], row["id"]): row["version"] for row in rows}
            decision = decide(batch, versions, revision)
            if decision.writes:
                await self._put(db, decision.writes, decision.revision)
        self._bell.ring()
        return decision.outcomes

    async def _put(self, db: "_Connection", writes: list[Write], revision: int) -> None:
        await db.execute(
            "INSERT INTO documents"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[])"
            " ON CONFLICT (kind, id)"
            " DO UPDATE SET version = excluded.version, body = excluded.body",
            [write.kind for write in writes],
            [write.id for write in writes],
            [write.version for write in writes],
            [write.body for write in writes],
        )
        await db.execute(
            "WITH forgotten AS"
            " (DELETE FROM documents WHERE body IS NULL AND version <= $2 RETURNING version)"
            " UPDATE clock SET revision = $1,"
            " floor = greatest(floor, (SELECT max(version) FROM forgotten))",
            revision,
            revision - self._keep,
        )
        await db.execute("SELECT pg_notify($1, '')", self._schema)

    async def revision(self) -> int:
        """See `Store`."""
        async with self._transaction() as db:
            return await db.fetchval("SELECT revision FROM clock")

    def watch(self, after: int, kinds: Collection[str] = ()) -> AsyncIterator[News]:
        """See `Store`."""
        if self._listener is None:
            self._listener = asyncio.get_running_loop().create_task(self._listen())
        return follow(self._bell, self._news, after, kinds)

    async def _news(self, after: int, kinds: Collection[str]) -> News:
        wanted = list(kinds) or None
        async with self._transaction(snapshot=True) as db:
            clock = await db.fetchrow("SELECT revision, floor FROM clock")
            assert clock is not None
            if after > clock["revision"] or 0 < after < clock["floor"]:
                return News(clock["revision"], (), resync=True)
            page = await db.fetchrow(
                "SELECT max(version) AS until, count(*) FROM (SELECT version FROM documents"
                " WHERE version > $1 AND ($2::text[] IS NULL OR kind = ANY($2))"
                " ORDER BY version LIMIT $3) AS page",
                after,
                wanted,
                _PAGE,
            )
            assert page is not None
            until = page["until"] if page["count"] == _PAGE else clock["revision"]
            rows = await db.fetch(
                "SELECT kind, id, version, body FROM documents WHERE version > $1"
                " AND version <= $3 AND ($2::text[] IS NULL OR kind = ANY($2)) ORDER BY version",
                after,
                wanted,
                until,
            )
        events = tuple(Deleted(*row[:3]) if row[3] is None else Document(*row) for row in rows)
        return News(until, events)

    async def _listen(self) -> None:
        """Hold a connection that listens; ring whenever something may have been written."""
        while True:
            try:
                db = await asyncpg.connect(self._dsn, timeout=_CONNECT, command_timeout=_CONNECT)
            except (OSError, TimeoutError, asyncpg.PostgresError):
                await asyncio.sleep(_PULSE)
                continue
            try:
                await db.add_listener(self._schema, self._heard)
                while True:
                    self._bell.ring()
                    await asyncio.sleep(_PULSE)
                    await db.execute("")
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                continue
            finally:
                db.terminate()

    def _heard(self, *_: object) -> None:
        self._bell.ring()

    async def close(self) -> None:
        """See `Store`."""
        await self._gatherer.close()
        if self._listener is not None:
            self._listener.cancel()
        self._bell.close()
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.wait_for(pool.close(), _ANSWER)


async def open(url: str) -> PostgresStore:
    """Open `postgresql://user:password@host:port/database`, with libpq's parameters.

    Besides: `?schema=NAME` (default `torana`, made if it is not there) lets several gateways share
    a database; `?keep=N` sets how many revisions deletions are remembered for readers of the feed.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    [schema] = query.pop("schema", ["torana"])
    [keep] = query.pop("keep", ["10000"])
    if not re.fullmatch("[a-z_][a-z0-9_]{0,62}", schema):
        raise BadAddress(f"not a name for a schema: {schema!r}")
    dsn = urlunsplit(parts._replace(query=urlencode(query, doseq=True)))
    store = PostgresStore(dsn, schema, int(keep))
    await store.open()
    return store
