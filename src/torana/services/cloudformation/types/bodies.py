"""Definitions of APIs within a template, or in a bucket."""

import json
from typing import Any, cast

import yaml
from msgspec import Struct

from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.types.kind import Json, Task

_LARGEST = 6 * 1024 * 1024


class Definition(Struct, frozen=True):
    """A document, and the name that it gives the API."""

    data: bytes
    title: str


async def body_of(task: Task) -> Definition | None:
    """What `Body` or `BodyS3Location` holds. Raises `Unmade`."""
    given: Any = task.properties.get("Body")
    place: Json = task.properties.get("BodyS3Location") or {}
    if given is not None and place:
        raise Unmade("Body and BodyS3Location cannot both be set")
    if given is not None:
        data = given.encode() if isinstance(given, str) else json.dumps(given).encode()
        return Definition(data, _title(given))
    if not place:
        return None
    asked = {"Bucket": str(place.get("Bucket")), "Key": str(place.get("Key"))}
    if place.get("Version"):
        asked["VersionId"] = str(place["Version"])
    out = await task.calls("s3", "GetObject", **asked)
    data = cast(bytes, out["Body"])
    if len(data) > _LARGEST:
        raise Unmade(f"The definition has more than {_LARGEST} bytes")
    try:
        return Definition(data, _title(yaml.safe_load(data)))
    except yaml.YAMLError as error:
        raise Unmade(f"The definition cannot be read: {error}") from None


def _title(document: Any) -> str:
    info: Any = cast(Json, document).get("info") if isinstance(document, dict) else None
    return str(cast(Json, info).get("title") or "") if isinstance(info, dict) else ""
