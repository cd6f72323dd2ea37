"""What functions get of a WebSocket: the events of AWS_PROXY integrations and of authorizers.

Source: Developer Guide, "About WebSocket APIs in API Gateway" and "Control access to WebSocket APIs
with AWS Lambda REQUEST authorizers".
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from torana.gateway.contract import Compiled, Context
from torana.gateway.errors import GatewayError
from torana.gateway.event import Event, event_headers, method_arn
from torana.gateway.variables import CONTEXT, IDENTITY, Get
from torana.model.websocket_api import ContentHandling

_ALWAYS = (
    "extendedRequestId",
    "requestTime",
    "messageDirection",
    "connectedAt",
    "requestTimeEpoch",
    "requestId",
    "domainName",
    "connectionId",
)
_IDENTITY = (
    "accountId",
    "accessKey",
    "caller",
    "clientCert",
    "user",
    "userArn",
    "userAgent",
    "sourceIp",
)
_KEY = ("apiKey", "apiKeyId")


def request_context(to: Compiled) -> Callable[[Context], Event]:
    """`requestContext`. What is fixed is made once; of the identity, what there is."""
    named: list[tuple[str, Get]] = [(name, CONTEXT[name]) for name in _ALWAYS]
    names = (*_IDENTITY, *_KEY) if to.method.api_key_required else _IDENTITY
    identity: list[tuple[str, Get]] = [(name, IDENTITY[name]) for name in names]
    fixed = {"stage": to.stage.stage_name, "apiId": to.api.id}
    if to.method.operation_name:
        fixed["operationName"] = to.method.operation_name

    def context(ctx: Context) -> Event:
        happened = ctx.socket
        assert happened is not None
        made: Event = {"routeKey": happened.route_key, "eventType": happened.type}
        if happened.type == "DISCONNECT":
            made["disconnectStatusCode"] = happened.close_code
            made["disconnectReason"] = happened.close_reason
        if happened.message_id:
            made["messageId"] = happened.message_id
        for name, get in named:
            made[name] = get(ctx)
        found = ((name, get(ctx)) for name, get in identity)
        made["identity"] = {name: value for name, value in found if value is not None}
        made.update(fixed)
        return made

    return context


def proxy_event(to: Compiled, handling: ContentHandling | None) -> Callable[[Context], Event]:
    """The event of an AWS_PROXY integration."""
    context = request_context(to)
    variables = to.stage.variables

    def event(ctx: Context) -> Event:
        asked = context(ctx)
        if ctx.principal.id and "accessKey" not in ctx.principal.context:
            asked["authorizer"] = {"principalId": ctx.principal.id, **ctx.principal.context}
        made: Event = {"requestContext": asked}
        kind = asked["eventType"]
        if kind == "CONNECT":
            made |= _asked(ctx)
        elif kind == "DISCONNECT":
            left = {"Host": ctx.domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
            made["headers"] = left
            made["multiValueHeaders"] = {name: [value] for name, value in left.items()}
        else:
            made["body"] = ctx.whole_body().decode()
        if variables:
            made["stageVariables"] = variables
        made["isBase64Encoded"] = kind == "MESSAGE" and _is_binary(ctx, handling)
        return made

    return event


def authorizer_event(to: Compiled) -> Callable[[Context], Event]:
    """The event of a REQUEST authorizer: what is absent is empty."""
    context = request_context(to)
    variables = to.stage.variables

    def event(ctx: Context) -> Event:
        return {
            "type": "REQUEST",
            "methodArn": method_arn(ctx),
            "queryStringParameters": {},
            "multiValueQueryStringParameters": {},
            **_asked(ctx),
            "stageVariables": variables,
            "requestContext": context(ctx),
        }

    return event


def _asked(ctx: Context) -> dict[str, Any]:
    """Of the handshake: its header fields, and its query if it has one."""
    headers, every = event_headers(ctx)
    made: dict[str, Any] = {"headers": headers, "multiValueHeaders": every}
    query = ctx.query()
    if query:
        made["queryStringParameters"] = {name: each[-1] for name, each in query.items()}
        made["multiValueQueryStringParameters"] = query
    return made


def _is_binary(ctx: Context, handling: ContentHandling | None) -> bool:
    """Binary content travels as base64 in messages, which are texts. Raises `GatewayError`."""
    if handling != "CONVERT_TO_BINARY":
        return False
    decoded(ctx.whole_body())
    return True


def decoded(body: bytes) -> bytes:
    """What a message in base64 holds. Raises `GatewayError`."""
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise GatewayError("BAD_REQUEST_BODY", detail="the message is not base64") from None
