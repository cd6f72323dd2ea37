"""`$context`: every variable is computed when it is asked for, so an unused one costs nothing.

Source: Developer Guide, "API Gateway mapping template and access logging variable reference".
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from torana.gateway.client_certificate import client_certificate
from torana.gateway.contract import Compiled, Context
from torana.gateway.errors import GatewayError

Get = Callable[[Context], Any]


class Lazy(Mapping[str, Any]):
    """A table of getters, read as a mapping of one request's values."""

    __slots__ = ("_ctx", "_getters")

    def __init__(self, getters: Mapping[str, Get], ctx: Context) -> None:
        self._getters, self._ctx = getters, ctx

    def __getitem__(self, name: str) -> Any:
        return self._getters[name](self._ctx)

    def __iter__(self) -> Iterator[str]:
        return iter(self._getters)

    def __len__(self) -> int:
        return len(self._getters)


def variables(ctx: Context) -> Mapping[str, Any]:
    """`$context` of a request."""
    found = ctx._variables  # pyright: ignore[reportPrivateUsage]
    if found is None:
        found = Lazy(CONTEXT, ctx)
        ctx._variables = found  # pyright: ignore[reportPrivateUsage]
    return found


def getter(path: str) -> Get:
    """The value of a dotted variable such as `identity.sourceIp`, as text or None.

    Resolved once: what a log format or a mapping names is not searched per request.
    """
    first, *rest = path.split(".")
    get = CONTEXT.get(first)
    if get is None:
        return lambda ctx: None
    if not rest:
        return get
    table = _TABLES.get(first)
    if table is not None and len(rest) == 1 and rest[0] in table:
        return table[rest[0]]

    def deep(ctx: Context) -> Any:
        value: Any = get(ctx)
        for name in rest:
            if not isinstance(value, Mapping) or name not in value:
                return None
            value = value[name]  # pyright: ignore[reportUnknownVariableType]
        return value  # pyright: ignore[reportUnknownVariableType]

    return deep


