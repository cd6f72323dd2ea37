"""A function's code: a zip in the store, unpacked on disk where it is run."""

import asyncio
import hashlib
import io
import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torana.message import BodyTooLarge
from torana.services.documents import keep
from torana.services.lambda_.names import invalid
from torana.state.objects import ObjectError, ObjectStore
from torana.state.store import Store
from torana.wire.faults import ServiceError

CODE = "lambda-code"
"""Zips, by their SHA-256."""
_ZIPPED = 50 * 1024 * 1024
_UNZIPPED = 250 * 1024 * 1024
_FILES = 50_000
"""Bytes, bytes and entries. Source: Lambda quotas."""


class Codes:
    """The code of all functions and layers of a node."""

    def __init__(self, store: Store, objects: ObjectStore, folder: Path) -> None:
        self._store, self._objects, self._folder = store, objects, folder
        self._unpacking: dict[str, asyncio.Lock] = {}

    async def take(self, given: Mapping[str, Any], prefix: str = "") -> tuple[str, int]:
        """Keep what a request brings; its name (`prefix` and its SHA-256 in hexadecimal) and its
        size in bytes.

        Raises `ServiceError`.
        """
        data = await self._bytes(given)
        digest = prefix + hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(_check, data)
        await keep(self._store, CODE, digest, data)
        return digest, len(data)

    async def _bytes(self, given: Mapping[str, Any]) -> bytes:
        if given.get("ImageUri"):
            raise invalid("Functions from container images are not supported here; send a zip")
        if given.get("ZipFile") is not None:
            data = bytes(given["ZipFile"])
            if len(data) > _ZIPPED:
                raise ServiceError(
                    "RequestEntityTooLargeException",
                    f"The zip is over {_ZIPPED} bytes",
                    status=413,
                )
            return data
        if given.get("S3Bucket") and given.get("S3Key"):
            return await self._object(given["S3Bucket"], given["S3Key"])
        raise invalid("Please provide a source for function code.")

    async def _object(self, bucket: str, key: str) -> bytes:
        try:
            found = await self._objects.get(bucket, key)
            if found.size > _ZIPPED * 5:
                raise BodyTooLarge
            pieces = [piece async for piece in self._objects.read(found, 0, found.size)]
        except BodyTooLarge:
            raise invalid("Unzipped size must be smaller than 262144000 bytes") from None
        except ObjectError as error:
            raise invalid(
                "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
                f"{error}"
            ) from None
        return b"".join(pieces)

    async def folder(self, digest: str) -> Path:
        """Where the code lies unpacked. Raises `KeyError` when the store has not got it."""
        path = self._folder / digest
        if path.exists():
            return path
        async with self._unpacking.setdefault(digest, asyncio.Lock()):
            if not path.exists():
                document = await self._store.get(CODE, digest)
                if document is None:
                    raise KeyError(digest)
                await asyncio.to_thread(_unpack, document.body, path)
        return path

    async def layered(self, digests: Sequence[str]) -> Path:
        """One folder of several zips laid over each other. Raises `KeyError`."""
        folders = [await self.folder(digest) for digest in digests]
        if len(folders) == 1:
            return folders[0]
        name = hashlib.sha256("".join(digests).encode()).hexdigest()
        path = self._folder / name
        async with self._unpacking.setdefault(name, asyncio.Lock()):
            if not path.exists():
                await asyncio.to_thread(merge, folders, path)
        return path

    async def forget(self, digests: set[str], used: Callable[[str], bool]) -> None:
        """Remove what nobody uses any more; what is unpacked goes at the next start."""
        for digest in digests:
            if not used(digest):
                await keep(self._store, CODE, digest, None)

    def sweep(self, used: Callable[[str], bool]) -> None:
        """Remove unpacked code that nobody uses. Before anything runs."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if not used(path.name):
                    shutil.rmtree(path, ignore_errors=True)


def _check(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _FILES or sum(entry.file_size for entry in entries) > _UNZIPPED:
                raise invalid(f"Unzipped size must be smaller than {_UNZIPPED} bytes")
            for entry in entries:
                _place(entry.filename)
    except zipfile.BadZipFile:
        raise invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None


def _place(name: str) -> Path:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise invalid(f"The zip holds a file outside of its folder: {name[:100]!r}")
    return path


def _unpack(data: bytes, path: Path) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.mkdir(mode=0o755, parents=True)
    budget = _UNZIPPED
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            at = fresh / _place(entry.filename)
            if entry.is_dir():
                at.mkdir(parents=True, exist_ok=True)
                continue
            at.parent.mkdir(parents=True, exist_ok=True)
            content = archive.read(entry)
            budget -= len(content)
            if budget < 0:
                raise OSError("the zip says less than it holds")
            at.write_bytes(content)
            executable = (entry.external_attr >> 16) & stat.S_IXUSR
            at.chmod(0o755 if executable else 0o644)
    for folder, _, _ in os.walk(fresh):
        Path(folder).chmod(0o755)
    fresh.rename(path)


def merge(folders: list[Path], path: Path) -> None:
    """Lay folders over each other into one; files of later ones win."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.mkdir(mode=0o755, parents=True)
    for folder in folders:
        shutil.copytree(folder, fresh, dirs_exist_ok=True)
    fresh.rename(path)
