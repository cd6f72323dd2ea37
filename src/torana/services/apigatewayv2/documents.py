"""OpenAPI documents in and out: import, reimport, export. Of HTTP APIs only, as on the service."""

import asyncio
from typing import Any, cast

import msgspec

from torana.model.http_api import HttpApi
from torana.openapi import HttpDocument, InvalidDocument, read_http, write_http
from torana.services.apigateway.faults import bad
from torana.services.apigateway.plane import Endpoint
from torana.services.apigatewayv2.apis import check, make, shown
from torana.services.apigatewayv2.book import (
    API,
    AUTHORIZER,
    DEPLOYMENT,
    INTEGRATION,
    ROUTE,
    ROUTE_KEY,
    STAGE,
    Book,
    Json,
    Sheet,
    new_id,
    part,
    the_api,
)
from torana.services.apigatewayv2.deploying import Deploying
from torana.services.apigatewayv2.integrations import check as check_integration
from torana.services.apigatewayv2.routes import put_route
from torana.services.apigatewayv2.snapshot import SNAPSHOT, http_api, snapshot
from torana.services.ports import Call

_FIELDS = (
    "Name",
    "Description",
    "Version",
    "CorsConfiguration",
    "Tags",
    "Lifecycle",
    "Privacy",
)


class Documents:
    """Operations on whole documents."""

    def __init__(self, book: Book, deploying: Deploying, endpoint: Endpoint) -> None:
        self._book, self._deploying, self._endpoint = book, deploying, endpoint

    async def ImportApi(self, call: Call, params: Json) -> Json:
        document = await _read(params)

        async def work(sheet: Sheet) -> Json:
            given = {"Name": document.api.name, "ProtocolType": "HTTP"}
            api = make(given)
            await _take(sheet, api, document.api)
            return _told(shown(api, self._endpoint), document)

        return await self._book.edit(call, work)

    async def ReimportApi(self, call: Call, params: Json) -> Json:
        document = await _read(params)

        async def work(sheet: Sheet, api: Json) -> Json:
            if api["ProtocolType"] != "HTTP":
                raise bad("Importing is supported only for HTTP APIs")
            for kind in (ROUTE, ROUTE_KEY, INTEGRATION, AUTHORIZER):
                async for id, _ in sheet.scan(kind, f"{api['ApiId']}/"):
                    sheet.delete(kind, id)
            for name in _FIELDS:
                api.pop(name, None)
            await _take(sheet, api, document.api)
            return _told(shown(api, self._endpoint), document)

        return await self._deploying.edit(call, params["ApiId"], work)

    async def ExportApi(self, call: Call, params: Json) -> Json:
        if params["Specification"].upper() != "OAS30":
            raise bad("Invalid specification: OAS30 is the only supported value")
        syntax = params["OutputType"].lower()
        if syntax not in ("json", "yaml"):
            raise bad("Invalid output type: it must be JSON or YAML")
        if params.get("ExportVersion") not in (None, "1.0"):
            raise bad("Invalid export version: 1.0 is the only supported value")

        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            if api["ProtocolType"] != "HTTP":
                raise bad("Exporting is supported only for HTTP APIs")
            found = await self._exported(sheet, api, params.get("StageName"))
            text = await asyncio.to_thread(
                write_http,
                http_api(found),
                endpoint=self._endpoint(api["ApiId"], "http"),
                extensions=params.get("IncludeExtensions", True),
                syntax=syntax,
            )
            return {"body": text.encode()}

        return await self._book.read(work)

    async def _exported(self, sheet: Sheet, api: Json, name: str | None) -> Json:
        """A stage's deployment, or the API as it is now."""
        if not name:
            return await snapshot(sheet, api)
        stage = await part(sheet, STAGE, api["ApiId"], name)
        if not stage.get("DeploymentId"):
            raise bad(f"Stage '{name}' has no deployment")
        deployment = await part(sheet, DEPLOYMENT, api["ApiId"], stage["DeploymentId"])
        return deployment[SNAPSHOT]


async def _read(params: Json) -> HttpDocument:
    base = params.get("Basepath") or "ignore"
    if base not in ("ignore", "prepend", "split"):
        raise bad("Invalid basepath: it must be ignore, prepend or split")
    text: str = params["Body"]
    try:
        document = await asyncio.to_thread(read_http, text, "body", basepath=cast(Any, base))
    except InvalidDocument as error:
        lines = "\n".join(str(mistake) for mistake in error.mistakes)
        raise bad(f"Errors found during import:\n{lines}") from error
    if document.warnings and params.get("FailOnWarnings"):
        lines = "\n".join(str(mistake) for mistake in document.warnings)
        raise bad(f"Warnings found during import:\n{lines}")
    return document


def _told(api: Json, document: HttpDocument) -> Json:
    answer = dict(api)
    if document.info:
        answer["ImportInfo"] = list(document.info)
    if document.warnings:
        answer["Warnings"] = [str(mistake) for mistake in document.warnings]
    return answer


async def _take(sheet: Sheet, api: Json, model: HttpApi) -> None:
    """Write what a document says. Raises the service's error."""
    fields = _plain(model)
    api.update({name: fields[name] for name in _FIELDS if name in fields})
    api.setdefault("Tags", {})
    api["DisableExecuteApiEndpoint"] = model.disable_execute_api_endpoint
    check(api)
    await sheet.get(API, api["ApiId"])
    sheet.put(API, api["ApiId"], api)
    prefix = api["ApiId"]
    authorizers, integrations = dict[str, str](), dict[str, str]()
    for each in model.authorizers:
        id = authorizers[each.authorizer_id] = new_id(6)
        made = {**_plain(each), "AuthorizerId": id}
        if each.authorizer_type == "JWT":
            made.pop("AuthorizerPayloadFormatVersion", None)
        sheet.put(AUTHORIZER, f"{prefix}/{id}", made)
    for each in model.integrations:
        id = integrations[each.integration_id] = new_id(7)
        made = {"ApiGatewayManaged": False, **_plain(each), "IntegrationId": id}
        await check_integration(sheet, api, made)
        sheet.put(INTEGRATION, f"{prefix}/{id}", made)
    for each in model.routes:
        made = {"ApiGatewayManaged": False, "ApiKeyRequired": False, **_plain(each)}
        made["RouteId"] = new_id(7)
        if each.target:
            made["Target"] = f"integrations/{integrations[each.target.partition('/')[2]]}"
        if each.authorizer_id:
            made["AuthorizerId"] = authorizers[each.authorizer_id]
        await put_route(sheet, api, made)


def _plain(value: msgspec.Struct) -> Json:
    """A part of the model as a document, without what says nothing."""
    made: Json = msgspec.to_builtins(value)
    kept = {name: each for name, each in made.items() if each not in (None, "", [], (), {}, False)}
    cors = kept.get("CorsConfiguration")
    if cors is not None:
        own = {name: each for name, each in cors.items() if each not in (None, [], (), False)}
        kept["CorsConfiguration"] = own
    return kept
