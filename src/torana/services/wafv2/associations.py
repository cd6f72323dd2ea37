"""Which web ACL judges the requests of which stage.

Source: WAFV2 API Reference, "AssociateWebACL". A stage of a file names its web ACL itself.
"""

import re

from torana.services.apigateway.book import STAGE, Book, Sheet
from torana.services.ports import Call
from torana.services.wafv2.book import Json, by_arn, invalid, kind_of, nonexistent
from torana.services.wafv2.items import shown

_STAGE = re.compile(r"arn:[a-z-]+:apigateway:[a-z0-9-]*::/restapis/([a-z0-9-]+)/stages/([\w-]+)")


class Associations:
    """The operations on stages."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def AssociateWebACL(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            acl = await by_arn(sheet, params["WebACLArn"], "waf-webacl")
            place, stage = await _stage(sheet, params["ResourceArn"])
            stage["webAclArn"] = acl["ARN"]
            sheet.put(kind_of(acl["ARN"]), acl["Name"], acl)
            sheet.put(STAGE, place, stage)
            return {}

        return await self._book.edit(call, work)

    async def DisassociateWebACL(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            place, stage = await _stage(sheet, params["ResourceArn"])
            if stage.pop("webAclArn", None) is None:
                raise nonexistent()
            sheet.put(STAGE, place, stage)
            return {}

        return await self._book.edit(call, work)

    async def GetWebACLForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json | None:
            _, stage = await _stage(sheet, params["ResourceArn"])
            arn = stage.get("webAclArn")
            return await by_arn(sheet, arn) if arn else None

        found = await self._book.read(work)
        if found is None:
            return {}
        return {"WebACL": shown(found)}

    async def ListResourcesForWebACL(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            acl = await by_arn(sheet, params["WebACLArn"], "waf-webacl")
            if params.get("ResourceType", "APPLICATION_LOAD_BALANCER") != "API_GATEWAY":
                return {"ResourceArns": []}
            found: list[str] = []
            async for place, stage in sheet.scan(STAGE):
                if stage.get("webAclArn") == acl["ARN"]:
                    api, _, name = place.partition("/")
                    found.append(f"arn:aws:apigateway:{call.region}::/restapis/{api}/stages/{name}")
            return {"ResourceArns": found}

        return await self._book.read(work)


async def _stage(sheet: Sheet, arn: str) -> tuple[str, Json]:
    found = _STAGE.fullmatch(arn)
    if found is None:
        raise invalid("RESOURCE_ARN", arn, "The ARN isn't valid. A valid ARN begins with arn:")
    place = f"{found[1]}/{found[2]}"
    stage = await sheet.get(STAGE, place)
    if stage is None:
        raise nonexistent()
    return place, stage
