"""Anomaly detectors: for which metrics a model is wanted, and what it leaves out.

Models themselves are made when a band is asked for. Source: CloudWatch API Reference,
PutAnomalyDetector.
"""

from typing import Any

import msgspec

from torana.services.apigateway.book import Book, Sheet
from torana.services.cloudwatch import bands
from torana.services.cloudwatch.evaluate import Excluded, points_of, queries
from torana.services.cloudwatch.faults import combination, invalid, missing
from torana.services.cloudwatch.metrics import dimensions_of, shown
from torana.services.cloudwatch.statistics import parse as statistic_of
from torana.services.given import items, members
from torana.services.ports import Call
from torana.telemetry.recorder import Dimensions
from torana.telemetry.timeseries import TimeSeries
from torana.wire.faults import ServiceError

Json = dict[str, Any]
DETECTOR = "cloudwatch-anomaly-detector"
_MEMBERS = ("Namespace", "MetricName", "Dimensions", "Stat")
Key = tuple[str, str, Dimensions, str]


class Anomalies:
    """The operations."""

    def __init__(self, book: Book, series: TimeSeries) -> None:
        self._book, self._series = book, series

    async def excluded(self) -> Excluded:
        """What models leave out, by metric and statistic."""
        found: dict[Key, list[tuple[float, float]]] = {}
        async for each in self._book.store.scan(DETECTOR):
            record = msgspec.json.decode(each.body)
            if "metric" in record:
                key = _key(record["metric"])
                found[key] = [(first, last) for first, last in record["excluded"]]
        return found

    async def PutAnomalyDetector(self, call: Call, params: Json) -> Json:
        """A model is wanted."""
        id, record = _record(params)
        configuration: Json = params.get("Configuration") or {}
        for name in ("MetricTimezone", "AdaptationSpeed", "OutlierFilteringStrength"):
            if configuration.get(name) not in (None, "UTC", "NORMAL", "MODERATE"):
                raise invalid(f"{name} cannot be changed here.")
        if members(params, "MetricCharacteristics").get("PeriodicSpikes"):
            raise invalid("PeriodicSpikes is not supported here.")
        record["excluded"] = [
            [each["StartTime"].timestamp(), each["EndTime"].timestamp()]
            for each in items(configuration, "ExcludedTimeRanges")
        ]

        async def work(sheet: Sheet) -> Json:
            await sheet.get(DETECTOR, id)
            sheet.put(DETECTOR, id, record)
            return {}

        return await self._book.edit(call, work)

    async def DescribeAnomalyDetectors(self, call: Call, params: Json) -> Json:
        """Those of a metric, or all."""
        wanted = dimensions_of(params["Dimensions"]) if params.get("Dimensions") else None
        types: list[str] = params.get("AnomalyDetectorTypes") or ["SINGLE_METRIC"]
        found: list[Json] = []
        after, most = params.get("NextToken") or "", params.get("MaxResults") or 100
        last = ""
        async for each in self._book.store.scan(DETECTOR, after=after):
            record = msgspec.json.decode(each.body)
            kind = "SINGLE_METRIC" if "metric" in record else "METRIC_MATH"
            metric = members(record, "metric")
            if (
                kind not in types
                or params.get("Namespace") not in (None, metric.get("Namespace"))
                or params.get("MetricName") not in (None, metric.get("MetricName"))
                or (wanted is not None and dimensions_of(metric.get("Dimensions")) != wanted)
            ):
                continue
            if len(found) == most:
                return {"AnomalyDetectors": found, "NextToken": last}
            found.append(await self._shown(record))
            last = each.id
        return {"AnomalyDetectors": found}

    async def _shown(self, record: Json) -> Json:
        ranges = [{"StartTime": a, "EndTime": b} for a, b in record["excluded"]]
        answer: Json = {"Configuration": {"ExcludedTimeRanges": ranges}}
        if "metric" not in record:
            return {
                **answer,
                "MetricMathAnomalyDetector": {"MetricDataQueries": record["queries"]},
                "StateValue": "TRAINED",
            }
        namespace, name, dimensions, stat = _key(record["metric"])
        metric: Json = {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": shown(dimensions),
            "Stat": stat,
        }
        end = int(self._series.clock())
        units = self._series.units(namespace, name, dimensions)
        values = await self._series.read(units, end - bands.HISTORY, end, 300)
        known = bands.fit(points_of(values, statistic_of(stat)))
        return {
            **answer,
            **metric,
            "SingleMetricAnomalyDetector": metric,
            "StateValue": "TRAINED" if known else "TRAINED_INSUFFICIENT_DATA",
        }

    async def DeleteAnomalyDetector(self, call: Call, params: Json) -> Json:
        """No model is wanted any more."""
        id, _ = _record(params)

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(DETECTOR, id) is None:
                raise ServiceError("ResourceNotFoundException", "There is no such detector.")
            sheet.delete(DETECTOR, id)
            return {}

        return await self._book.edit(call, work)


def _record(params: Json) -> tuple[str, Json]:
    """Its name in the store, and what is kept. Raises the service's error."""
    if params.get("AnomalyDetectorId"):
        raise invalid("AnomalyDetectorId is not supported here: name the metric.")
    maths, single = (
        params.get("MetricMathAnomalyDetector"),
        params.get("SingleMetricAnomalyDetector"),
    )
    plain = {name: params[name] for name in _MEMBERS if params.get(name)}
    if sum(map(bool, (maths, single, plain))) != 1:
        raise combination("Exactly one kind of anomaly detector must be described.")
    if maths:
        given: list[Json] = maths.get("MetricDataQueries") or []
        queries(given)
        return f"maths {msgspec.json.encode(given).decode()}"[:2000], {"queries": given}
    metric: Json = single or plain
    for name in ("Namespace", "MetricName", "Stat"):
        if not metric.get(name):
            raise missing(f"The parameter {name} is required.")
    if statistic_of(metric["Stat"]) is None:
        raise invalid(f"The value {metric['Stat']} for parameter Stat is invalid.")
    kept = {name: metric[name] for name in _MEMBERS if metric.get(name)}
    return f"metric {msgspec.json.encode(_key(kept)).decode()}", {"metric": kept}


def _key(metric: Json) -> Key:
    dimensions = dimensions_of(metric.get("Dimensions"))
    return metric["Namespace"], metric["MetricName"], dimensions, metric["Stat"]
