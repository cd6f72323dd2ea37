"""REST APIs themselves."""

from datetime import UTC, datetime
from time import time

from torana.services.apigateway.book import (
    API,
    DEPLOYMENT,
    FLUSH,
    LIFECYCLE,
    PART,
    PATH,
    RESOURCE,
    STAGE,
    Book,
    Json,
    Sheet,
    new_id,
    page,
)
from torana.services.apigateway.faults import bad, no_api
from torana.services.apigateway.patch import CLEAR, EDIT, Rule, boolean, patch
from torana.services.ports import Call

_COMPRESSION = "Invalid minimum compression size, must be between 0 and 10485760"


def _size(text: str) -> int:
    try:
        size = int(text)
    except ValueError:
        raise bad(_COMPRESSION) from None
    return size


RULES = (
    Rule("/name"),
    Rule("/description", EDIT),
    Rule("/version", EDIT),
    Rule("/apiKeySource"),
    Rule("/binaryMediaTypes/*", EDIT, listed=True),
    Rule("/minimumCompressionSize", ("replace",), _size, null=CLEAR),
    Rule("/disableExecuteApiEndpoint", ("replace",), boolean),
    Rule("/policy", EDIT, null=CLEAR),
    Rule(
        "/endpointConfiguration/types/*",
        EDIT,
        listed=True,
        wrong_op="Invalid patch operation specified. Must be 'add'|'remove'|'replace'",
    ),
    Rule("/endpointConfiguration/ipAddressType"),
    Rule(
        "/endpointConfiguration/vpcEndpointIds",
        ("add", "remove"),
        listed=True,
        into=("endpointConfiguration", "vpcEndpointIds"),
    ),
    Rule("/securityPolicy"),
)


_SCHEMA = '{{\n  "$schema" : "http://json-schema.org/draft-04/schema#",\n  "title" : "{} Schema",'
_MODELS = {
    "Empty": _SCHEMA.format("Empty") + '\n  "type" : "object"\n}',
    "Error": _SCHEMA.format("Error")
    + '\n  "type" : "object",\n  "properties" : {\n    "message" : { "type" : "string" }\n  }\n}',
}
"""What every new API begins with."""


async def the_api(sheet: Sheet, call: Call, api_id: str) -> Json:
    """An API's document. Raises the service's error."""
    api = await sheet.get(API, api_id)
    if api is None:
        raise no_api(call.principal.account, api_id)
    return api


def shown(api: Json) -> Json:
    """An API as the service answers it."""
    return {**api, "createdDate": datetime.fromtimestamp(api["createdDate"], UTC)}


def check(api: Json) -> None:
    """Raises the service's error for an API that cannot be."""
    if not api.get("name"):
        raise bad("Name cannot be empty")
    if api.get("description") == "":
        raise bad("Description cannot be an empty string")
    size = api.get("minimumCompressionSize")
    if size is not None and not 0 <= size <= 10485760:
        raise bad(_COMPRESSION)
    _check_endpoint(api["endpointConfiguration"])


def _check_endpoint(endpoint: Json) -> None:
    kinds, address = endpoint["types"], endpoint["ipAddressType"]
    if not kinds:
        raise bad("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
    if len(kinds) > 1:
        raise bad("Cannot create an api with multiple Endpoint Types.")
    if not set(kinds) <= {"EDGE", "REGIONAL", "PRIVATE"}:
        raise bad("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE")
    if address not in ("ipv4", "dualstack"):
        raise bad("ipAddressType must be either ipv4 or dualstack.")
    if kinds == ["PRIVATE"] and address != "dualstack":
        raise bad("Only dualstack ipAddressType is supported for Private APIs.")


def make(sheet: Sheet, params: Json) -> Json:
    """A new API with its root resource."""
    api_id, root = new_id(), new_id()
    endpoint: Json = {"types": ["EDGE"], **(params.get("endpointConfiguration") or {})}
    private = endpoint["types"] == ["PRIVATE"]
    endpoint.setdefault("ipAddressType", "dualstack" if private else "ipv4")
    kept = (
        "name",
        "description",
        "version",
        "binaryMediaTypes",
        "minimumCompressionSize",
        "policy",
        "tags",
        "securityPolicy",
    )
    api: Json = {
        "id": api_id,
        **{name: params[name] for name in kept if params.get(name) not in (None, [], {})},
        "createdDate": int(time()),
        "apiKeySource": params.get("apiKeySource") or "HEADER",
        "endpointConfiguration": endpoint,
        "disableExecuteApiEndpoint": bool(params.get("disableExecuteApiEndpoint")),
        "rootResourceId": root,
    }
    check(api)
    sheet.put(API, api_id, api)
    sheet.put(RESOURCE, f"{api_id}/{root}", {"id": root, "path": "/"})
    return api


class Apis:
    """Operations on REST APIs."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateRestApi(self, call: Call, params: Json) -> Json:
        if params.get("cloneFrom"):
            raise bad("cloneFrom is not supported here: export the API and import it")

        async def work(sheet: Sheet) -> Json:
            api = make(sheet, params)
            for name, schema in _MODELS.items():
                part = {
                    "id": new_id(6),
                    "name": name,
                    "description": f"This is a default {name.lower()} schema model",
                    "schema": schema,
                    "contentType": "application/json",
                }
                sheet.put(PART, f"{api['id']}/model/{name}", part)
            return shown(api)

        return await self._book.edit(call, work)

    async def GetRestApi(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(await the_api(sheet, call, params["restApiId"]))

        return await self._book.read(work)

    async def GetRestApis(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return page([shown(api) async for _, api in sheet.scan(API)], params)

        return await self._book.read(work)

    async def UpdateRestApi(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            before = list(api["endpointConfiguration"]["types"])
            patch(api, params.get("patchOperations"), RULES)
            endpoint = api.setdefault("endpointConfiguration", {"ipAddressType": "ipv4"})
            endpoint.setdefault("types", [])
            if endpoint["types"] == ["PRIVATE"] != before:
                endpoint["ipAddressType"] = "dualstack"
            check(api)
            sheet.put(API, api["id"], api)
            return {"tags": {}, **shown(api)}

        return await self._book.edit(call, work)

    async def DeleteRestApi(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            for kind in (RESOURCE, PATH, PART, DEPLOYMENT, STAGE, FLUSH, LIFECYCLE):
                async for id, _ in sheet.scan(kind, f"{api['id']}/"):
                    sheet.delete(kind, id)
            sheet.delete(API, api["id"])
            return {}

        return await self._book.edit(call, work)
