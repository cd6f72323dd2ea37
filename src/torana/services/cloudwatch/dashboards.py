"""Dashboards: kept as they are given, checked as far as can be told.

Source: CloudWatch API Reference, "Dashboard body structure and syntax".
"""

import re
import time
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from torana.services.apigateway.book import Book, Sheet
from torana.services.cloudwatch.faults import invalid
from torana.services.given import items
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]
DASHBOARD = "cloudwatch-dashboard"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TYPES = ("metric", "text", "log", "alarm", "explorer", "custom")
_LARGEST = 1 << 20


class Dashboards:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def PutDashboard(self, call: Call, params: Json) -> Json:
        """Keep it, and say what seems wrong with it."""
        name, body = params["DashboardName"], params["DashboardBody"]
        if not _NAME.fullmatch(name):
            raise invalid(f"The value {name} for parameter DashboardName is invalid.")
        found = [*_mistakes(body)]
        fatal = [each for each in found if each.pop("fatal")]
        if fatal:
            raise ServiceError(
                "InvalidParameterInput",
                "The dashboard body is invalid, there are validation errors: "
                + "; ".join(f"{each['DataPath']}: {each['Message']}" for each in fatal),
                fields={"dashboardValidationMessages": fatal},
            )
        tags = {each["Key"]: each["Value"] for each in items(params, "Tags")}

        async def work(sheet: Sheet) -> Json:
            there = await sheet.get(DASHBOARD, name)
            record: Json = {
                "DashboardName": name,
                "DashboardArn": f"arn:aws:cloudwatch::{call.principal.account}:dashboard/{name}",
                "DashboardBody": body,
                "Modified": time.time(),
                "Tags": there["Tags"] if there else tags,
            }
            sheet.put(DASHBOARD, name, record)
            return {"DashboardValidationMessages": found}

        return await self._book.edit(call, work)

    async def GetDashboard(self, call: Call, params: Json) -> Json:
        """As it was given."""
        name = params["DashboardName"]
        found = await self._book.read(lambda sheet: sheet.get(DASHBOARD, name))
        if found is None:
            raise _none(name)
        return {each: found[each] for each in ("DashboardArn", "DashboardBody", "DashboardName")}

    async def ListDashboards(self, call: Call, params: Json) -> Json:
        """By name, in pages."""
        prefix, after = params.get("DashboardNamePrefix") or "", params.get("NextToken") or ""
        entries: list[Json] = []
        async for each in self._book.store.scan(DASHBOARD, prefix, after):
            if len(entries) == 1000:
                name = entries[-1]["DashboardName"]
                return {"DashboardEntries": entries, "NextToken": name}
            record = msgspec.json.decode(each.body)
            entries.append(
                {
                    "DashboardName": each.id,
                    "DashboardArn": record["DashboardArn"],
                    "LastModified": record["Modified"],
                    "Size": len(record["DashboardBody"].encode()),
                }
            )
        return {"DashboardEntries": entries}

    async def DeleteDashboards(self, call: Call, params: Json) -> Json:
        """All of them, or none."""

        async def work(sheet: Sheet) -> Json:
            for name in params["DashboardNames"]:
                if await sheet.get(DASHBOARD, name) is None:
                    raise _none(name)
                sheet.delete(DASHBOARD, name)
            return {}

        return await self._book.edit(call, work)


def _none(name: str) -> ServiceError:
    return ServiceError("ResourceNotFound", f"Dashboard {name} does not exist", status=404)


def _mistake(path: str, message: str, *, fatal: bool = False) -> Json:
    return {"DataPath": path, "Message": message, "fatal": fatal}


def _mistakes(body: str) -> Iterator[Json]:
    if len(body.encode()) > _LARGEST:
        yield _mistake("/", "The dashboard is larger than 1 MB", fatal=True)
        return
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        yield _mistake("/", "The field DashboardBody must be a valid JSON object", fatal=True)
        return
    if not isinstance(value, dict):
        yield _mistake("/", "The field DashboardBody must be a valid JSON object", fatal=True)
        return
    widgets = cast(Json, value).get("widgets")
    if not isinstance(widgets, list):
        yield _mistake("/", "The dashboard should have required property 'widgets'", fatal=True)
        return
    widgets = cast(list[Any], widgets)
    if len(widgets) > 500:
        yield _mistake("/widgets", "There can be at most 500 widgets", fatal=True)
    for number, widget in enumerate(widgets):
        yield from _of_widget(f"/widgets/{number}", widget)


def _of_widget(path: str, widget: Any) -> Iterator[Json]:
    if not isinstance(widget, dict):
        yield _mistake(path, "Should be object", fatal=True)
        return
    widget = cast(Json, widget)
    kind, properties = widget.get("type"), widget.get("properties")
    if kind not in _TYPES:
        allowed = ", ".join(_TYPES)
        yield _mistake(f"{path}/type", f"Should be one of: {allowed}", fatal=True)
    if not isinstance(properties, dict):
        yield _mistake(path, "Should have required property 'properties'", fatal=True)
        return
    properties = cast(Json, properties)
    for name, least, most in (("width", 1, 24), ("height", 1, 1000), ("x", 0, 23), ("y", 0, 9999)):
        value = widget.get(name)
        if value is not None and not (isinstance(value, int) and least <= value <= most):
            yield _mistake(f"{path}/{name}", f"Should be between {least} and {most}", fatal=True)
    needed = {"text": "markdown", "log": "query", "alarm": "alarms", "custom": "endpoint"}
    if kind in needed and needed[kind] not in properties:
        yield _mistake(f"{path}/properties", f"Should have required property '{needed[kind]}'")
    if kind == "metric" and "metrics" not in properties and "annotations" not in properties:
        yield _mistake(f"{path}/properties", "Should have required property 'metrics'")
