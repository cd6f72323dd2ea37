"""A request as functions get it from HTTP APIs: payload formats 1.0 and 2.0, of integrations and of
authorizers.

Source: Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs" and "Control access to
HTTP APIs with AWS Lambda authorizers". Paths are decoded, unlike those of REST APIs.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from torana.function_payload import cookies, joined_headers, joined_query, payload
from torana.gateway.address import forwarded
from torana.gateway.client_certificate import client_certificate
from torana.gateway.contract import Context
from torana.gateway.event import with_certificate
from torana.gateway.headers import passed_on
from torana.gateway.http_api.compiled import HttpCompiled
from torana.gateway.variables import CONTEXT, IDENTITY

Event = dict[str, Any]
Make = Callable[[Context], Event]

_IDENTITY = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "sourceIp",
    "user",
    "userAgent",
    "userArn",
)
_time, _epoch = CONTEXT["requestTime"], CONTEXT["requestTimeEpoch"]


def function_event(to: HttpCompiled, version: str) -> Make:
    """The event of an integration."""
    base = _VERSIONS[version](to)

    def event(ctx: Context) -> Event:
        made = base(ctx)
        body = payload(ctx.whole_body(), ctx.request.headers.get("content-type"))
        if version == "1.0":
            made["body"] = None
        made.update(body)
        return made

    return event


def authorizer_event(to: HttpCompiled, version: str) -> Callable[[Context, list[str]], Event]:
    """The event of an authorizer, with the values of its identity sources."""
    base = _VERSIONS[version](to)
    ports, stage = to.ports, to.stage.stage_name
    arn = f"arn:aws:execute-api:{ports.region}:{ports.account}:{to.http.api_id}/{stage}"

    def event(ctx: Context, identity: list[str]) -> Event:
        made = base(ctx)
        place = f"{arn}/{ctx.request.method}{ctx.path}"
        if version == "2.0":
            made["requestContext"].pop("authorizer", None)
            said = {"version": "2.0", "type": "REQUEST", "routeArn": place}
            return {**said, "identitySource": identity or None, **made}
        made["requestContext"].pop("authorizer", None)
        joined = ",".join(identity)
        return {
            "version": "1.0",
            "type": "REQUEST",
            "methodArn": place,
            "identitySource": joined,
            "authorizationToken": joined,
            **made,
        }

    return event


def _two(to: HttpCompiled) -> Make:
    key, stage = to.route_key, to.stage.stage_name
    account, api_id = to.ports.account, to.http.api_id
    variables = to.stage.variables
    kind = to.route.authorization_type

    def event(ctx: Context) -> Event:
        request, path = ctx.request, unquote(ctx.full_path)
        headers = joined_headers(request, ctx.trace_id)
        if isinstance(ctx.body, bytes):
            headers.setdefault("content-length", str(len(ctx.body)))
        context: Event = {
            "accountId": account,
            "apiId": api_id,
            "domainName": ctx.domain,
            "domainPrefix": ctx.domain.partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.version,
                "sourceIp": request.peer.address,
                "userAgent": request.headers.get("user-agent") or "",
            },
            "requestId": ctx.request_id,
            "routeKey": key,
            "stage": stage,
            "time": _time(ctx),
            "timeEpoch": _epoch(ctx),
        }
        if kind != "NONE":
            context["authorizer"] = _authorizer(ctx, kind)
        certificate = client_certificate(ctx)
        if certificate is not None:
            context["authentication"] = {"clientCert": certificate}
        made: Event = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": ctx.raw_query,
            "headers": headers,
            "requestContext": context,
        }
        if found := cookies(request.headers):
            made["cookies"] = found
        if ctx.raw_query:
            made["queryStringParameters"] = joined_query(ctx.raw_query)
        if ctx.path_parameters:
            made["pathParameters"] = ctx.path_parameters
        if variables:
            made["stageVariables"] = variables
        return made

    return event


def _authorizer(ctx: Context, kind: str) -> Event:
    own = ctx.principal.context
    if kind == "JWT":
        return {"jwt": {"claims": own.get("claims"), "scopes": own.get("scopes")}}
    if kind == "CUSTOM":
        return {"lambda": dict(own) or None}
    return {
        "iam": {
            "accessKey": own.get("accessKey"),
            "accountId": own.get("accountId"),
            "callerId": own.get("caller"),
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": own.get("userArn"),
            "userId": own.get("user"),
        }
    }


def _one(to: HttpCompiled) -> Make:
    stage, account, api_id = to.stage.stage_name, to.ports.account, to.http.api_id
    resource, variables = to.method.path, to.stage.variables or None
    kind = to.route.authorization_type

    def event(ctx: Context) -> Event:
        request, path = ctx.request, unquote(ctx.full_path)
        headers, every = _headers(ctx)
        query = ctx.query()
        return {
            "version": "1.0",
            "resource": resource,
            "path": path,
            "httpMethod": request.method,
            "headers": headers,
            "multiValueHeaders": every,
            "queryStringParameters": {name: each[-1] for name, each in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "requestContext": {
                "accountId": account,
                "apiId": api_id,
                "authorizer": _one_authorizer(ctx, kind),
                "domainName": ctx.domain,
                "domainPrefix": ctx.domain.partition(".")[0],
                "extendedRequestId": ctx.request_id,
                "httpMethod": request.method,
                "identity": with_certificate({k: IDENTITY[k](ctx) for k in _IDENTITY}, ctx),
                "path": path,
                "protocol": request.version,
                "requestId": ctx.request_id,
                "requestTime": _time(ctx),
                "requestTimeEpoch": _epoch(ctx),
                "resourceId": to.route_key,
                "resourcePath": resource,
                "stage": stage,
            },
            "pathParameters": ctx.path_parameters or None,
            "stageVariables": variables,
        }

    return event


def _one_authorizer(ctx: Context, kind: str) -> Event:
    who = ctx.principal
    if kind == "CUSTOM":
        return {**({"principalId": who.id} if who.id else {}), **who.context}
    if kind == "JWT":
        return dict(who.context)
    return {"claims": None, "scopes": None}


def _headers(ctx: Context) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Names as the service spells them: its own in capitals, the client's in lower case."""
    last: dict[str, str] = {}
    every: dict[str, list[str]] = {}
    request = ctx.request
    body = ctx.body if isinstance(ctx.body, bytes) else b""
    own = [
        ("Content-Length", str(len(body))),
        ("Host", request.headers.get("host") or ""),
        ("User-Agent", request.headers.get("user-agent") or ""),
        *forwarded(ctx),
    ]
    spelled = {name.lower(): name for name, _ in own}
    sent = [item for item in passed_on(request.headers).items if item[0].lower() not in spelled]
    for name, value in (*own, *sent):
        spelling = spelled.get(name.lower(), name.lower())
        last[spelling] = value
        every.setdefault(spelling, []).append(value)
    return last, every


_VERSIONS: dict[str, Callable[[HttpCompiled], Make]] = {"1.0": _one, "2.0": _two}
