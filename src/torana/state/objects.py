"""Objects: bytes of any size under a key in a bucket. The protocol, its values and its errors.

Bytes are written first (`write`) and become visible when an object is made of them (`put`): so an
object is there whole or not at all.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from torana.message import Stream


class Blob(Struct, frozen=True):
    """Bytes that were written, not yet part of an object."""

    id: str
    size: int


class Bucket(Struct, frozen=True):
    """A space of keys."""

    name: str
    created: float
    """Unix time."""
    region: str


class Object(Struct, frozen=True):
    """What is known of an object beside its bytes."""

    key: str
    size: int
    etag: str
    modified: float
    """Unix time."""
    fields: Mapping[str, str]
    """Whatever the writer wants kept with it."""
    uid: str
    """Of this content; another one when the key is written again."""


class Upload(Struct, frozen=True):
    """An object that is being sent in parts."""

    id: str
    key: str
    started: float
    fields: Mapping[str, str]


class Part(Struct, frozen=True):
    """A part of an upload."""

    number: int
    size: int
    etag: str
    modified: float
    fields: Mapping[str, str]


class ObjectError(Exception):
    """What was asked cannot be done; the class says why, the message names the thing."""


class NoBucket(ObjectError):
    """There is no such bucket."""


class BucketThere(ObjectError):
    """The bucket exists."""


class BucketNotEmpty(ObjectError):
    """The bucket holds objects."""


class NoObject(ObjectError):
    """There is no object under the key."""


class NoUpload(ObjectError):
    """There is no such upload, or it was completed or aborted."""


class Changed(ObjectError):
    """The object is not the one that the writer expected to replace."""


class Full(ObjectError):
    """There is no room for the bytes."""


class ObjectStore(Protocol):
    """Safe for many tasks and processes at once. Everything acknowledged survives a crash."""

    async def create_bucket(self, name: str, region: str) -> None:
        """Raises `BucketThere`."""
        ...

    async def delete_bucket(self, name: str) -> None:
        """Raises `NoBucket` and `BucketNotEmpty`."""
        ...

    async def bucket(self, name: str) -> Bucket:
        """Raises `NoBucket`."""
        ...

    async def buckets(self) -> list[Bucket]:
        """By name."""
        ...

    async def write(self, body: AsyncIterator[bytes]) -> Blob:
        """Keep the bytes; nothing is kept when `body` raises. Raises `Full`."""
        ...

    async def share(self, source: Object) -> list[Blob]:
        """The bytes of an object, to make another one of. Raises `NoObject` when it is gone."""
        ...

    async def discard(self, blobs: Sequence[Blob]) -> None:
        """Forget bytes that no object was made of."""
        ...

    async def put(
        self,
        bucket: str,
        key: str,
        blobs: Sequence[Blob],
        etag: str,
        fields: Mapping[str, str],
        replaces: str | None = None,
    ) -> Object:
        """Make an object of the blobs, in place of what was there.

        `replaces`: the etag that it must have had; empty: there must be none.
        Raises `NoBucket`, and `Changed` or `NoObject` by `replaces`; the blobs stay the caller's.
        """
        ...

    async def get(self, bucket: str, key: str) -> Object:
        """Raises `NoBucket` and `NoObject`."""
        ...

    def read(self, source: Object, start: int, size: int) -> Stream:
        """`size` bytes of it from `start`. Reading raises `ConnectionError` if it is replaced."""
        ...

    async def delete(self, bucket: str, key: str) -> bool:
        """Whether there was one. Raises `NoBucket`."""
        ...

    async def keys(self, bucket: str, prefix: str, after: str, limit: int) -> list[Object]:
        """At most `limit`, by key in the order of UTF-8, beyond `after`. Raises `NoBucket`."""
        ...

    async def create_upload(self, bucket: str, key: str, fields: Mapping[str, str]) -> Upload:
        """Raises `NoBucket`."""
        ...

    async def upload(self, bucket: str, key: str, id: str) -> Upload:
        """Raises `NoUpload`."""
        ...

    async def uploads(self, bucket: str, prefix: str) -> list[Upload]:
        """Those under way, by key and age. Raises `NoBucket`."""
        ...

    async def put_part(
        self,
        upload: Upload,
        number: int,
        blobs: Sequence[Blob],
        etag: str,
        fields: Mapping[str, str],
    ) -> Part:
        """Replaces a part of the same number. Raises `NoUpload`; the blobs stay the caller's."""
        ...

    async def parts(self, upload: Upload) -> list[Part]:
        """By number. Raises `NoUpload`."""
        ...

    async def complete(
        self,
        bucket: str,
        upload: Upload,
        numbers: Sequence[int],
        etag: str,
        fields: Mapping[str, str],
    ) -> Object:
        """Make the object of these parts; the others are forgotten. Raises `NoUpload`."""
        ...

    async def abort(self, upload: Upload) -> None:
        """Forget the upload and its parts. Raises `NoUpload`."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
