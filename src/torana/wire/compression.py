"""Compressed requests, which clients may send to operations that take long lists.

Source: the Smithy 2.0 specification of `smithy.api#requestCompression`.
"""

import zlib

from torana.message import Request
from torana.wire.faults import Malformed

_LIMIT = 16 * 1024 * 1024
"""Bytes of an opened body, so that a small one cannot become a large one."""
_GZIP = 31


def opened(request: Request) -> None:
    """Replace a compressed body by what it holds. Raises `Malformed`."""
    coding = (request.headers.get("content-encoding") or "").strip().lower()
    if coding != "gzip" or not isinstance(request.body, bytes):
        return
    decoder = zlib.decompressobj(_GZIP)
    try:
        body = decoder.decompress(request.body, _LIMIT + 1)
    except zlib.error:
        raise Malformed("The body is not valid gzip") from None
    if len(body) > _LIMIT or not decoder.eof:
        raise Malformed("The body is too large, or cut off")
    request.body = body
    request.headers.remove("content-encoding")
