"""Event source mappings: SQS queues whose messages are handed to functions in batches.

Each node that runs functions polls; the queue hands one message to one of them.
Source: Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

import asyncio
import logging
import time
from typing import Any, cast
from uuid import uuid4

import msgspec
from msgspec import Struct, structs

from torana.model.function import Event
from torana.net.tasks import spawn
from torana.services.background import Background
from torana.services.lambda_.book import Book
from torana.services.lambda_.concurrency import check_queue
from torana.services.lambda_.names import conflict, invalid, missing
from torana.services.lambda_.shown import page
from torana.services.ports import Busy, Call, Failed, Missing
from torana.services.sqs.batches import Batch, records
from torana.services.sqs.messages import Messages
from torana.services.sqs.shelf import Shelf
from torana.state.store import Change, StoreError
from torana.wire.faults import ServiceError

Json = dict[str, Any]

_log = logging.getLogger("torana.lambda")
SOURCE = "lambda-event-source"
_AT_ONCE = 5
"""Batches of a mapping that a node has under way. Source: the service begins with five pollers."""
_WAIT = 20.0
_TAKEN = frozenset(
    {
        "UUID",
        "EventSourceArn",
        "FunctionName",
        "Enabled",
        "BatchSize",
        "MaximumBatchingWindowInSeconds",
        "FunctionResponseTypes",
    }
)


class Source(Struct, frozen=True):
    """A mapping, as it is stored."""

    queue: str
    """An ARN."""
    function: str
    """Its ARN, with the qualifier."""
    modified: float
    enabled: bool = True
    batch: int = 10
    window: int = 0
    """Seconds that a batch may wait to fill."""
    partial: bool = False
    """The function tells which messages failed."""


class Sources:
    """Operations on event source mappings, and the pollers."""

    def __init__(self, book: Book) -> None:
        self._book, self._store = book, book.store
        self._background = Background()
        self._shelf = Shelf(book.store, self._background)
        self._messages = Messages(self._shelf)
        self._found: dict[str, tuple[int, Source]] = {}
        self._polling: dict[str, tuple[Source, list[asyncio.Task[None]]]] = {}

    async def load(self) -> None:
        """Poll for what is stored, and follow it from then on."""
        revision = await self._store.revision()
        await self._read_all()
        self._background.start(self._follow(revision), "follow the event sources")

    async def _read_all(self) -> None:
        found: dict[str, tuple[int, Source]] = {}
        async for document in self._store.scan(SOURCE):
            found[document.id] = (
                document.version,
                msgspec.json.decode(document.body, type=Source),
            )
        self._found = found
        self._arrange()

    async def _follow(self, revision: int) -> None:
        async for _ in self._store.watch(revision, (SOURCE,)):
            await self._read_all()

    def _arrange(self) -> None:
        """Start and stop pollers, so that they are of what is there."""
        wanted = {id: source for id, (_, source) in self._found.items() if source.enabled}
        for id, (source, tasks) in list(self._polling.items()):
            if wanted.get(id) != source:
                del self._polling[id]
                for task in tasks:
                    task.cancel()
        for id, source in wanted.items():
            if id not in self._polling:
                tasks = [spawn(self._poll(source), f"poll {source.queue}") for _ in range(_AT_ONCE)]
                self._polling[id] = source, tasks

    async def _poll(self, source: Source) -> None:
        while True:
            try:
                batch = await self._messages.batch(source.queue, source.batch, source.window, _WAIT)
                if batch is None:
                    await asyncio.sleep(1)
                elif batch.messages:
                    await self._deliver(source, batch)
            except (ServiceError, StoreError, Busy, Missing, Failed) as error:
                # The messages come again when their visibility timeout is over.
                _log.warning("%s: %s", source.function, error)
                await asyncio.sleep(1)

    async def _deliver(self, source: Source, batch: Batch) -> None:
        payload = msgspec.json.encode({"Records": records(batch, self._book.place.region)})
        version, arn = await self._book.resolve(source.function, None)
        outcome = await self._book.runner.invoke(version, Event(str(uuid4()), payload, arn))
        if outcome.failed:
            return
        failed: set[str] = set()
        if source.partial:
            body = outcome.body if isinstance(outcome.body, bytes) else b""
            failed = _failures(body, {held.id for held in batch.messages}, batch.ids)
        for held in batch.messages:
            if held.id not in failed:
                await self._messages.done(held)

    async def CreateEventSourceMapping(self, call: Call, params: Json) -> Json:
        """Hand a queue's messages to a function from now on."""
        arn = params.get("EventSourceArn") or ""
        if ":sqs:" not in arn:
            raise invalid("Unrecognized event source: only SQS queues are event sources here")
        await check_queue(self._book, arn)
        made = await self._changed(Source(arn, "", time.time()), params)
        if any((each.queue, each.function) == (arn, made.function) for _, each in self._all()):
            raise conflict(
                f'An event source mapping with SQS arn (" {arn} ") and function '
                f'(" {made.function} ") already exists.'
            )
        return await self._put(str(uuid4()), 0, made)

    async def UpdateEventSourceMapping(self, call: Call, params: Json) -> Json:
        """Other settings."""
        version, before = self._known(params["UUID"])
        return await self._put(params["UUID"], version, await self._changed(before, params))

    async def GetEventSourceMapping(self, call: Call, params: Json) -> Json:
        """A mapping."""
        return _shown(params["UUID"], self._known(params["UUID"])[1])

    async def ListEventSourceMappings(self, call: Call, params: Json) -> Json:
        """All, or those of a queue or a function."""
        queue, name = params.get("EventSourceArn"), params.get("FunctionName")
        function = self._book.arn(*self._named(name)) if name else None
        found = [
            _shown(id, each)
            for id, each in self._all()
            if queue in (None, each.queue) and function in (None, each.function)
        ]
        return page(found, params, "EventSourceMappings")

    async def DeleteEventSourceMapping(self, call: Call, params: Json) -> Json:
        """No more."""
        id = params["UUID"]
        version, before = self._known(id)
        await self._store.commit([Change(SOURCE, id, version, None)])
        self._found.pop(id, None)
        self._arrange()
        return {**_shown(id, before), "State": "Deleting"}

    async def _put(self, id: str, version: int, source: Source) -> Json:
        version = await self._store.commit(
            [Change(SOURCE, id, version, msgspec.json.encode(source))]
        )
        self._found[id] = version, source
        self._arrange()
        return _shown(id, source)

    async def _changed(self, source: Source, params: Json) -> Source:
        unknown = sorted(key for key in params.keys() - _TAKEN if params[key])
        if unknown:
            raise invalid(f"{unknown[0]}: is not supported here for event source mappings")
        changes: Json = {"modified": time.time()}
        if params.get("FunctionName"):
            changes["function"] = self._book.arn(*self._named(params["FunctionName"]))
        for member, field in _PLAIN.items():
            if params.get(member) is not None:
                changes[field] = params[member]
        if params.get("FunctionResponseTypes") is not None:
            changes["partial"] = bool(params["FunctionResponseTypes"])
        after = structs.replace(source, **changes)
        if after.batch > 10 and not after.window:
            raise invalid(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
                "greater than 10"
            )
        await self._check_timeouts(after)
        return after

    async def _check_timeouts(self, source: Source) -> None:
        version, _ = await self._book.resolve(source.function, None)
        queue = await self._shelf.queue(source.queue.rpartition(":")[2])
        hidden = queue.number("VisibilityTimeout")
        if hidden < version.timeout:
            raise invalid(
                f"Queue visibility timeout: {hidden} seconds is less than Function timeout: "
                f"{int(version.timeout)} seconds"
            )

    def _named(self, reference: str) -> tuple[str, str]:
        record, qualifier = self._book.get(reference)
        self._book.config(record, qualifier)
        return record.name, qualifier

    def _all(self) -> list[tuple[str, Source]]:
        return [(id, source) for id, (_, source) in sorted(self._found.items())]

    def _known(self, id: str) -> tuple[int, Source]:
        found = self._found.get(id)
        if found is None:
            raise missing("The resource you requested does not exist.")
        return found

    async def aclose(self) -> None:
        """Stop polling; what is under way comes again."""
        tasks = [task for _, each in self._polling.values() for task in each]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._background.aclose()


_PLAIN = {"Enabled": "enabled", "BatchSize": "batch", "MaximumBatchingWindowInSeconds": "window"}


def _shown(id: str, source: Source) -> Json:
    return {
        "UUID": id,
        "BatchSize": source.batch,
        "MaximumBatchingWindowInSeconds": source.window,
        "EventSourceArn": source.queue,
        "FunctionArn": source.function,
        "LastModified": source.modified,
        "State": "Enabled" if source.enabled else "Disabled",
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if source.partial else [],
    }


def _failures(body: bytes, every: set[str], ids: dict[str, str]) -> set[str]:
    """The messages that the function says failed; all of them when it says it wrongly."""
    try:
        said = cast(Json, msgspec.json.decode(body or b"null") or {})
        items = cast(list[Json], said.get("batchItemFailures") or [])
        return {ids[each["itemIdentifier"]] for each in items}
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
        return every
