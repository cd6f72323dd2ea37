"""The SQLite index of objects on disk: which keys there are, and which files hold their bytes.

Runs in the thread of its caller; several processes may have it open.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from torana.state.objects import (
    Blob,
    Bucket,
    BucketNotEmpty,
    BucketThere,
    Changed,
    NoBucket,
    NoObject,
    NoUpload,
    Object,
    Part,
    Upload,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY, created REAL NOT NULL, region TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL REFERENCES buckets (name), key TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified REAL NOT NULL, fields TEXT NOT NULL, uid TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL REFERENCES buckets (name), key TEXT NOT NULL,
    started REAL NOT NULL, fields TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL REFERENCES uploads (id), number INTEGER NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified REAL NOT NULL, fields TEXT NOT NULL, uid TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    id TEXT PRIMARY KEY, size INTEGER NOT NULL, holder TEXT NOT NULL, place INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blobs_holder ON blobs (holder, place);
"""
_PATIENCE = 10.0
"""Seconds to wait for another process that writes."""
_OBJECT = "key, size, etag, modified, fields, uid"
_PART = "number, size, etag, modified, fields"

Forget = Callable[[Sequence[str]], None]
"""Takes the files of blobs away."""


class Index:
    """Raises the errors of `torana.state.objects`."""

    def __init__(self, path: Path, forget: Forget) -> None:
        self._forget = forget
        self._db = sqlite3.connect(
            path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _change(self) -> Generator[list[str]]:
        """A transaction; the blobs put on its list lose their files once it is on the disk."""
        doomed: list[str] = []
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield doomed
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        self._forget(doomed)

    def create_bucket(self, name: str, region: str) -> None:
        with self._change():
            try:
                self._db.execute(
                    "INSERT INTO buckets VALUES (?, ?, ?)", (name, time.time(), region)
                )
            except sqlite3.IntegrityError:
                raise BucketThere(name) from None

    def delete_bucket(self, name: str) -> None:
        with self._change() as doomed:
            self.bucket(name)
            if self._db.execute("SELECT 1 FROM objects WHERE bucket = ?", (name,)).fetchone():
                raise BucketNotEmpty(name)
            for (id,) in self._db.execute("SELECT id FROM uploads WHERE bucket = ?", (name,)):
                self._drop_upload(id, doomed)
            self._db.execute("DELETE FROM buckets WHERE name = ?", (name,))

    def bucket(self, name: str) -> Bucket:
        row = self._db.execute("SELECT * FROM buckets WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise NoBucket(name)
        return Bucket(*row)

    def buckets(self) -> list[Bucket]:
        return [Bucket(*row) for row in self._db.execute("SELECT * FROM buckets ORDER BY name")]

    def put(
        self,
        bucket: str,
        key: str,
        blobs: Sequence[Blob],
        etag: str,
        fields: Mapping[str, str],
        replaces: str | None,
    ) -> Object:
        with self._change() as doomed:
            self._expect(bucket, key, replaces)
            size = sum(blob.size for blob in blobs)
            made = self._replace(bucket, key, size, etag, fields, doomed)
            self._hold(blobs, made.uid)
        return made

    def _expect(self, bucket: str, key: str, replaces: str | None) -> None:
        if replaces is None:
            return
        try:
            old = self.get(bucket, key).etag
        except NoObject:
            if replaces:
                raise
            old = ""
        if old != replaces:
            raise Changed(key)

    def _replace(
        self,
        bucket: str,
        key: str,
        size: int,
        etag: str,
        fields: Mapping[str, str],
        doomed: list[str],
    ) -> Object:
        """The row of a new object, whose blobs are still to be held."""
        self.bucket(bucket)
        self._drop(bucket, key, doomed)
        made = Object(key, size, etag, time.time(), fields, uuid4().hex)
        self._db.execute(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)",
            (bucket, key, size, etag, made.modified, json.dumps(dict(fields)), made.uid),
        )
        return made

    def _hold(self, blobs: Sequence[Blob], holder: str) -> None:
        rows = [(blob.id, blob.size, holder, place) for place, blob in enumerate(blobs)]
        self._db.executemany("INSERT INTO blobs VALUES (?, ?, ?, ?)", rows)

    def _drop(self, bucket: str, key: str, doomed: list[str]) -> bool:
        row = self._db.execute(
            "DELETE FROM objects WHERE bucket = ? AND key = ? RETURNING uid", (bucket, key)
        ).fetchone()
        if row is not None:
            self._release(row[0], doomed)
        return row is not None

    def _release(self, holder: str, doomed: list[str]) -> None:
        gone = self._db.execute("DELETE FROM blobs WHERE holder = ? RETURNING id", (holder,))
        doomed += [id for (id,) in gone.fetchall()]

    def get(self, bucket: str, key: str) -> Object:
        row = self._db.execute(
            f"SELECT {_OBJECT} FROM objects WHERE bucket = ? AND key = ?",  # noqa: S608
            (bucket, key),
        ).fetchone()
        if row is None:
            self.bucket(bucket)
            raise NoObject(key)
        return _object(row)

    def blobs(self, uid: str) -> list[Blob]:
        rows = self._db.execute(
            "SELECT id, size FROM blobs WHERE holder = ? ORDER BY place", (uid,)
        )
        return [Blob(*row) for row in rows]

    def unknown(self, ids: Sequence[str]) -> list[str]:
        """Those that belong to nothing."""
        marks = ",".join("?" * len(ids))
        rows = self._db.execute(f"SELECT id FROM blobs WHERE id IN ({marks})", ids)  # noqa: S608
        known = {id for (id,) in rows}
        return [id for id in ids if id not in known]

    def delete(self, bucket: str, key: str) -> bool:
        with self._change() as doomed:
            self.bucket(bucket)
            return self._drop(bucket, key, doomed)

    def keys(self, bucket: str, prefix: str, after: str, limit: int) -> list[Object]:
        self.bucket(bucket)
        # The column's order is that of the UTF-8 bytes, and so is `prefix || U+10FFFF`'s place.
        rows = self._db.execute(
            f"SELECT {_OBJECT} FROM objects WHERE bucket = ? AND key > ? AND key >= ?"  # noqa: S608
            " AND key < ? ORDER BY key LIMIT ?",
            (bucket, after, prefix, prefix + "\U0010ffff" * 2, limit),
        )
        return [_object(row) for row in rows]

    def create_upload(self, bucket: str, key: str, fields: Mapping[str, str]) -> Upload:
        with self._change():
            self.bucket(bucket)
            made = Upload(uuid4().hex, key, time.time(), fields)
            self._db.execute(
                "INSERT INTO uploads VALUES (?, ?, ?, ?, ?)",
                (made.id, bucket, key, made.started, json.dumps(dict(fields))),
            )
        return made

    def upload(self, bucket: str, key: str, id: str) -> Upload:
        row = self._db.execute(
            "SELECT id, key, started, fields FROM uploads WHERE id = ? AND bucket = ? AND key = ?",
            (id, bucket, key),
        ).fetchone()
        if row is None:
            raise NoUpload(id)
        return _upload(row)

    def uploads(self, bucket: str, prefix: str) -> list[Upload]:
        self.bucket(bucket)
        rows = self._db.execute(
            "SELECT id, key, started, fields FROM uploads"
            " WHERE bucket = ? AND substr(key, 1, ?) = ? ORDER BY key, started",
            (bucket, len(prefix), prefix),
        )
        return [_upload(row) for row in rows]

    def put_part(
        self,
        upload: str,
        number: int,
        blobs: Sequence[Blob],
        etag: str,
        fields: Mapping[str, str],
    ) -> Part:
        made = Part(number, sum(blob.size for blob in blobs), etag, time.time(), fields)
        uid = uuid4().hex
        with self._change() as doomed:
            self._check_upload(upload)
            old = self._db.execute(
                "DELETE FROM parts WHERE upload = ? AND number = ? RETURNING uid", (upload, number)
            ).fetchone()
            if old is not None:
                self._release(old[0], doomed)
            self._db.execute(
                "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)",
                (upload, number, made.size, etag, made.modified, json.dumps(dict(fields)), uid),
            )
            self._hold(blobs, uid)
        return made

    def parts(self, upload: str) -> list[Part]:
        self._check_upload(upload)
        rows = self._db.execute(
            f"SELECT {_PART} FROM parts WHERE upload = ? ORDER BY number",  # noqa: S608
            (upload,),
        )
        return [_part(row) for row in rows]

    def complete(
        self,
        bucket: str,
        upload: str,
        key: str,
        numbers: Sequence[int],
        etag: str,
        fields: Mapping[str, str],
    ) -> Object:
        with self._change() as doomed:
            self._check_upload(upload)
            rows = self._db.execute(
                "SELECT number, size, uid FROM parts WHERE upload = ?", (upload,)
            )
            sizes = {number: (size, uid) for number, size, uid in rows}
            size = sum(sizes[number][0] for number in numbers)
            made = self._replace(bucket, key, size, etag, fields, doomed)
            place = 0
            for number in numbers:
                for blob in self.blobs(sizes[number][1]):
                    self._db.execute(
                        "UPDATE blobs SET holder = ?, place = ? WHERE id = ?",
                        (made.uid, place, blob.id),
                    )
                    place += 1
            self._drop_upload(upload, doomed)
        return made

    def abort(self, upload: str) -> None:
        with self._change() as doomed:
            self._check_upload(upload)
            self._drop_upload(upload, doomed)

    def _check_upload(self, upload: str) -> None:
        if not self._db.execute("SELECT 1 FROM uploads WHERE id = ?", (upload,)).fetchone():
            raise NoUpload(upload)

    def _drop_upload(self, upload: str, doomed: list[str]) -> None:
        gone = self._db.execute("DELETE FROM parts WHERE upload = ? RETURNING uid", (upload,))
        for (uid,) in gone.fetchall():
            self._release(uid, doomed)
        self._db.execute("DELETE FROM uploads WHERE id = ?", (upload,))


def _object(row: tuple[str, int, str, float, str, str]) -> Object:
    key, size, etag, modified, fields, uid = row
    return Object(key, size, etag, modified, json.loads(fields), uid)


def _upload(row: tuple[str, str, float, str]) -> Upload:
    id, key, started, fields = row
    return Upload(id, key, started, json.loads(fields))


def _part(row: tuple[int, int, str, float, str]) -> Part:
    number, size, etag, modified, fields = row
    return Part(number, size, etag, modified, json.loads(fields))
