"""Authorizers of routes."""

import re
from urllib.parse import urlsplit

from torana.services.apigateway.faults import bad, conflict
from torana.services.apigatewayv2.book import (
    AUTHORIZER,
    ROUTE,
    Json,
    Sheet,
    change,
    given,
    new_id,
    page,
    part,
    parts,
    the_api,
)
from torana.services.apigatewayv2.deploying import Deploying
from torana.services.ports import Call

_GIVEN = (
    "AuthorizerCredentialsArn",
    "AuthorizerPayloadFormatVersion",
    "AuthorizerResultTtlInSeconds",
    "AuthorizerType",
    "AuthorizerUri",
    "EnableSimpleResponses",
    "IdentitySource",
    "IdentityValidationExpression",
    "JwtConfiguration",
    "Name",
)
_OF_A_TOKEN = re.compile(r"\$request\.(header|querystring)\.[^\s.][^\s]*")
_OF_HTTP = re.compile(r"\$(request\.(header|querystring)|context|stageVariables)\.[^\s]+")
_OF_WEBSOCKET = re.compile(r"(route\.request\.(header|querystring)|context|stageVariables)\.[^\s]+")
_FUNCTION = re.compile(r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/\S+/invocations")


def check(api: Json, authorizer: Json) -> None:
    """Raises the service's error for an authorizer that cannot be."""
    if not authorizer.get("Name"):
        raise bad("Name is a required parameter and cannot be empty")
    kind = authorizer["AuthorizerType"]
    if kind == "JWT":
        if api["ProtocolType"] != "HTTP":
            raise bad("JWT authorizers are supported only for HTTP APIs")
        _check_jwt(authorizer)
    else:
        _check_request(api["ProtocolType"] == "HTTP", authorizer)


def _check_jwt(authorizer: Json) -> None:
    sources = authorizer.get("IdentitySource", ())
    if len(sources) != 1 or not _OF_A_TOKEN.fullmatch(sources[0]):
        raise bad("Invalid identity source: a JWT authorizer needs one $request.header.… source")
    settings = authorizer.get("JwtConfiguration", {})
    issuer = urlsplit(str(settings.get("Issuer", "")))
    if issuer.scheme not in ("http", "https") or not issuer.hostname:
        raise bad("Invalid issuer: Issuer must be a valid URL that uses the https protocol")
    if not settings.get("Audience"):
        raise bad("Audience list must have at least 1 item for JWT authorizer")
    for name in ("AuthorizerUri", "AuthorizerCredentialsArn", "AuthorizerPayloadFormatVersion"):
        if authorizer.get(name):
            raise bad(f"{name} is supported only for REQUEST authorizers")


def _check_request(http: bool, authorizer: Json) -> None:
    if not _FUNCTION.fullmatch(authorizer.get("AuthorizerUri", "")):
        raise bad("Invalid Authorizer URI: it must be a well-formed Lambda function URI")
    if authorizer.get("JwtConfiguration"):
        raise bad("JwtConfiguration is supported only for JWT authorizers")
    sources, form = authorizer.get("IdentitySource", ()), _OF_HTTP if http else _OF_WEBSOCKET
    for source in sources:
        if not form.fullmatch(source):
            raise bad(f"Invalid identity source specified: {source}")
    if not 0 <= authorizer.get("AuthorizerResultTtlInSeconds", 0) <= 3600:
        raise bad("AuthorizerResultTtlInSeconds must be between 0 and 3600")
    if authorizer.get("AuthorizerResultTtlInSeconds") and not sources:
        raise bad("Caching needs at least one identity source")
    _check_format(http, authorizer)


def _check_format(http: bool, authorizer: Json) -> None:
    version = authorizer.get("AuthorizerPayloadFormatVersion")
    simple = authorizer.get("EnableSimpleResponses")
    if not http:
        if version or simple:
            raise bad("Payload formats and simple responses are supported only for HTTP APIs")
        return
    if version not in ("1.0", "2.0"):
        raise bad("AuthorizerPayloadFormatVersion is a required parameter: 1.0 or 2.0")
    if simple and version != "2.0":
        raise bad("EnableSimpleResponses is supported only with payload format version 2.0")


class Authorizers:
    """Operations on authorizers."""

    def __init__(self, deploying: Deploying) -> None:
        self._book, self._deploying = deploying.book, deploying

    async def CreateAuthorizer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            made = new_authorizer(params)
            await self._put(sheet, api, made)
            return made

        return await self._deploying.edit(call, params["ApiId"], work)

    async def _put(self, sheet: Sheet, api: Json, made: Json) -> None:
        check(api, made)
        for each in await parts(sheet, AUTHORIZER, api["ApiId"]):
            if each["Name"] == made["Name"] and each["AuthorizerId"] != made["AuthorizerId"]:
                raise bad("Authorizer name must be unique. Authorizer with this name exists")
        sheet.put(AUTHORIZER, f"{api['ApiId']}/{made['AuthorizerId']}", made)

    async def GetAuthorizer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["ApiId"])
            return await part(sheet, AUTHORIZER, params["ApiId"], params["AuthorizerId"])

        return await self._book.read(work)

    async def GetAuthorizers(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["ApiId"])
            return page(await parts(sheet, AUTHORIZER, params["ApiId"]), params)

        return await self._book.read(work)

    async def UpdateAuthorizer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            found = await part(sheet, AUTHORIZER, api["ApiId"], params["AuthorizerId"])
            kind = found["AuthorizerType"]
            if params.get("AuthorizerType", kind) != kind:
                raise bad("The type of an authorizer cannot be changed")
            change(found, params, _GIVEN)
            await self._put(sheet, api, found)
            return found

        return await self._deploying.edit(call, params["ApiId"], work)

    async def DeleteAuthorizer(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            found = await part(sheet, AUTHORIZER, api["ApiId"], params["AuthorizerId"])
            for route in await parts(sheet, ROUTE, api["ApiId"]):
                if route.get("AuthorizerId") == found["AuthorizerId"]:
                    raise conflict(
                        f"Cannot delete authorizer '{found['AuthorizerId']}', is referenced in "
                        f"route: {route['RouteKey']}"
                    )
            sheet.delete(AUTHORIZER, f"{api['ApiId']}/{found['AuthorizerId']}")
            return {}

        return await self._deploying.edit(call, params["ApiId"], work)


def new_authorizer(params: Json) -> Json:
    """An authorizer's document."""
    return {"AuthorizerId": new_id(6), **given(params, _GIVEN)}
