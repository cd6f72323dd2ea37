"""Objects of S3 that an operation of another service reads or writes: else whoever may ask that
service could read every object by it.

Source: the services' developer guides on access to Amazon S3: an operation that takes a role reads
as that role, any other as its caller.
"""

from collections.abc import Iterator
from typing import Any, cast

from torana.wire.contract import Asked

Json = dict[str, Any]
Need = tuple[str, str]
"""An action and a resource."""

_READ, _WRITE = "s3:GetObject", "s3:PutObject"
_DEEPEST = 8
_CODE = ("CreateFunction", "UpdateFunctionCode", "PublishLayerVersion")


def objects(prefix: str, asked: Asked) -> list[Need]:
    """What is read and written beside what the operation is about."""
    if prefix == "s3":
        return []
    found = list(_walk(asked.params, 0))
    if prefix == "lambda" and asked.operation.name in _CODE:
        code: Json = asked.params.get("Code") or asked.params.get("Content") or asked.params
        if code.get("S3Bucket"):
            found.append((_READ, _arn(code["S3Bucket"], code.get("S3Key"))))
    bucket = asked.params.get("OutputBucketName")
    if isinstance(bucket, str) and bucket:
        found.append((_WRITE, _arn(bucket, asked.params.get("OutputKey"))))
    return found


def _walk(value: Any, depth: int) -> Iterator[Need]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for each in cast(list[Any], value):
            yield from _walk(each, depth + 1)
    if not isinstance(value, dict):
        return
    for name, each in cast(Json, value).items():
        if name == "S3Object" and isinstance(each, dict):
            place = cast(Json, each)
            yield _READ, _arn(place.get("Bucket"), place.get("Name"))
        elif isinstance(each, str) and each.startswith("s3://"):
            bucket, _, key = each.removeprefix("s3://").partition("/")
            yield (_WRITE if "output" in name.lower() else _READ), _arn(bucket, key)
        elif "output" in name.lower() and isinstance(each, dict):
            for _, arn in _walk(each, depth + 1):
                yield _WRITE, arn
        else:
            yield from _walk(each, depth + 1)


def _arn(bucket: Any, key: Any) -> str:
    return f"arn:aws:s3:::{bucket}/{key or '*'}"
