"""Groups: filter expressions with a name.

Source: X-Ray API Reference, "CreateGroup"; Developer Guide, "Configuring groups".
"""

from collections.abc import AsyncIterator
from typing import Any

from torana.services.apigateway.book import Book, Sheet, new_id
from torana.services.given import items
from torana.services.ports import Call
from torana.services.xray.faults import invalid
from torana.services.xray.filter import Test, everything, parse

Json = dict[str, Any]

GROUP = "xray-group"
_DEFAULT = "Default"
_MOST = 25


class Groups:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateGroup(self, call: Call, params: Json) -> Json:
        name = params["GroupName"]
        expression = _checked(params)
        tags = {each["Key"]: each["Value"] for each in items(params, "Tags")}

        async def work(sheet: Sheet) -> Json:
            there = await sheet.now(GROUP)
            if name == _DEFAULT or any(id == name for id, _ in there):
                raise invalid(f"Group {name} already exists")
            if len(there) >= _MOST:
                raise invalid(f"There are {_MOST} groups already")
            arn = f"arn:aws:xray:{call.region}:{call.principal.account}:group/{name}/{new_id(26)}"
            group = {"GroupName": name, "GroupARN": arn, "FilterExpression": expression}
            made: Json = {"group": group, "tags": tags}
            sheet.put(GROUP, name, made)
            return {"Group": _shown(made["group"])}

        return await self._book.edit(call, work)

    async def UpdateGroup(self, call: Call, params: Json) -> Json:
        expression = _checked(params)

        async def work(sheet: Sheet) -> Json:
            found = await _find(sheet, params.get("GroupName"), params.get("GroupARN"))
            if params.get("FilterExpression") is not None:
                found["group"]["FilterExpression"] = expression
            sheet.put(GROUP, found["group"]["GroupName"], found)
            return {"Group": _shown(found["group"])}

        return await self._book.edit(call, work)

    async def DeleteGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _find(sheet, params.get("GroupName"), params.get("GroupARN"))
            sheet.delete(GROUP, found["group"]["GroupName"])
            return {}

        return await self._book.edit(call, work)

    async def GetGroup(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _find(sheet, params.get("GroupName"), params.get("GroupARN"), call)
            return {"Group": _shown(found["group"])}

        return await self._book.read(work)

    async def GetGroups(self, call: Call, params: Json) -> Json:
        """All of them, the one of all traces first."""

        async def work(sheet: Sheet) -> Json:
            found = [_shown(_all_traces(call)["group"])]
            found += [_shown(each["group"]) async for _, each in sheet.scan(GROUP)]
            return {"Groups": found}

        return await self._book.read(work)

    async def GetEncryptionConfig(self, call: Call, params: Json) -> Json:
        """Traces are in a file of the data folder, as the disk encrypts it."""
        return {"EncryptionConfig": {"Status": "ACTIVE", "Type": "NONE"}}

    async def PutEncryptionConfig(self, call: Call, params: Json) -> Json:
        if params["Type"] != "NONE":
            raise invalid("Traces are not encrypted with a key of their own: encrypt the disk")
        return await self.GetEncryptionConfig(call, params)


async def filter_of(book: Book, call: Call, name: str | None, arn: str | None) -> Test:
    """What a group's traces have in common. Raises `InvalidRequestException`."""

    async def work(sheet: Sheet) -> str:
        found = await _find(sheet, name, arn, call)
        return found["group"]["FilterExpression"]

    expression = await book.read(work)
    return parse(expression) if expression else everything


def _checked(params: Json) -> str:
    insights: Json = params.get("InsightsConfiguration") or {}
    if insights.get("InsightsEnabled") or insights.get("NotificationsEnabled"):
        raise invalid("Insights are not supported: alarms of CloudWatch watch metrics")
    expression = params.get("FilterExpression") or ""
    if expression:
        parse(expression)
    return expression


async def _find(sheet: Sheet, name: str | None, arn: str | None, call: Call | None = None) -> Json:
    if call is not None and _DEFAULT in (name, (arn or "").rpartition("/")[2]):
        return _all_traces(call)
    async for id, each in _scan(sheet):
        if id == name or (arn and each["group"]["GroupARN"] == arn):
            return each
    raise invalid("Group not found")


def _scan(sheet: Sheet) -> AsyncIterator[tuple[str, Json]]:
    return sheet.scan(GROUP)


def _all_traces(call: Call) -> Json:
    arn = f"arn:aws:xray:{call.region}:{call.principal.account}:group/{_DEFAULT}"
    return {"group": {"GroupName": _DEFAULT, "GroupARN": arn, "FilterExpression": ""}, "tags": {}}


def _shown(group: Json) -> Json:
    off = {"InsightsEnabled": False, "NotificationsEnabled": False}
    return {**group, "InsightsConfiguration": off}
