"""OpenAPI documents in and out: import, overwrite, merge, export."""

import asyncio
from typing import Any, Literal, cast

import msgspec

from torana.model.rest import Integration, Method, RestApi
from torana.net.pauses import with_pauses
from torana.openapi import Document, InvalidDocument, read, write
from torana.openapi.write import Extension
from torana.services.apigateway.apis import make, shown, the_api
from torana.services.apigateway.assemble import restoring, stage_of
from torana.services.apigateway.book import (
    API,
    DEPLOYMENT,
    PART,
    PATH,
    RESOURCE,
    STAGE,
    Book,
    Json,
    Sheet,
    new_id,
)
from torana.services.apigateway.faults import bad, missing, not_found
from torana.services.apigateway.resources import slot
from torana.services.ports import Call

_FORMATS: dict[str, Literal["oas30", "swagger"]] = {"oas30": "oas30", "swagger": "swagger"}
_NAMES: dict[str, tuple[Extension, ...]] = {
    "integrations": ("integrations",),
    "authorizers": ("authorizers",),
    "apigateway": ("apigateway",),
}


class Documents:
    """Operations on whole documents."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def ImportRestApi(self, call: Call, params: Json) -> Json:
        document = await _read(params)

        async def work(sheet: Sheet) -> Json:
            api = make(sheet, {"name": document.api.name})
            _fields(api, document.api, params)
            await _Writing(sheet, api).take(document.api)
            sheet.put(API, api["id"], api)
            return _told(api, document)

        return await self._book.edit(call, work)

    async def PutRestApi(self, call: Call, params: Json) -> Json:
        document = await _read(params)

        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            if params.get("mode") != "merge":
                await _clear(sheet, api)
                api.pop("lifecycle", None)
                api.pop("privacy", None)
            _fields(api, document.api, params)
            await _Writing(sheet, api).take(document.api)
            sheet.put(API, api["id"], api)
            return _told(api, document)

        return await self._book.edit(call, work)

    async def GetExport(self, call: Call, params: Json) -> Json:
        kind = _FORMATS.get(params["exportType"])
        if kind is None:
            raise bad("Invalid export type. Valid types are oas30, swagger")

        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["restApiId"])
            stage = await sheet.get(STAGE, f"{params['restApiId']}/{params['stageName']}")
            if stage is None:
                raise missing("stage")
            place = f"{params['restApiId']}/{stage['deploymentId']}"
            deployment = await sheet.get(DEPLOYMENT, place)
            if deployment is None:
                raise not_found("Invalid Deployment identifier specified")
            return await _written(deployment, stage, params, kind)

        return await self._book.read(work)


async def _written(
    deployment: Json, stage: Json, params: Json, kind: Literal["oas30", "swagger"]
) -> Json:
    wanted = _given(params).get("extensions", "")
    extensions: list[Extension] = []
    for name in filter(None, (each.strip() for each in wanted.split(","))):
        if name not in _NAMES:
            raise bad(f"Invalid extension: {name}")
        extensions += _NAMES[name]
    accepts = params.get("accepts") or "application/json"
    syntax: Literal["json", "yaml"] = "yaml" if "yaml" in accepts else "json"
    api = await with_pauses(restoring(deployment))
    text = await asyncio.to_thread(
        write, api, stage_of(stage), format=kind, extensions=extensions, syntax=syntax
    )
    return {
        "contentType": accepts,
        "contentDisposition": f'attachment; filename="{kind}_{params["stageName"]}.{syntax}"',
        "body": text.encode(),
    }


async def _read(params: Json) -> Document:
    body = params.get("body") or b""
    text = bytes(body).decode("utf-8", "replace")
    base = _given(params).get("basepath", "ignore")
    if base not in ("ignore", "prepend", "split"):
        raise bad("Invalid basepath: it must be ignore, prepend or split")
    try:
        document = await asyncio.to_thread(read, text, "body", basepath=cast(Any, base))
    except InvalidDocument as error:
        if not text.strip():
            raise bad("Unable to build importer with provided input.") from None
        lines = "\n".join(str(mistake) for mistake in error.mistakes)
        raise bad(f"Errors found during import:\n{lines}") from error
    if document.warnings and params.get("failOnWarnings"):
        lines = "\n".join(str(mistake) for mistake in document.warnings)
        raise bad(f"Warnings found during import:\n{lines}")
    return document


def _given(params: Json) -> dict[str, str]:
    """The parameters of an import or an export."""
    given: dict[str, str] | None = params.get("parameters")
    return given or {}


def _told(api: Json, document: Document) -> Json:
    answer = shown(api)
    if document.warnings:
        answer["warnings"] = [str(mistake) for mistake in document.warnings]
    return answer


def _fields(api: Json, model: RestApi, params: Json) -> None:
    api["name"] = model.name
    given: Json = {
        "description": model.description,
        "version": model.version,
        "binaryMediaTypes": list(model.binary_media_types),
        "minimumCompressionSize": model.minimum_compression_size,
        "policy": msgspec.json.encode(model.policy).decode() if model.policy else None,
        "tags": model.tags,
        "lifecycle": msgspec.to_builtins(model.lifecycle) if model.lifecycle else None,
        "privacy": msgspec.to_builtins(model.privacy) if model.privacy else None,
    }
    api.update({name: value for name, value in given.items() if value not in (None, "", [], {})})
    api["apiKeySource"] = model.api_key_source
    api["disableExecuteApiEndpoint"] = model.disable_execute_api_endpoint
    types = _given(params).get("endpointConfigurationTypes")
    if types:
        api["endpointConfiguration"]["types"] = types.split(",")


async def _clear(sheet: Sheet, api: Json) -> None:
    for kind in (RESOURCE, PATH, PART):
        async for id, _ in sheet.scan(kind, f"{api['id']}/"):
            sheet.delete(kind, id)
    api["rootResourceId"] = new_id()
    root = {"id": api["rootResourceId"], "path": "/"}
    sheet.put(RESOURCE, f"{api['id']}/{root['id']}", root)


class _Writing:
    """A model's parts and methods, written over what an API has."""

    def __init__(self, sheet: Sheet, api: Json) -> None:
        self._sheet, self._api = sheet, api
        self._resources: dict[str, Json] = {}
        self._named: dict[tuple[str, str], str] = {}

    async def take(self, model: RestApi) -> None:
        """Everything that the document has."""
        prefix = f"{self._api['id']}/"
        root = await self._sheet.get(RESOURCE, f"{prefix}{self._api['rootResourceId']}")
        assert root is not None
        self._resources["/"] = root
        async for _, each in self._sheet.scan(RESOURCE, prefix):
            if each["id"] != root["id"] and await self._kept(each):
                self._resources[each["path"]] = each
        await self._parts(model)
        for method in model.methods:
            resource = self._resource(method.path)
            resource.setdefault("methods", {})[method.http_method] = self._method(method)
        for resource in self._resources.values():
            self._sheet.put(RESOURCE, f"{prefix}{resource['id']}", resource)

    async def _kept(self, resource: Json) -> bool:
        place = f"{self._api['id']}/{resource['id']}"
        return await self._sheet.get(RESOURCE, place) is not None

    def _resource(self, path: str) -> Json:
        found = self._resources.get(path)
        if found is not None:
            return found
        above, _, part = path.rpartition("/")
        parent = self._resource(above or "/")
        made: Json = {"id": new_id(6), "parentId": parent["id"], "pathPart": part, "path": path}
        self._resources[path] = made
        place = slot(self._api["id"], parent["id"], part)
        self._sheet.put(PATH, place, {"id": made["id"], "part": part})
        return made

    async def _parts(self, model: RestApi) -> None:
        for each in model.models.values():
            schema = msgspec.json.encode(each.schema).decode()
            kept: Json = {"name": each.name, "schema": schema, "contentType": each.content_type}
            await self._part("model", each.name, {"id": new_id(6), **kept})
        for name, each in model.request_validators.items():
            part = msgspec.to_builtins(each)
            self._named["validator", name] = part["id"] = new_id(6)
            await self._part("validator", part["id"], part)
        for name, each in model.authorizers.items():
            part = msgspec.to_builtins(each)
            part["providerARNs"] = part.pop("providerArns")
            self._named["authorizer", name] = part["id"] = new_id(6)
            await self._part("authorizer", part["id"], {k: v for k, v in part.items() if v})
        for name, each in model.gateway_responses.items():
            part = {**msgspec.to_builtins(each), "defaultResponse": False}
            await self._part("response", name, {k: v for k, v in part.items() if v is not None})

    async def _part(self, kind: str, name: str, part: Json) -> None:
        place = f"{self._api['id']}/{kind}/{name}"
        await self._sheet.get(PART, place)
        self._sheet.put(PART, place, part)

    def _method(self, method: Method) -> Json:
        made: Json = {
            "httpMethod": method.http_method,
            "authorizationType": method.authorization_type,
            "apiKeyRequired": method.api_key_required,
            "authorizerId": self._named.get(("authorizer", method.authorizer or "")),
            "authorizationScopes": list(method.authorization_scopes),
            "requestValidatorId": self._named.get(("validator", method.request_validator or "")),
            "requestParameters": method.request_parameters,
            "requestModels": method.request_models,
            "operationName": method.operation_name,
            "methodResponses": {
                each.status_code: _without_nothing(msgspec.to_builtins(each))
                for each in method.responses
            },
            "methodIntegration": _integration(method.integration),
        }
        return {"apiKeyRequired": method.api_key_required, **_without_nothing(made)}


def _integration(integration: Integration) -> Json:
    made = msgspec.to_builtins(integration)
    responses = made.pop("responses")
    made["integrationResponses"] = {
        each["statusCode"]: {"selectionPattern": "", **_without_nothing(each)} for each in responses
    }
    made["cacheKeyParameters"] = list(made["cacheKeyParameters"])
    keep = {"cacheKeyParameters": made["cacheKeyParameters"]}
    return {**keep, **_without_nothing(made)}


def _without_nothing(value: Json) -> Json:
    return {name: each for name, each in value.items() if each not in (None, "", [], {}, False)}
