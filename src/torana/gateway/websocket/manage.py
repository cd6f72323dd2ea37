"""`@connections`: post to a connection, look at it, end it.

Source: the `apigatewaymanagementapi` service model, and Developer Guide, "Use @connections commands
in your backend service".
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from torana.gateway.authorizers.aws_iam import signed
from torana.gateway.contract import Context
from torana.gateway.errors import RESPONSE_TYPES, GatewayError
from torana.gateway.websocket.connections import Errand, Verb
from torana.gateway.websocket.life import MESSAGE_LIMIT, Place
from torana.gateway.websocket.plan import SocketPlan
from torana.gateway.websocket.switchboard import NoAnswer, Switchboard
from torana.ids import new_request_id
from torana.message import BodyTooLarge, Headers, Reply, Request, read

CONNECTIONS = "/@connections/"
ACTION = "execute-api:ManageConnections"

_VERBS: dict[str, Verb] = {"POST": "post", "GET": "look", "DELETE": "end"}
_ENVELOPE = 16 * 1024
"""Bytes that a body may have more while it is signed in chunks."""


async def manage(
    switchboard: Switchboard, plan: SocketPlan, place: Place, id: str, request: Request
) -> Reply:
    """Answer a signed request about a connection of a stage."""
    request_id = new_request_id()
    verb = _VERBS.get(request.method)
    if verb is None:
        missing = RESPONSE_TYPES["MISSING_AUTHENTICATION_TOKEN"]
        return _failed(403, missing.error_type, missing.message, request_id)
    try:
        body = await read(request.body, MESSAGE_LIMIT + _ENVELOPE)
    except BodyTooLarge:
        return _too_large(request_id)
    path, _, query = request.target.partition("?")
    ctx = Context(request, plan.to, request_id, f"{CONNECTIONS}{id}", query, {}, {}, path)
    ctx.body = body
    try:
        await signed(plan.to, ACTION)(ctx)
    except GatewayError as error:
        said = RESPONSE_TYPES[error.type]
        return _failed(error.status or said.status, said.error_type, str(error), request_id)
    body = ctx.whole_body()
    if len(body) > MESSAGE_LIMIT:
        return _too_large(request_id)
    return await run(switchboard, Errand(verb, id, place, body), request_id)


async def run(switchboard: Switchboard, errand: Errand, request_id: str) -> Reply:
    """What became of an errand, as the service says it."""
    try:
        outcome = await switchboard.run(errand)
    except NoAnswer:
        fault = RESPONSE_TYPES["DEFAULT_5XX"]
        return _failed(500, fault.error_type, fault.message, request_id)
    if outcome.said == "gone":
        return _failed(410, "GoneException", "Gone", request_id)
    if outcome.said == "busy":
        busy = "The client does not read what it was sent before"
        return _failed(429, "LimitExceededException", busy, request_id)
    if errand.verb == "look":
        members = {
            "connectedAt": _time(outcome.connected),
            "identity": outcome.identity,
            "lastActiveAt": _time(outcome.active),
        }
        return _json(200, members, request_id)
    status = 200 if errand.verb == "post" else 204
    return Reply(status, Headers([("x-amzn-RequestId", request_id)]))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _too_large(request_id: str) -> Reply:
    longest = f"A message has at most {MESSAGE_LIMIT} bytes"
    return _failed(413, "PayloadTooLargeException", longest, request_id)


def _failed(status: int, code: str, message: str, request_id: str) -> Reply:
    reply = _json(status, {"message": message}, request_id)
    reply.headers.add("x-amzn-ErrorType", code)
    return reply


def _json(status: int, members: dict[str, Any], request_id: str) -> Reply:
    fields = [("Content-Type", "application/json"), ("x-amzn-RequestId", request_id)]
    return Reply(status, Headers(fields), msgspec.json.encode(members))
