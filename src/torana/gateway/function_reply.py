"""What a function answers to a proxy integration, as the client gets it.

Source: Developer Guide, "Output format of a Lambda function for proxy integration", and Lambda
Developer Guide, "Handling Lambda errors with an API Gateway API".
"""

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import msgspec

from torana.gateway.contract import Context
from torana.gateway.errors import GatewayError
from torana.gateway.headers import passed_back
from torana.message import Continued, Headers, Reply

_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_HEAD_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "cookies"})
_DELIMITER = bytes(8)
_HEAD_LIMIT = 64 * 1024


def malformed(why: str) -> GatewayError:
    """The function failed, or its answer is not of the form."""
    return GatewayError("DEFAULT_5XX", status=502, detail=f"Malformed Lambda proxy response: {why}")


def whole(
    ctx: Context,
    payload: bytes,
    binary_wanted: bool,
    kind: str = "application/json",
    *,
    needs_status: bool = False,
) -> Reply:
    """The reply of a buffered answer; `kind`: what a body is that the function does not say it of.
    Raises `GatewayError`."""
    answer = _object(payload, _MEMBERS)
    if needs_status and answer.get("statusCode") is None:
        raise malformed("there is no statusCode")
    body: Any = answer.get("body")
    encoded: Any = answer.get("isBase64Encoded")
    if not isinstance(body, str | None) or not isinstance(encoded, bool | None):
        raise malformed("body must be a text, isBase64Encoded a boolean")
    data = (body or "").encode()
    if encoded and binary_wanted:
        try:
            data = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise GatewayError("API_CONFIGURATION_ERROR", detail="body is not base64") from None
    headers = _headers(answer, kind)
    headers.add("X-Amzn-Trace-Id", ctx.trace_id)
    return Reply(_status(answer), passed_back(headers), data)


async def streamed(ctx: Context, pieces: AsyncIterator[bytes]) -> Reply:
    """The reply of a streamed answer: its head, eight NULs, then the body as it comes.

    Source: Developer Guide, "Set up a Lambda proxy integration with payload response streaming".
    """
    begun = b""
    async for piece in pieces:
        begun += piece
        head, found, rest = begun.partition(_DELIMITER)
        if found:
            answer = _object(head, _HEAD_MEMBERS)
            headers = _headers(answer)
            for cookie in cast(list[Any], answer.get("cookies") or []):
                headers.add("Set-Cookie", str(cookie))
            headers.add("X-Amzn-Trace-Id", ctx.trace_id)
            return Reply(_status(answer), passed_back(headers), Continued(rest, pieces))
        if len(begun) > _HEAD_LIMIT:
            break
    raise malformed("there is no head before the body")


def _object(payload: bytes, members: frozenset[str]) -> Mapping[str, Any]:
    try:
        answer = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        raise malformed("not JSON") from None
    if not isinstance(answer, dict):
        raise malformed("not an object")
    found = cast(dict[str, Any], answer)
    if not found.keys() <= members:
        raise malformed(f"it holds {min(found.keys() - members)[:80]!r}")
    return found


def _status(answer: Mapping[str, Any]) -> int:
    given: Any = answer.get("statusCode")
    if given is None:
        return 200
    try:
        status = -1 if isinstance(given, bool) else int(given)
    except (TypeError, ValueError):
        status = -1
    if not 100 <= status <= 599:
        raise malformed(f"statusCode cannot be {str(given)[:40]}")
    return status


def _headers(answer: Mapping[str, Any], kind: str = "application/json") -> Headers:
    """Both forms together; a value that both name comes once."""
    single = _checked(answer.get("headers"), str | bool)
    multiple = _checked(answer.get("multiValueHeaders"), list)
    headers = Headers()
    several: dict[str, list[str]] = {}
    for name, values in multiple.items():
        texts = [_text(value) for value in cast(list[Any], values)]
        several.setdefault(name.lower(), []).extend(texts)
        for text in texts:
            headers.add(name, text)
    for name, value in single.items():
        if _text(value) not in several.get(name.lower(), ()):
            headers.add(name, _text(value))
    if "content-type" not in headers:
        headers.add("Content-Type", kind)
    return headers


def _checked(given: Any, kind: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise malformed("headers must be an object")
    found = cast(dict[str, Any], given)
    if not all(isinstance(value, kind) for value in found.values()):
        raise malformed("a header's value is of the wrong type")
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if "\r" in text or "\n" in text or "\0" in text:
        raise malformed("a header's value holds a line break")
    return text
