"""The queries of GetMetricData, and of alarms on several metrics: each line from those it names."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from torana.services.cloudwatch import bands, maths, search
from torana.services.cloudwatch.expressions import Apply, Array, Name, Node, Number, Text, parse
from torana.services.cloudwatch.faults import invalid, validation
from torana.services.cloudwatch.maths import Line, Range, Value
from torana.services.cloudwatch.metrics import dimensions_of
from torana.services.cloudwatch.select import STATISTICS, Select, grouped
from torana.services.cloudwatch.select import parse as parse_select
from torana.services.cloudwatch.statistics import Statistic
from torana.services.cloudwatch.statistics import parse as statistic_of
from torana.telemetry.distribution import Distribution
from torana.telemetry.recorder import Dimensions, Series
from torana.telemetry.timeseries import TimeSeries

Json = dict[str, Any]
Excluded = Mapping[tuple[str, str, Dimensions, str], Sequence[tuple[float, float]]]
"""Times that are no example for the models of a metric's statistic."""

_DEEPEST = 20


class Query(Struct, frozen=True):
    """One of `MetricDataQueries`: a metric, or an expression."""

    id: str
    given: Json
    node: Node | None
    statistic: Statistic | None
    select: Select | None = None

    @property
    def returned(self) -> bool:
        """Whether it is part of the answer."""
        return self.given.get("ReturnData") is not False


def queries(given: list[Json]) -> dict[str, Query]:
    """By id. Raises the service's error for what cannot be evaluated."""
    found: dict[str, Query] = {}
    for each in given:
        id = each["Id"]
        if not id[:1].islower() or not id.replace("_", "").isalnum():
            raise validation(
                f"The value {id} for parameter MetricDataQueries.Id is invalid: it must start with "
                "a lowercase letter and hold letters, digits and underscores."
            )
        if id in found:
            raise validation(
                f"The values for parameter id in MetricDataQueries are not unique: {id}"
            )
        found[id] = _query(id, each)
    return found


def _query(id: str, given: Json) -> Query:
    stat, expression = given.get("MetricStat"), given.get("Expression")
    if (stat is None) == (expression is None):
        raise validation(
            f"Exactly one of the parameters MetricStat and Expression is needed for {id}."
        )
    if expression is not None:
        if expression.strip().upper().startswith("SELECT "):
            check_period(given.get("Period") or 300)
            return Query(id, given, None, None, parse_select(expression))
        return Query(id, given, parse(expression), None)
    assert stat is not None
    check_period(stat["Period"])
    statistic = statistic_of(stat["Stat"])
    if statistic is None:
        raise validation(f"The value {stat['Stat']} for parameter Stat is invalid.")
    metric = stat["Metric"]
    if not metric.get("Namespace") or not metric.get("MetricName"):
        raise validation(f"Namespace and MetricName are needed for {id}.")
    return Query(id, given, None, statistic)


def check_period(period: int) -> None:
    """Raises the service's error."""
    if period not in (1, 5, 10, 20, 30) and (period < 60 or period % 60):
        raise invalid(
            f"The value {period} for parameter Period is invalid: it must be 1, 5, 10, 20, 30 or a "
            "multiple of 60."
        )


