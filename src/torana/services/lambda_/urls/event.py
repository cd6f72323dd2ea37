"""A request to a function URL as the function gets it: payload format version 2.0.

Source: Lambda Developer Guide, "Request and response payloads" of function URLs.
"""

import base64
import time
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from torana.auth.policy import Caller
from torana.message import Request

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"}
)
_OURS = frozenset({"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"})
_TEXTS = frozenset({"application/json", "application/javascript", "application/xml"})


class Signer(msgspec.Struct, frozen=True):
    """Who signed a request."""

    arn: str
    user_id: str
    access_key_id: str
    caller: Caller


def event(
    request: Request,
    body: bytes,
    *,
    id: str,
    domain: str,
    path: str,
    request_id: str,
    trace_id: str,
    signer: Signer | None,
) -> bytes:
    """The event. `path` as it came, still percent-encoded."""
    query = request.target.partition("?")[2]
    headers = _headers(request, trace_id)
    cookies = request.headers.all("cookie")
    at = request.received or time.time()
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": signer.caller.account if signer else "anonymous",
            "apiId": id,
            "domainName": domain,
            "domainPrefix": id,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.version,
                "sourceIp": request.peer.address,
                "userAgent": request.headers.get("user-agent"),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at)),
            "timeEpoch": int(at * 1000),
        },
    }
    if cookies:
        made["cookies"] = [each for line in cookies for each in line.split("; ")]
    if query:
        made["queryStringParameters"] = _query(query)
    if signer is not None:
        made["requestContext"]["authorizer"] = {"iam": _iam(signer)}
    made.update(_body(body, request.headers.get("content-type")))
    return msgspec.json.encode(made)


def _headers(request: Request, trace_id: str) -> dict[str, str]:
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


def _query(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _iam(signer: Signer) -> dict[str, Any]:
    return {
        "accessKey": signer.access_key_id,
        "accountId": signer.caller.account,
        "callerId": signer.user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": signer.arn,
        "userId": signer.user_id,
    }


def _body(body: bytes, content_type: str | None) -> dict[str, Any]:
    """Only what is surely text travels as it is; forms do not, as with the service."""
    if not body:
        return {"isBase64Encoded": False}
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in _TEXTS or kind.endswith(("+json", "+xml")):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
