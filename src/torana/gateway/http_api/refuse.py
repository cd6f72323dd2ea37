"""What an HTTP API says in its own words: a short message, and no type.

Source: what the service answers; Developer Guide, "Troubleshoot issues with HTTP API JWT
authorizers" for the challenge.
"""

from collections.abc import Mapping

import msgspec

from torana.gateway.contract import Context
from torana.gateway.errors import RESPONSE_TYPES, GatewayError, Refusal
from torana.gateway.refuse import Writer
from torana.message import Headers, Reply

_FORBIDDEN = (403, "Forbidden")
_OWN: dict[Refusal, tuple[int, str]] = {
    "ACCESS_DENIED": _FORBIDDEN,
    "BAD_REQUEST_BODY": (400, "Bad Request"),
    "BAD_REQUEST_PARAMETERS": (400, "Bad Request"),
    "EXPIRED_TOKEN": _FORBIDDEN,
    "GONE": (410, "This version of the API was retired"),
    "INTEGRATION_FAILURE": (503, "Service Unavailable"),
    "INTEGRATION_TIMEOUT": (503, "Service Unavailable"),
    "INVALID_SIGNATURE": _FORBIDDEN,
    "MISSING_AUTHENTICATION_TOKEN": _FORBIDDEN,
    "OVERLOADED": (503, "Service Unavailable"),
    "REQUEST_TOO_LARGE": (413, "Request Entity Too Large"),
    "RESOURCE_NOT_FOUND": (404, "Not Found"),
    "THROTTLED": (429, "Too Many Requests"),
    "UNAUTHORIZED": (401, "Unauthorized"),
}
_FAULT = (500, "Internal Server Error")


class Challenged(GatewayError):
    """A refusal that tells the client, in `WWW-Authenticate`, what token would do."""

    def __init__(self, type: Refusal, challenge: str, detail: str = "") -> None:
        super().__init__(type, detail=detail)
        self.challenge = challenge


def _writer(name: Refusal) -> Writer:
    status, message = _OWN.get(name, _FAULT)
    body = msgspec.json.encode({"message": message})

    def write(ctx: Context, error: GatewayError) -> Reply:
        reply = Reply(status, Headers([("Content-Type", "application/json")]), body)
        if error.status == 408:
            reply.status, reply.body = 408, b'{"message":"Request Timeout"}'
        if error.retry_after:
            reply.headers.add("Retry-After", str(error.retry_after))
        if isinstance(error, Challenged):
            reply.headers.add("WWW-Authenticate", error.challenge)
        return reply

    return write


WRITERS: Mapping[str, Writer] = {name: _writer(name) for name in RESPONSE_TYPES}