class Evaluation:
    """Of all the queries of a request over one range."""

    def __init__(
        self,
        series: TimeSeries,
        found: Mapping[str, Query],
        asked: Range,
        excluded: Excluded | None = None,
    ) -> None:
        self._series, self._queries, self._asked = series, found, asked
        self._excluded: Excluded = excluded or {}
        self._done: dict[str, Value] = {}
        self._under_way: list[str] = []

    async def of(self, id: str) -> Value:
        """The value of a query. Raises the service's error."""
        if id in self._done:
            return self._done[id]
        query = self._queries.get(id)
        if query is None:
            raise validation(f"Error in expression: {id} is not the id of a query.")
        if id in self._under_way or len(self._under_way) > _DEEPEST:
            raise validation(f"Error in expression: {id} refers to itself.")
        self._under_way.append(id)
        if query.select is not None:
            found: Value = await self._selected(query.select, query.given.get("Period") or 300)
        elif query.node is None:
            found = await self._metric(query)
        else:
            found = await self._node(query.node)
        self._under_way.pop()
        self._done[id] = found
        return found

    async def _metric(self, query: Query) -> Line:
        stat = query.given["MetricStat"]
        metric = stat["Metric"]
        dimensions = dimensions_of(metric.get("Dimensions"))
        return await self._read(
            metric["Namespace"],
            metric["MetricName"],
            dimensions,
            stat["Stat"],
            stat["Period"],
            stat.get("Unit"),
        )

    async def _selected(self, select: Select, period: int) -> list[Line]:
        """A line for each group of a Metrics Insights query."""

        def look() -> dict[tuple[str, ...], list[Series]]:
            found = self._series.find(select.namespace, select.metric)
            return grouped(select, (each.series for each in found))

        statistic = statistic_of(STATISTICS[select.function])
        lines: list[Line] = []
        for values, series in sorted((await asyncio.to_thread(look)).items()):
            kept = await self._series.read(series, self._asked.start, self._asked.end, period)
            points = points_of(kept, statistic)
            if points:
                lines.append(Line(points, period, " ".join(values) or select.metric))
        if select.order:
            many = maths.MANY["DATAPOINT_COUNT" if select.order == "COUNT" else select.order]
            lines.sort(key=lambda line: many([*line.points.values()]), reverse=select.down)
        return lines[: select.limit]

    async def _read(
        self,
        namespace: str,
        name: str,
        dimensions: Dimensions,
        stat: str,
        period: int,
        unit: str | None = None,
    ) -> Line:
        if unit is None:
            found = self._series.units(namespace, name, dimensions)
        else:
            found = [Series(namespace, name, dimensions, unit)]
        asked = self._asked
        values = await self._series.read(found, asked.start, asked.end, period)
        properties = {
            "MetricName": name,
            "Namespace": namespace,
            "Stat": stat,
            "Period": str(period),
            **{f"Dim.{key}": value for key, value in dimensions},
        }
        return Line(points_of(values, statistic_of(stat)), period, name, properties)

    async def _node(self, node: Node) -> Value:
        match node:
            case Number():
                return node.value
            case Text():
                return node.value
            case Name():
                if node.name.upper() in ("REPEAT", "LINEAR"):
                    return node.name
                if node.name in ("ASC", "DESC") or node.name in maths.MANY:
                    return node.name
                return await self.of(node.name)
            case Array():
                return [line for item in node.items for line in _listed(await self._node(item))]
            case Apply():
                return await self._apply(node)

    async def _apply(self, node: Apply) -> Value:
        name = node.name
        if name == "ANOMALY_DETECTION_BAND":
            return await self._band(node)
        if name == "METRICS":
            return await self._metrics(node)
        arguments = [await self._node(each) for each in node.arguments]
        if name in maths.OPERATORS:
            return maths.combine(name, *arguments)
        if name in maths.ONE and len(arguments) == 1:
            return maths.ONE[name](arguments[0])
        if name in maths.MANY and len(arguments) == 1:
            return maths.gather(name, arguments[0])
        special = getattr(self, f"_{name.lower()}", None) if name in _SPECIAL else None
        if special is None:
            raise validation(
                f"Error in expression: no function {name} of {len(arguments)} arguments"
            )
        least, most = _SPECIAL[name]
        if not least <= len(arguments) <= most:
            raise validation(f"Error in expression: {name} takes {least} to {most} arguments")
        return await special(*arguments)

    async def _metrics(self, node: Apply) -> list[Line]:
        """Every metric of the request, or those whose ids hold a word."""
        word = await self._node(node.arguments[0]) if node.arguments else ""
        return [
            line
            for id, query in self._queries.items()
            if query.statistic is not None and str(word) in id
            for line in _listed(await self.of(id))
        ]

    async def _fill(self, value: Value, by: Value) -> Value:
        if isinstance(value, list):
            return [maths.fill(line, by, self._asked) for line in value]
        return maths.fill(_line(value), by, self._asked)

    async def _if(self, condition: Value, yes: Value, no: Value | None = None) -> Value:
        return maths.choose(condition, yes, no)

    async def _metric_count(self, value: Value) -> Value:
        return float(len(_listed(value)))

    async def _period(self, value: Value) -> Value:
        return float(_line(value).period)

    async def _time_series(self, value: Value) -> Value:
        if not isinstance(value, float):
            raise validation("TIME_SERIES takes a number")
        period = min((line.period for line in self._lines()), default=60)
        return Line(dict.fromkeys(self._asked.times(period), value), period)

    def _lines(self) -> list[Line]:
        return [line for value in self._done.values() for line in _listed(value)]

    async def _remove_empty(self, value: Value) -> Value:
        return [line for line in _listed(value) if line.points]

    async def _slice(self, value: Value, start: Value, end: Value | None = None) -> Value:
        lines = _listed(value)
        if not isinstance(start, float) or not (end is None or isinstance(end, float)):
            raise validation("SLICE takes numbers")
        if end is None:
            return lines[int(start) : int(start) + 1]
        return lines[int(start) : int(end)]

    async def _sort(
        self, value: Value, by: Value, order: Value, most: Value | None = None
    ) -> Value:
        if by not in maths.MANY or order not in ("ASC", "DESC"):
            raise validation("SORT takes AVG, MIN, MAX or SUM, and ASC or DESC")
        many = maths.MANY[str(by)]
        lines = [line for line in _listed(value) if line.points]
        lines.sort(key=lambda line: many([*line.points.values()]), reverse=order == "DESC")
        return lines[: int(most)] if isinstance(most, float) else lines

    async def _first(self, value: Value) -> Value:
        return _end(value, first=True)

    async def _last(self, value: Value) -> Value:
        return _end(value, first=False)

    async def _search(self, text: Value, stat: Value, period: Value = 300.0) -> Value:
        if not isinstance(text, str) or not isinstance(stat, str) or not isinstance(period, float):
            raise validation("SEARCH takes an expression, a statistic and a period")
        if statistic_of(stat) is None:
            raise validation(f"The statistic {stat} in SEARCH is invalid.")
        check_period(int(period))
        match = search.compile_search(text)

        def look() -> dict[tuple[str, str, Dimensions], list[Series]]:
            return search.find(match, (each.series for each in self._series.find(None, None)))

        found = await asyncio.to_thread(look)
        lines = [
            await self._read(*metric, stat, int(period))  # a line for each
            for metric in found
        ]
        lines = [line for line in lines if line.points]
        return [structs.replace(line, label=_told_apart(line, lines)) for line in lines]

    async def _band(self, node: Apply) -> list[Line]:
        if not 1 <= len(node.arguments) <= 2:
            raise validation("ANOMALY_DETECTION_BAND takes a metric and a number")
        width = 2.0
        if len(node.arguments) == 2:
            given = await self._node(node.arguments[1])
            if not isinstance(given, float) or given <= 0:
                raise validation("ANOMALY_DETECTION_BAND takes a positive number of deviations")
            width = given
        line = _line(await self._node(node.arguments[0]))
        start = self._asked.start
        past = Evaluation(
            self._series, self._queries, Range(start - bands.HISTORY, start), self._excluded
        )
        known = _line(await past._node(node.arguments[0]))
        model = bands.fit(known.points, self._excluded.get(_key(line), ()))
        if model is None:
            return [Line({}, line.period, f"{line.label} ({end})") for end in ("High", "Low")]
        expected = {
            at: model.expected(at + line.period / 2) for at in self._asked.times(line.period)
        }
        upper = {at: middle + width * spread for at, (middle, spread) in expected.items()}
        lower = {at: middle - width * spread for at, (middle, spread) in expected.items()}
        return [
            Line(upper, line.period, f"{line.label} (High)"),
            Line(lower, line.period, f"{line.label} (Low)"),
        ]


