"""APIs themselves, and what quick create makes of one line."""

from time import time

import msgspec

from torana.model.http_api import DEFAULT, Cors
from torana.openapi import http_rules
from torana.services.apigateway.faults import bad
from torana.services.apigateway.plane import Endpoint
from torana.services.apigatewayv2.book import (
    API,
    INTEGRATION,
    MAPPING,
    OF_AN_API,
    ROUTE,
    ROUTE_KEY,
    Book,
    Json,
    Sheet,
    change,
    dated,
    given,
    new_id,
    page,
    part,
    parts,
    the_api,
)
from torana.services.apigatewayv2.deploying import Deploying
from torana.services.apigatewayv2.stages import new_stage
from torana.services.ports import Call

HTTP_SELECTION = "${request.method} ${request.path}"
_GIVEN = (
    "ApiKeySelectionExpression",
    "CorsConfiguration",
    "Description",
    "IpAddressType",
    "Name",
    "RouteSelectionExpression",
    "Tags",
    "Version",
)
_FLAGS = ("DisableExecuteApiEndpoint", "DisableSchemaValidation")


def check(api: Json) -> None:
    """Raises the service's error for an API that cannot be."""
    if not api.get("Name"):
        raise bad("Name is a required parameter and cannot be empty")
    http = api["ProtocolType"] == "HTTP"
    selection = api.get("RouteSelectionExpression", "")
    if http and selection != HTTP_SELECTION:
        raise bad(
            f"Invalid routeSelectionExpression specified: for HTTP APIs it must be {HTTP_SELECTION}"
        )
    if not http and not selection.startswith("$request.body."):
        raise bad("Invalid routeSelectionExpression specified: WebSocket APIs need $request.body.…")
    cors = api.get("CorsConfiguration")
    if cors is None:
        return
    if not http:
        raise bad("CORS is supported only for HTTP APIs")
    wrong = http_rules.cors(msgspec.convert(cors, Cors))
    if wrong is not None:
        raise bad(wrong)


def shown(api: Json, endpoint: Endpoint) -> Json:
    """An API as the service answers it, at the address that it has now."""
    scheme = "http" if api["ProtocolType"] == "HTTP" else "ws"
    return {**dated(api), "ApiEndpoint": endpoint(api["ApiId"], scheme)}


def make(params: Json) -> Json:
    """A new API. Raises the service's error."""
    http = params["ProtocolType"] == "HTTP"
    id = new_id()
    api: Json = {
        "ApiId": id,
        "ApiGatewayManaged": False,
        "ProtocolType": params["ProtocolType"],
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "IpAddressType": "ipv4",
        "CreatedDate": int(time()),
        "Tags": {},
        **({"RouteSelectionExpression": HTTP_SELECTION} if http else {}),
        **given(params, _GIVEN),
        **{name: bool(params.get(name)) for name in _FLAGS},
    }
    check(api)
    return api


