"""Tags of web ACLs, rule groups and sets."""

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.services.wafv2.book import Json, by_arn, kind_of


class Tags:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def TagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            item = await by_arn(sheet, params["ResourceARN"])
            item["Tags"] = {
                **item.get("Tags", {}),
                **{tag["Key"]: tag["Value"] for tag in params["Tags"]},
            }
            sheet.put(kind_of(item["ARN"]), item["Name"], item)
            return {}

        return await self._book.edit(call, work)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            item = await by_arn(sheet, params["ResourceARN"])
            for key in params["TagKeys"]:
                item.get("Tags", {}).pop(key, None)
            sheet.put(kind_of(item["ARN"]), item["Name"], item)
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await by_arn(sheet, params["ResourceARN"])

        item = await self._book.read(work)
        tags = [{"Key": key, "Value": value} for key, value in item.get("Tags", {}).items()]
        return {"TagInfoForResource": {"ResourceARN": item["ARN"], "TagList": tags}}
