"""Tags of alarms and dashboards."""

from collections.abc import Callable
from typing import Any

from torana.services.apigateway.book import Book, Sheet
from torana.services.cloudwatch.dashboards import DASHBOARD
from torana.services.cloudwatch.states import ALARMS
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]
Change = Callable[[dict[str, str]], dict[str, str]]


class Tags:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def TagResource(self, call: Call, params: Json) -> Json:
        """Add tags."""
        given: dict[str, str] = {each["Key"]: each["Value"] for each in params["Tags"]}

        def added(tags: dict[str, str]) -> dict[str, str]:
            return {**tags, **given}

        return await self._change(call, params["ResourceARN"], added)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        """Remove tags."""
        gone = set(params["TagKeys"])

        def without(tags: dict[str, str]) -> dict[str, str]:
            return {key: value for key, value in tags.items() if key not in gone}

        return await self._change(call, params["ResourceARN"], without)

    async def _change(self, call: Call, arn: str, change: Change) -> Json:
        async def work(sheet: Sheet) -> Json:
            kind, name, item = await _find(sheet, arn)
            sheet.put(kind, name, {**item, "Tags": change(item.get("Tags") or {})})
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        """All of them."""
        _, _, item = await self._book.read(lambda sheet: _find(sheet, params["ResourceARN"]))
        tags: dict[str, str] = item.get("Tags") or {}
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


async def _find(sheet: Sheet, arn: str) -> tuple[str, str, Json]:
    for kind, mark in ((ALARMS, ":alarm:"), (DASHBOARD, ":dashboard/")):
        name = arn.partition(mark)[2]
        item = await sheet.get(kind, name) if name else None
        if item is not None:
            return kind, name, item
    raise ServiceError("ResourceNotFoundException", f"There is no {arn}.", status=404)
