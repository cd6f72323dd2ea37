"""What functions are told of HTTP requests, and what their answers mean: payload format 2.0, as
function URLs and HTTP APIs have it.

Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs"; Lambda
Developer Guide, "Request and response payloads" of function URLs.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec

from torana.message import Headers, Reply, Request

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"}
)
_OURS = frozenset({"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"})
_TEXTS = frozenset({"application/json", "application/javascript", "application/xml"})
_NOT_BACK = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})


class Malformed(Exception):
    """The function failed, or its answer is not of the form."""


def joined_headers(request: Request, trace_id: str) -> dict[str, str]:
    """Headers by their name in lower case, several values joined; cookies go apart."""
    found: dict[str, str] = {}
    for name, values in request.headers.index().items():
        if name not in _HOP_BY_HOP and name not in _OURS and name != "cookie":
            found[name] = ",".join(values)
    peer = request.peer
    before = request.headers.get("x-forwarded-for")
    found["x-forwarded-for"] = f"{before}, {peer.address}" if before else peer.address
    found["x-forwarded-port"] = str(peer.local_port)
    found["x-forwarded-proto"] = peer.scheme
    found["x-amzn-trace-id"] = trace_id
    return found


def joined_query(query: str) -> dict[str, str]:
    """Query parameters, several values joined."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def cookies(headers: Headers) -> list[str]:
    """Every cookie, as `name=value`."""
    return [each for line in headers.all("cookie") for each in line.split("; ")]


def payload(body: bytes, content_type: str | None) -> dict[str, Any]:
    """`body`, where there is one, and `isBase64Encoded`. Only what is surely text travels as it is;
    forms do not, as with the service."""
    if not body:
        return {"isBase64Encoded": False}
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+json", "+xml")):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
"""What HTTP APIs take a body for whose function names no type; function URLs take it for JSON."""


def whole(payload: bytes, kind: str = JSON) -> Reply:
    """The reply of a buffered answer; `kind`: what a body is that the function does not say it of.
    Raises `Malformed`."""
    answer = decoded(payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        # Without a status the whole answer is the body.
        return Reply(200, Headers([("Content-Type", JSON)]), payload)
    found = cast(dict[str, Any], answer)
    reply = head(found, kind)
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


def decoded(payload: bytes) -> Any:
    """JSON. Raises `Malformed`."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("not JSON") from None


def head(answer: Mapping[str, Any], kind: str = JSON) -> Reply:
    """Status and headers. Raises `Malformed`."""
    headers = Headers()
    for name, value in _object(answer.get("headers")).items():
        if name.lower() not in _NOT_BACK:
            headers.add(name, text(value))
    for cookie in cast(list[Any], answer.get("cookies") or []):
        headers.add("Set-Cookie", text(cookie))
    if "content-type" not in headers:
        headers.add("Content-Type", kind)
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


def text(value: Any) -> str:
    """A header's value. Raises `Malformed` for one that would end its line."""
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text or "\0" in text:
        raise Malformed("a header's value holds a line break")
    return text
