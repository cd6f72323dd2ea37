"""Asynchronous invocations: accepted means stored, so that a crash loses none.

A failing one is tried again after a minute, then after two; throttled ones wait and do not count
as tries. Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
invocation".
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct, structs

from torana.model.function import Event
from torana.net.tasks import spawn
from torana.services.lambda_.book import Book
from torana.services.lambda_.names import split
from torana.services.lambda_.records import AsyncConfig
from torana.services.ports import Busy, Failed, Missing
from torana.services.sqs.letter import letter
from torana.state.store import Change, Conflict, Store
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.lambda")

EVENT = "lambda-event"
_RETRIES, _AGE = 2, 6 * 3600
_PAUSES = (60.0, 120.0)
_THROTTLED = 1.0
"""Seconds before a throttled event is tried again; doubled each time, up to five minutes."""
_AT_ONCE = 64
"""Events under way at the same time."""


class Queued(Struct, frozen=True):
    """An accepted event."""

    event: Event
    accepted: float
    """Unix time."""
    tries: int = 0
    due: float = 0.0


class Queue:
    """Events on their way to functions. The node that accepted one runs it."""

    def __init__(
        self, book: Book, store: Store, node: str, pauses: tuple[float, ...] = _PAUSES
    ) -> None:
        """`node` names this node in the store: it takes up its own after a restart."""
        self._book, self._store, self._pauses = book, store, pauses
        self._prefix = f"{node}/"
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Go on with what was accepted before."""
        async for document in self._store.scan(EVENT, self._prefix):
            queued = msgspec.json.decode(document.body, type=Queued)
            self._go(document.id, document.version, queued)

    async def put(self, event: Event) -> None:
        """Accept an event."""
        queued = Queued(event, time.time())
        id = f"{self._prefix}{uuid4()}"
        version = await self._store.commit([Change(EVENT, id, 0, msgspec.json.encode(queued))])
        self._go(id, version, queued)

    def _go(self, id: str, version: int, queued: Queued) -> None:
        task = spawn(self._deliver(id, version, queued), "an asynchronous invocation")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, id: str, version: int, queued: Queued) -> None:
        throttled = _THROTTLED
        while True:
            await asyncio.sleep(max(0.0, queued.due - time.time()))
            config = self._config(queued.event.arn)
            if time.time() - queued.accepted > (config.age or _AGE):
                await self._done(id, version, queued, config, "EventAgeExceeded", None)
                return
            try:
                async with self._room:
                    failed, body = await self._try(queued.event)
            except Busy:
                queued = structs.replace(queued, due=time.time() + throttled)
                throttled = min(throttled * 2, 300.0)
                continue
            queued = structs.replace(queued, tries=queued.tries + 1)
            if not failed:
                await self._done(id, version, queued, config, "Success", body)
                return
            retries = _RETRIES if config.retries is None else config.retries
            if queued.tries > retries:
                await self._done(id, version, queued, config, "RetriesExhausted", body)
                return
            pause = self._pauses[min(queued.tries, len(self._pauses)) - 1]
            queued = structs.replace(queued, due=time.time() + pause)
            body = msgspec.json.encode(queued)
            version = await self._store.commit([Change(EVENT, id, version, body)])

    async def _try(self, event: Event) -> tuple[bool, bytes]:
        try:
            version, _ = await self._book.resolve(event.arn, None)
            outcome = await self._book.runner.invoke(version, event)
        except (ServiceError, Missing, Failed) as error:
            return True, msgspec.json.encode({"errorMessage": str(error)})
        if isinstance(outcome.body, bytes):
            return outcome.failed, outcome.body
        async for _ in outcome.body:
            pass
        return outcome.failed, b""

    def _config(self, arn: str) -> AsyncConfig:
        name, qualifier = split(arn)
        record = self._book.records.get(name)
        if record is None:
            return AsyncConfig(0)
        found = record.asynchronous
        return found.get(qualifier) or found.get("") or AsyncConfig(0)

    async def _done(
        self,
        id: str,
        version: int,
        queued: Queued,
        config: AsyncConfig,
        condition: str,
        body: bytes | None,
    ) -> None:
        """The event is dealt with: its result goes on in the same commit that forgets it."""
        changes = [Change(EVENT, id, version, None)]
        target = config.destination("OnSuccess" if condition == "Success" else "OnFailure")
        record = _record(queued, condition, body) if target else b""
        onward: Queued | None = None
        onward_id = f"{self._prefix}{uuid4()}"
        if ":sqs:" in target:
            changes += await self._post(queued, target, record.decode())
        elif target:
            onward = Queued(Event(str(uuid4()), record, target), time.time())
        if condition != "Success":
            changes += await self._dead_letter(queued, body)
        if onward is not None:
            changes.append(Change(EVENT, onward_id, 0, msgspec.json.encode(onward)))
        elif len(changes) == 1 and condition != "Success":
            _log.warning("%s: an event was given up: %s", queued.event.arn, condition)
        try:
            revision = await self._store.commit(changes)
        except Conflict:
            return
        if onward is not None:
            self._go(onward_id, revision, onward)

    async def _dead_letter(self, queued: Queued, body: bytes | None) -> list[Change]:
        """The event itself, for the dead letter queue of the version that failed.

        Source: Lambda Developer Guide, "Adding a dead-letter queue".
        """
        name, qualifier = split(queued.event.arn)
        record = self._book.records.get(name)
        try:
            target = self._book.config(record, qualifier).dead_letter if record else ""
        except ServiceError:
            target = ""
        if not target:
            return []
        attributes = {
            "RequestID": ("String", queued.event.request_id),
            "ErrorCode": ("Number", "200"),
            "ErrorMessage": ("String", _message(body)[:1024]),
        }
        return await self._post(queued, target, queued.event.payload.decode(), attributes)

    async def _post(
        self,
        queued: Queued,
        target: str,
        body: str,
        attributes: Mapping[str, tuple[str, str]] = {},
    ) -> list[Change]:
        change = await letter(self._store, target, body, queued.event.arn, attributes)
        if change is None:
            _log.warning("%s: there is no queue %s", queued.event.arn, target)
            return []
        return [change]

    async def aclose(self) -> None:
        """Stop; what is not done stays stored."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _record(queued: Queued, condition: str, body: bytes | None) -> bytes:
    """The invocation record for a destination.

    Source: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations".
    """
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "requestContext": {
            "requestId": queued.event.request_id,
            "functionArn": _qualified(queued.event.arn),
            "condition": condition,
            "approximateInvokeCount": queued.tries,
        },
        "requestPayload": msgspec.Raw(queued.event.payload),
    }
    if body is not None:
        failure = {} if condition == "Success" else {"functionError": "Unhandled"}
        record["responseContext"] = {"statusCode": 200, "executedVersion": "$LATEST", **failure}
        record["responsePayload"] = msgspec.Raw(body or b"null")
    return msgspec.json.encode(record)


class _Error(Struct):
    message: str = msgspec.field(name="errorMessage", default="")


def _message(body: bytes | None) -> str:
    try:
        said = msgspec.json.decode(body or b"{}", type=_Error).message
    except msgspec.MsgspecError:
        said = ""
    return said or "The function failed"


def _qualified(arn: str) -> str:
    return arn if arn.count(":") > 6 else f"{arn}:$LATEST"
