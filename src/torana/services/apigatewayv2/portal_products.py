"""Portal products: what a portal offers, as pages and endpoints in an order.

Source: API Gateway Developer Guide, "Portal products in API Gateway". Products are of this account
alone: sharing them with others is refused.
"""

from time import time

from torana.services.apigateway.faults import bad, not_found
from torana.services.apigatewayv2.book import (
    ENDPOINT_PAGE,
    PORTAL,
    PRODUCT,
    PRODUCT_PAGE,
    Book,
    Json,
    Sheet,
    given,
    new_id,
    page,
    parts,
)
from torana.services.moments import moment
from torana.services.ports import Call

_KEPT = ("DisplayName", "Description", "Tags")


def arn_of(call: Call, path: str) -> str:
    """Of a portal, a product or one of its pages."""
    return f"arn:aws:apigateway:{call.region}:{call.principal.account}:/{path}"


def product_of(arn: str) -> str:
    """The id of the product that an ARN names; empty when it names none."""
    _, slash, id = arn.rpartition(":/portalproducts/")
    return id if slash and "/" not in id else ""


async def the_product(sheet: Sheet, call: Call, params: Json) -> Json:
    """Raises the service's error."""
    found = await sheet.get(PRODUCT, params["PortalProductId"])
    owner = params.get("ResourceOwnerAccountId") or call.principal.account
    if found is None or owner != call.principal.account:
        raise not_found(f"Invalid PortalProduct identifier specified {params['PortalProductId']}")
    return found


async def frozen(sheet: Sheet, id: str) -> Json:
    """A product with everything that a portal shows of it. Raises the service's error."""
    product = await sheet.get(PRODUCT, id)
    if product is None:
        raise bad(f"The portal includes a product that is gone: {id}")
    return {
        "Product": product,
        "Pages": await parts(sheet, PRODUCT_PAGE, id),
        "Endpoints": await parts(sheet, ENDPOINT_PAGE, id),
    }


def touched(sheet: Sheet, product: Json) -> None:
    """Write a product, as changed now."""
    product["LastModified"] = time()
    sheet.put(PRODUCT, product["PortalProductId"], product)


def _shown(product: Json) -> Json:
    return {**product, "LastModified": moment(product["LastModified"])}


class Products:
    """Operations on products."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreatePortalProduct(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            id = new_id()
            product: Json = {
                "PortalProductId": id,
                "PortalProductArn": arn_of(call, f"portalproducts/{id}"),
                "Description": "",
                "Tags": {},
                **given(params, _KEPT),
                "DisplayOrder": {"Contents": [], "ProductPageArns": []},
            }
            touched(sheet, product)
            return _shown(product)

        return await self._book.edit(call, work)

    async def GetPortalProduct(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _shown(await the_product(sheet, call, params))

        return await self._book.read(work)

    async def ListPortalProducts(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [_shown(each) async for _, each in sheet.scan(PRODUCT)]
            for each in found:
                each.pop("DisplayOrder")
            return page([] if params.get("ResourceOwner") == "OTHER_ACCOUNTS" else found, params)

        return await self._book.read(work)

    async def UpdatePortalProduct(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            for name in ("DisplayName", "Description"):
                if params.get(name) is not None:
                    product[name] = params[name]
            if params.get("DisplayOrder") is not None:
                product["DisplayOrder"] = await _order(sheet, product, params["DisplayOrder"])
            touched(sheet, product)
            return _shown(product)

        return await self._book.edit(call, work)

    async def DeletePortalProduct(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            async for id, portal in sheet.scan(PORTAL):
                if product["PortalProductArn"] in portal["IncludedPortalProductArns"]:
                    raise bad(f"The product is included in the portal {id}")
            for kind in (PRODUCT_PAGE, ENDPOINT_PAGE):
                async for id, _ in sheet.scan(kind, f"{product['PortalProductId']}/"):
                    sheet.delete(kind, id)
            sheet.delete(PRODUCT, product["PortalProductId"])
            return {}

        return await self._book.edit(call, work)

    async def PutPortalProductSharingPolicy(self, call: Call, params: Json) -> Json:
        raise bad("Products cannot be shared: this gateway is one account")

    async def GetPortalProductSharingPolicy(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            product = await the_product(sheet, call, params)
            raise not_found(f"Portal product {product['PortalProductId']} has no sharing policy")

        return await self._book.read(work)

    DeletePortalProductSharingPolicy = GetPortalProductSharingPolicy


async def _order(sheet: Sheet, product: Json, asked: Json) -> Json:
    """Raises the service's error."""
    id = product["PortalProductId"]
    pages = {each["ProductPageArn"] for each in await parts(sheet, PRODUCT_PAGE, id)}
    endpoints = {
        each["ProductRestEndpointPageArn"] for each in await parts(sheet, ENDPOINT_PAGE, id)
    }
    sections: list[Json] = asked.get("Contents") or []
    named = [arn for section in sections for arn in section["ProductRestEndpointPageArns"]]
    told: list[str] = asked.get("ProductPageArns") or []
    overview = asked.get("OverviewPageArn")
    for arn in [*told, *([overview] if overview else [])]:
        if arn not in pages:
            raise bad(f"Invalid product page ARN specified: {arn}")
    for arn in named:
        if arn not in endpoints:
            raise bad(f"Invalid product REST endpoint page ARN specified: {arn}")
    if len(set(named)) < len(named) or len(set(told)) < len(told):
        raise bad("DisplayOrder names a page twice")
    order: Json = {"Contents": sections, "ProductPageArns": told}
    return {**order, "OverviewPageArn": overview} if overview else order


def forget(product: Json, arn: str) -> None:
    """A page is gone: no order names it."""
    order = product["DisplayOrder"]
    order["ProductPageArns"] = [each for each in order["ProductPageArns"] if each != arn]
    if order.get("OverviewPageArn") == arn:
        del order["OverviewPageArn"]
    for section in order["Contents"]:
        kept = [each for each in section["ProductRestEndpointPageArns"] if each != arn]
        section["ProductRestEndpointPageArns"] = kept
