"""VPC links of HTTP APIs. Where one leads is the node's setting: `[vpc_links.NAME] target`."""

from time import time

from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.apigatewayv2.book import (
    INTEGRATION,
    VPC_LINK,
    Book,
    Json,
    Sheet,
    dated,
    given,
    new_id,
    page,
)
from torana.services.ports import Call


async def _link(sheet: Sheet, id: str) -> Json:
    found = await sheet.get(VPC_LINK, id)
    if found is None:
        raise not_found(f"Invalid VpcLink identifier specified {id}")
    return found


class VpcLinks:
    """Operations on VPC links."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateVpcLink(self, call: Call, params: Json) -> Json:
        if not params["Name"].strip():
            raise bad("Name is a required parameter and cannot be empty")

        async def work(sheet: Sheet) -> Json:
            link: Json = {
                "VpcLinkId": new_id(6),
                "SecurityGroupIds": [],
                "SubnetIds": [],
                "Tags": {},
                **given(params, ("Name", "SecurityGroupIds", "SubnetIds", "Tags")),
                "CreatedDate": int(time()),
                "VpcLinkStatus": "AVAILABLE",
                "VpcLinkStatusMessage": "VPC link is ready to route traffic",
                "VpcLinkVersion": "V2",
            }
            sheet.put(VPC_LINK, link["VpcLinkId"], link)
            return dated(link)

        return await self._book.edit(call, work)

    async def GetVpcLink(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return dated(await _link(sheet, params["VpcLinkId"]))

        return await self._book.read(work)

    async def GetVpcLinks(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return page([each async for _, each in sheet.scan(VPC_LINK)], params)

        return await self._book.read(work)

    async def UpdateVpcLink(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            link = await _link(sheet, params["VpcLinkId"])
            link["Name"] = params.get("Name") or link["Name"]
            sheet.put(VPC_LINK, link["VpcLinkId"], link)
            return dated(link)

        return await self._book.edit(call, work)

    async def DeleteVpcLink(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            link = await _link(sheet, params["VpcLinkId"])
            async for place, integration in sheet.scan(INTEGRATION):
                if integration.get("ConnectionId") == link["VpcLinkId"]:
                    raise conflict(
                        f"Cannot delete VPC link '{link['VpcLinkId']}', is referenced in "
                        f"integration {place}"
                    )
            sheet.delete(VPC_LINK, link["VpcLinkId"])
            return {}

        return await self._book.edit(call, work)
