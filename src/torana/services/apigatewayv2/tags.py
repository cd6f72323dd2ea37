"""Tags of whatever has an ARN."""

from collections.abc import Callable

from torana.services.apigateway.faults import bad, not_found
from torana.services.apigatewayv2.book import (
    API,
    DOMAIN,
    PORTAL,
    PRODUCT,
    STAGE,
    VPC_LINK,
    Book,
    Json,
    Sheet,
)
from torana.services.ports import Call

_KINDS = {
    "apis": API,
    "vpclinks": VPC_LINK,
    "domainnames": DOMAIN,
    "portals": PORTAL,
    "portalproducts": PRODUCT,
}


def _place(arn: str) -> tuple[str, str]:
    """Kind and id of what an ARN names. Raises the service's error."""
    parts = arn.split(":", 5)
    path = parts[-1].strip("/").split("/")
    if len(parts) == 6 and parts[0] == "arn" and parts[2] == "apigateway":
        if len(path) == 4 and path[0] == "apis" and path[2] == "stages":
            return STAGE, f"{path[1]}/{path[3]}"
        if len(path) == 2 and path[0] in _KINDS:
            return _KINDS[path[0]], path[1]
    raise bad(f"Invalid resource ARN specified in the request: {arn}")


class Tags:
    """Operations on tags."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def TagResource(self, call: Call, params: Json) -> Json:
        return await self._change(call, params, lambda tags: tags.update(params.get("Tags") or {}))

    async def UntagResource(self, call: Call, params: Json) -> Json:
        def remove(tags: dict[str, str]) -> None:
            for name in params["TagKeys"]:
                tags.pop(name, None)

        return await self._change(call, params, remove)

    async def GetTags(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            kind, id = _place(params["ResourceArn"])
            found = await _found(sheet, kind, id)
            return {"Tags": found.get(_member(kind), {})}

        return await self._book.read(work)

    async def _change(
        self, call: Call, params: Json, change: Callable[[dict[str, str]], None]
    ) -> Json:
        async def work(sheet: Sheet) -> Json:
            kind, id = _place(params["ResourceArn"])
            document = await _found(sheet, kind, id)
            change(document.setdefault(_member(kind), {}))
            sheet.put(kind, id, document)
            return {}

        return await self._book.edit(call, work)


def _member(kind: str) -> str:
    """Domain names are kept as the older of the two services spells them."""
    return "tags" if kind == DOMAIN else "Tags"


async def _found(sheet: Sheet, kind: str, id: str) -> Json:
    document = await sheet.get(kind, id)
    if document is None:
        raise not_found("Invalid resource identifier specified")
    return document
