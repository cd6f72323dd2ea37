"""What users did with items, and what is known of both: one SQLite file a dataset group.

Written by the process that takes events and imports, read by the engines. Every call blocks.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

_SCHEMA = """
CREATE TABLE IF NOT EXISTS interactions (
  id TEXT PRIMARY KEY, user TEXT NOT NULL, session TEXT NOT NULL, item TEXT NOT NULL,
  type TEXT NOT NULL, value REAL, time REAL NOT NULL, source TEXT NOT NULL, fields TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_user ON interactions (user, time);
CREATE INDEX IF NOT EXISTS by_session ON interactions (session) WHERE user = '';
CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, source TEXT NOT NULL, fields TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, source TEXT NOT NULL, fields TEXT NOT NULL);
"""
_WAIT = 30.0
EVENT = "event"
"""The source of what was put one by one; imports replace only what was imported."""

Table = Literal["items", "users"]
Kept = Literal["interactions", "items", "users"]


class Interaction(Struct, frozen=True):
    """A user did something with an item. `time`: Unix time."""

    id: str
    user: str
    item: str
    type: str
    time: float
    value: float | None = None
    session: str = ""
    fields: Mapping[str, Any] = {}


class InteractionFile:
    """The file of one dataset group, made at its first use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = sqlite3.connect(self._path, timeout=_WAIT)
        found.execute("PRAGMA journal_mode=WAL")
        found.executescript(_SCHEMA)
        return found

    def put_interactions(
        self, rows: Iterable[Interaction], source: str = EVENT, *, anew: bool = False
    ) -> int:
        """Durably, all or none; the same id twice is once. `anew`: in place of all imported ones.

        Events of a session before its user was known become the user's.
        """
        count = 0
        with closing(self._open()) as db, db:
            if anew:
                db.execute("DELETE FROM interactions WHERE source <> ?", (EVENT,))
            for row in rows:
                count += 1
                db.execute(
                    "INSERT OR REPLACE INTO interactions VALUES (?,?,?,?,?,?,?,?,?)",
                    (
                        *(row.id, row.user, row.session, row.item, row.type, row.value, row.time),
                        *(source, json.dumps(row.fields)),
                    ),
                )
                if row.user and row.session:
                    db.execute(
                        "UPDATE interactions SET user = ? WHERE session = ? AND user = ''",
                        (row.user, row.session),
                    )
        return count

    def put(
        self,
        table: Table,
        rows: Iterable[tuple[str, Mapping[str, Any]]],
        source: str = EVENT,
        *,
        anew: bool = False,
    ) -> int:
        """Items or users with their fields. See `put_interactions`."""
        count = 0
        with closing(self._open()) as db, db:
            if anew:
                db.execute(f"DELETE FROM {table} WHERE source <> ?", (EVENT,))  # noqa: S608
            for id, fields in rows:
                count += 1
                db.execute(
                    f"INSERT OR REPLACE INTO {table} VALUES (?,?,?)",  # noqa: S608
                    (id, source, json.dumps(fields)),
                )
        return count

    def interactions(
        self, type: str = "", threshold: float | None = None
    ) -> Iterator[tuple[str, str, float]]:
        """User, item and time of all whose user and item are known, by user and time."""
        query = "SELECT user, item, time FROM interactions WHERE user <> '' AND item <> ''"
        values: list[Any] = []
        if type:
            query, values = f"{query} AND type = ?", [type]
        if threshold is not None:
            query, values = f"{query} AND value >= ?", [*values, threshold]
        with closing(self._open()) as db:
            yield from db.execute(f"{query} ORDER BY user, time", values)

    def of_user(self, user: str, most: int = 1000) -> list[dict[str, Any]]:
        """The latest interactions of a user, by the service's names, the oldest first."""
        query = "SELECT item, type, value, time, fields FROM interactions WHERE user = ?"
        with closing(self._open()) as db:
            rows = db.execute(f"{query} ORDER BY time DESC LIMIT ?", (user, most)).fetchall()
        return [
            {
                **json.loads(fields),
                "ITEM_ID": item,
                "EVENT_TYPE": type,
                "EVENT_VALUE": value,
                "TIMESTAMP": time,
            }
            for item, type, value, time, fields in reversed(rows)
        ]

    def fields(self, table: Table, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What is known of items or users, by id."""
        found: dict[str, dict[str, Any]] = {}
        with closing(self._open()) as db:
            for id in ids:
                query = f"SELECT fields FROM {table} WHERE id = ?"  # noqa: S608
                row = db.execute(query, (id,)).fetchone()
                if row is not None:
                    found[id] = json.loads(row[0])
        return found

    def forget(self, what: Kept) -> None:
        """Everything of one kind."""
        with closing(self._open()) as db, db:
            db.execute(f"DELETE FROM {what}")  # noqa: S608

    def remove(self) -> None:
        """The file."""
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)
