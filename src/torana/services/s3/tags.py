"""Tags of objects and of buckets.

Source: "Categorizing your storage using tags" (S3 User Guide).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from torana.services.documents import keep
from torana.services.ports import Call
from torana.services.s3.refusals import Params, only, translated
from torana.state.objects import ObjectStore
from torana.state.store import Store
from torana.wire.faults import ServiceError

_KIND = "s3-bucket-tags"
"""Under the bucket's name."""
TAG = "tag:"
"""Before a tag's name among an object's fields."""
_MOST, _LONGEST_KEY, _LONGEST_VALUE = 10, 128, 256
_MOST_OF_BUCKET = 50


def _checked(tags: Mapping[str, str], most: int) -> dict[str, str]:
    if len(tags) > most:
        text = f"Object tags cannot be greater than {most}"
        raise ServiceError("BadRequest", text, status=400)
    for name, value in tags.items():
        if not name or len(name) > _LONGEST_KEY or name.lower().startswith("aws:"):
            raise ServiceError("InvalidTag", "The TagKey you have provided is invalid", status=400)
        if len(value) > _LONGEST_VALUE:
            text = "The TagValue you have provided is invalid"
            raise ServiceError("InvalidTag", text, status=400)
    return dict(tags)


def of_header(text: str) -> dict[str, str]:
    """The fields of an object's tags, from a header such as `a=1&b=2`. Raises `ServiceError`."""
    pairs = parse_qsl(text, keep_blank_values=True)
    if len({name for name, _ in pairs}) < len(pairs):
        text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query"
        raise ServiceError("InvalidArgument", text, status=400)
    return {f"{TAG}{name}": value for name, value in _checked(dict(pairs), _MOST).items()}


def of_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """The tags of an object."""
    return {name.removeprefix(TAG): value for name, value in fields.items() if name.startswith(TAG)}


def _of_set(given: list[dict[str, Any]], most: int) -> dict[str, str]:
    tags = {each["Key"]: each["Value"] for each in given}
    if len(tags) < len(given):
        text = "Cannot provide multiple Tags with the same key"
        raise ServiceError("InvalidTag", text, status=400)
    return _checked(tags, most)


def _set(tags: Mapping[str, str]) -> Params:
    return {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}


class Tags:
    """The operations."""

    def __init__(self, objects: ObjectStore, store: Store) -> None:
        self._objects, self._store = objects, store

    async def PutObjectTagging(self, call: Call, params: Params) -> Params:
        """In place of the tags before."""
        only(call, params, "Bucket", "Key", "Tagging", "ContentMD5", "ChecksumAlgorithm")
        await self._tag(params, _of_set(params["Tagging"]["TagSet"], _MOST))
        return {}

    async def GetObjectTagging(self, call: Call, params: Params) -> Params:
        only(call, params, "Bucket", "Key")
        with translated():
            found = await self._objects.get(params["Bucket"], params["Key"])
        return _set(of_fields(found.fields))

    async def DeleteObjectTagging(self, call: Call, params: Params) -> Params:
        only(call, params, "Bucket", "Key")
        await self._tag(params, {})
        return {}

    async def _tag(self, params: Params, tags: Mapping[str, str]) -> None:
        """The object with other tags; its bytes stay where they are."""
        with translated():
            found = await self._objects.get(params["Bucket"], params["Key"])
            kept = {name: each for name, each in found.fields.items() if not name.startswith(TAG)}
            kept |= {f"{TAG}{name}": value for name, value in tags.items()}
            blobs = await self._objects.share(found)
            try:
                await self._objects.put(
                    params["Bucket"], params["Key"], blobs, found.etag, kept, found.etag
                )
            except BaseException:
                await self._objects.discard(blobs)
                raise

    async def PutBucketTagging(self, call: Call, params: Params) -> Params:
        only(call, params, "Bucket", "Tagging", "ContentMD5", "ChecksumAlgorithm")
        tags = _of_set(params["Tagging"]["TagSet"], _MOST_OF_BUCKET)
        await self._keep(params, msgspec.json.encode(tags))
        return {}

    async def GetBucketTagging(self, call: Call, params: Params) -> Params:
        only(call, params, "Bucket")
        with translated():
            await self._objects.bucket(params["Bucket"])
        found = await self._store.get(_KIND, params["Bucket"])
        if found is None:
            raise ServiceError("NoSuchTagSet", "The TagSet does not exist", status=404)
        return _set(msgspec.json.decode(found.body))

    async def DeleteBucketTagging(self, call: Call, params: Params) -> Params:
        only(call, params, "Bucket")
        await self._keep(params, None)
        return {}

    async def _keep(self, params: Params, body: bytes | None) -> None:
        with translated():
            await self._objects.bucket(params["Bucket"])
        await keep(self._store, _KIND, params["Bucket"], body)
