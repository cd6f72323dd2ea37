"""Files of clients, in the object store: what batches read, and what they write.

Source: OpenAI API reference, "Files".
"""

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from torana.llm.errors import LlmError
from torana.state.objects import BucketThere, Full, NoObject, Object, ObjectStore

BUCKET = ".torana-llm"
"""A name that no bucket of S3 can have."""
PURPOSES = ("batch", "user_data", "assistants", "fine-tune", "vision", "evals")
_MOST = 1000
_PIECE = 256 * 1024

Json = dict[str, Any]


class Files:
    """Each key's own: no key sees another's."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._there = False

    async def put(self, owner: str, name: str, purpose: str, pieces: AsyncIterator[bytes]) -> Json:
        """Keep a file. Raises `LlmError` when there is no room."""
        fields = {"filename": name, "purpose": purpose}
        place = f"{folder_of(owner)}file-{token_hex(12)}"
        return shown(await self.write(place, fields, pieces))

    async def write(self, key: str, fields: Json, pieces: AsyncIterator[bytes]) -> Object:
        """Keep an object. Raises `LlmError` when there is no room."""
        await self._bucket()
        digest = hashlib.md5(usedforsecurity=False)

        async def hashed() -> AsyncIterator[bytes]:
            async for piece in pieces:
                digest.update(piece)
                yield piece

        try:
            blob = await self._objects.write(hashed())
        except Full as error:
            raise LlmError("internal", "There is no room for the file.", status=507) from error
        return await self._objects.put(BUCKET, key, [blob], digest.hexdigest(), fields)

    async def find(self, owner: str, id: str) -> Object:
        """Raises `LlmError`."""
        await self._bucket()
        try:
            return await self._objects.get(BUCKET, folder_of(owner) + id)
        except NoObject:
            raise LlmError("not_found", f"No such File object: {id}", param="id") from None

    async def listed(self, owner: str) -> list[Object]:
        """By id."""
        return await self.keys(folder_of(owner))

    async def keys(self, prefix: str) -> list[Object]:
        """The objects below a prefix, by key."""
        await self._bucket()
        return await self._objects.keys(BUCKET, prefix, "", _MOST)

    async def delete(self, key: str) -> None:
        """Forget an object."""
        await self._objects.delete(BUCKET, key)

    async def read(self, found: Object) -> AsyncIterator[bytes]:
        """Its bytes, in pieces."""
        if not found.size:
            return
        async for piece in self._objects.read(found, 0, found.size):
            yield piece

    async def _bucket(self) -> None:
        if not self._there:
            with suppress(BucketThere):
                await self._objects.create_bucket(BUCKET, "local")
            self._there = True


def folder_of(owner: str) -> str:
    """Where a key's files are."""
    return f"files/{quote(owner, safe='')}/"


def shown(found: Object) -> Json:
    """As the API tells it."""
    return {
        "id": found.key.rpartition("/")[2],
        "object": "file",
        "bytes": found.size,
        "created_at": int(found.modified),
        "filename": found.fields.get("filename", ""),
        "purpose": found.fields.get("purpose", "batch"),
        "status": "processed",
        "expires_at": None,
    }


async def lines(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """Lines that are not blank. Raises `LlmError` for one of over `most` bytes."""
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
        if len(rest) > most:
            raise LlmError("invalid_request", f"a line is over {most} bytes")
    if rest.strip():
        yield rest


async def one(piece: bytes) -> AsyncIterator[bytes]:
    """A body that is here already, in pieces."""
    for at in range(0, len(piece), _PIECE):
        yield piece[at : at + _PIECE]


def now() -> int:
    """As the API writes times."""
    return int(time.time())
