"""Reading metrics. Source: CloudWatch API Reference, GetMetricData and GetMetricStatistics."""

import math
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from torana.services.cloudwatch import maths
from torana.services.cloudwatch.evaluate import Evaluation, Excluded, check_period, queries
from torana.services.cloudwatch.faults import combination, invalid, missing, validation
from torana.services.cloudwatch.maths import Line, Range, Value
from torana.services.cloudwatch.metrics import dimensions_of
from torana.services.cloudwatch.statistics import SIMPLE
from torana.services.cloudwatch.statistics import parse as statistic_of
from torana.services.ports import Call
from torana.telemetry.distribution import Distribution
from torana.telemetry.recorder import Series
from torana.telemetry.timeseries import TimeSeries
from torana.wire.values import aware

Json = dict[str, Any]
_DAY = 86400
_MOST_QUERIES = 500
_MOST_POINTS = 100_800
_MOST_STATISTICS = 1440
_DYNAMIC = re.compile(r"\$\{([A-Z_]+)(?:\(['\"]?([\w.]+)['\"]?\))?\}")


class Queries:
    """The operations. `excluded` tells what models of anomalies leave out."""

    def __init__(self, series: TimeSeries, excluded: Callable[[], Awaitable[Excluded]]) -> None:
        self._series, self._excluded = series, excluded

    async def GetMetricData(self, call: Call, params: Json) -> Json:
        """Lines of datapoints, of metrics and of expressions over them."""
        given: list[Json] = params.get("MetricDataQueries") or []
        if not given:
            raise validation("At least one MetricDataQuery is required.")
        if len(given) > _MOST_QUERIES:
            raise validation(f"There can be at most {_MOST_QUERIES} queries.")
        found = queries(given)
        if not any(query.returned for query in found.values()):
            raise validation("At least one query must have ReturnData true.")
        finest = min(_period(each) for each in given)
        asked = self._range(params["StartTime"], params["EndTime"], finest)
        _check_size(given, asked)
        evaluation = Evaluation(self._series, found, asked, await self._excluded())
        results: list[Json] = []
        newest_first = params.get("ScanBy") != "TimestampAscending"
        for id, query in found.items():
            if query.returned:
                for line in _lines(await evaluation.of(id)):
                    results.append(_result(id, line, query.given.get("Label"), newest_first))
        return _paged(results, params)

    def _range(self, start: datetime, end: datetime, finest: int) -> Range:
        """In whole minutes, or the steps that values of that age have. `finest`: the shortest
        period that is asked for."""
        first, last = int(aware(start).timestamp()), math.ceil(aware(end).timestamp())
        if first >= last:
            raise validation("The parameter StartTime must be less than the parameter EndTime.")
        age = self._series.clock() - first
        step = 3600 if age > 63 * _DAY else 300 if age > 15 * _DAY else min(60, finest)
        return Range(first // step * step, -(-last // step) * step)

    async def GetMetricStatistics(self, call: Call, params: Json) -> Json:
        """Statistics of one metric, period by period, by its units."""
        wanted: list[str] = params.get("Statistics") or []
        extended: list[str] = params.get("ExtendedStatistics") or []
        if not wanted and not extended:
            raise missing("Must specify either Statistics or ExtendedStatistics")
        for name in extended:
            if statistic_of(name) is None or name in SIMPLE:
                raise invalid(f"The value {name} for parameter ExtendedStatistics is invalid.")
        period = params["Period"]
        check_period(period)
        asked = self._range(params["StartTime"], params["EndTime"], period)
        number = (asked.end - asked.start) // period
        if number > _MOST_STATISTICS:
            raise combination(
                f"You have requested up to {number:,} datapoints, which exceeds the limit of "
                f"{_MOST_STATISTICS:,}. You may reduce the datapoints requested by increasing "
                "Period, or decreasing the time range."
            )
        name = params["MetricName"]
        dimensions = dimensions_of(params.get("Dimensions"))
        unit = params.get("Unit")
        found = self._series.units(params["Namespace"], name, dimensions)
        points: list[Json] = []
        for series in found:
            if unit is None or series.unit == unit:
                points += await self._statistics(series, asked, period, wanted, extended)
        return {"Label": name, "Datapoints": points}

    async def _statistics(
        self, series: Series, asked: Range, period: int, wanted: list[str], extended: list[str]
    ) -> list[Json]:
        values = await self._series.read([series], asked.start, asked.end, period)
        return [
            {"Timestamp": float(at), "Unit": series.unit, **_shown(each, wanted, extended)}
            for at, each in values.items()
        ]


def _shown(values: Distribution, wanted: list[str], extended: list[str]) -> Json:
    shown: Json = {name: SIMPLE[name](values) for name in wanted}
    if extended:
        found = {name: compute(values) for name in extended if (compute := statistic_of(name))}
        shown["ExtendedStatistics"] = {k: v for k, v in found.items() if v is not None}
    return shown


def _period(query: Json) -> int:
    stat: Json = query.get("MetricStat") or query
    return stat.get("Period") or 60


def _check_size(given: list[Json], asked: Range) -> None:
    for each in given:
        if (asked.end - asked.start) // _period(each) > _MOST_POINTS:
            raise validation(
                f"The query {each['Id']} asks for more than {_MOST_POINTS:,} datapoints: make its "
                "period longer or the time range shorter."
            )


def _lines(value: Value) -> list[Line]:
    if isinstance(value, list):
        return value
    if isinstance(value, Line):
        return [value]
    raise validation("Error in expression: the result must be a time series, not a number.")


def _result(id: str, line: Line, label: str | None, newest_first: bool) -> Json:
    points = sorted(line.points.items(), reverse=newest_first)
    return {
        "Id": id,
        "Label": labelled(label, line, id),
        "Timestamps": [float(at) for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }


def labelled(label: str | None, line: Line, id: str) -> str:
    """A label, with what it says in `${…}` put in."""
    if label is None:
        return line.label or id
    values = [line.points[at] for at in sorted(line.points)]

    def put(found: re.Match[str]) -> str:
        word, argument = found[1], found[2]
        if word == "PROP":
            return line.properties.get(argument or "", "")
        if word == "LABEL":
            return line.label or id
        if word in ("FIRST", "LAST"):
            return f"{values[0 if word == 'FIRST' else -1]:g}" if values else "-"
        if word in maths.MANY:
            return f"{maths.MANY[word](values):g}" if values else "-"
        return found[0]

    return _DYNAMIC.sub(put, label)


def _paged(results: list[Json], params: Json) -> Json:
    """So many datapoints as may be in an answer; the token counts those that were before."""
    most = params.get("MaxDatapoints") or _MOST_POINTS
    token = params.get("NextToken")
    if token is not None and (not token.isdigit() or len(token) > 12):
        raise validation("The value of parameter NextToken is invalid.")
    skip, left = int(token or 0), most
    shown: list[Json] = []
    position = 0
    for result in results:
        size = len(result["Values"])
        first = max(0, skip - position)
        part = min(max(0, size - first), left)
        position += size
        if size and not part and (first >= size or not left):
            continue
        cut = slice(first, first + part)
        times, values = result["Timestamps"][cut], result["Values"][cut]
        status = "Complete" if first + part >= size else "PartialData"
        shown.append({**result, "Timestamps": times, "Values": values, "StatusCode": status})
        left -= part
    answer: Json = {"MetricDataResults": shown, "Messages": []}
    if skip + most - left < position and left == 0:
        answer["NextToken"] = str(skip + most)
    return answer
