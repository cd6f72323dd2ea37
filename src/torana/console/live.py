"""Live figures: what was counted every other second, for a quarter of an hour, and as it comes.

Nothing is sampled before somebody has signed in.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from time import time

import msgspec
from msgspec import Struct

from torana.message import Continued, Headers, Reply
from torana.net.tasks import spawn
from torana.telemetry.metrics import SECONDS, Series, Snapshot

EVERY = 2.0
"""Seconds."""
_KEPT = 450
_BEAT = 15.0
"""Seconds after which something is sent even if there is nothing to say: connections stay open."""
_MOST_ROWS = 500


class Row(Struct, frozen=True, array_like=True):
    """What a stage did between two samples. Durations in seconds."""

    api: str
    stage: str
    count: int
    client_errors: int
    server_errors: int
    latency: list[int]
    """Per bucket of `SECONDS`; the last is open."""
    latency_total: float
    integration: int
    integration_total: float
    bytes: int


class Sample(Struct, frozen=True):
    """One moment."""

    at: float
    """Seconds since 1970."""
    seconds: float
    """Since the sample before."""
    rows: list[Row]
    gauges: dict[str, float]


class Live:
    """Samples while the process runs, once begun."""

    def __init__(self, snapshots: Callable[[], Awaitable[list[Snapshot]]]) -> None:
        self._snapshots = snapshots
        self._kept: deque[Sample] = deque(maxlen=_KEPT)
        self._before: dict[tuple[str, str], Row] = {}
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self._number = 0
        self._closed = False

    def begin(self) -> None:
        """Sample from now on."""
        if self._task is None and not self._closed:
            self._task = spawn(self._run(), "live figures")

    async def aclose(self) -> None:
        """End the sampling and every stream."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        async with self._news:
            self._news.notify_all()

    def stream(self) -> Reply:
        """Server-sent events: `history`, then a `sample` every other second."""
        self.begin()
        fields = [
            ("Content-Type", "text/event-stream"),
            ("Cache-Control", "no-store"),
            ("X-Accel-Buffering", "no"),
        ]
        told = {"buckets": SECONDS, "samples": list(self._kept)}
        first = _event("history", msgspec.json.encode(told))
        return Reply(200, Headers(fields), Continued(first, self._follow()))

    async def _follow(self) -> AsyncIterator[bytes]:
        seen = self._number
        while not self._closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT), self._news:
                    await self._news.wait_for(lambda: self._closed or self._number > seen)
            missed = min(self._number - seen, len(self._kept))
            seen = self._number
            if not missed:
                yield b": still here\n\n"
            for sample in list(self._kept)[len(self._kept) - missed :]:
                yield _event("sample", msgspec.json.encode(sample))

    async def _run(self) -> None:
        self._before, then = totals(await self._snapshots()), time()
        while True:
            await asyncio.sleep(EVERY)
            snapshots, now = await self._snapshots(), time()
            after = totals(snapshots)
            since = [difference(self._before.get(key), row) for key, row in after.items()]
            gauges: dict[str, float] = {}
            for snapshot in snapshots:
                for name, value in snapshot.gauges.items():
                    gauges[name] = gauges.get(name, 0) + value
            busy = sorted((row for row in since if row.count), key=lambda row: -row.count)
            self._kept.append(Sample(now, now - then, busy[:_MOST_ROWS], gauges))
            self._before, then = after, now
            self._number += 1
            async with self._news:
                self._news.notify_all()


def totals(snapshots: Sequence[Snapshot]) -> dict[tuple[str, str], Row]:
    """Everything counted so far, by API and stage."""
    found: dict[tuple[str, str], Row] = {}
    for series in (each for snapshot in snapshots for each in snapshot.series):
        key = series.labels[0], series.labels[1]
        row, before = _row(series), found.get(key)
        found[key] = row if before is None else _added(before, row, 1)
    return found


def difference(before: Row | None, after: Row) -> Row:
    """What came since. A worker that began anew counts from nothing: that is no negative count."""
    if before is None or after.count < before.count:
        return after
    return _added(after, before, -1)


def _row(series: Series) -> Row:
    status, latency, backend = series.by_status, series.latency, series.integration
    return Row(
        series.labels[0],
        series.labels[1],
        sum(status),
        status[4],
        status[5],
        list(latency.counts),
        latency.total,
        sum(backend.counts),
        backend.total,
        series.reply_bytes,
    )


def _added(a: Row, b: Row, sign: int) -> Row:
    return Row(
        a.api,
        a.stage,
        a.count + sign * b.count,
        a.client_errors + sign * b.client_errors,
        a.server_errors + sign * b.server_errors,
        [x + sign * y for x, y in zip(a.latency, b.latency, strict=True)],
        a.latency_total + sign * b.latency_total,
        a.integration + sign * b.integration,
        a.integration_total + sign * b.integration_total,
        a.bytes + sign * b.bytes,
    )


def _event(name: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
