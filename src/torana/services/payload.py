"""Bodies that are checked as they arrive: against the digest that was signed, chunk by chunk."""

import hashlib
from collections.abc import Callable

from torana.auth.chunks import ChunkDecoder
from torana.auth.sigv4 import OTHER_BODY, STREAMING, UNSIGNED, Claim, SignatureError
from torana.message import Body, Headers, Stream


class _Whole:
    """A body that arrived whole, as a stream."""

    def __init__(self, data: bytes) -> None:
        self.trailers = Headers()
        self._data = data

    def __aiter__(self) -> "_Whole":
        return self

    async def __anext__(self) -> bytes:
        data, self._data = self._data, b""
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Nothing is held."""


def as_stream(body: Body) -> Stream:
    """Any body as a stream."""
    return _Whole(body) if isinstance(body, bytes) else body


Fail = Callable[[SignatureError], Exception]
"""The service's error for a body that is not the one that was signed."""


def checked(stream: Stream, claim: Claim, secret: str, fail: Fail, longest_chunk: int) -> Stream:
    """The body's content. Reading it raises what `fail` makes of a `SignatureError`."""
    if claim.payload in STREAMING:
        return _Chunked(stream, ChunkDecoder(claim, secret, longest_chunk), fail)
    if claim.payload is None or claim.payload == UNSIGNED:
        return stream
    return _Hashed(stream, claim.payload, fail)


class _Chunked:
    """An aws-chunked body's content; its trailers are there at the end."""

    def __init__(self, body: Stream, decoder: ChunkDecoder, fail: Fail) -> None:
        self.trailers = Headers()
        self._body, self._decoder, self._fail = body, decoder, fail

    def __aiter__(self) -> "_Chunked":
        return self

    async def __anext__(self) -> bytes:
        try:
            async for piece in self._body:
                if content := self._decoder.feed(piece):
                    return content
            self._decoder.close()
        except SignatureError as error:
            raise self._fail(error) from None
        self.trailers = self._decoder.trailers
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self._body.aclose()


class _Hashed:
    """A body that ends well only if its digest is the one that was signed."""

    def __init__(self, body: Stream, digest: str, fail: Fail) -> None:
        self.trailers = Headers()
        self._body, self._expected, self._fail = body, digest, fail
        self._found = hashlib.sha256()

    def __aiter__(self) -> "_Hashed":
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._body.__anext__()
        except StopAsyncIteration:
            if self._found.hexdigest() != self._expected:
                raise self._fail(SignatureError("payload", OTHER_BODY)) from None
            raise
        self._found.update(piece)
        return piece

    async def aclose(self) -> None:
        await self._body.aclose()
