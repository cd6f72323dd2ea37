"""Metrics of the node: what each process records goes, twice a second, to the one that keeps it.

Workers post their numbers over a unix socket, and send a batch again until it is acknowledged; its
number lets the keeper count it once. So figures are exact, and a `kill -9` takes the last half
second of a process with it.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from itertools import count
from os import getpid, urandom

import msgspec
from msgspec import Struct

from torana.message import Headers, Reply, Request, read
from torana.net.client import Client, Timeouts
from torana.net.server import Listener, listen
from torana.net.tasks import spawn
from torana.services.background import Background
from torana.services.cloudwatch import CloudWatch
from torana.services.reach import Reach
from torana.settings import Settings
from torana.state.counters import Counters, CountersUnavailable
from torana.state.store import Store
from torana.telemetry.recorder import Point, Recorder
from torana.telemetry.timeseries import TimeSeries

_log = logging.getLogger("torana")

EVERY = 0.5
"""Seconds between two batches."""
_TIDY = 60.0
_TOPIC = "metrics"
_SOCKET = "telemetry.sock"
_LARGEST = 64 << 20
_TIMEOUTS = Timeouts(1.0, 5.0, 5.0, 10.0)


class Batch(Struct):
    """What a process sends."""

    sender: str
    number: int
    points: list[Point]


class Observatory:
    """Of one process. `series` is there in the one that keeps the metrics."""

    def __init__(
        self, settings: Settings, client: Client, counters: Counters, *, owner: bool
    ) -> None:
        self.recorder = Recorder()
        folder, most = settings.folder(), settings.observing
        path = folder / "metrics.db"
        self.series = TimeSeries(path, most.metrics_bytes, most.metrics_series) if owner else None
        self._counters, self._several = counters, bool(settings.shared)
        self._socket = folder / "run" / _SOCKET
        self._origin = client.origin("unix", str(self._socket), 0)
        self._sender = f"{getpid()}-{urandom(4).hex()}"
        self._pending: Batch | None = None
        self._number = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: Listener | None = None

    async def open(self) -> None:
        """Raises `NewerFile` and `OSError`."""
        if self.series is not None:
            await self.series.open()
            if self._several:
                self._tasks.append(spawn(self._hear(self.series), "hear other nodes' metrics"))
            self._tasks.append(spawn(self._tidy(self.series), "tidy the metrics"))
        self._tasks.append(spawn(self._beat(), "gather the metrics"))

    async def listen(self) -> None:
        """Take in what workers send."""
        self._listener = await listen(self._take_in, path=str(self._socket))

    def watch(self, store: Store, background: Background, reach: Reach) -> CloudWatch | None:
        """CloudWatch over the metrics that this process keeps, its alarms looked at."""
        if self.series is None:
            return None
        series, put = self.series, count(1)

        async def keep(points: Sequence[Point]) -> None:
            await self._keep_here(series, Batch(f"{self._sender}-put", next(put), [*points]))

        found = CloudWatch(store, series, background, reach, self._counters.lock, keep)
        background.start(found.watcher.run(), "alarms")
        return found

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.flush()

    async def flush(self) -> None:
        """Bring to the keeper what was recorded up to now. While it is away, it waits here."""
        batch = self._pending
        if batch is None:
            points = self.recorder.take()
            if not points:
                return
            self._number += 1
            batch = self._pending = Batch(self._sender, self._number, points)
        try:
            await self._keep(batch)
        except (OSError, TimeoutError, sqlite3.Error) as error:
            _log.warning("metrics wait, they cannot be kept: %s", error)
        else:
            self._pending = None

    async def _keep(self, batch: Batch) -> None:
        if self.series is not None:
            await self._keep_here(self.series, batch)
            return
        body = msgspec.msgpack.encode(batch)
        request = Request("POST", "/metrics", Headers([("Host", "owner")]), body)
        reply = await self._origin.send(request, _TIMEOUTS)
        if reply.status != 204:
            raise ConnectionError(f"the keeper says {reply.status}")

    async def _take_in(self, request: Request) -> Reply:
        assert self.series is not None
        batch = msgspec.msgpack.decode(await read(request.body, _LARGEST), type=Batch)
        await self._keep_here(self.series, batch)
        return Reply(204, Headers(), b"")

    async def _keep_here(self, series: TimeSeries, batch: Batch) -> None:
        """Keep it, and tell the other nodes, so that each knows the numbers of all."""
        await series.keep(batch.points, batch.sender, batch.number)
        if self._several:
            try:
                await self._counters.publish(_TOPIC, msgspec.msgpack.encode(batch))
            except CountersUnavailable as error:
                _log.warning("other nodes were not told the metrics: %s", error)

    async def _hear(self, series: TimeSeries) -> None:
        """What is heard of a batch that is kept already is passed over, by its number."""
        async for message in self._counters.subscribe(_TOPIC):
            if message is not None:
                batch = msgspec.msgpack.decode(message, type=Batch)
                await series.keep(batch.points, batch.sender, batch.number)

    async def _tidy(self, series: TimeSeries) -> None:
        while True:
            await asyncio.sleep(_TIDY)
            try:
                await series.tidy()
            except (OSError, sqlite3.Error):
                _log.exception("old metrics cannot be moved on")

    async def aclose(self) -> None:
        """After the last numbers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.flush()
        if self._pending is None:
            await self.flush()
        if self._listener is not None:
            await self._listener.close()
        if self.series is not None:
            await self.series.close()
