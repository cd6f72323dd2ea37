"""One engine in its host: the queue before it, the batches it gets, the numbers of its work."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from torana.engines.engine import AnyCapability, Engine, EngineMissing
from torana.engines.frames import Load

_log = logging.getLogger("torana.engines")

Reason = Literal["busy", "failed", "missing", "late", "moved"]


class No(Struct, frozen=True):
    """Why a job was not done."""

    reason: Reason
    message: str


class Job(Struct, eq=False):
    """A call in the host."""

    items: list[Any]
    deadline: float
    """On `time.monotonic`."""
    done: Callable[[Raw | No], None]
    """Called once, in the event loop."""
    given_up: bool = False


class Lane:
    """Runs one engine in threads. Everything but `_run` happens in the event loop."""

    def __init__(
        self, capability: AnyCapability, after: Callable[[], None], hung: Callable[[], None]
    ) -> None:
        self.capability = capability
        self._after = after
        """Called after each run."""
        self._hung = hung
        """Called when a run takes longer than the capability allows."""
        self._decode = msgspec.msgpack.Decoder(list[capability.input]).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._jobs: deque[Job] = deque()
        self._waiting = 0
        self._running = 0
        self._timer: asyncio.TimerHandle | None = None
        self._threads = ThreadPoolExecutor(capability.threads, f"engine-{capability.name}")
        self._loading = threading.Lock()
        self._engine: Engine[Any, Any] | None = None
        self._load_seconds = 0.0
        self._runs = self._items = 0
        self._seconds = 0.0

    @property
    def busy(self) -> bool:
        """Whether anything waits or runs."""
        return bool(self._jobs or self._running)

    def load(self) -> Load:
        """The numbers so far."""
        return Load(
            self.capability.name,
            self._engine is not None,
            self._load_seconds,
            self._runs,
            self._items,
            self._seconds,
            self._waiting,
        )

    def read(self, items: Raw) -> list[Any]:
        """Decode the items of a call. Raises `msgspec.MsgspecError`."""
        return self._decode(items)

    def offer(self, job: Job) -> bool:
        """Take a job in. False: the queue is full."""
        if self._waiting + len(job.items) > self.capability.queue and self._jobs:
            return False
        self._jobs.append(job)
        self._waiting += len(job.items)
        self._pump()
        return True

    def _pump(self, waited: bool = False) -> None:
        if waited:
            self._timer = None
        while self._jobs and self._running < self.capability.threads:
            if self._awaits_company() and not waited:
                if self._timer is None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(self.capability.wait, self._pump, True)
                return
            if batch := self._take():
                self._start(batch)

    def _awaits_company(self) -> bool:
        wants = self.capability.wait > 0 and self._waiting < self.capability.batch
        return wants and self._running == 0

    def _take(self) -> list[Job]:
        """Whole jobs up to the batch size: at least one, unless they are all out of time."""
        batch, size, now = list[Job](), 0, time.monotonic()
        while self._jobs and (
            not batch or size + len(self._jobs[0].items) <= self.capability.batch
        ):
            job = self._jobs.popleft()
            self._waiting -= len(job.items)
            if job.given_up or job.deadline <= now:
                job.done(No("late", "the deadline passed before the engine came to it"))
                continue
            batch.append(job)
            size += len(job.items)
        return batch

    def _start(self, batch: list[Job]) -> None:
        self._running += 1
        loop = asyncio.get_running_loop()
        hung = loop.call_later(self.capability.longest, self._hung)
        future = loop.run_in_executor(self._threads, self._run, batch)
        future.add_done_callback(lambda done: self._finish(batch, done, hung))

    def _finish(
        self, batch: list[Job], future: asyncio.Future[list[Raw | No]], hung: asyncio.TimerHandle
    ) -> None:
        hung.cancel()
        self._running -= 1
        for job, result in zip(batch, future.result(), strict=True):
            job.done(result)
        self._pump()
        self._after()

    def _run(self, batch: list[Job]) -> list[Raw | No]:
        """In a thread. Never raises: whatever an engine raises becomes a `No`."""
        try:
            engine = self._ready()
        except EngineMissing as error:
            return [No("missing", str(error))] * len(batch)
        except Exception as error:  # noqa: BLE001
            _log.exception("%s cannot be loaded", self.capability.name)
            return [No("failed", f"{self.capability.name} cannot be loaded: {error!r}")] * len(
                batch
            )
        started = time.perf_counter()
        results = self._together(engine, batch) or [self._alone(engine, job) for job in batch]
        self._seconds += time.perf_counter() - started
        self._runs += 1
        self._items += sum(len(job.items) for job in batch)
        return results

    def _ready(self) -> Engine[Any, Any]:
        with self._loading:
            if self._engine is None:
                started = time.perf_counter()
                self._engine = self.capability.load()
                self._load_seconds = time.perf_counter() - started
            return self._engine

    def _together(self, engine: Engine[Any, Any], batch: list[Job]) -> list[Raw | No] | None:
        """All jobs in one run; None when one of them spoils it, or it is only one."""
        if len(batch) < 2:
            return None
        try:
            outputs = self._outputs(engine, [item for job in batch for item in job.items])
        except Exception:  # noqa: BLE001
            _log.warning(
                "%s: a batch failed; each call by itself", self.capability.name, exc_info=True
            )
            return None
        results, start = list[Raw | No](), 0
        for job in batch:
            end = start + len(job.items)
            results.append(Raw(self._encode(outputs[start:end])))
            start = end
        return results

    def _alone(self, engine: Engine[Any, Any], job: Job) -> Raw | No:
        try:
            return Raw(self._encode(self._outputs(engine, job.items)))
        except Exception as error:  # noqa: BLE001
            _log.exception("%s failed", self.capability.name)
            return No("failed", f"{self.capability.name} failed: {error!r}")

    def _outputs(self, engine: Engine[Any, Any], items: Sequence[Any]) -> list[Any]:
        size = self.capability.batch
        outputs = list[Any]()
        for start in range(0, len(items), size):
            outputs += engine.run(items[start : start + size])
        if len(outputs) != len(items):
            raise RuntimeError(f"{len(items)} inputs gave {len(outputs)} outputs")
        return outputs
