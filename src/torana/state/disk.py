"""Objects on disk: their bytes in files, everything else in a SQLite index beside them.

A file is flushed before the index names it, so what was acknowledged survives a power cut. Files
that a crash left without an entry are taken away at the next start.
"""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from torana.message import Headers
from torana.sealing import Cover, NotOpened
from torana.sealing.pieces import HEAD, SEALED, SEGMENT, Closing, Opening
from torana.state.disk_index import Index
from torana.state.objects import Blob, Bucket, Full, NoObject, Object, Part, Upload

T = TypeVar("T")

_PIECE = 256 * 1024
"""Bytes that are read or written at once, in a thread beside the event loop."""
_SWEEP = 500
_COVERED = ".s"
"""Ends the names of encrypted files."""


class Disk:
    """An `ObjectStore` in one folder. Nothing is touched before the first use."""

    def __init__(self, folder: Path, *, sweep: bool = False, cover: Cover | None = None) -> None:
        """`sweep`: this process starts first and may clear up after a crash."""
        self._folder, self._cover = folder, cover
        self._sweeping = sweep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="torana-objects")
        self._opened: Index | None = None

    async def _ask(self, question: Callable[[Index], T]) -> T:
        def run() -> T:
            return question(self._index())

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    def _index(self) -> Index:
        if self._opened is None:
            (self._folder / "blobs").mkdir(mode=0o700, parents=True, exist_ok=True)
            self._opened = Index(self._folder / "index.db", self._forget)
            if self._sweeping:
                self._sweep(self._opened, time.time())
        return self._opened

    def _sweep(self, index: Index, before: float) -> None:
        for folder in (self._folder / "blobs").iterdir():
            old = [file.name for file in folder.iterdir() if file.stat().st_mtime < before]
            for start in range(0, len(old), _SWEEP):
                self._forget(index.unknown(old[start : start + _SWEEP]))

    def _path(self, blob: str) -> Path:
        return self._folder / "blobs" / blob[:2] / blob

    def _forget(self, blobs: Sequence[str]) -> None:
        for blob in blobs:
            self._path(blob).unlink(missing_ok=True)

    async def write(self, body: AsyncIterator[bytes]) -> Blob:
        """See `ObjectStore`."""
        await self._ask(lambda index: None)
        covered = self._cover is not None and self._cover.closes
        closing = Closing(self._cover) if covered and self._cover else None
        id = uuid4().hex + (_COVERED if closing else "")
        path = self._path(id)
        size, waiting, held = 0, list[bytes](), 0
        file = await asyncio.to_thread(_create, path)
        try:
            if closing is not None:
                await asyncio.to_thread(_append, file, [closing.head])
            async for piece in body:
                waiting.append(piece)
                held += len(piece)
                if held >= _PIECE:
                    await asyncio.to_thread(_append, file, waiting, closing)
                    size, waiting, held = size + held, [], 0
            await asyncio.to_thread(_append, file, waiting, closing)
            if closing is not None:
                await asyncio.to_thread(_append, file, [closing.end()])
            await asyncio.to_thread(os.fsync, file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)
        return Blob(id, size + held)

    async def share(self, source: Object) -> list[Blob]:
        """See `ObjectStore`."""

        def link(index: Index) -> list[Blob]:
            made: list[Blob] = []
            for blob in index.blobs(source.uid):
                copy = Blob(uuid4().hex + Path(blob.id).suffix, blob.size)
                path = self._path(copy.id)
                path.parent.mkdir(mode=0o700, exist_ok=True)
                path.hardlink_to(self._path(blob.id))
                made.append(copy)
            if not made:
                raise NoObject(source.key)
            return made

        return await self._ask(link)

    async def discard(self, blobs: Sequence[Blob]) -> None:
        """See `ObjectStore`."""
        await asyncio.to_thread(self._forget, [blob.id for blob in blobs])

    def read(self, source: Object, start: int, size: int) -> "Reading":
        """See `ObjectStore`."""
        find = partial(self._ask, lambda index: index.blobs(source.uid))
        return Reading(find, self._path, start, size, self._cover)

    async def create_bucket(self, name: str, region: str) -> None:
        """See `ObjectStore`."""
        await self._ask(lambda index: index.create_bucket(name, region))

    async def delete_bucket(self, name: str) -> None:
        """See `ObjectStore`."""
        await self._ask(lambda index: index.delete_bucket(name))

    async def bucket(self, name: str) -> Bucket:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.bucket(name))

    async def buckets(self) -> list[Bucket]:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.buckets())

    async def put(
        self,
        bucket: str,
        key: str,
        blobs: Sequence[Blob],
        etag: str,
        fields: Mapping[str, str],
        replaces: str | None = None,
    ) -> Object:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.put(bucket, key, blobs, etag, fields, replaces))

    async def get(self, bucket: str, key: str) -> Object:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.get(bucket, key))

    async def delete(self, bucket: str, key: str) -> bool:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.delete(bucket, key))

    async def keys(self, bucket: str, prefix: str, after: str, limit: int) -> list[Object]:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.keys(bucket, prefix, after, limit))

    async def create_upload(self, bucket: str, key: str, fields: Mapping[str, str]) -> Upload:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.create_upload(bucket, key, fields))

    async def upload(self, bucket: str, key: str, id: str) -> Upload:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.upload(bucket, key, id))

    async def uploads(self, bucket: str, prefix: str) -> list[Upload]:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.uploads(bucket, prefix))

    async def put_part(
        self,
        upload: Upload,
        number: int,
        blobs: Sequence[Blob],
        etag: str,
        fields: Mapping[str, str],
    ) -> Part:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.put_part(upload.id, number, blobs, etag, fields))

    async def parts(self, upload: Upload) -> list[Part]:
        """See `ObjectStore`."""
        return await self._ask(lambda index: index.parts(upload.id))

    async def complete(
        self,
        bucket: str,
        upload: Upload,
        numbers: Sequence[int],
        etag: str,
        fields: Mapping[str, str],
    ) -> Object:
        """See `ObjectStore`."""
        return await self._ask(
            lambda index: index.complete(bucket, upload.id, upload.key, numbers, etag, fields)
        )

    async def abort(self, upload: Upload) -> None:
        """See `ObjectStore`."""
        await self._ask(lambda index: index.abort(upload.id))

    async def close(self) -> None:
        """See `ObjectStore`."""
        if self._opened is not None:
            await self._ask(lambda index: index.close())
        self._thread.shutdown(wait=False)


