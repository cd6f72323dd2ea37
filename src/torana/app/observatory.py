"""Metrics, logs and traces of the node: what each process records goes, twice a second, to the one
that keeps it, and from there, where the settings say so, on to a collector.

Workers post their batches over a unix socket, and send them again until they are acknowledged; its
number lets the keeper count a batch once. So figures are exact, and a `kill -9` takes the last half
second of a process with it.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from os import getpid, urandom
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from torana.app.costs import Costs
from torana.app.functions import node_name
from torana.app.shipping import Shipping
from torana.app.tracing import TraceDesk
from torana.message import Headers, Reply, Request, read
from torana.net.client import Client, Timeouts
from torana.net.server import Listener, listen
from torana.net.tasks import spawn
from torana.sealing import Vault
from torana.services.apigateway.book import Book
from torana.services.background import Background
from torana.services.budgets.budgets import Budgets
from torana.services.budgets.spending import Spending
from torana.services.cloudwatch import CloudWatch
from torana.services.costs.explorer import Explorer
from torana.services.costs.rows import Where
from torana.services.logs import Logs
from torana.services.reach import Reach
from torana.settings import Settings
from torana.state.counters import Counters, CountersUnavailable
from torana.state.store import Store
from torana.telemetry.journal import Journal
from torana.telemetry.logbook import Entries, LogBook
from torana.telemetry.recorder import Point, Recorder
from torana.telemetry.timeseries import TimeSeries
from torana.telemetry.tracebook import Kept

if TYPE_CHECKING:
    from torana.app.collector import Collector

_log = logging.getLogger("torana")

EVERY = 0.5
"""Seconds between two batches."""
_TIDY = 60.0
_TOPIC = "metrics"
_SOCKET = "telemetry.sock"
_LARGEST = 128 << 20
_TIMEOUTS = Timeouts(1.0, 5.0, 5.0, 10.0)


Figures = Callable[[], Awaitable[tuple[Mapping[str, float], Mapping[str, float]]]]
"""Gauges and counters, as they are."""


async def _no_figures() -> tuple[Mapping[str, float], Mapping[str, float]]:
    return {}, {}


class Numbers(Struct):
    """Metrics that a process sends."""

    sender: str
    number: int
    points: list[Point]


class Lines(Struct):
    """Events that a process sends."""

    sender: str
    number: int
    entries: list[Entries]


class Segments(Struct):
    """Of traces, that a process sends."""

    sender: str
    number: int
    segments: list[Kept]


class Observatory:
    """Of one process. `series` and `book` are there in the one that keeps metrics and logs."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        counters: Counters,
        journal: Journal,
        vault: Vault | None = None,
        traces: TraceDesk | None = None,
        *,
        owner: bool,
    ) -> None:
        """`journal` is where this process' lines are collected; `traces` are gathered, too."""
        self.days: Callable[[str], int] = lambda group: 0
        """For how long events of a log group without a retention of its own are kept."""
        self.recorder, self.journal = Recorder(), journal
        folder, most = settings.folder(), settings.observing
        self.series: TimeSeries | None = None
        self.book: LogBook | None = None
        if owner:
            path = folder / "metrics.db"
            days_ = settings.retention.metrics
            self.series = TimeSeries(path, most.metrics_bytes, most.metrics_series, days=days_)
            cover = vault and vault.cover("logs")
            self.book = LogBook(folder / "logs.db", most.logs_bytes, cover=cover)
            self.book.days = lambda group: self.days(group)
        self._usage = vault and vault.cover("usage")
        self._counters, self._several = counters, bool(settings.shared)
        self._settings = settings
        self._socket = folder / "run" / _SOCKET
        self._origin = client.origin("unix", str(self._socket), 0)
        self._sender = f"{getpid()}-{urandom(4).hex()}"
        self.traces = traces or TraceDesk(settings, owner=False)
        self._collector: Collector | None = None
        self._client = client
        self._shipping = (
            Shipping(self._sender, self.recorder.take, self._send_numbers),
            Shipping(self._sender, self.journal.take, self._send_lines),
            Shipping(self._sender, self.traces.take, self._send_segments),
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: Listener | None = None

    async def open(
        self, environment: Mapping[str, str] = {}, figures: Figures = _no_figures
    ) -> None:
        """`figures`: what the collector is told beside metrics. Raises `NewerFile`, `OSError` and
        `BadSettings`."""
        if self.series is not None and self.book is not None:
            await self.series.open()
            await self.book.open()
            if self._several:
                self._tasks.append(spawn(self._hear(self.series), "hear other nodes' metrics"))
            self._tasks.append(spawn(self._tidy(self.series, self.book), "tidy metrics and logs"))
        settings = self._settings
        if self.series is not None and settings.otlp.endpoint:
            # OpenTelemetry's messages take 20 MB, which only those pay who send some.
            from torana.app.collector import Collector

            self._collector = Collector(
                settings.otlp,
                environment,
                self._client,
                node_name(settings.folder()),
                settings.observing.metrics_series,
                figures,
            )
            await self._collector.open(self.traces.book)
        self._tasks.append(spawn(self._beat(), "gather metrics, logs and traces"))

    def gauges(self) -> dict[str, float]:
        """What is to be watched of the gathering itself."""
        found = self._collector
        return {} if found is None else {"otlp_dropped": found.dropped}

    async def listen(self) -> None:
        """Take in what workers send."""
        self._listener = await listen(self._take_in, path=str(self._socket))

    def watch(self, store: Store, background: Background, reach: Reach) -> CloudWatch | None:
        """CloudWatch over the metrics that this process keeps, its alarms looked at."""
        if self.series is None:
            return None
        series, put = self.series, count(1)

        async def keep(points: Sequence[Point]) -> None:
            batch = Numbers(f"{self._sender}-put", next(put), [*points])
            await self._keep_numbers(series, batch)

        found = CloudWatch(store, series, background, reach, self._counters.lock, keep)
        background.start(found.watcher.run(), "alarms")
        return found

    async def hear(self, store: Store, background: Background, reach: Reach) -> Logs | None:
        """CloudWatch Logs over the events that this process keeps."""
        if self.book is None:
            return None
        found = Logs(self.book, store, self.recorder, reach, background, self._settings.account)
        if self._collector is not None and self._collector.logs:
            found.hearing.beyond = self._collector.take_events
        await found.hearing.load()
        return found

    def spend(
        self, store: Store, background: Background, reach: Reach
    ) -> tuple[Explorer, Budgets] | None:
        """Cost Explorer and Budgets over the ledger and the metrics that this process keeps."""
        if self.series is None:
            return None
        settings, clock = self._settings, self.series.clock
        where = Where(settings.region, settings.account)
        costs = Costs(self.series, settings.folder() / "usage", settings.prices, self._usage)
        explorer = Explorer(costs.daily, where, clock)
        spending = Spending(store, explorer, where, reach)
        background.start(spending.run(self._counters.lock), "budgets")
        return explorer, Budgets(Book(store, "budgets"), spending, where, clock)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.flush()

    async def flush(self) -> None:
        """Bring to the keeper what was recorded up to now. While it is away, it waits here."""
        for each in self._shipping:
            try:
                await each.flush()
            except (OSError, TimeoutError, sqlite3.Error) as error:
                _log.warning("metrics, logs or traces wait, they cannot be kept: %s", error)

    async def _send_numbers(self, sender: str, number: int, points: list[Point]) -> None:
        batch = Numbers(sender, number, points)
        if self.series is not None:
            await self._keep_numbers(self.series, batch)
        else:
            await self._post("/metrics", msgspec.msgpack.encode(batch))

    async def _send_lines(self, sender: str, number: int, entries: list[Entries]) -> None:
        if self.book is not None:
            await self.book.put(entries, sender, number)
        else:
            await self._post("/logs", msgspec.msgpack.encode(Lines(sender, number, entries)))

    async def _send_segments(self, sender: str, number: int, segments: list[Kept]) -> None:
        if self.traces.book is not None:
            await self.traces.book.put(segments, sender, number)
        else:
            batch = Segments(sender, number, segments)
            await self._post("/traces", msgspec.msgpack.encode(batch))

    async def _post(self, path: str, body: bytes) -> None:
        request = Request("POST", path, Headers([("Host", "owner")]), body)
        reply = await self._origin.send(request, _TIMEOUTS)
        if reply.status != 204:
            raise ConnectionError(f"the keeper says {reply.status}")

    async def _take_in(self, request: Request) -> Reply:
        body = await read(request.body, _LARGEST)
        assert self.series is not None and self.book is not None
        if request.target == "/metrics":
            await self._keep_numbers(self.series, msgspec.msgpack.decode(body, type=Numbers))
        elif request.target == "/traces":
            found = msgspec.msgpack.decode(body, type=Segments)
            assert self.traces.book is not None
            await self.traces.book.put(found.segments, found.sender, found.number)
        else:
            lines = msgspec.msgpack.decode(body, type=Lines)
            await self.book.put(lines.entries, lines.sender, lines.number)
        return Reply(204, Headers(), b"")

    async def _keep_numbers(self, series: TimeSeries, batch: Numbers) -> None:
        """Keep them, and tell the other nodes, so that each knows the numbers of all."""
        fresh = await series.keep(batch.points, batch.sender, batch.number)
        if fresh and self._collector is not None:
            self._collector.take_points(batch.points)
        if self._several:
            try:
                await self._counters.publish(_TOPIC, msgspec.msgpack.encode(batch))
            except CountersUnavailable as error:
                _log.warning("other nodes were not told the metrics: %s", error)

    async def _hear(self, series: TimeSeries) -> None:
        """What is heard of a batch that is kept already is passed over, by its number."""
        async for message in self._counters.subscribe(_TOPIC):
            if message is not None:
                batch = msgspec.msgpack.decode(message, type=Numbers)
                await series.keep(batch.points, batch.sender, batch.number)

    async def _tidy(self, series: TimeSeries, book: LogBook) -> None:
        while True:
            await asyncio.sleep(_TIDY)
            try:
                await series.tidy()
                await book.tidy()
            except (OSError, sqlite3.Error):
                _log.exception("old metrics and logs cannot be moved on")

    async def aclose(self) -> None:
        """After the last numbers and lines."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.flush()
        await self.flush()
        if self._collector is not None:
            await self._collector.aclose()
        if self._listener is not None:
            await self._listener.close()
        if self.book is not None:
            await self.book.close()
        if self.series is not None:
            await self.series.close()
