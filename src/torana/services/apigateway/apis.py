"""REST APIs themselves."""

from datetime import UTC, datetime
from time import time

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
    page,
)
from torana.services.apigateway.faults import bad, no_api
from torana.services.apigateway.patch import EDIT, Rule, boolean, patch
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
    Rule("/minimumCompressionSize", EDIT, _size),
    Rule("/disableExecuteApiEndpoint", ("replace",), boolean),
    Rule("/policy", EDIT),
    Rule("/endpointConfiguration/types/*", EDIT, listed=True),
    Rule("/endpointConfiguration/ipAddressType"),
    Rule(
        "/endpointConfiguration/vpcEndpointIds",
        ("add", "remove"),
        listed=True,
        into=("endpointConfiguration", "vpcEndpointIds"),
    ),
    Rule("/securityPolicy"),
)


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
    kinds = api["endpointConfiguration"]["types"]
    if len(kinds) > 1:
        raise bad("Cannot create an api with multiple Endpoint Types.")
    if not set(kinds) <= {"EDGE", "REGIONAL", "PRIVATE"}:
        raise bad("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE")


def make(sheet: Sheet, params: Json) -> Json:
    """A new API with its root resource."""
    api_id, root = new_id(), new_id()
    given = {**params.get("endpointConfiguration", {})}
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
        **{name: params[name] for name in kept if params.get(name) not in (None, [])},
        "createdDate": int(time()),
        "apiKeySource": params.get("apiKeySource") or "HEADER",
        "endpointConfiguration": {"ipAddressType": "ipv4", "types": ["EDGE"], **given},
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
        async def work(sheet: Sheet) -> Json:
            return shown(make(sheet, params))

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
            patch(api, params.get("patchOperations"), RULES)
            check(api)
            sheet.put(API, api["id"], api)
            return shown(api)

        return await self._book.edit(call, work)

    async def DeleteRestApi(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            for kind in (RESOURCE, PATH, PART, DEPLOYMENT, STAGE):
                async for id, _ in sheet.scan(kind, f"{api['id']}/"):
                    sheet.delete(kind, id)
            sheet.delete(API, api["id"])
            return {}

        return await self._book.edit(call, work)