class Apis:
    """Operations on APIs."""

    def __init__(self, book: Book, deploying: Deploying, endpoint: Endpoint) -> None:
        self._book, self._deploying, self._endpoint = book, deploying, endpoint

    async def CreateApi(self, call: Call, params: Json) -> Json:
        quick = [name for name in ("Target", "RouteKey", "CredentialsArn") if params.get(name)]
        if quick and params["ProtocolType"] != "HTTP":
            raise bad(f"{quick[0]} is supported only for HTTP APIs")
        if quick and not params.get("Target"):
            raise bad(f"{quick[0]} needs a Target")

        async def work(sheet: Sheet) -> Json:
            api = make(params)
            sheet.put(API, api["ApiId"], api)
            if params.get("Target"):
                _quick(sheet, api, params)
                stage = new_stage(DEFAULT, {"AutoDeploy": True})
                stage["ApiGatewayManaged"] = True
                await self._deploying.follow(sheet, api, stage)
            return shown(api, self._endpoint)

        return await self._book.edit(call, work)

    async def GetApi(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(await the_api(sheet, call, params["ApiId"]), self._endpoint)

        return await self._book.read(work)

    async def GetApis(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [shown(each, self._endpoint) async for _, each in sheet.scan(API)]
            return page(found, params)

        return await self._book.read(work)

    async def UpdateApi(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            names = [name for name in _GIVEN if name != "Tags"]
            change(api, params, (*names, *_FLAGS))
            check(api)
            sheet.put(API, api["ApiId"], api)
            await _change_quick(sheet, api, params)
            return shown(api, self._endpoint)

        return await self._deploying.edit(call, params["ApiId"], work)

    async def DeleteCorsConfiguration(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            api.pop("CorsConfiguration", None)
            sheet.put(API, api["ApiId"], api)
            return {}

        return await self._deploying.edit(call, params["ApiId"], work)

    async def DeleteApi(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            async for _, mapping in sheet.scan(MAPPING):
                if mapping["restApiId"] == api["ApiId"]:
                    raise bad(
                        "Deleting API failed. Please remove all base path mappings related to the "
                        "API in your domains"
                    )
            for kind in OF_AN_API:
                async for id, _ in sheet.scan(kind, f"{api['ApiId']}/"):
                    sheet.delete(kind, id)
            sheet.delete(API, api["ApiId"])
            return {}

        return await self._book.edit(call, work)


def _target(target: str, credentials: str | None) -> Json:
    """The integration of a quick create, by what its target looks like."""
    if target.startswith("arn:"):
        kind = {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0"}
        if credentials:
            kind["CredentialsArn"] = credentials
        return {**kind, "IntegrationMethod": "POST", "IntegrationUri": target}
    if not target.startswith(("http://", "https://")):
        raise bad("Invalid target specified: it must be a URL or a function's ARN")
    kind = {"IntegrationType": "HTTP_PROXY", "PayloadFormatVersion": "1.0"}
    return {**kind, "IntegrationMethod": "ANY", "IntegrationUri": target}


def _quick(sheet: Sheet, api: Json, params: Json) -> None:
    id, integration, route = api["ApiId"], new_id(7), new_id(7)
    key = params.get("RouteKey") or DEFAULT
    made: Json = {
        "IntegrationId": integration,
        "ApiGatewayManaged": True,
        "ConnectionType": "INTERNET",
        "TimeoutInMillis": 30_000,
        **_target(params["Target"], params.get("CredentialsArn")),
    }
    sheet.put(INTEGRATION, f"{id}/{integration}", made)
    target: Json = {
        "RouteId": route,
        "RouteKey": key,
        "ApiGatewayManaged": True,
        "ApiKeyRequired": False,
        "AuthorizationType": "NONE",
        "Target": f"integrations/{integration}",
    }
    sheet.put(ROUTE, f"{id}/{route}", target)
    sheet.put(ROUTE_KEY, f"{id}/{key}", {"RouteId": route})


async def _change_quick(sheet: Sheet, api: Json, params: Json) -> None:
    """The parts that quick create has made go on being changed through their API."""
    quick = [name for name in ("Target", "RouteKey", "CredentialsArn") if params.get(name)]
    if not quick:
        return
    id = api["ApiId"]
    routes = [each for each in await parts(sheet, ROUTE, id) if each.get("ApiGatewayManaged")]
    if not routes:
        raise bad(f"{quick[0]} can be updated only for APIs created with quick create")
    route = routes[0]
    integration = await part(sheet, INTEGRATION, id, route["Target"].partition("/")[2])
    if params.get("RouteKey"):
        sheet.delete(ROUTE_KEY, f"{id}/{route['RouteKey']}")
        route["RouteKey"] = params["RouteKey"]
        sheet.put(ROUTE_KEY, f"{id}/{route['RouteKey']}", {"RouteId": route["RouteId"]})
        sheet.put(ROUTE, f"{id}/{route['RouteId']}", route)
    if params.get("Target"):
        integration.update(_target(params["Target"], params.get("CredentialsArn")))
    elif params.get("CredentialsArn"):
        integration["CredentialsArn"] = params["CredentialsArn"]
    sheet.put(INTEGRATION, f"{id}/{integration['IntegrationId']}", integration)
