"""Which keys a bucket has, rolled up at a delimiter. Source: ListObjectsV2 (S3 API Reference)."""

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from torana.services.ports import Call
from torana.services.s3.conditions import modified
from torana.services.s3.refusals import Params, bad, only, translated
from torana.state.objects import Object, ObjectStore

_MOST = 1000
_BEYOND = "\U0010ffff"
"""Sorts behind whatever a common prefix holds."""


class Page(Struct):
    """A page of a listing."""

    objects: list[Object]
    prefixes: list[str]
    last: str | None = None
    """The last key or prefix of the page, when there is more behind it."""
    resume: str = ""
    """The `after` of the next page."""


async def page(
    objects: ObjectStore, bucket: str, prefix: str, delimiter: str, after: str, most: int
) -> Page:
    """At most `most` keys and common prefixes beyond `after`. Raises `NoBucket`."""
    found, last = Page([], []), ""
    while True:
        batch = await objects.keys(bucket, prefix, after, most + 1)
        skipped = False
        for each in batch:
            if len(found.objects) + len(found.prefixes) == most:
                found.last, found.resume = last, after
                return found
            cut = each.key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                found.objects.append(each)
                after = last = each.key
                continue
            last = each.key[: cut + len(delimiter)]
            found.prefixes.append(last)
            after, skipped = last + _BEYOND, True
            break
        if not skipped:
            return found


class Listing:
    """The operations that list a bucket's objects."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def ListObjectsV2(self, call: Call, params: Params) -> Params:
        """Keys in order, a page at a time."""
        only(
            call,
            params,
            *("Bucket", "Delimiter", "EncodingType", "MaxKeys", "Prefix"),
            *("ContinuationToken", "FetchOwner", "StartAfter"),
        )
        after = params.get("StartAfter", "")
        if "ContinuationToken" in params:
            after = _untoken(params["ContinuationToken"])
        found, answer = await self._list(params, after)
        answer["KeyCount"] = len(found.objects) + len(found.prefixes)
        for name in ("ContinuationToken", "StartAfter"):
            if name in params:
                answer[name] = params[name]
        if found.last is not None:
            answer["NextContinuationToken"] = _token(found.resume)
        if params.get("FetchOwner"):
            for each in answer["Contents"]:
                each["Owner"] = {"ID": call.principal.account}
        return answer

    async def ListObjects(self, call: Call, params: Params) -> Params:
        """The same, as the first version had it."""
        only(call, params, "Bucket", "Delimiter", "EncodingType", "MaxKeys", "Prefix", "Marker")
        after = params.get("Marker", "")
        if "Delimiter" in params and after.endswith(params["Delimiter"]):
            after += _BEYOND
        found, answer = await self._list(params, after)
        answer["Marker"] = params.get("Marker", "")
        if found.last is not None and "Delimiter" in params:
            answer["NextMarker"] = _encoder(params)(found.last)
        for each in answer["Contents"]:
            each["Owner"] = {"ID": call.principal.account}
        return answer

    async def _list(self, params: Params, after: str) -> tuple[Page, Params]:
        most = params.get("MaxKeys", _MOST)
        if most < 0:
            raise bad("Argument maxKeys must be an integer between 0 and 2147483647")
        prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
        encode = _encoder(params)
        with translated():
            if most:
                taken = min(most, _MOST)
                found = await page(self._objects, params["Bucket"], prefix, delimiter, after, taken)
            else:
                await self._objects.bucket(params["Bucket"])
                found = Page([], [])
        answer: Params = {
            "Name": params["Bucket"],
            "Prefix": encode(prefix),
            "MaxKeys": most,
            "IsTruncated": found.last is not None,
            "Contents": [_content(each, encode) for each in found.objects],
            "CommonPrefixes": [{"Prefix": encode(each)} for each in found.prefixes],
        }
        if delimiter:
            answer["Delimiter"] = encode(delimiter)
        if "EncodingType" in params:
            answer["EncodingType"] = params["EncodingType"]
        return found, answer


def _content(found: Object, encode: Callable[[str], str]) -> dict[str, Any]:
    return {
        "Key": encode(found.key),
        "LastModified": modified(found),
        "ETag": f'"{found.etag}"',
        "Size": found.size,
        "StorageClass": "STANDARD",
    }


def _encoder(params: Params) -> Callable[[str], str]:
    if params.get("EncodingType") == "url":
        return lambda text: quote(text, safe="/")
    return lambda text: text


def _token(after: str) -> str:
    return base64.urlsafe_b64encode(after.encode()).decode()


def _untoken(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise bad("The continuation token provided is incorrect") from None
