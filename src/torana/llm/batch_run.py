"""Doing batches: one process at a time has a batch, and goes on where another was stopped.

Answers are kept in parts, one every second or every hundred. A question whose answer was not kept
when the process died is asked again.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm.batches import OPEN, Batch, Batches
from torana.llm.call import Asked
from torana.llm.errors import Kind, LlmError
from torana.llm.files import Files, lines, one
from torana.llm.fronts import FRONTS
from torana.llm.keys import usable
from torana.llm.serve import BODY_LIMIT, Llm
from torana.message import Headers
from torana.net.tasks import spawn
from torana.state.counters import Counters, CountersUnavailable, Lock

_log = logging.getLogger("torana.llm")

_MOST_LINES = 50_000
_AT_ONCE = 8
_PART_SECONDS, _PART_LINES = 1.0, 100
_LOCKED = 30.0
_LOOK = 5.0
"""Seconds between two looks for batches that nobody works on."""
_PASSING: frozenset[Kind] = frozenset({"rate_limit", "overloaded", "timeout", "upstream"})
_TRIES, _LONGEST_PAUSE = 5, 60.0
_MOST_ERRORS = 20

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class Line(Struct):
    """A question of an input file."""

    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


class _Kept(Struct):
    """What a kept answer tells of itself."""

    custom_id: str
    response: Json


class BatchRunner:
    """Looks for batches and does them."""

    def __init__(self, api: Llm, batches: Batches, files: Files, counters: Counters) -> None:
        self._api, self._batches, self._files, self._counters = api, batches, files, counters
        self._wake = asyncio.Event()
        self._mine: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """There is a new one."""
        self._wake.set()

    async def run(self) -> None:
        """For as long as this process runs."""
        while True:
            self._wake.clear()
            try:
                async for batch in self._batches.all():
                    if batch.status in OPEN and batch.id not in self._mine:
                        self._mine.add(batch.id)
                        task = spawn(self._take(batch.id), f"batch {batch.id}")
                        self._work.add(task)
                        task.add_done_callback(self._work.discard)
            except Exception:  # noqa: BLE001 - the store may be away for a while
                _log.exception("batches cannot be looked for")
            try:
                async with asyncio.timeout(_LOOK):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def aclose(self) -> None:
        """Stop where it is: what came is kept."""
        working = list(self._work)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def _take(self, id: str) -> None:
        try:
            lock = await self._counters.lock(f"llm/{id}", _LOCKED)
            if lock is None:
                return
            renewing = spawn(_renewed(lock), f"lock of {id}")
            try:
                await self._do(await self._batches.get(id))
            finally:
                renewing.cancel()
                await lock.release()
        except CountersUnavailable as error:
            _log.warning("batch %s waits: %s", id, error)
        except Exception:  # noqa: BLE001 - the boundary: it is tried again, others go on
            _log.exception("batch %s failed for now", id)
        finally:
            self._mine.discard(id)

    async def _do(self, batch: Batch) -> None:
        if batch.status == "validating":
            batch = await self._validated(batch)
        if batch.status in ("in_progress", "cancelling"):
            expired = await self._asked(batch)
            batch = await self._batches.get(batch.id)
            if batch.status == "in_progress":
                batch = await self._batches.change(batch.id, status="finalizing")
                await self._finished(batch, "expired" if expired else "completed")
            elif batch.status == "cancelling":
                await self._finished(batch, "cancelled")
        elif batch.status == "finalizing":
            await self._finished(batch, "completed")

    async def _validated(self, batch: Batch) -> Batch:
        seen, wrong = set[str](), list[Json]()
        number = 0
        try:
            async for raw in self._lines(batch):
                number += 1
                fault = _fault(raw, batch, seen)
                if fault or number > _MOST_LINES:
                    code = "invalid_request" if fault else "too_many_requests"
                    text = fault or f"over {_MOST_LINES} requests"
                    wrong.append({"code": code, "message": text, "line": number, "param": None})
                if len(wrong) >= _MOST_ERRORS or number > _MOST_LINES:
                    break
        except LlmError as error:
            wrong.append({"code": error.kind, "message": error.message, "line": number + 1})
        if not number and not wrong:
            wrong.append({"code": "empty_file", "message": "the file has no requests", "line": 1})
        if wrong:
            return await self._batches.change(batch.id, status="failed", errors=tuple(wrong))
        return await self._batches.change(
            batch.id, only=("validating",), status="in_progress", total=number
        )

    def _lines(self, batch: Batch) -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            found = await self._files.find(batch.owner, batch.input)
            async for piece in self._files.read(found):
                yield piece

        return lines(pieces(), BODY_LIMIT)

    async def _asked(self, batch: Batch) -> bool:
        """Ask what was not answered yet. True when time ran out."""
        parts = _Parts(self._files, self._batches, batch)
        await parts.load()
        writing = spawn(parts.write_on(), f"answers of {batch.id}")
        room = asyncio.Semaphore(_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as tasks:
                async for raw in self._lines(batch):
                    line = msgspec.json.decode(raw, type=Line)
                    if line.custom_id in parts.done:
                        continue
                    await room.acquire()
                    if await parts.stopped() or time.time() > batch.expires_at:
                        break
                    tasks.create_task(self._answer(batch, line, parts, room))
        finally:
            writing.cancel()
            await parts.flush()
        return time.time() > batch.expires_at

    async def _answer(
        self, batch: Batch, line: Line, parts: "_Parts", room: asyncio.Semaphore
    ) -> None:
        try:
            status, body = await self._one(batch, line, parts)
            if status:
                await parts.add(line.custom_id, status, body)
        finally:
            room.release()

    async def _one(self, batch: Batch, line: Line, parts: "_Parts") -> tuple[int, bytes]:
        """Status and body; 0: it was given up before it was answered."""
        front, body = FRONTS[batch.endpoint], bytes(line.body)
        tries = 0
        while True:
            try:
                key = self._api.key_named(batch.owner)
                if key is None:
                    raise LlmError("authentication", "The API key of this batch is gone.")
                peek = front.peek(body, batch.endpoint)
                if peek.stream:
                    raise LlmError("invalid_request", "a batch does not stream", param="stream")
                asked = Asked(front, peek, body)
                reply = await self._api.ask(usable(key), asked, Headers(), batch.endpoint)
                if not isinstance(reply.body, bytes):
                    await reply.body.aclose()
                    raise LlmError(
                        "invalid_request", "Answers of a batch are JSON, and this is none."
                    )
                return reply.status, reply.body
            except LlmError as error:
                tries += 1
                waits = error.kind == "rate_limit" or tries < _TRIES
                if error.kind not in _PASSING or not waits:
                    refused = front.refuse(error)
                    assert isinstance(refused.body, bytes)
                    return refused.status, refused.body
                pause = min(error.retry_after or 2.0**tries, _LONGEST_PAUSE)
            if parts.cancelled or time.time() + pause > batch.expires_at:
                return 0, b""
            await asyncio.sleep(pause)

    async def _finished(self, batch: Batch, status: str) -> None:
        """Make the files that the client reads, then forget the parts."""
        outputs = await self._file(batch, "output", good=True)
        errors = await self._file(batch, "error", good=False)
        await self._batches.change(batch.id, status=status, output=outputs, errors_file=errors)
        for part in await self._files.keys(f"batches/{batch.id}/"):
            await self._files.delete(part.key)

    async def _file(self, batch: Batch, name: str, *, good: bool) -> str:
        found = 0

        async def chosen() -> AsyncIterator[bytes]:
            nonlocal found
            for part in await self._files.keys(f"batches/{batch.id}/"):
                whole = b"".join([piece async for piece in self._files.read(part)])
                for line in whole.splitlines(keepends=True):
                    kept = msgspec.json.decode(line, type=_Kept)
                    if (int(kept.response["status_code"]) < 400) is good:
                        found += 1
                        yield line

        filename = f"{batch.id}_{name}.jsonl"
        made = await self._files.put(batch.owner, filename, "batch_output", chosen())
        if found:
            return str(made["id"])
        await self._files.delete((await self._files.find(batch.owner, str(made["id"]))).key)
        return ""


class _Parts:
    """Answers that came and are to be kept."""

    def __init__(self, files: Files, batches: Batches, batch: Batch) -> None:
        self._files, self._batches, self._batch = files, batches, batch
        self.done: set[str] = set()
        self.cancelled = batch.status == "cancelling"
        self._fresh: list[bytes] = []
        self._number = self._completed = self._failed = 0
        self._writing = asyncio.Lock()

    async def load(self) -> None:
        """What was kept before."""
        for part in await self._files.keys(f"batches/{self._batch.id}/"):
            self._number = int(part.key.rpartition("-")[2]) + 1
            whole = b"".join([piece async for piece in self._files.read(part)])
            for line in whole.splitlines():
                kept = msgspec.json.decode(line, type=_Kept)
                self.done.add(kept.custom_id)
                self._count(int(kept.response["status_code"]))

    def _count(self, status: int) -> None:
        if status < 400:
            self._completed += 1
        else:
            self._failed += 1

    async def add(self, custom_id: str, status: int, body: bytes) -> None:
        answer = {
            "id": f"batch_req_{token_hex(12)}",
            "custom_id": custom_id,
            "response": {
                "status_code": status,
                "request_id": f"req_{token_hex(12)}",
                "body": _in_one_line(body),
            },
            "error": None,
        }
        self._fresh.append(_encode(answer) + b"\n")
        self._count(status)
        if len(self._fresh) >= _PART_LINES:
            await self.flush()

    async def write_on(self) -> None:
        """Keep what came, every second, and see whether to go on."""
        while True:
            await asyncio.sleep(_PART_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        async with self._writing:
            fresh, self._fresh = self._fresh, []
            if fresh:
                key = f"batches/{self._batch.id}/part-{self._number:08}"
                await self._files.write(key, {}, one(b"".join(fresh)))
                self._number += 1
            found = (
                await self._batches.change(
                    self._batch.id, completed=self._completed, failed=self._failed
                )
                if fresh
                else await self._batches.get(self._batch.id)
            )
            self.cancelled = found.status != "in_progress"

    async def stopped(self) -> bool:
        """Whether nothing more is to be begun."""
        if not self.cancelled:
            found = await self._batches.get(self._batch.id)
            self.cancelled = found.status != "in_progress"
        return self.cancelled


def _in_one_line(body: bytes) -> msgspec.Raw:
    """Providers may break their JSON into lines, but a line holds one answer. What is no JSON is
    kept as a text."""
    try:
        return msgspec.Raw(msgspec.json.format(body.decode(), indent=-1).encode())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.Raw(_encode(body.decode("utf-8", "replace")))


def _fault(raw: bytes, batch: Batch, seen: set[str]) -> str:
    """What is wrong with a line of an input file; empty: nothing."""
    try:
        line = msgspec.json.decode(raw, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"This line is not a request: {error}"
    return next(_faults(line, batch, seen), "")


def _faults(line: Line, batch: Batch, seen: set[str]) -> Iterator[str]:
    if line.custom_id in seen:
        yield f"The custom_id '{line.custom_id[:100]}' is there twice"
    seen.add(line.custom_id)
    if line.method != "POST":
        yield f"The method must be POST, not {line.method[:20]}"
    if line.url != batch.endpoint:
        yield f"The url must be the batch's endpoint, {batch.endpoint}"


async def _renewed(lock: Lock) -> None:
    while True:
        await asyncio.sleep(_LOCKED / 3)
        if not await lock.renew(_LOCKED):
            _log.warning("a batch is another process' now")
            return
