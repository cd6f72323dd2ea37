"""Metric filters and subscription filters. Source: Amazon CloudWatch Logs API Reference."""

import math
import re
from typing import Any

from torana.services.given import items, members
from torana.services.logs.faults import invalid, no_group
from torana.services.logs.groups import Db, find
from torana.services.logs.hearing import Hearing
from torana.services.logs.patterns import compile_pattern
from torana.services.ports import Call
from torana.telemetry import log_catalog as catalog
from torana.telemetry.logbook import LogBook
from torana.wire.faults import ServiceError

Json = dict[str, Any]
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:([\w-]+)(?::[\w$-]+)?")
_MOST = {"metric": 100, "subscription": 2}
_REFUSED = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions",
            "emitSystemFields")  # fmt: skip


class Filters:
    """The operations."""

    def __init__(self, book: LogBook, hearing: Hearing) -> None:
        self._book, self._hearing = book, hearing

    async def PutMetricFilter(self, call: Call, params: Json) -> Json:
        """What is counted of the events to come."""
        compile_pattern(params["filterPattern"])
        [change] = params["metricTransformations"]
        value = change["metricValue"]
        if not value.startswith("$") and not _is_number(value):
            raise invalid("Invalid metric transformation: metricValue must be a number or a field")
        if members(change, "dimensions") and change.get("defaultValue") is not None:
            raise invalid("Invalid metric transformation: dimensions and defaultValue exclude "
                          "each other")  # fmt: skip
        if len(members(change, "dimensions")) > 3:
            raise invalid("Invalid metric transformation: at most 3 dimensions")
        if change["metricNamespace"].startswith("AWS/"):
            raise invalid("Invalid metric transformation: the namespace AWS/ is the services' own")
        return await self._put("metric", params, {"metricTransformations": [change]})

    async def PutSubscriptionFilter(self, call: Call, params: Json) -> Json:
        """Which events to come are handed to a function."""
        compile_pattern(params["filterPattern"])
        found = _FUNCTION.fullmatch(params["destinationArn"])
        if found is None:
            raise invalid("destinationArn: only functions can be destinations here")
        if params["logGroupName"] == f"/aws/lambda/{found[1]}":
            raise invalid("A function cannot be subscribed to its own log group")
        kept = {"destinationArn": params["destinationArn"], "distribution": "ByLogStream"}
        return await self._put("subscription", params, kept)

    async def _put(self, kind: str, params: Json, kept: Json) -> Json:
        for name in _REFUSED:
            if params.get(name):
                raise invalid(f"{name} is not supported here")
        name = params["filterName"]
        body = {
            **kept,
            "filterName": name,
            "filterPattern": params["filterPattern"],
            "logGroupName": params["logGroupName"],
            "creationTime": int(self._book.clock() * 1000),
        }

        def work(db: Db) -> None:
            group = find(db, params["logGroupName"])
            there = [each for _, each, _ in catalog.filters(db, kind, group.id)]
            if name not in there and len(there) >= _MOST[kind]:
                raise ServiceError("LimitExceededException", "Resource limit exceeded.")
            catalog.put_filter(db, group.id, kind, name, body)

        await self._book.write(work)
        await self._hearing.load()
        return {}

    async def DeleteMetricFilter(self, call: Call, params: Json) -> Json:
        """Count no more."""
        return await self._drop("metric", params)

    async def DeleteSubscriptionFilter(self, call: Call, params: Json) -> Json:
        """Hand on no more."""
        return await self._drop("subscription", params)

    async def _drop(self, kind: str, params: Json) -> Json:
        def work(db: Db) -> None:
            group = find(db, params["logGroupName"])
            if not catalog.drop_filter(db, group.id, kind, params["filterName"]):
                raise ServiceError(
                    "ResourceNotFoundException", f"The specified {kind} filter does not exist."
                )

        await self._book.write(work)
        await self._hearing.load()
        return {}

    async def DescribeMetricFilters(self, call: Call, params: Json) -> Json:
        """Of a group, or by the metric they feed."""
        found = await self._find("metric", params)
        name, namespace = params.get("metricName"), params.get("metricNamespace")
        if name:
            found = [
                each
                for each in found
                if each["metricTransformations"][0]["metricName"] == name
                and each["metricTransformations"][0]["metricNamespace"] == namespace
            ]
        return _page("metricFilters", found, params)

    async def DescribeSubscriptionFilters(self, call: Call, params: Json) -> Json:
        """Of a group."""
        return _page("subscriptionFilters", await self._find("subscription", params), params)

    async def _find(self, kind: str, params: Json) -> list[Json]:
        name, prefix = params.get("logGroupName"), params.get("filterNamePrefix") or ""

        def work(db: Db) -> list[Json]:
            group = catalog.group(db, name) if name else None
            if name and group is None:
                raise no_group()
            found = catalog.filters(db, kind, group.id if group else None)
            return [body for _, own, body in found if own.startswith(prefix)]

        return await self._book.read(work)

    async def TestMetricFilter(self, call: Call, params: Json) -> Json:
        """Which messages a pattern matches, and what it finds in them."""
        pattern = compile_pattern(params["filterPattern"])
        matches: list[Json] = []
        for number, text in enumerate(items(params, "logEventMessages"), 1):
            found = pattern(text)
            if found is not None:
                matches.append(
                    {
                        "eventNumber": number,
                        "eventMessage": text,
                        "extractedValues": dict(found.values),
                    }
                )
        return {"matches": matches}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _page(name: str, found: list[Json], params: Json) -> Json:
    token, most = params.get("nextToken"), params.get("limit") or 50
    start = int(token) if token and token.isdigit() and len(token) < 12 else 0
    answer: Json = {name: found[start : start + most]}
    if len(found) > start + most:
        answer["nextToken"] = str(start + most)
    return answer