def text(value: Any) -> str:
    """A variable as the service prints it in a log or a header."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@lru_cache(maxsize=64)
def clf(second: int) -> str:
    """A time as in the Common Log Format."""
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))


def _clf_time(ctx: Context) -> str:
    return clf(int(ctx.request.received))


def _milliseconds(seconds: float) -> int | str:
    return "-" if seconds < 0 else round(seconds * 1000)


def _error_message(ctx: Context) -> str | None:
    return None if ctx.error is None else str(ctx.error)


def _error_string(ctx: Context) -> str | None:
    return None if ctx.error is None else msgspec.json.encode(str(ctx.error)).decode()


def _error_type(ctx: Context) -> str | None:
    return ctx.error.type if isinstance(ctx.error, GatewayError) else None


def _validation(ctx: Context) -> str | None:
    error = ctx.error
    return (error.detail or None) if isinstance(error, GatewayError) else None


def _domain_prefix(ctx: Context) -> str:
    return ctx.domain.partition(".")[0]


def _override(ctx: Context) -> dict[str, Any]:
    if ctx.request_override is None:
        ctx.request_override = {"header": {}, "path": {}, "querystring": {}}
    return ctx.request_override


def _response_override(ctx: Context) -> dict[str, Any]:
    if ctx.response_override is None:
        ctx.response_override = {"header": {}}
    return ctx.response_override


def _extended_request_id(ctx: Context) -> str:
    return extended_request_id(ctx.request_id) if ctx.socket is None else ctx.request_id


def _status(ctx: Context) -> int | None:
    return ctx.status or None


IDENTITY: dict[str, Get] = {
    "accessKey": lambda ctx: ctx.principal.context.get("accessKey"),
    "accountId": lambda ctx: ctx.principal.context.get("accountId"),
    "apiKey": lambda ctx: ctx.api_key or None,
    "apiKeyId": lambda ctx: ctx.api_key_id or None,
    "caller": lambda ctx: ctx.principal.context.get("caller"),
    "clientCert": client_certificate,
    "cognitoAuthenticationProvider": lambda ctx: None,
    "cognitoAuthenticationType": lambda ctx: None,
    "cognitoIdentityId": lambda ctx: None,
    "cognitoIdentityPoolId": lambda ctx: None,
    "principalOrgId": lambda ctx: None,
    "sourceIp": lambda ctx: ctx.request.peer.address,
    "user": lambda ctx: ctx.principal.context.get("user"),
    "userAgent": lambda ctx: ctx.request.headers.get("user-agent"),
    "userArn": lambda ctx: ctx.principal.context.get("userArn"),
    "vpcId": lambda ctx: None,
    "vpceId": lambda ctx: None,
}

ERROR: dict[str, Get] = {
    "message": _error_message,
    "messageString": _error_string,
    "responseType": _error_type,
    "validationErrorString": _validation,
}

INTEGRATION: dict[str, Get] = {
    "error": lambda ctx: _error_message(ctx) if ctx.integration_started else None,
    "integrationStatus": lambda ctx: ctx.integration_status or None,
    "latency": lambda ctx: _milliseconds(ctx.integration_latency),
    "requestId": lambda ctx: None,
    "status": lambda ctx: ctx.integration_status or None,
}

WAF: dict[str, Get] = {
    "error": lambda ctx: None,
    "latency": lambda ctx: None,
    "status": lambda ctx: 403 if ctx.web_acl[1] == "WAF_BLOCK" else 200 if ctx.web_acl[1] else None,
}


def _authorizer(ctx: Context) -> Mapping[str, Any]:
    who = ctx.principal
    return {"principalId": who.id, **who.context} if who.id else who.context


def resource_id(path: str) -> str:
    """A stable id of a resource that came from a document: six base-36 characters of its path."""
    number = 0
    for char in path:
        number = (number * 131 + ord(char)) % 36**6
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(digits[number // 36**place % 36] for place in range(5, -1, -1))


FIXED: dict[str, Callable[[Compiled], str | None]] = {
    "accountId": lambda to: to.ports.account,
    "apiId": lambda to: to.api.id,
    "deploymentId": lambda to: to.stage.deployment_id or None,
    "resourceId": lambda to: resource_id(to.method.path),
    "resourcePath": lambda to: to.method.path,
    "stage": lambda to: to.stage.stage_name,
}
"""What every request of a method has in common."""


def _data_processed(ctx: Context) -> int:
    """Bytes of the response and of the request, where that was read whole."""
    asked = ctx.body
    return ctx.response_length + (len(asked) if isinstance(asked, bytes) else 0)


def _of_method(get: Callable[[Compiled], str | None]) -> Get:
    return lambda ctx: get(ctx.to)


CONTEXT: dict[str, Get] = {
    **{name: _of_method(get) for name, get in FIXED.items()},
    "authorizer": _authorizer,
    "connectedAt": lambda ctx: ctx.socket and ctx.socket.connected_at,
    "connectionId": lambda ctx: ctx.socket and ctx.socket.connection_id,
    "disconnectReason": lambda ctx: ctx.socket and (ctx.socket.close_reason or None),
    "disconnectStatusCode": lambda ctx: ctx.socket and (ctx.socket.close_code or None),
    "awsEndpointRequestId": lambda ctx: None,
    "awsEndpointRequestId2": lambda ctx: None,
    "dataProcessed": _data_processed,
    "domainName": lambda ctx: ctx.domain,
    "domainPrefix": _domain_prefix,
    "error": lambda ctx: Lazy(ERROR, ctx),
    "eventType": lambda ctx: ctx.socket and ctx.socket.type,
    "extendedRequestId": _extended_request_id,
    "httpMethod": lambda ctx: ctx.request.method,
    "identity": lambda ctx: Lazy(IDENTITY, ctx),
    "integration": lambda ctx: Lazy(INTEGRATION, ctx),
    "integrationErrorMessage": INTEGRATION["error"],
    "integrationLatency": INTEGRATION["latency"],
    "integrationStatus": INTEGRATION["status"],
    "isCanaryRequest": lambda ctx: ctx.to.canary,
    "messageDirection": lambda ctx: ctx.socket and "IN",
    "messageId": lambda ctx: ctx.socket and (ctx.socket.message_id or None),
    "path": lambda ctx: ctx.full_path,
    "protocol": lambda ctx: ctx.request.version,
    "requestId": lambda ctx: ctx.request_id,
    "requestOverride": _override,
    "requestTime": _clf_time,
    "requestTimeEpoch": lambda ctx: int(ctx.request.received * 1000),
    "responseLatency": lambda ctx: _milliseconds(ctx.finished - ctx.request.received),
    "responseLength": lambda ctx: ctx.response_length,
    "responseOverride": _response_override,
    "routeKey": lambda ctx: ctx.socket.route_key if ctx.socket else ctx.to.route_key or None,
    "status": _status,
    "waf": lambda ctx: Lazy(WAF, ctx),
    "wafResponseCode": lambda ctx: ctx.web_acl[1] or None,
    "webaclArn": lambda ctx: ctx.web_acl[0] or None,
    "xrayTraceId": lambda ctx: ctx.trace_id,
}
_TABLES: dict[str, dict[str, Get]] = {
    "identity": IDENTITY,
    "error": ERROR,
    "integration": INTEGRATION,
    "waf": WAF,
}


def extended_request_id(request_id: str) -> str:
    """`x-amz-apigw-id`: an opaque id of the service's form, one to one with the request id."""
    return request_id.replace("-", "")[:15] + "="
