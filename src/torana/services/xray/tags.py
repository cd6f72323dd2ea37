"""Tags of groups and sampling rules.

Source: X-Ray API Reference, "TagResource".
"""

from typing import Any

from torana.services.apigateway.book import Book, Sheet
from torana.services.ports import Call
from torana.services.xray.groups import GROUP
from torana.services.xray.rules import RULE
from torana.wire.faults import ServiceError

Json = dict[str, Any]
_MOST = 50


class Tags:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def TagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            kind, name, found = await _find(sheet, params["ResourceARN"])
            found["tags"] |= {each["Key"]: each["Value"] for each in params["Tags"]}
            if len(found["tags"]) > _MOST:
                raise ServiceError("TooManyTagsException", f"At most {_MOST} tags")
            sheet.put(kind, name, found)
            return {}

        return await self._book.edit(call, work)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            kind, name, found = await _find(sheet, params["ResourceARN"])
            for key in params["TagKeys"]:
                found["tags"].pop(key, None)
            sheet.put(kind, name, found)
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            _, _, found = await _find(sheet, params["ResourceARN"])
            return {"Tags": [{"Key": key, "Value": value} for key, value in found["tags"].items()]}

        return await self._book.read(work)


async def _find(sheet: Sheet, arn: str) -> tuple[str, str, Json]:
    what, _, rest = arn.rpartition(":")[2].partition("/")
    kind = {"group": GROUP, "sampling-rule": RULE}.get(what)
    name = rest.partition("/")[0]
    found = await sheet.get(kind, name) if kind else None
    if kind is None or found is None:
        raise ServiceError("ResourceNotFoundException", f"There is no resource {arn}", status=400)
    return kind, name, found
