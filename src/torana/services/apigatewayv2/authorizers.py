"""Authorizers of routes."""

import re

import msgspec

from torana.model.http_api import Authorizer
from torana.openapi import http_rules
from torana.services.apigateway.faults import bad, conflict
from torana.services.apigatewayv2.book import (
    AUTHORIZER,
    ROUTE,
    Json,
    Sheet,
    change,
    every,
    given,
    new_id,
    one,
    part,
    parts,
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
_OF_WEBSOCKET = re.compile(r"(route\.request\.(header|querystring)|context|stageVariables)\.[^\s]+")


def check(api: Json, authorizer: Json) -> None:
    """Raises the service's error for an authorizer that cannot be."""
    if api["ProtocolType"] == "HTTP":
        _check_http(authorizer)
    else:
        _check_websocket(authorizer)


def _check_http(authorizer: Json) -> None:
    request = authorizer["AuthorizerType"] == "REQUEST"
    version = authorizer.get("AuthorizerPayloadFormatVersion")
    if request and version not in ("1.0", "2.0"):
        raise bad("AuthorizerPayloadFormatVersion is a required parameter: 1.0 or 2.0")
    if not request and version:
        raise bad("AuthorizerPayloadFormatVersion is supported only for REQUEST authorizers")
    wrong = http_rules.authorizer(msgspec.convert(authorizer, Authorizer))
    if wrong is not None:
        raise bad(wrong)


def _check_websocket(authorizer: Json) -> None:
    """Those of WebSocket APIs are the older kind, with expressions of their own."""
    if authorizer["AuthorizerType"] == "JWT":
        raise bad("JWT authorizers are supported only for HTTP APIs")
    for name in (
        "AuthorizerPayloadFormatVersion",
        "AuthorizerResultTtlInSeconds",
        "EnableSimpleResponses",
        "JwtConfiguration",
    ):
        if authorizer.get(name):
            raise bad(f"{name} is supported only for HTTP APIs")
    for source in authorizer.get("IdentitySource", ()):
        if not _OF_WEBSOCKET.fullmatch(source):
            raise bad(f"Invalid identity source specified: {source}")
    alone = {name: each for name, each in authorizer.items() if name != "IdentitySource"}
    wrong = http_rules.authorizer(msgspec.convert(alone, Authorizer))
    if wrong is not None:
        raise bad(wrong)


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
        return await one(self._book, call, params, AUTHORIZER, "AuthorizerId")

    async def GetAuthorizers(self, call: Call, params: Json) -> Json:
        return await every(self._book, call, params, AUTHORIZER)

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
