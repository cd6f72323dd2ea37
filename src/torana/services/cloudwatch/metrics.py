"""Putting values and listing metrics. Source: CloudWatch API Reference."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from torana.services.cloudwatch.faults import combination, invalid, limit, missing, validation
from torana.services.ports import Call
from torana.telemetry.distribution import Distribution
from torana.telemetry.recorder import Dimensions, Point, Series
from torana.telemetry.timeseries import TimeSeries

Json = dict[str, Any]
Keep = Callable[[Sequence[Point]], Awaitable[None]]
_DAY = 86400
_LARGEST = 2.0**360
_PAGE = 500
_LISTED = 14 * _DAY
_RECENT = 3 * 3600


class Metrics:
    """The operations."""

    def __init__(self, series: TimeSeries, keep: Keep | None = None) -> None:
        """`keep` takes values that are put; not given: the series alone."""
        self._series, self._keep = series, keep or series.keep

    async def PutMetricData(self, call: Call, params: Json) -> Json:
        """Values of one's own metrics: kept when this is answered."""
        namespace = params["Namespace"]
        if params.get("EntityMetricData"):
            raise invalid("EntityMetricData is not supported here: put MetricData.")
        if namespace.startswith("AWS/"):
            raise invalid(f"The value {namespace} for parameter Namespace is invalid.")
        given: list[Json] = params.get("MetricData") or []
        if not given:
            raise missing("The parameter MetricData is required.")
        if len(given) > 1000:
            raise validation("The collection MetricData must not have a size greater than 1000.")
        now = self._series.clock()
        points = [
            _point(namespace, datum, f"MetricData.member.{number}", now)
            for number, datum in enumerate(given, 1)
        ]
        if self._series.full and not all(self._series.has(each.series) for each in points):
            raise limit("There are as many metrics as this gateway may keep.")
        await self._keep(points)
        return {}

    async def ListMetrics(self, call: Call, params: Json) -> Json:
        """Metrics that got a value in the last two weeks."""
        wanted: list[Json] = params.get("Dimensions") or []
        oldest = self._series.clock() - (_RECENT if params.get("RecentlyActive") else _LISTED)
        namespace, name = params.get("Namespace"), params.get("MetricName")

        def look() -> list[tuple[str, str, Dimensions]]:
            return sorted(
                {
                    (each.series.namespace, each.series.name, each.series.dimensions)
                    for each in self._series.find(namespace, name)
                    if each.latest >= oldest and _has(each.series.dimensions, wanted)
                }
            )

        found = await asyncio.to_thread(look)
        start = _position(params.get("NextToken"))
        answer: Json = {
            "Metrics": [
                {"Namespace": namespace, "MetricName": name, "Dimensions": shown(dimensions)}
                for namespace, name, dimensions in found[start : start + _PAGE]
            ]
        }
        if len(found) > start + _PAGE:
            answer["NextToken"] = str(start + _PAGE)
        return answer


def _position(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdigit() or len(token) > 12:
        raise invalid("The value of parameter NextToken is invalid.")
    return int(token)


def _has(dimensions: Dimensions, wanted: list[Json]) -> bool:
    own = dict(dimensions)
    return all(
        each["Name"] in own and own[each["Name"]] == (each.get("Value") or own[each["Name"]])
        for each in wanted
    )


def shown(dimensions: Dimensions) -> list[Json]:
    """As clients see them."""
    return [{"Name": name, "Value": value} for name, value in dimensions]


def dimensions_of(given: list[Json] | None, place: str = "Dimensions") -> Dimensions:
    """As they are kept. Raises the service's error for what cannot be."""
    found: dict[str, str] = {}
    for each in given or []:
        name, value = each["Name"], each.get("Value") or ""
        if not value.strip() or not name.strip() or name.startswith(":"):
            raise invalid(f"The value {value} for parameter {place}.Value is invalid.")
        if name in found:
            raise invalid(f"No identical dimension names in {place}: {name}")
        found[name] = value
    return tuple(sorted(found.items()))


def _point(namespace: str, datum: Json, place: str, now: float) -> Point:
    series = Series(
        namespace,
        datum["MetricName"],
        dimensions_of(datum.get("Dimensions"), f"{place}.Dimensions"),
        datum.get("Unit") or "None",
    )
    moment = datum.get("Timestamp")
    at = now if moment is None else moment.timestamp()
    if not now - 14 * _DAY <= at <= now + 2 * 3600:
        raise invalid(
            f"The parameter {place}.Timestamp must specify a time no more than two weeks in the "
            "past, and no more than two hours in the future."
        )
    span = datum.get("StorageResolution") or 60
    if span not in (1, 60):
        raise invalid(f"The value {span} for parameter {place}.StorageResolution is invalid.")
    return Point(series, int(at) // span * span, _values(datum, place), span)


def _values(datum: Json, place: str) -> Distribution:
    found = Distribution()
    given = [name for name in ("Value", "Values", "StatisticValues") if datum.get(name) is not None]
    if len(given) != 1:
        if not given:
            raise missing(f"At least one of the parameters must be specified: {place}.Value")
        raise combination(f"The parameters {place}.{given[0]} and {place}.{given[1]} are mutually "
                          "exclusive and you have specified both.")  # fmt: skip
    if datum.get("Counts") and given != ["Values"]:
        raise missing(f"The parameter {place}.Values is required with {place}.Counts.")
    if given == ["StatisticValues"]:
        return _summary(datum["StatisticValues"], place, found)
    values: list[float] = datum["Values"] if given == ["Values"] else [datum["Value"]]
    counts: list[float] = datum.get("Counts") or [1.0] * len(values)
    if len(values) > 150 or not values:
        raise validation(f"The collection {place}.Values must have a size between 1 and 150.")
    if len(counts) != len(values):
        raise combination(f"The parameters {place}.Values and {place}.Counts must be of one size.")
    for value, times in zip(values, counts, strict=True):
        _finite(value, f"{place}.Value")
        if not times > 0 or math.isinf(times):
            raise invalid(f"The value {times} for parameter {place}.Counts is invalid.")
        found.add(value, times)
    return found


def _summary(given: Json, place: str, found: Distribution) -> Distribution:
    count, total = given["SampleCount"], given["Sum"]
    low, high = given["Minimum"], given["Maximum"]
    for name, value in given.items():
        _finite(value, f"{place}.StatisticValues.{name}")
    if count <= 0 or low > high:
        raise invalid(f"The parameter {place}.StatisticValues is invalid.")
    found.add_summary(count, total, low, high)
    return found


def _finite(value: float, place: str) -> None:
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise invalid(f"The value {value} for parameter {place} is invalid.")
