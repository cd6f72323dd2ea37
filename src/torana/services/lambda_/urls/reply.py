"""What a function answers to its URL, as the client gets it.

Source: Lambda Developer Guide, "Request and response payloads" of function URLs.
"""

import base64
import binascii
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

import msgspec

from torana.message import Body, Continued, Headers, Reply
from torana.services.payload import as_stream
from torana.wire.event_stream import Frames, MalformedFrame

PRELUDE = "application/vnd.awslambda.http-integration-response"
_DELIMITER = bytes(8)
_HEAD_LIMIT = 64 * 1024
_NOT_BACK = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})


class Malformed(Exception):
    """The function failed, or its answer is not of the form."""


def whole(payload: bytes) -> Reply:
    """The reply of a buffered answer. Raises `Malformed`."""
    answer = _decoded(payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        # Without a status the whole answer is the body.
        return Reply(200, Headers([("Content-Type", "application/json")]), payload)
    found = cast(dict[str, Any], answer)
    reply = _head(found)
    body: Any = found.get("body")
    if body is not None and not isinstance(body, str):
        raise Malformed("body must be a text")
    reply.body = (body or "").encode()
    if found.get("isBase64Encoded"):
        try:
            reply.body = base64.b64decode(reply.body, validate=True)
        except binascii.Error:
            raise Malformed("body is not base64") from None
    return reply


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
        head, found, rest = begun.partition(_DELIMITER)
        if found:
            answer = _decoded(head)
            if not isinstance(answer, dict):
                break
            reply = _head(cast(dict[str, Any], answer))
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


def _decoded(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("not JSON") from None


def _head(answer: Mapping[str, Any]) -> Reply:
    headers = Headers()
    for name, value in _object(answer.get("headers")).items():
        if name.lower() not in _NOT_BACK:
            headers.add(name, _text(value))
    for cookie in cast(list[Any], answer.get("cookies") or []):
        headers.add("Set-Cookie", _text(cookie))
    if "content-type" not in headers:
        headers.add("Content-Type", "application/json")
    return Reply(_status(answer.get("statusCode", 200)), headers)


def _object(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Malformed("headers must be an object")
    return cast(dict[str, Any], given)


def _status(given: Any) -> int:
    try:
        status = -1 if isinstance(given, bool) else int(given)
    except (TypeError, ValueError):
        status = -1
    if not 200 <= status <= 599:
        raise Malformed(f"statusCode cannot be {str(given)[:40]}")
    return status


def _text(value: Any) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text or "\0" in text:
        raise Malformed("a header's value holds a line break")
    return text