class Reading:
    """A range of an object's bytes, as a `Stream`. One file is open at a time."""

    def __init__(
        self,
        find: Callable[[], Awaitable[list[Blob]]],
        path: Callable[[str], Path],
        start: int,
        size: int,
        cover: Cover | None = None,
    ) -> None:
        self.trailers = Headers()
        self._find, self._path = find, path
        self._skip, self._left, self._cover = start, size, cover
        self._blobs: list[Blob] | None = None
        self._file = -1
        self._segments: _Segments | None = None

    def __aiter__(self) -> "Reading":
        return self

    async def __anext__(self) -> bytes:
        if self._left <= 0:
            await self.aclose()
            raise StopAsyncIteration
        if self._blobs is None:
            self._blobs = await self._find()
        piece = await asyncio.to_thread(self._next)
        self._left -= len(piece)
        return piece

    def _next(self) -> bytes:
        while True:
            if self._file < 0:
                self._open()
            most = min(_PIECE, self._left)
            segments = self._segments
            piece = segments.read(most) if segments else os.read(self._file, most)
            if piece:
                return piece
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        """The next file with something of the range in it, at the right place."""
        assert self._blobs is not None
        while self._blobs:
            blob = self._blobs.pop(0)
            if self._skip < blob.size:
                try:
                    self._file = os.open(self._path(blob.id), os.O_RDONLY)
                except FileNotFoundError:
                    break
                if blob.id.endswith(_COVERED):
                    self._segments = _Segments(self._file, blob, self._skip, self._cover)
                else:
                    self._segments = None
                    os.lseek(self._file, self._skip, os.SEEK_SET)
                self._skip = 0
                return
            self._skip -= blob.size
        raise ConnectionError("the object was replaced or deleted while it was read")

    async def aclose(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class _Segments:
    """An encrypted file, read from some byte of what was written on."""

    def __init__(self, file: int, blob: Blob, skip: int, cover: Cover | None) -> None:
        """Raises `OSError` where it does not open."""
        if cover is None:
            raise OSError(f"object file {blob.id} is encrypted, and [encryption] is not set")
        self._file, self._at, self._size, self._id = file, skip, blob.size, blob.id
        self._held: bytes = b""
        self._number: int = -1
        try:
            self._opening = Opening(cover, os.pread(file, HEAD, 0), blob.size)
        except NotOpened as error:
            raise OSError(f"object file {blob.id}: {error}") from error

    def read(self, most: int) -> bytes:
        """Nothing at the end. Raises `OSError` for a segment that was changed."""
        if self._at >= self._size:
            return b""
        number, skip = divmod(self._at, SEGMENT)
        if number != self._number:
            data = os.pread(self._file, SEALED, HEAD + number * SEALED)
            try:
                self._held = self._opening.segment(number, data)
                self._number = number
            except NotOpened as error:
                raise OSError(f"object file {self._id}: {error}") from error
        piece = self._held[skip : skip + most]
        self._at += len(piece)
        return piece


def _create(path: Path) -> int:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _append(file: int, pieces: Sequence[bytes], closing: Closing | None = None) -> None:
    try:
        for piece in pieces:
            view = memoryview(closing.add(piece) if closing else piece)
            while view:
                view = view[os.write(file, view) :]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Full(str(error)) from error
        raise


def open(url: str, *, sweep: bool, cover: Cover | None = None) -> Disk:
    """`file:///folder`."""
    return Disk(Path(unquote(urlsplit(url).path)), sweep=sweep, cover=cover)
