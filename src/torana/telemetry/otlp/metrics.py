"""Metrics as OpenTelemetry's: what is counted as sums, what is measured as exponential histograms.

A metric bears CloudWatch's namespace and name (`AWS/ApiGateway/Latency`), and its dimensions as
attributes. Source: OpenTelemetry Metrics Data Model, "Exponential Histogram" and "Temporality".
"""

import time
from collections.abc import Callable, Iterable, Mapping
from math import ceil, log2
from typing import Literal

from msgspec import Struct
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    Metric,
    NumberDataPoint,
)

from torana.telemetry.distribution import Distribution
from torana.telemetry.otlp.encoding import attribute, resource
from torana.telemetry.recorder import Point, Series

Temporality = Literal["cumulative", "delta"]
_TEMPORALITIES = {
    "cumulative": AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE,
    "delta": AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA,
}
_UNITS = {
    "Seconds": "s",
    "Milliseconds": "ms",
    "Microseconds": "us",
    "Bytes": "By",
    "Kilobytes": "kBy",
    "Megabytes": "MBy",
    "Gigabytes": "GBy",
    "Percent": "%",
    "Count": "{count}",
    "None": "1",
}
"""CloudWatch's units as UCUM's; others stay as they are."""
_SCALE = 5
"""Buckets are 2.2 percent wide, as those that values are kept in."""
_PER = 2.0**_SCALE


class _Kept(Struct):
    values: Distribution
    changed: bool = True


class Gathering:
    """Values since the last request (`delta`), or since the start (`cumulative`)."""

    def __init__(
        self, temporality: Temporality, most: int, clock: Callable[[], float] = time.time
    ) -> None:
        """`most`: series that are kept; points of further ones are dropped and counted."""
        self._delta, self._most, self._clock = temporality == "delta", most, clock
        self._temporality = _TEMPORALITIES[temporality]
        self._kept: dict[Series, _Kept] = {}
        self._began = clock()
        self._start = int(self._began * 1e9)
        self.dropped = 0

    def add(self, points: Iterable[Point]) -> None:
        """Further values."""
        for point in points:
            kept = self._kept.get(point.series)
            if kept is None:
                if len(self._kept) >= self._most:
                    self.dropped += 1
                    continue
                kept = self._kept[point.series] = _Kept(Distribution())
            kept.values.merge(point.values)
            kept.changed = True

    def take(
        self, gauges: Mapping[str, float], counters: Mapping[str, float], about: Mapping[str, str]
    ) -> ExportMetricsServiceRequest | None:
        """What has changed; gauges and counters as they are. None: nothing."""
        began, now = (int(each * 1e9) for each in (self._began, self._clock()))
        found: dict[tuple[str, str, str, bool], Metric] = {}
        for series, kept in self._kept.items():
            if kept.changed:
                kept.changed = False
                self._put(found, series, kept.values, (began, now))
        for name, value in gauges.items():
            made = Metric(name=f"torana.{name}", unit="1")
            made.gauge.data_points.add(time_unix_nano=now, as_double=value)
            found[name, "", "", False] = made
        for name, value in counters.items():
            made = Metric(name=f"torana.{name}", unit="1")
            made.sum.is_monotonic = True
            made.sum.aggregation_temporality = _TEMPORALITIES["cumulative"]
            made.sum.data_points.add(
                start_time_unix_nano=self._start, time_unix_nano=now, as_double=value
            )
            found[name, "", "", True] = made
        if self._delta:
            self._kept, self._began = {}, now / 1e9
        if not found:
            return None
        request = ExportMetricsServiceRequest()
        of = request.resource_metrics.add(resource=resource(about))
        scope = of.scope_metrics.add(metrics=found.values())
        scope.scope.name, scope.scope.version = "torana", about.get("service.version", "")
        return request

    def _put(
        self,
        found: dict[tuple[str, str, str, bool], Metric],
        series: Series,
        values: Distribution,
        span: tuple[int, int],
    ) -> None:
        counts = series.unit == "Count" and values.low >= 0
        key = series.namespace, series.name, series.unit, counts
        metric = found.get(key)
        if metric is None:
            unit = _UNITS.get(series.unit, series.unit)
            metric = found[key] = Metric(name=f"{series.namespace}/{series.name}", unit=unit)
            if counts:
                metric.sum.aggregation_temporality = self._temporality
                metric.sum.is_monotonic = True
            else:
                metric.exponential_histogram.aggregation_temporality = self._temporality
        point: NumberDataPoint | ExponentialHistogramDataPoint
        if counts:
            point = metric.sum.data_points.add(as_double=values.total)
        else:
            point = metric.exponential_histogram.data_points.add()
            _fill(point, values)
        point.start_time_unix_nano, point.time_unix_nano = span
        point.attributes.extend(attribute(*each) for each in series.dimensions)


def _fill(point: ExponentialHistogramDataPoint, values: Distribution) -> None:
    """Where only the sum of some values is known, they are counted at their mean."""
    point.scale, point.sum = _SCALE, values.total
    point.min, point.max = values.low, values.high
    known = values.values()
    missing = values.count - sum(times for _, times in known)
    if missing > 1e-9:
        rest = values.total - sum(value * times for value, times in known)
        known = [*known, (rest / missing, missing)]
    sides: dict[int, dict[int, float]] = {1: {}, -1: {}}
    for value, times in known:
        if value == 0:
            point.zero_count += round(times)
        else:
            index = ceil(log2(abs(value)) * _PER) - 1
            side = sides[1 if value > 0 else -1]
            side[index] = side.get(index, 0.0) + times
    for side, buckets in ((sides[1], point.positive), (sides[-1], point.negative)):
        if side:
            buckets.offset = min(side)
            counts = [round(side.get(each, 0.0)) for each in range(min(side), max(side) + 1)]
            buckets.bucket_counts.extend(counts)
    point.count = (
        point.zero_count + sum(point.positive.bucket_counts) + sum(point.negative.bucket_counts)
    )
