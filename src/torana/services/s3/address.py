"""Addresses that name the bucket in the host become those that name it in the path.

Source: "Virtual hosting of general purpose buckets" (S3 User Guide).
"""

import re

from torana.message import Request

_VIRTUAL = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\."
    r"(?:s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com|(?:s3\.)?localhost|s3\.[a-z0-9.-]+)(?::\d+)?",
    re.IGNORECASE,
)
_SERVICE = re.compile(
    r"s3(?:[.-][a-z0-9-]+)?\.(?:amazonaws\.com|localhost)(?::\d+)?", re.IGNORECASE
)


def path_style(request: Request, bucket: str | None) -> Request:
    """The request with its bucket in the path: the `bucket` given, or None: the host's."""
    if bucket is None:
        host = request.headers.get("host") or ""
        match = _VIRTUAL.fullmatch(host)
        bucket = "" if match is None or _SERVICE.fullmatch(host) else match["bucket"]
    if not bucket:
        return request
    path, mark, query = request.target.partition("?")
    target = f"/{bucket}{path if path != '/' else ''}{mark}{query}"
    return Request(
        request.method,
        target,
        request.headers,
        request.body,
        request.peer,
        request.version,
        request.received,
    )
