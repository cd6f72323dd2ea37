"""Everything that the node observes, on to an OpenTelemetry collector (OTLP over HTTP).

Metrics and events of logs come from the process that keeps them for the node, off the path of any
request. What waits for a collector that is away is bounded: metrics are summed up, events beyond
the most are dropped and counted, traces wait in their file.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

from torana.message import Headers, Request, read
from torana.net.client import Client, Timeouts
from torana.net.tasks import spawn
from torana.settings import Otlp, secret
from torana.telemetry.logbook import Kept
from torana.telemetry.otlp import (
    CONTENT_TYPES,
    PATHS,
    Gathering,
    Message,
    Signal,
    encode,
    logs,
    spans,
)
from torana.telemetry.otlp.logs import Entry
from torana.telemetry.outgoing import Outgoing, Refused
from torana.telemetry.recorder import Point
from torana.telemetry.tracebook import TraceBook

_log = logging.getLogger("torana")

_OUTWARD = Timeouts(5.0, 10.0, 10.0, 10.0)
_AGAIN = frozenset((408, 429, 502, 503, 504))
"""Source: OTLP/HTTP, "Retryable Response Codes", and 408."""
_EVERY = 0.5
_LONGEST_PAUSE = 60.0
_BATCH = 1000
_ANSWER = 1 << 16


class Collector:
    """Of the process that keeps metrics, logs and traces; without an endpoint it does nothing."""

    def __init__(
        self,
        settings: Otlp,
        environment: Mapping[str, str],
        client: Client,
        node: str,
        most_series: int,
        figures: Callable[[], Awaitable[tuple[Mapping[str, float], Mapping[str, float]]]],
    ) -> None:
        """`node`: what the node is called; `figures`: gauges and counters, as they are.

        Raises `BadSettings`.
        """
        self._settings, self._client, self._figures = settings, client, figures
        self._headers = [
            (name, secret(value, environment)) for name, value in settings.headers.items()
        ]
        wanted = settings.signals if settings.endpoint else ()
        self.traces, self.metrics, self.logs = (
            each in wanted for each in ("traces", "metrics", "logs")
        )
        self._about = {
            "service.name": "torana",
            "service.version": version("torana"),
            "service.instance.id": node,
            "host.name": socket.gethostname(),
            **settings.attributes,
        }
        self._gathering = Gathering(settings.temporality, most_series)
        self._events = Outgoing[Entry](
            "events for the collector", self._send_logs, most=settings.queue, batch=_BATCH
        )
        self._refused = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def dropped(self) -> int:
        """Events, batches and points that did not arrive and will not."""
        return self._events.dropped + self._gathering.dropped + self._refused

    async def open(self, book: TraceBook | None) -> None:
        """Begin, with the traces that come into `book` from now on."""
        if self.traces and book is not None:
            place = await book.last()
            self._tasks.append(spawn(self._export(book, place), "export the traces"))
        if self.metrics:
            self._tasks.append(spawn(self._measure(), "export the metrics"))
        if self.logs:
            self._tasks.append(spawn(self._events.run(), "export the logs"))

    def take_points(self, points: Sequence[Point]) -> None:
        """Metrics that were kept."""
        if self.metrics:
            self._gathering.add(points)

    def take_events(self, kept: Kept) -> None:
        """Events of a group that were kept, as everybody may see them."""
        for event in kept.events:
            self._events((kept.group, event.stream, event.at, event.text))

    async def _send_logs(self, entries: list[Entry]) -> None:
        await self._post("logs", logs(entries, self._about, time.time()))

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(self._settings.metrics_seconds)
            await self._send_metrics()

    async def _send_metrics(self) -> None:
        """One request, sent until it is taken; meanwhile values are summed up for the next."""
        message = self._gathering.take(*await self._figures(), self._about)
        pause = _EVERY
        while message is not None:
            try:
                await self._post("metrics", message)
            except (OSError, TimeoutError) as error:
                _log.warning("metrics wait for the collector: %s", error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Refused as error:
                _log.error("the collector refuses metrics: %s", error)
                self._refused += 1
                return
            else:
                return

    async def _export(self, book: TraceBook, place: int) -> None:
        """In the order they were kept, each at least once."""
        pause = _EVERY
        while True:
            await asyncio.sleep(pause)
            further, documents = await book.since(place)
            if not documents:
                continue
            try:
                await self._post("traces", spans(documents, self._about))
            except (OSError, TimeoutError) as error:
                pause = min(pause * 2, _LONGEST_PAUSE)
                _log.warning("traces wait for the collector: %s", error)
                continue
            except Refused as error:
                _log.error("the collector refuses a batch of traces: %s", error)
                self._refused += 1
            place, pause = further, _EVERY

    async def _post(self, signal: Signal, message: Message) -> None:
        """Raises `OSError` and `TimeoutError` for what is to be sent again, and `Refused`."""
        settings = self._settings
        body = await asyncio.to_thread(encode, message, settings.encoding)
        url = urlsplit(settings.endpoint.rstrip("/") + PATHS[signal])
        port = url.port or (443 if url.scheme == "https" else 80)
        origin = self._client.origin(url.scheme, url.hostname or "", port)
        fields = [("Host", url.netloc), ("Content-Type", CONTENT_TYPES[settings.encoding])]
        fields += self._headers
        reply = await origin.send(Request("POST", url.path, Headers(fields), body), _OUTWARD)
        await read(reply.body, _ANSWER)
        if reply.status in _AGAIN:
            raise ConnectionError(f"it says {reply.status}")
        if reply.status >= 400:
            raise Refused(f"it says {reply.status}")

    async def aclose(self) -> None:
        """After the last events and numbers, if the collector takes them at once."""
        if self.logs:
            await self._events.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.metrics:
            try:
                async with asyncio.timeout(2.0):
                    await self._send_metrics()
            except TimeoutError:
                _log.error("the last metrics did not arrive")
