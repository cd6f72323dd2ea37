"""Integrations, and what WebSocket integrations make of an answer."""

import msgspec

from torana.model.http_api import Integration
from torana.openapi import http_rules
from torana.services.apigateway.faults import bad, conflict
from torana.services.apigatewayv2.book import (
    INTEGRATION,
    INTEGRATION_RESPONSE,
    ROUTE,
    VPC_LINK,
    Json,
    Sheet,
    change,
    every,
    given,
    merge,
    new_id,
    one,
    part,
    parts,
)
from torana.services.apigatewayv2.deploying import Deploying
from torana.services.ports import Call

_GIVEN = (
    "ConnectionId",
    "ConnectionType",
    "ContentHandlingStrategy",
    "CredentialsArn",
    "Description",
    "IntegrationMethod",
    "IntegrationSubtype",
    "IntegrationType",
    "IntegrationUri",
    "PassthroughBehavior",
    "PayloadFormatVersion",
    "RequestTemplates",
    "TemplateSelectionExpression",
    "TimeoutInMillis",
    "TlsConfig",
)
_MAPPED = ("RequestParameters", "ResponseParameters")


async def check(sheet: Sheet, api: Json, integration: Json) -> None:
    """Raises the service's error for an integration that cannot be."""
    if api["ProtocolType"] == "HTTP":
        _check_http(integration)
    else:
        _check_websocket(integration)
    if integration["ConnectionType"] == "VPC_LINK":
        link = integration["ConnectionId"]
        if "${" not in link and await sheet.get(VPC_LINK, link) is None:
            raise bad(f"Invalid VPC link specified: {link}")


def _check_http(integration: Json) -> None:
    kind = integration["IntegrationType"]
    if kind not in ("HTTP_PROXY", "AWS_PROXY"):
        raise bad(f"Invalid integration type {kind}: HTTP APIs support HTTP_PROXY and AWS_PROXY")
    for name in ("RequestTemplates", "PassthroughBehavior", "ContentHandlingStrategy"):
        if integration.get(name):
            raise bad(f"{name} is supported only for WebSocket APIs")
    if integration["PayloadFormatVersion"] not in ("1.0", "2.0"):
        raise bad("PayloadFormatVersion must be 1.0 or 2.0")
    wrong = http_rules.integration(msgspec.convert(integration, Integration))
    if wrong is not None:
        raise bad(wrong)


def _check_websocket(integration: Json) -> None:
    for name in ("IntegrationSubtype", "ResponseParameters", "TlsConfig"):
        if integration.get(name):
            raise bad(f"{name} is supported only for HTTP APIs")
    if not 50 <= integration["TimeoutInMillis"] <= 29_000:
        raise bad("TimeoutInMillis must be between 50 and 29000 for WebSocket APIs")
    if integration["IntegrationType"] != "MOCK" and not integration.get("IntegrationUri"):
        raise bad("IntegrationUri is required for this integration type")
    if integration["ConnectionType"] == "VPC_LINK" and not integration.get("ConnectionId"):
        raise bad("ConnectionId is required for connection type VPC_LINK")


def new_integration(api: Json, params: Json) -> Json:
    """An integration's document."""
    http = api["ProtocolType"] == "HTTP"
    made: Json = {
        "IntegrationId": new_id(7),
        "ApiGatewayManaged": False,
        "ConnectionType": "INTERNET",
        "TimeoutInMillis": 30_000 if http else 29_000,
        **given(params, (*_GIVEN, *_MAPPED)),
    }
    if http:
        made.setdefault("PayloadFormatVersion", "1.0")
        if made["IntegrationType"] == "AWS_PROXY" and not made.get("IntegrationSubtype"):
            made.setdefault("IntegrationMethod", "POST")
    else:
        made.setdefault("PayloadFormatVersion", "1.0")
        made.setdefault("PassthroughBehavior", "WHEN_NO_MATCH")
        made.setdefault(
            "IntegrationResponseSelectionExpression",
            "${integration.response.statuscode}",
        )
    return made


class Integrations:
    """Operations on integrations."""

    def __init__(self, deploying: Deploying) -> None:
        self._book, self._deploying = deploying.book, deploying

    async def CreateIntegration(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            if not params.get("PayloadFormatVersion") and _needs_format(api, params):
                raise bad("PayloadFormatVersion is a required parameter for Lambda integrations")
            made = new_integration(api, params)
            await check(sheet, api, made)
            sheet.put(INTEGRATION, f"{api['ApiId']}/{made['IntegrationId']}", made)
            return made

        return await self._deploying.edit(call, params["ApiId"], work)

    async def GetIntegration(self, call: Call, params: Json) -> Json:
        return await one(self._book, call, params, INTEGRATION, "IntegrationId")

    async def GetIntegrations(self, call: Call, params: Json) -> Json:
        return await every(self._book, call, params, INTEGRATION)

    async def UpdateIntegration(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            found = await part(sheet, INTEGRATION, api["ApiId"], params["IntegrationId"])
            change(found, params, _GIVEN)
            for name in _MAPPED:
                merge(found, params, name)
            if found["ConnectionType"] == "INTERNET":
                found.pop("ConnectionId", None)
                found.pop("TlsConfig", None)
            await check(sheet, api, found)
            sheet.put(INTEGRATION, f"{api['ApiId']}/{found['IntegrationId']}", found)
            return found

        return await self._deploying.edit(call, params["ApiId"], work)

    async def DeleteIntegration(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet, api: Json) -> Json:
            found = await part(sheet, INTEGRATION, api["ApiId"], params["IntegrationId"])
            target = f"integrations/{found['IntegrationId']}"
            for route in await parts(sheet, ROUTE, api["ApiId"]):
                if route.get("Target") == target:
                    raise conflict(
                        f"Cannot delete Integration '{found['IntegrationId']}', is referenced in "
                        f"route: {route['RouteKey']}"
                    )
            place = f"{api['ApiId']}/{found['IntegrationId']}"
            async for id, _ in sheet.scan(INTEGRATION_RESPONSE, f"{place}/"):
                sheet.delete(INTEGRATION_RESPONSE, id)
            sheet.delete(INTEGRATION, place)
            return {}

        return await self._deploying.edit(call, params["ApiId"], work)


def _needs_format(api: Json, params: Json) -> bool:
    function = params["IntegrationType"] == "AWS_PROXY" and not params.get("IntegrationSubtype")
    return api["ProtocolType"] == "HTTP" and function
