"""Counts and durations per method, summed over the worker processes, in Prometheus' format.

A request touches a handle that its plan already holds: plain additions on one thread, no lock and
no label look-up. Only a scrape builds the families.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from msgspec import Struct, msgpack
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 29.0)
"""Upper bounds of the duration buckets."""

LABELS = ("api_id", "stage", "method", "resource")


class Durations(Struct):
    """A histogram: a count per bucket (the last one is open) and the sum in seconds."""

    counts: list[int]
    total: float = 0.0


def durations() -> Durations:
    """An empty histogram."""
    return Durations([0] * (len(SECONDS) + 1))


class Series(Struct):
    """Everything counted of one method."""

    labels: tuple[str, str, str, str]
    by_status: list[int]
    """Replies by the status' first digit."""
    latency: Durations
    integration: Durations
    reply_bytes: int = 0
    cache_hits: int = 0
    cache_misses: int = 0

    def cached(self, hit: bool) -> None:
        """One request of a method whose answers the stage keeps."""
        if hit:
            self.cache_hits += 1
        else:
            self.cache_misses += 1

    def count(self, status: int, seconds: float, integration: float, size: int) -> None:
        """One request answered. `integration` is negative when no backend was called."""
        self.by_status[status // 100 if 100 <= status < 600 else 0] += 1
        latency = self.latency
        latency.counts[bisect_left(SECONDS, seconds)] += 1
        latency.total += seconds
        if integration >= 0:
            backend = self.integration
            backend.counts[bisect_left(SECONDS, integration)] += 1
            backend.total += integration
        self.reply_bytes += size


class Snapshot(Struct):
    """A worker's numbers, as they travel to whoever is scraped."""

    series: list[Series]
    gauges: dict[str, float] = {}
    counters: dict[str, float] = {}


class Metrics:
    """The numbers of this process."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str, str], Series] = {}
        self.gauges: dict[str, float] = {}
        self.counters: dict[str, float] = {}

    def series(self, api_id: str, stage: str, method: str, resource: str) -> Series:
        """The handle of a method: the same one whenever the API is compiled again."""
        labels = (api_id, stage, method, resource)
        found = self._series.get(labels)
        if found is None:
            found = Series(labels, [0] * 6, durations(), durations())
            self._series[labels] = found
        return found

    def add(self, name: str, amount: float = 1) -> None:
        """Count something rare."""
        self.counters[name] = self.counters.get(name, 0) + amount

    def snapshot(self) -> bytes:
        """Everything, as MessagePack."""
        return msgpack.encode(Snapshot(list(self._series.values()), self.gauges, self.counters))


def read_snapshot(data: bytes) -> Snapshot:
    """The opposite of `Metrics.snapshot`."""
    return msgpack.decode(data, type=Snapshot)


def exposition(snapshots: Iterable[Snapshot]) -> bytes:
    """The sum of all workers in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Sum(list(snapshots)))
    return generate_latest(registry)


class _Sum(Collector):
    def __init__(self, snapshots: list[Snapshot]) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterator[Metric]:
        yield from _families(_summed(self._snapshots))
        for name, value in sorted(totals(each.gauges for each in self._snapshots).items()):
            yield GaugeMetricFamily(f"torana_{name}", name.replace("_", " "), value)
        for name, value in sorted(totals(each.counters for each in self._snapshots).items()):
            yield CounterMetricFamily(f"torana_{name}", name.replace("_", " "), value)


def totals(tables: Iterable[dict[str, float]]) -> dict[str, float]:
    """The sum of several processes' numbers, by name."""
    total: dict[str, float] = {}
    for table in tables:
        for name, value in table.items():
            total[name] = total.get(name, 0) + value
    return total


def _summed(snapshots: list[Snapshot]) -> list[Series]:
    total: dict[tuple[str, str, str, str], Series] = {}
    for series in (each for snapshot in snapshots for each in snapshot.series):
        into = total.setdefault(
            series.labels, Series(series.labels, [0] * 6, durations(), durations())
        )
        into.by_status = [a + b for a, b in zip(into.by_status, series.by_status, strict=True)]
        into.reply_bytes += series.reply_bytes
        into.cache_hits += series.cache_hits
        into.cache_misses += series.cache_misses
        for mine, its in ((into.latency, series.latency), (into.integration, series.integration)):
            mine.counts = [a + b for a, b in zip(mine.counts, its.counts, strict=True)]
            mine.total += its.total
    return list(total.values())


def _families(all_series: list[Series]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "torana_requests", "Requests answered.", labels=(*LABELS, "status")
    )
    size = CounterMetricFamily("torana_reply_bytes", "Bytes of reply bodies.", labels=LABELS)
    cache = CounterMetricFamily(
        "torana_stage_cache", "Requests the stage's cache was asked.", labels=(*LABELS, "found")
    )
    latency = HistogramMetricFamily(
        "torana_request_duration_seconds", "First byte in to last byte out.", labels=LABELS
    )
    backend = HistogramMetricFamily(
        "torana_integration_duration_seconds", "Time spent in the backend.", labels=LABELS
    )
    for series in all_series:
        for digit, count in enumerate(series.by_status):
            if count:
                name = f"{digit}xx" if digit else "none"
                requests.add_metric((*series.labels, name), count)
        size.add_metric(series.labels, series.reply_bytes)
        if series.cache_hits or series.cache_misses:
            cache.add_metric((*series.labels, "hit"), series.cache_hits)
            cache.add_metric((*series.labels, "miss"), series.cache_misses)
        latency.add_metric(series.labels, _cumulative(series.latency), series.latency.total)
        backend.add_metric(series.labels, _cumulative(series.integration), series.integration.total)
    yield from (requests, size, cache, latency, backend)


def _cumulative(of: Durations) -> list[tuple[str, float]]:
    total, out = 0, list[tuple[str, float]]()
    for bound, count in zip((*map(str, SECONDS), "+Inf"), of.counts, strict=True):
        total += count
        out.append((bound, total))
    return out
