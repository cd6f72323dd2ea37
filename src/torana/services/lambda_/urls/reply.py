"""What a function answers to its URL, as the client gets it.

Source: Lambda Developer Guide, "Request and response payloads" of function URLs.
"""

from collections.abc import AsyncGenerator
from typing import Any, cast

from torana.function_payload import Malformed, decoded, head
from torana.message import Body, Continued, Headers, Reply
from torana.services.payload import as_stream
from torana.wire.event_stream import Frames, MalformedFrame

PRELUDE = "application/vnd.awslambda.http-integration-response"
_DELIMITER = bytes(8)
_HEAD_LIMIT = 64 * 1024


async def streamed(body: Body, content_type: str) -> Reply:
    """The reply of a streamed answer, once its head is there. Raises `Malformed`."""
    pieces = chunks(body)
    begun = b""
    if content_type != PRELUDE:
        begun = await anext(pieces, b"")
        fields = Headers([("Content-Type", content_type)])
        return Reply(200, fields, _Rest(begun, pieces))
    async for piece in pieces:
        begun += piece
        first, found, rest = begun.partition(_DELIMITER)
        if found:
            answer = decoded(first)
            if not isinstance(answer, dict):
                break
            reply = head(cast(dict[str, Any], answer))
            reply.body = _Rest(rest, pieces)
            return reply
        if len(begun) > _HEAD_LIMIT:
            break
    await pieces.aclose()
    raise Malformed("there is no head before the body")


async def chunks(body: Body) -> AsyncGenerator[bytes]:
    """What a function streams, out of the event stream that it comes in.

    Raises `Malformed` when it broke off, and what the stream raises.
    """
    frames, stream = Frames(), as_stream(body)
    try:
        async for piece in stream:
            for frame in frames.feed(piece):
                if frame.headers.get(":event-type") == "PayloadChunk":
                    if frame.payload:
                        yield frame.payload
                elif b'"ErrorCode"' in frame.payload:
                    raise Malformed("the function broke off its stream")
                else:
                    return
    except MalformedFrame as error:
        raise Malformed(str(error)) from error
    finally:
        await stream.aclose()
    raise Malformed("the event stream ended too early")


class _Rest(Continued):
    """The body of a streamed answer; one that breaks off breaks the connection off."""

    async def __anext__(self) -> bytes:
        try:
            return await super().__anext__()
        except Malformed as error:
            raise ConnectionError(str(error)) from error