_SPECIAL = {
    "FILL": (2, 2),
    "IF": (2, 3),
    "METRIC_COUNT": (1, 1),
    "PERIOD": (1, 1),
    "TIME_SERIES": (1, 1),
    "REMOVE_EMPTY": (1, 1),
    "SLICE": (2, 3),
    "SORT": (3, 4),
    "FIRST": (1, 1),
    "LAST": (1, 1),
    "SEARCH": (2, 3),
}
"""Functions of their own shape: how many arguments they take at least and at most."""


def points_of(values: dict[int, Distribution], statistic: Statistic | None) -> dict[int, float]:
    """A statistic of each period, where what is kept tells."""
    assert statistic is not None
    found = ((at, statistic(each)) for at, each in values.items())
    return {at: value for at, value in found if value is not None and math.isfinite(value)}


def _key(line: Line) -> tuple[str, str, Dimensions, str]:
    own = line.properties
    dimensions = sorted((n[4:], v) for n, v in own.items() if n.startswith("Dim."))
    return (
        own.get("Namespace", ""), own.get("MetricName", ""), tuple(dimensions), own.get("Stat", "")
    )  # fmt: skip


def _listed(value: Value) -> list[Line]:
    if isinstance(value, list):
        return value
    return [_line(value)]


def _line(value: Value) -> Line:
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    if not isinstance(value, Line):
        raise validation("Error in expression: a time series is expected")
    return value


def _end(value: Value, *, first: bool) -> Value:
    if isinstance(value, list):
        return value[0 if first else -1] if value else []
    points = _line(value).points
    if not points:
        return math.nan
    return points[min(points) if first else max(points)]


def _told_apart(line: Line, among: list[Line]) -> str:
    """What tells a search's line from the others: the values in which they differ."""
    names = sorted({name for each in among for name in each.properties if name.startswith("Dim.")})
    names = [n for n in (*names, "MetricName") if len({e.properties.get(n) for e in among}) > 1]
    return " ".join(line.properties.get(name, "") for name in names) or line.label
