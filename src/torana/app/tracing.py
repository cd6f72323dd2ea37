"""Traces of the node: what each process traced goes, twice a second, to the one that keeps it, and
from there, where the settings say so, on by OTLP.

Which requests are traced is for every process to decide, by the rules of the store.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from importlib.metadata import version
from os import getpid, urandom
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from torana.app.shipping import Shipping
from torana.gateway.contract import Traces
from torana.message import Headers, Reply, Request, read
from torana.net.client import Client, Timeouts
from torana.net.server import Listener, listen
from torana.net.tasks import spawn
from torana.sealing import Cover
from torana.services.xray.rules import RULE, rule_of
from torana.services.xray.traces import read_segment
from torana.settings import Tracing
from torana.state.store import Store
from torana.telemetry.otlp import spans
from torana.telemetry.sampling import DEFAULT, Sampler
from torana.telemetry.tracebook import Kept, TraceBook

_log = logging.getLogger("torana")

_EVERY = 0.5
_TIDY = 60.0
_MOST = 20_000
"""Segments that may wait for a book that is away; what comes beyond is dropped and counted."""
_LARGEST = 64 << 20
_TIMEOUTS = Timeouts(1.0, 5.0, 5.0, 10.0)
_OUTWARD = Timeouts(5.0, 10.0, 10.0, 10.0)
_LONGEST_PAUSE = 60.0


class Batch(Struct):
    """What a process sends."""

    sender: str
    number: int
    segments: list[Kept]


class Daemon(asyncio.DatagramProtocol):
    """Takes segments as programs with an X-Ray SDK send them: a line that names the format, then
    the document. Source: X-Ray Developer Guide, "Sending segment documents to the X-Ray daemon"."""

    def __init__(self, keep: Callable[[Kept], None]) -> None:
        self._keep = keep

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """A segment; what is none is told in the log."""
        found, why = read_segment(data.partition(b"\n")[2].decode("utf-8", "replace"))
        if isinstance(found, Kept):
            self._keep(found)
        else:
            _log.warning("a segment sent to the X-Ray port is refused: %s", why)


class TraceDesk:
    """Of one process. `book` is there in the one that keeps the segments."""

    def __init__(
        self,
        settings: Tracing,
        folder: Path,
        client: Client,
        cover: Cover | None = None,
        *,
        owner: bool,
    ) -> None:
        self.book = TraceBook(folder / "traces.db", settings.bytes, cover) if owner else None
        self.sampler = Sampler()
        self.dropped = 0
        self.port = Traces(self.sampler.decide, self.keep)
        self._settings, self._client = settings, client
        self._socket = folder / "run" / "traces.sock"
        self._origin = client.origin("unix", str(self._socket), 0)
        self._waiting: list[Kept] = []
        sender = f"{getpid()}-{urandom(4).hex()}"
        self._shipping = Shipping(sender, self._take, self._send)
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: Listener | None = None
        self._daemon: asyncio.DatagramTransport | None = None

    def keep(self, segment: Kept) -> None:
        """One more; never waits."""
        if len(self._waiting) < _MOST:
            self._waiting.append(segment)
        else:
            self.dropped += 1

    async def open(self, store: Store) -> None:
        """Raises `NewerFile` and `OSError`."""
        revision = await store.revision()
        await self._load(store)
        self._tasks.append(spawn(self._follow(store, revision), "follow the sampling rules"))
        if self.book is not None:
            await self.book.open()
            self._listener = await listen(self._take_in, path=str(self._socket))
            self._tasks.append(spawn(self._tidy(self.book), "tidy the traces"))
            await self._open_daemon()
            if self._settings.otlp:
                place = await self.book.last()
                self._tasks.append(spawn(self._export(self.book, place), "export the traces"))
        self._tasks.append(spawn(self._beat(), "gather the traces"))

    async def _open_daemon(self) -> None:
        """Raises `OSError`."""
        port = self._settings.daemon
        if port is not None:
            loop = asyncio.get_running_loop()
            made = await loop.create_datagram_endpoint(
                lambda: Daemon(self.keep), local_addr=("127.0.0.1", port)
            )
            self._daemon = made[0]

    async def _load(self, store: Store) -> None:
        rules = [rule_of(document.body) async for document in store.scan(RULE)]
        named = {rule.name for rule in rules}
        self.sampler.replace(rules if DEFAULT.name in named else [*rules, DEFAULT])

    async def _follow(self, store: Store, revision: int) -> None:
        async for _ in store.watch(revision, (RULE,)):
            await self._load(store)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            await self.flush()

    async def flush(self) -> None:
        """Bring to the keeper what was traced up to now. While it is away, it waits here."""
        try:
            await self._shipping.flush()
        except (OSError, TimeoutError, sqlite3.Error) as error:
            _log.warning("traces wait, they cannot be kept: %s", error)

    def _take(self) -> list[Kept]:
        taken, self._waiting = self._waiting, []
        return taken

    async def _send(self, sender: str, number: int, segments: list[Kept]) -> None:
        if self.book is not None:
            await self.book.put(segments, sender, number)
            return
        body = msgspec.msgpack.encode(Batch(sender, number, segments))
        request = Request("POST", "/", Headers([("Host", "owner")]), body)
        reply = await self._origin.send(request, _TIMEOUTS)
        if reply.status != 204:
            raise ConnectionError(f"the keeper says {reply.status}")

    async def _take_in(self, request: Request) -> Reply:
        assert self.book is not None
        batch = msgspec.msgpack.decode(await read(request.body, _LARGEST), type=Batch)
        await self.book.put(batch.segments, batch.sender, batch.number)
        return Reply(204, Headers(), b"")

    async def _tidy(self, book: TraceBook) -> None:
        while True:
            await asyncio.sleep(_TIDY)
            try:
                await book.tidy()
            except (OSError, sqlite3.Error):
                _log.exception("old traces cannot be let go")

    async def _export(self, book: TraceBook, place: int) -> None:
        """In the order they were kept, each at least once; a collector that is away is asked again
        after longer and longer."""
        pause = _EVERY
        while True:
            await asyncio.sleep(pause)
            further, documents = await book.since(place)
            if not documents:
                continue
            try:
                await self._post(spans(documents, version("torana")))
            except (ConnectionError, TimeoutError) as error:
                pause = min(pause * 2, _LONGEST_PAUSE)
                _log.warning("traces wait for the collector: %s", error)
            else:
                place, pause = further, _EVERY

    async def _post(self, body: bytes) -> None:
        url = urlsplit(self._settings.otlp.rstrip("/") + "/v1/traces")
        port = url.port or (443 if url.scheme == "https" else 80)
        origin = self._client.origin(url.scheme, url.hostname or "", port)
        fields = [("Host", url.netloc), ("Content-Type", "application/json")]
        fields += self._settings.otlp_headers.items()
        reply = await origin.send(Request("POST", url.path, Headers(fields), body), _OUTWARD)
        if reply.status >= 500 or reply.status == 429:
            raise ConnectionError(f"it says {reply.status}")
        if reply.status >= 400:
            _log.error("the collector refuses a batch of traces: %s", reply.status)

    async def aclose(self) -> None:
        """After the last segments."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.flush()
        await self.flush()
        if self._daemon is not None:
            self._daemon.close()
        if self._listener is not None:
            await self._listener.close()
        if self.book is not None:
            await self.book.close()
