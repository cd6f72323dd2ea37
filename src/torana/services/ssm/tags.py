"""Operations on parameters' tags. Source: Systems Manager API Reference."""

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.services.ssm.records import KIND, Json
from torana.wire.faults import ServiceError


class Tags:
    """By the resource's type and id."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def AddTagsToResource(self, call: Call, params: Json) -> Json:
        """More tags, or other values."""

        async def work(sheet: Sheet) -> Json:
            found = await _the(sheet, params)
            found["Tags"] |= {each["Key"]: each["Value"] for each in params["Tags"]}
            sheet.put(KIND, found["Name"], found)
            return {}

        return await self._book.edit(call, work)

    async def RemoveTagsFromResource(self, call: Call, params: Json) -> Json:
        """Fewer tags."""

        async def work(sheet: Sheet) -> Json:
            found = await _the(sheet, params)
            for key in params["TagKeys"]:
                found["Tags"].pop(key, None)
            sheet.put(KIND, found["Name"], found)
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        """All."""

        async def work(sheet: Sheet) -> Json:
            tags = (await _the(sheet, params))["Tags"]
            return {"TagList": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}

        return await self._book.read(work)


async def _the(sheet: Sheet, params: Json) -> Json:
    if params["ResourceType"] != "Parameter":
        raise ServiceError(
            "InvalidResourceType", "Only parameters are kept here, and have tags", status=400
        )
    found = await sheet.get(KIND, params["ResourceId"])
    if found is None:
        raise ServiceError(
            "InvalidResourceId", f"The resource ID {params['ResourceId']} is not valid", status=400
        )
    return found
