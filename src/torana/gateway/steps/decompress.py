"""Compressed request bodies, opened before anything looks into them.

Source: Developer Guide, "Payload compression for REST APIs in API Gateway".
"""

import zlib

from torana.gateway.contract import PAYLOAD_LIMIT, Compiled, Context, Gate
from torana.gateway.errors import GatewayError

_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def build(to: Compiled) -> Gate | None:
    """A gate for APIs with compression on, where the body is mapped or validated."""
    if to.api.minimum_compression_size is None or to.method.integration.type == "HTTP_PROXY":
        return None

    def decompress(ctx: Context) -> None:
        coding = ctx.request.headers.get("content-encoding")
        if coding is None or coding.lower() == "identity":
            return
        window = _WINDOW.get(coding.strip().lower())
        if window is None:
            raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
        ctx.body = inflate(ctx.whole_body(), window)
        ctx.request.headers.remove("content-encoding")

    return decompress


def inflate(body: bytes, window: int) -> bytes:
    """Bounded, so that a small body cannot become a large one. Raises `GatewayError`."""
    decoder = zlib.decompressobj(window)
    try:
        opened = decoder.decompress(body, PAYLOAD_LIMIT + 1)
    except zlib.error:
        raise GatewayError("BAD_REQUEST_BODY") from None
    if len(opened) > PAYLOAD_LIMIT:
        raise GatewayError("REQUEST_TOO_LARGE")
    if not decoder.eof:
        raise GatewayError("BAD_REQUEST_BODY")
    return opened
