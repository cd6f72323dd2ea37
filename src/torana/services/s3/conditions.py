"""Conditional requests and ranges. Source: RFC 9110, sections 13 and 14; GetObject's reference."""

import re
from datetime import UTC, datetime

from torana.services.s3.refusals import Params
from torana.state.objects import Object
from torana.wire.faults import ServiceError

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def failed(condition: str) -> ServiceError:
    """`PreconditionFailed`."""
    return ServiceError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        status=412,
        fields={"Condition": condition},
    )


def modified(found: Object) -> datetime:
    """With the precision that HTTP has."""
    return datetime.fromtimestamp(int(found.modified), UTC)


def _names(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
    return "*" in tags or etag in tags


def check(found: Object, params: Params, prefix: str = "") -> None:
    """Raises `ServiceError` unless the object is as the request wants it.

    `prefix`: of the members, as in `CopySourceIfMatch`.
    """
    match, none = params.get(f"{prefix}IfMatch"), params.get(f"{prefix}IfNoneMatch")
    since, until = params.get(f"{prefix}IfModifiedSince"), params.get(f"{prefix}IfUnmodifiedSince")
    if match is not None:
        if not _names(match, found.etag):
            raise failed("If-Match")
    elif until is not None and modified(found) > until:
        raise failed("If-Unmodified-Since")
    unchanged = (
        _names(none, found.etag)
        if none is not None
        else since is not None and modified(found) <= since
    )
    if unchanged and prefix:
        raise failed("If-None-Match" if none is not None else "If-Modified-Since")
    if unchanged:
        raise ServiceError("NotModified", "Not Modified", status=304)


def span(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and number of bytes; None: the whole. A range that is none is not heeded.

    Raises `ServiceError` when nothing of the object is in it.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if start >= size or end <= start:
        raise ServiceError(
            "InvalidRange",
            "The requested range is not satisfiable",
            status=416,
            fields={"RangeRequested": str(header), "ActualObjectSize": str(size)},
        )
    return start, end - start


def replaces(params: Params) -> str | None:
    """What a write may replace: None anything, empty nothing, else the etag."""
    none, match = params.get("IfNoneMatch"), params.get("IfMatch")
    if none is not None:
        if none != "*":
            text = "If-None-Match takes only * when an object is written"
            raise ServiceError("NotImplemented", text, status=501)
        return ""
    return None if match is None else str(match).strip('"')
