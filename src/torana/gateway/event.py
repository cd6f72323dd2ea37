"""A request as a function gets it: the event of payload format version 1.0.

Source: Developer Guide, "Input format of a Lambda function for proxy integration" and "Input to an
API Gateway Lambda authorizer".
"""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from torana.gateway.address import forwarded
from torana.gateway.client_certificate import client_certificate
from torana.gateway.content import binary
from torana.gateway.contract import Compiled, Context
from torana.gateway.headers import passed_on
from torana.gateway.variables import CONTEXT, FIXED, IDENTITY, Get

Event = dict[str, Any]

_IDENTITY = (
    "cognitoIdentityPoolId",
    "accountId",
    "cognitoIdentityId",
    "caller",
    "sourceIp",
    "principalOrgId",
    "accessKey",
    "cognitoAuthenticationType",
    "cognitoAuthenticationProvider",
    "userArn",
    "userAgent",
    "user",
)
_REQUEST = (
    "httpMethod",
    "extendedRequestId",
    "requestTime",
    "path",
    "protocol",
    "domainPrefix",
    "requestTimeEpoch",
    "requestId",
    "domainName",
)


def request_event(to: Compiled) -> Callable[[Context], Event]:
    """The part that proxy integrations and authorizers share; what is fixed is made once."""
    fixed = {name: get(to) for name, get in FIXED.items()}
    context: list[tuple[str, Get]] = [(name, CONTEXT[name]) for name in _REQUEST]
    keyed = to.method.api_key_required
    names = (*_IDENTITY, "apiKey", "apiKeyId") if keyed else _IDENTITY
    identity: list[tuple[str, Get]] = [(name, IDENTITY[name]) for name in names]
    if to.method.operation_name:
        fixed["operationName"] = to.method.operation_name
    stage_variables = to.stage.variables or None
    resource = to.method.path

    def event(ctx: Context) -> Event:
        headers, all_headers = event_headers(ctx)
        query = ctx.query()
        return {
            "resource": resource,
            "path": unquote(_path(ctx)),
            "httpMethod": ctx.request.method,
            "headers": headers,
            "multiValueHeaders": all_headers,
            "queryStringParameters": {name: each[-1] for name, each in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": ctx.path_parameters or None,
            "stageVariables": stage_variables,
            "requestContext": {
                **fixed,
                **{name: get(ctx) for name, get in context},
                "identity": with_certificate({name: get(ctx) for name, get in identity}, ctx),
            },
        }

    return event


def with_certificate(identity: Event, ctx: Context) -> Event:
    """With the certificate of a client that showed one."""
    found = client_certificate(ctx)
    if found is not None:
        identity["clientCert"] = found
    return identity


def proxy_event(to: Compiled) -> Callable[[Context], Event]:
    """The event of an AWS_PROXY integration."""
    base = request_event(to)
    is_binary = binary(to.api.binary_media_types)
    authorized = to.method.authorization_type in ("CUSTOM", "COGNITO_USER_POOLS")
    named = to.method.authorization_type == "CUSTOM"

    def event(ctx: Context) -> Event:
        made = base(ctx)
        if authorized:
            own = dict(ctx.principal.context)
            if named:
                own["principalId"] = ctx.principal.id
            made["requestContext"]["authorizer"] = own
        body = ctx.whole_body()
        encoded = bool(body) and is_binary(ctx.request.headers.get("content-type"))
        made["body"] = _body(body, encoded)
        made["isBase64Encoded"] = encoded
        return made

    return event


def authorizer_event(to: Compiled) -> Callable[[Context], Event]:
    """The event of a REQUEST authorizer: what is absent is empty, not null."""
    base = request_event(to)

    def event(ctx: Context) -> Event:
        made = base(ctx)
        for name, value in made.items():
            if value is None:
                made[name] = {}
        return {"type": "REQUEST", "methodArn": method_arn(ctx), **made}

    return event


def method_arn(ctx: Context) -> str:
    """The ARN of what is asked for."""
    ports, stage = ctx.to.ports, ctx.to.stage.stage_name
    place = f"{ctx.request.method}{ctx.path}" if ctx.socket is None else ctx.socket.route_key
    api = f"arn:aws:execute-api:{ports.region}:{ports.account}:{ctx.to.api.id}"
    return f"{api}/{stage}/{place}"


def _path(ctx: Context) -> str:
    """Without the stage, where it is part of the address; with the base path of a domain."""
    return (
        ctx.path
        if ctx.full_path.endswith(f"/{ctx.to.stage.stage_name}{ctx.path}")
        else (ctx.full_path)
    )


def event_headers(ctx: Context) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The last value and every value by name, as the first of them is spelled."""
    last: dict[str, str] = {}
    every: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    host = ctx.request.headers.get("host")
    items = [("Host", host)] if host is not None else []
    for name, value in (*items, *passed_on(ctx.request.headers).items, *forwarded(ctx)):
        spelling = spelled.setdefault(name.lower(), name)
        last[spelling] = value
        every.setdefault(spelling, []).append(value)
    return last, every


def _body(body: bytes, encoded: bool) -> str | None:
    if not body:
        return None
    if encoded:
        return base64.b64encode(body).decode("ascii")
    return body.decode("utf-8", "replace")
