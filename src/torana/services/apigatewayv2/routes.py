"""Routes, and what WebSocket routes answer."""

from torana.openapi import http_rules
from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.apigatewayv2.book import (
    AUTHORIZER,
    INTEGRATION,
    ROUTE,
    ROUTE_KEY,
    ROUTE_RESPONSE,
    Json,
    Sheet,
    change,
    every,
    given,
    new_id,
    one,
    part,
)
from torana.services.apigatewayv2.deploying import Deploying
from torana.services.ports import Call

_WEBSOCKET_ONLY = (
    "ApiKeyRequired",
    "ModelSelectionExpression",
    "RequestModels",
    "RequestParameters",
    "RouteResponseSelectionExpression",
)
_GIVEN = (
    "AuthorizationScopes",
    "AuthorizationType",
    "AuthorizerId",
    "ModelSelectionExpression",
    "OperationName",
    "RequestModels",
    "RequestParameters",
    "RouteKey",
    "RouteResponseSelectionExpression",
    "Target",
)
_TYPES = {"HTTP": ("NONE", "AWS_IAM", "CUSTOM", "JWT"), "WEBSOCKET": ("NONE", "AWS_IAM", "CUSTOM")}
_KINDS = {"JWT": "JWT", "CUSTOM": "REQUEST"}
"""The authorizers that an authorization type takes."""


async def check(sheet: Sheet, api: Json, route: Json) -> None:
    """Raises the service's error for a route that cannot be."""
    http = api["ProtocolType"] == "HTTP"
    if http:
        wrong = http_rules.route_key(route["RouteKey"])
        if wrong is not None:
            raise bad(wrong)
        for name in _WEBSOCKET_ONLY:
            if route.get(name):
                raise bad(f"{name} is supported only for WebSocket APIs")
    target = route.get("Target", "")
    if target:
        kind, _, id = target.partition("/")
        found = await sheet.get(INTEGRATION, f"{api['ApiId']}/{id}") if id else None
        if kind != "integrations" or found is None:
            raise bad(f"Invalid target specified: {target}")
    await _check_authorizer(sheet, api, route)


async def _check_authorizer(sheet: Sheet, api: Json, route: Json) -> None:
    kind, id = route["AuthorizationType"], route.get("AuthorizerId")
    if kind not in _TYPES[api["ProtocolType"]]:
        raise bad(f"Authorization type {kind} is not supported on protocol {api['ProtocolType']}")
    if route.get("AuthorizationScopes") and kind != "JWT":
        raise bad("Authorization scopes are supported only with authorization type JWT")
    if kind not in _KINDS:
        if id:
            raise bad(f"AuthorizerId cannot be set with authorization type {kind}")
        return
    if not id:
        raise bad(f"AuthorizerId is required with authorization type {kind}")
    found = await sheet.get(AUTHORIZER, f"{api['ApiId']}/{id}")
    if found is None or found["AuthorizerType"] != _KINDS[kind]:
        raise bad(f"Invalid authorizer specified: {id} is no authorizer of type {_KINDS[kind]}")


def new_route(params: Json) -> Json:
    """A route's document."""
    return {
        "RouteId": new_id(7),
        "ApiGatewayManaged": False,
        "ApiKeyRequired": bool(params.get("ApiKeyRequired")),
        "AuthorizationType": "NONE",
        **given(params, _GIVEN),
    }


async def put_route(sheet: Sheet, api: Json, route: Json) -> None:
    """Write a route under its key. Raises the service's error for a key that is taken."""
    place = f"{api['ApiId']}/{route['RouteKey']}"
    taken = await sheet.get(ROUTE_KEY, place)
    if taken is not None and taken["RouteId"] != route["RouteId"]:
        raise conflict(f"Route with key {route['RouteKey']} already exists for this API")
    sheet.put(ROUTE_KEY, place, {"RouteId": route["RouteId"]})
    sheet.put(ROUTE, f"{api['ApiId']}/{route['RouteId']}", route)


class Routes:
    """Operations on routes."""

    def __init__(self, deploying: Deploying) -> None:
        self._book, self._deploying = deploying.book, deploying

    async def CreateRoute(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            route = new_route(params)
            await check(sheet, api, route)
            await put_route(sheet, api, route)
            return route

        return await self._deploying.edit(call, params["ApiId"], work)

    async def GetRoute(self, call: Call, params: Json) -> Json:
        return await one(self._book, call, params, ROUTE, "RouteId")

    async def GetRoutes(self, call: Call, params: Json) -> Json:
        return await every(self._book, call, params, ROUTE)

    async def UpdateRoute(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            route = await part(sheet, ROUTE, api["ApiId"], params["RouteId"])
            before = route["RouteKey"]
            change(route, params, (*_GIVEN, "ApiKeyRequired"))
            if params.get("AuthorizationType") in ("NONE", "AWS_IAM"):
                route.pop("AuthorizerId", None)
                route.pop("AuthorizationScopes", None)
            await check(sheet, api, route)
            if route["RouteKey"] != before:
                place = f"{api['ApiId']}/{before}"
                await sheet.get(ROUTE_KEY, place)
                sheet.delete(ROUTE_KEY, place)
            await put_route(sheet, api, route)
            return route

        return await self._deploying.edit(call, params["ApiId"], work)

    async def DeleteRoute(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            route = await part(sheet, ROUTE, api["ApiId"], params["RouteId"])
            place = f"{api['ApiId']}/{route['RouteKey']}"
            await sheet.get(ROUTE_KEY, place)
            sheet.delete(ROUTE_KEY, place)
            sheet.delete(ROUTE, f"{api['ApiId']}/{route['RouteId']}")
            prefix = f"{api['ApiId']}/{route['RouteId']}/"
            async for id, _ in sheet.scan(ROUTE_RESPONSE, prefix):
                sheet.delete(ROUTE_RESPONSE, id)
            return {}

        return await self._deploying.edit(call, params["ApiId"], work)

    async def DeleteRouteRequestParameter(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            route = await part(sheet, ROUTE, api["ApiId"], params["RouteId"])
            key = params["RequestParameterKey"]
            if route.get("RequestParameters", {}).pop(key, None) is None:
                raise not_found(f"Unable to find request parameter {key}")
            sheet.put(ROUTE, f"{api['ApiId']}/{route['RouteId']}", route)
            return {}

        return await self._deploying.edit(call, params["ApiId"], work)
