"""Log groups and streams in the logs' file: what there is, and what is said of it.

Functions over an open file; whoever calls them holds its thread.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from torana.telemetry import log_runs

SCHEMA = (
    """
    CREATE TABLE groups (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,
        retention INTEGER NOT NULL, bytes INTEGER NOT NULL, config TEXT NOT NULL
    );
    CREATE TABLE streams (
        id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL,
        first INTEGER, last INTEGER, ingested INTEGER, UNIQUE (grp, name)
    );
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, grp INTEGER NOT NULL, stream INTEGER NOT NULL,
        at INTEGER NOT NULL, ingested INTEGER NOT NULL, text TEXT NOT NULL
    );
    CREATE INDEX events_group ON events (grp, at, id);
    CREATE INDEX events_stream ON events (stream, at, id);
    CREATE TABLE filters (
        grp INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (grp, kind, name)
    );
    CREATE TABLE definitions (id TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE senders (name TEXT PRIMARY KEY, number INTEGER NOT NULL, seen INTEGER NOT NULL);
    """,
    """
    ALTER TABLE events ADD COLUMN first INTEGER;
    ALTER TABLE events ADD COLUMN number INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE events ADD COLUMN bytes INTEGER;
    ALTER TABLE events ADD COLUMN run BLOB;
    """,
)
"""Times are milliseconds since 1970. What a row of `events` holds: see `log_runs`."""

Json = dict[str, Any]
Db = sqlite3.Connection


class Group(Struct, frozen=True):
    """A log group."""

    id: int
    name: str
    created: int
    retention: int
    """Days; 0: for ever."""
    bytes: int
    config: Json
    """`tags`, `class`, `protected`."""


class Stream(Struct, frozen=True):
    """A log stream; times of a stream without events are None."""

    id: int
    group: int
    name: str
    created: int
    first: int | None
    last: int | None
    ingested: int | None


def _group(row: tuple[Any, ...]) -> Group:
    id, name, created, retention, bytes_, config = row
    return Group(id, name, created, retention, bytes_, msgspec.json.decode(config))


def group(db: Db, name: str) -> Group | None:
    """By its name."""
    for row in db.execute(
        "SELECT id, name, created, retention, bytes, config FROM groups WHERE name = ?", (name,)
    ):
        return _group(row)
    return None


def groups(db: Db, after: str = "") -> list[Group]:
    """All of them, by name."""
    rows = db.execute(
        "SELECT id, name, created, retention, bytes, config FROM groups WHERE name > ?"
        " ORDER BY name",
        (after,),
    )
    return [_group(row) for row in rows]


def make_group(db: Db, name: str, now: int, config: Json) -> int | None:
    """Its id; None where there is one of that name."""
    found = db.execute(
        "INSERT INTO groups (name, created, retention, bytes, config) VALUES (?, ?, 0, 0, ?)"
        " ON CONFLICT DO NOTHING RETURNING id",
        (name, now, msgspec.json.encode(config).decode()),
    ).fetchall()
    return found[0][0] if found else None


def change_group(db: Db, id: int, *, retention: int, config: Json) -> None:
    """Keep its settings."""
    db.execute(
        "UPDATE groups SET retention = ?, config = ? WHERE id = ?",
        (retention, msgspec.json.encode(config).decode(), id),
    )


def drop_group(db: Db, id: int) -> None:
    """With everything in it."""
    for table in ("events", "streams", "filters"):
        db.execute(f"DELETE FROM {table} WHERE grp = ?", (id,))  # noqa: S608  three fixed names
    db.execute("DELETE FROM groups WHERE id = ?", (id,))


def stream(db: Db, group: int, name: str) -> Stream | None:
    """By its name."""
    for row in db.execute("SELECT * FROM streams WHERE grp = ? AND name = ?", (group, name)):
        return Stream(*row)
    return None


def streams(db: Db, group: int) -> list[Stream]:
    """All of a group."""
    return [Stream(*row) for row in db.execute("SELECT * FROM streams WHERE grp = ?", (group,))]


def make_stream(db: Db, group: int, name: str, now: int) -> int | None:
    """Its id; None where there is one of that name."""
    found = db.execute(
        "INSERT INTO streams (grp, name, created) VALUES (?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING id",
        (group, name, now),
    ).fetchall()
    return found[0][0] if found else None


def drop_stream(db: Db, id: int) -> None:
    """With everything in it."""
    log_runs.remove(db, "stream = ?", (id,))
    db.execute("DELETE FROM streams WHERE id = ?", (id,))


def filters(db: Db, kind: str, group: int | None = None) -> list[tuple[int, str, Json]]:
    """Group, name and body of filters of a kind."""
    rows = db.execute(
        "SELECT grp, name, body FROM filters WHERE kind = ?1 AND (?2 IS NULL OR grp = ?2)"
        " ORDER BY grp, name",
        (kind, group),
    )
    return [(grp, name, msgspec.json.decode(body)) for grp, name, body in rows]


def put_filter(db: Db, group: int, kind: str, name: str, body: Json) -> None:
    """In the place of one of that name."""
    db.execute(
        "INSERT OR REPLACE INTO filters VALUES (?, ?, ?, ?)",
        (group, kind, name, msgspec.json.encode(body).decode()),
    )


def drop_filter(db: Db, group: int, kind: str, name: str) -> bool:
    """Whether there was one."""
    found = db.execute(
        "DELETE FROM filters WHERE grp = ? AND kind = ? AND name = ?", (group, kind, name)
    )
    return found.rowcount > 0


def definitions(db: Db) -> list[Json]:
    """Kept queries."""
    return [msgspec.json.decode(body) for (body,) in db.execute("SELECT body FROM definitions")]


def put_definition(db: Db, id: str, body: Json | None) -> bool:
    """Keep a query, or drop it (None). Whether there was one."""
    had = db.execute("DELETE FROM definitions WHERE id = ?", (id,)).rowcount > 0
    if body is not None:
        text = msgspec.json.encode(body).decode()
        db.execute("INSERT INTO definitions VALUES (?, ?)", (id, text))
    return had


def touched(db: Db, spans: Iterable[tuple[int, int, int, int]]) -> None:
    """Streams that got events: id, first and last time, time of ingestion."""
    db.executemany(
        "UPDATE streams SET first = min(coalesce(first, ?2), ?2),"
        " last = max(coalesce(last, 0), ?3), ingested = ?4 WHERE id = ?1",
        spans,
    )
