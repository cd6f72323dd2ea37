"""Documents of services that have one writer's word as good as another's, and what they write
to buckets."""

import hashlib
from collections.abc import AsyncIterator

from torana.state.objects import ObjectStore
from torana.state.store import Change, Conflict, Store

_TRIES = 10


async def keep(store: Store, kind: str, id: str, body: bytes | None) -> None:
    """Write a document whatever was there; None deletes it. The last writer wins.

    Raises `Conflict` when others write it all the time, and what the store raises.
    """
    for attempt in range(_TRIES):
        there = await store.get(kind, id)
        if there is None and body is None:
            return
        try:
            await store.commit([Change(kind, id, there.version if there else 0, body)])
        except Conflict:
            if attempt == _TRIES - 1:
                raise
        else:
            return


async def write_object(
    objects: ObjectStore, bucket: str, key: str, data: bytes, content_type: str
) -> None:
    """Put an object in a bucket, in place of what was there. Raises `ObjectError`."""

    async def pieces() -> AsyncIterator[bytes]:
        yield data

    blob = await objects.write(pieces())
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    try:
        await objects.put(bucket, key, [blob], etag, {"ContentType": content_type})
    except BaseException:
        await objects.discard([blob])
        raise
