"""Pages of portal products: texts in Markdown, and endpoints of REST APIs.

Source: API Gateway Developer Guide, "Create a product page" and "Create a product REST endpoint".
"""

from time import time

import msgspec

from torana.net.pauses import with_pauses
from torana.services.apigateway.assemble import restoring
from torana.services.apigateway.book import DEPLOYMENT as REST_DEPLOYMENT
from torana.services.apigateway.book import STAGE as REST_STAGE
from torana.services.apigateway.faults import bad
from torana.services.apigateway.plane import Endpoint
from torana.services.apigatewayv2.book import (
    ENDPOINT_PAGE,
    PRODUCT_PAGE,
    Book,
    Json,
    Sheet,
    new_id,
    page,
    part,
    parts,
)
from torana.services.apigatewayv2.portal_products import arn_of, forget, the_product, touched
from torana.services.moments import moment
from torana.services.ports import Call


def _dated(document: Json) -> Json:
    return {**document, "LastModified": moment(document["LastModified"])}


class Pages:
    """Operations on texts."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateProductPage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            place, id = product["PortalProductId"], new_id()
            made: Json = {
                "ProductPageId": id,
                "ProductPageArn": arn_of(call, f"portalproducts/{place}/productpages/{id}"),
                "DisplayContent": params["DisplayContent"],
                "LastModified": time(),
            }
            sheet.put(PRODUCT_PAGE, f"{place}/{id}", made)
            product["DisplayOrder"]["ProductPageArns"].append(made["ProductPageArn"])
            touched(sheet, product)
            return _dated(made)

        return await self._book.edit(call, work)

    async def GetProductPage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            id = product["PortalProductId"]
            return _dated(await part(sheet, PRODUCT_PAGE, id, params["ProductPageId"]))

        return await self._book.read(work)

    async def ListProductPages(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            found: list[Json] = []
            for each in await parts(sheet, PRODUCT_PAGE, product["PortalProductId"]):
                own = _dated(each)
                own["PageTitle"] = own.pop("DisplayContent")["Title"]
                found.append(own)
            return page(found, params)

        return await self._book.read(work)

    async def UpdateProductPage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            place = product["PortalProductId"]
            found = await part(sheet, PRODUCT_PAGE, place, params["ProductPageId"])
            if params.get("DisplayContent") is not None:
                found["DisplayContent"] = params["DisplayContent"]
            found["LastModified"] = time()
            sheet.put(PRODUCT_PAGE, f"{place}/{found['ProductPageId']}", found)
            return _dated(found)

        return await self._book.edit(call, work)

    async def DeleteProductPage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            place = product["PortalProductId"]
            found = await part(sheet, PRODUCT_PAGE, place, params["ProductPageId"])
            sheet.delete(PRODUCT_PAGE, f"{place}/{found['ProductPageId']}")
            forget(product, found["ProductPageArn"])
            touched(sheet, product)
            return {}

        return await self._book.edit(call, work)


class EndpointPages:
    """Operations on endpoints."""

    def __init__(self, book: Book, endpoint: Endpoint) -> None:
        self._book, self._endpoint = book, endpoint

    async def CreateProductRestEndpointPage(self, call: Call, params: Json) -> Json:
        named: Json | None = params["RestEndpointIdentifier"].get("IdentifierParts")
        if named is None:
            raise bad("RestEndpointIdentifier must have IdentifierParts")

        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            await _there(sheet, named)
            place, id = product["PortalProductId"], new_id()
            path = f"portalproducts/{place}/productrestendpointpages/{id}"
            made: Json = {
                "ProductRestEndpointPageId": id,
                "ProductRestEndpointPageArn": arn_of(call, path),
                "RestEndpointIdentifier": {"IdentifierParts": named},
                "Overrides": _overrides(params),
                "Status": "AVAILABLE",
                "TryItState": params.get("TryItState") or "DISABLED",
                "LastModified": time(),
            }
            for each in await parts(sheet, ENDPOINT_PAGE, place):
                if each["RestEndpointIdentifier"] == made["RestEndpointIdentifier"]:
                    raise bad("The product has this REST endpoint already")
            sheet.put(ENDPOINT_PAGE, f"{place}/{id}", made)
            touched(sheet, product)
            return self._shown(made)

        return await self._book.edit(call, work)

    async def GetProductRestEndpointPage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            place = product["PortalProductId"]
            found = await part(sheet, ENDPOINT_PAGE, place, params["ProductRestEndpointPageId"])
            told = self._shown(found)
            if params.get("IncludeRawDisplayContent") == "true":
                told["RawDisplayContent"] = msgspec.json.encode(found["Overrides"]).decode()
            return told

        return await self._book.read(work)

    async def ListProductRestEndpointPages(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            found: list[Json] = []
            for each in await parts(sheet, ENDPOINT_PAGE, product["PortalProductId"]):
                own = self._shown(each)
                content = own.pop("DisplayContent")
                content.pop("Body", None)
                found.append({**own, **content})
            return page(found, params)

        return await self._book.read(work)

    async def UpdateProductRestEndpointPage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            place = product["PortalProductId"]
            found = await part(sheet, ENDPOINT_PAGE, place, params["ProductRestEndpointPageId"])
            if params.get("DisplayContent") is not None:
                found["Overrides"] = _overrides(params)
            found["TryItState"] = params.get("TryItState") or found["TryItState"]
            found["LastModified"] = time()
            sheet.put(ENDPOINT_PAGE, f"{place}/{found['ProductRestEndpointPageId']}", found)
            return self._shown(found)

        return await self._book.edit(call, work)

    async def DeleteProductRestEndpointPage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            place = product["PortalProductId"]
            found = await part(sheet, ENDPOINT_PAGE, place, params["ProductRestEndpointPageId"])
            sheet.delete(ENDPOINT_PAGE, f"{place}/{found['ProductRestEndpointPageId']}")
            forget(product, found["ProductRestEndpointPageArn"])
            touched(sheet, product)
            return {}

        return await self._book.edit(call, work)

    def _shown(self, document: Json) -> Json:
        told = _dated(document)
        own = told.pop("Overrides")
        named = told["RestEndpointIdentifier"]["IdentifierParts"]
        base = self._endpoint(named["RestApiId"], "http")
        usual = f"{base}/{named['Stage']}{named['Path']}"
        told["DisplayContent"] = {"OperationName": named["Path"], "Endpoint": usual, **own}
        return told


def _overrides(params: Json) -> Json:
    """Raises the service's error."""
    content: Json = params.get("DisplayContent") or {}
    if content.get("Overrides") is not None and content.get("None") is not None:
        raise bad("DisplayContent must have exactly one of None and Overrides")
    own: Json = content.get("Overrides") or {}
    return {name: value for name, value in own.items() if value}


async def _there(sheet: Sheet, named: Json) -> None:
    """Raises the service's error for a method that no stage serves."""
    stage = await sheet.get(REST_STAGE, f"{named['RestApiId']}/{named['Stage']}")
    place = f"{named['RestApiId']}/{(stage or {}).get('deploymentId')}"
    deployment = await sheet.get(REST_DEPLOYMENT, place)
    if stage is None or deployment is None:
        raise bad(f"Invalid stage specified: {named['RestApiId']}/{named['Stage']}")
    api = await with_pauses(restoring(deployment))
    if not any(
        (each.http_method, each.path) == (named["Method"], named["Path"]) for each in api.methods
    ):
        raise bad(f"Invalid REST endpoint specified: {named['Method']} {named['Path']}")
