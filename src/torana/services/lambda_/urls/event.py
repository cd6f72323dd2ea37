"""A request to a function URL as the function gets it: payload format version 2.0.

Source: Lambda Developer Guide, "Request and response payloads" of function URLs.
"""

import time
from typing import Any

import msgspec

from torana.auth.policy import Caller
from torana.function_payload import cookies, joined_headers, joined_query, payload
from torana.message import Request


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
    found = cookies(request.headers)
    at = request.received or time.time()
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": joined_headers(request, trace_id),
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
    if found:
        made["cookies"] = found
    if query:
        made["queryStringParameters"] = joined_query(query)
    if signer is not None:
        made["requestContext"]["authorizer"] = {"iam": _iam(signer)}
    made.update(payload(body, request.headers.get("content-type")))
    return msgspec.json.encode(made)


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
