"""Queues and messages: held in memory for quick looks, true in the store alone.

Every change is a commit that names what it replaces, so nodes that share a store never hand one
message to two receivers.
"""

import asyncio
import secrets
import time

import msgspec
from msgspec import Struct

from torana.services.background import Background
from torana.services.sqs.faults import no_queue
from torana.services.sqs.records import MESSAGE, QUEUE, MessageRecord, QueueRecord
from torana.state.store import Change, Conflict, Deleted, Document, Store


class Held(Struct, frozen=True):
    """A message and the version of its document."""

    id: str
    version: int
    message: MessageRecord


class Shelf:
    """All queues of a store."""

    def __init__(self, store: Store, background: Background) -> None:
        self._store, self._background = store, background
        self.queues: dict[str, tuple[int, QueueRecord]] = {}
        self._messages: dict[str, dict[str, Held]] = {}
        self._arrived: dict[str, asyncio.Event] = {}
        self._loading: asyncio.Lock = asyncio.Lock()
        self._known = False

    async def ready(self) -> None:
        """Read what is stored, at the first use, and follow it from then on."""
        if not self._known:
            async with self._loading:
                if not self._known:
                    revision = await self._store.revision()
                    await self._read_all()
                    self._background.start(self._follow(revision), "follow the queues")
                    self._known = True

    async def _read_all(self) -> None:
        self.queues, self._messages = {}, {}
        for kind in (QUEUE, MESSAGE):
            async for document in self._store.scan(kind):
                self._take(document)

    async def _follow(self, revision: int) -> None:
        async for news in self._store.watch(revision, (QUEUE, MESSAGE)):
            if news.resync:
                await self._read_all()
            for event in news.events:
                self._take(event)

    def _take(self, event: Document | Deleted) -> None:
        body = None if isinstance(event, Deleted) else event.body
        if event.kind == QUEUE:
            if body is None:
                self.queues.pop(event.id, None)
            else:
                self.queues[event.id] = event.version, msgspec.json.decode(body, type=QueueRecord)
        else:
            self._put(event.id, event.version, body)

    def _put(self, id: str, version: int, body: bytes | None) -> None:
        mark = id.partition("/")[0]
        there = self._messages.setdefault(mark, {})
        before = there.get(id)
        if before is not None and before.version > version:
            return
        if body is None:
            there.pop(id, None)
            return
        there[id] = Held(id, version, msgspec.json.decode(body, type=MessageRecord))
        self._event(mark).set()

    def _event(self, mark: str) -> asyncio.Event:
        return self._arrived.setdefault(mark, asyncio.Event())

    async def queue(self, name: str) -> QueueRecord:
        """A queue by name. Raises `ServiceError`."""
        await self.ready()
        found = self.queues.get(name)
        if found is None:
            raise no_queue()
        return found[1]

    async def put_queue(self, record: QueueRecord) -> None:
        """Make or change a queue. Raises `Conflict`."""
        version = self.queues[record.name][0] if record.name in self.queues else 0
        body = msgspec.json.encode(record)
        version = await self._store.commit([Change(QUEUE, record.name, version, body)])
        self.queues[record.name] = version, record

    async def drop_queue(self, record: QueueRecord) -> None:
        """Forget a queue and all that is in it. Raises `Conflict`."""
        version, _ = self.queues[record.name]
        await self._store.commit([Change(QUEUE, record.name, version, None)])
        self.queues.pop(record.name, None)
        await self.remove(self.all(record))
        self._messages.pop(record.mark, None)
        self._arrived.pop(record.mark, None)

    def all(self, queue: QueueRecord) -> list[Held]:
        """Everything in a queue, the oldest first."""
        return list(self._messages.get(queue.mark, {}).values())

    def held(self, id: str) -> Held | None:
        """A message by its document."""
        return self._messages.get(id.partition("/")[0], {}).get(id)

    async def add(self, queue: QueueRecord, messages: list[MessageRecord]) -> list[str]:
        """Accept messages, all or none: stored when this returns. Their ids."""
        changes = [addition(queue, each) for each in messages]
        version = await self._store.commit(changes)
        for change in changes:
            self._put(change.id, version, change.body)
        return [change.id for change in changes]

    async def replace(self, held: Held, *changes: Change, by: MessageRecord | None) -> bool:
        """Write a message anew, or forget it (None), along with other changes; False: another
        was faster."""
        body = None if by is None else msgspec.json.encode(by)
        all_changes = [Change(MESSAGE, held.id, held.version, body), *changes]
        try:
            version = await self._store.commit(all_changes)
        except Conflict:
            return False
        for change in all_changes:
            self._put(change.id, version, change.body)
        return True

    async def remove(self, messages: list[Held]) -> None:
        """Forget messages."""
        for each in messages:
            await self.replace(each, by=None)

    def listen(self, queue: QueueRecord) -> None:
        """From now on `arrival` tells of what comes."""
        self._event(queue.mark).clear()

    async def arrival(self, queue: QueueRecord, until: float) -> None:
        """Wait until there may be something to receive, at most until then (Unix time)."""
        event = self._event(queue.mark)
        now = time.time()
        later = [each.message.visible for each in self.all(queue) if each.message.visible > now]
        wait = min([until, *later]) - now
        try:
            async with asyncio.timeout(max(wait, 0.001)):
                await event.wait()
        except TimeoutError:
            return


def addition(queue: QueueRecord, message: MessageRecord) -> Change:
    """The change that puts a message into a queue; ids grow with time."""
    id = f"{queue.mark}/{time.time_ns():020d}-{secrets.token_hex(6)}"
    return Change(MESSAGE, id, 0, msgspec.json.encode(message))
