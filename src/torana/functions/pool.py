"""The instances of one version of a function: warm ones first, more on demand, fewer when idle."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from torana.functions.errors import Throttled
from torana.functions.instance import InitFailed, Make, Outcome, Runs, Surroundings
from torana.model.function import Event, FunctionVersion
from torana.net.tasks import spawn

_START = 60.0
"""Seconds that a caller waits for an instance that is being started."""
_SETTLE = 0.02
"""Seconds that a caller waits for an instance that has just answered, before one is started."""
LIFETIME = 11 * 3600.0
"""Seconds after which an instance is replaced: its credentials hold an hour longer."""
_REST = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds without a new try after so many inits in a row that failed."""


class Limits(Struct, frozen=True):
    """How much functions may take of the machine."""

    concurrency: int = 256
    """Instances of all functions together."""
    queue: int = 1000
    """Callers of one function that may wait."""
    queue_seconds: float = 2.0
    """How long they wait once no more instances may be started."""
    idle_seconds: float = 300.0
    starts: int = 4
    """Instances that are started at the same time."""


class Counts(Struct):
    """What happened, since the node started."""

    invocations: int = 0
    failures: int = 0
    throttles: int = 0
    cold_starts: int = 0
    seconds: float = 0.0
    cold_seconds: float = 0.0


class Seats:
    """Room for instances, shared by all pools."""

    def __init__(self, limits: Limits, make_room: Callable[[], None]) -> None:
        """`make_room` ends an idle instance, if there is one."""
        self.limits = limits
        self.taken = 0
        self.counts = Counts()
        self.hungry: dict[Pool, None] = {}
        """Those with callers for whom there was no seat."""
        self.ending: set[asyncio.Task[None]] = set()
        self.starting = asyncio.Semaphore(limits.starts)
        self._make_room = make_room

    def take(self) -> bool:
        """One seat. False: none is left."""
        if self.taken >= self.limits.concurrency:
            self._make_room()
        if self.taken >= self.limits.concurrency:
            return False
        self.taken += 1
        return True

    def give(self) -> None:
        """One seat back."""
        self.taken -= 1
        self.feed()

    def feed(self) -> None:
        """There may be a seat: let one that had none try again."""
        for pool in tuple(self.hungry):
            del self.hungry[pool]
            if pool.wants_more and pool.grow():
                if pool.wants_more:
                    self.hungry[pool] = None
                return


class Pool:
    """Hands events to instances. `retire` when its version is not wanted any more."""

    def __init__(
        self, version: FunctionVersion, around: Surroundings, seats: Seats, make: Make
    ) -> None:
        self.version = version
        self._around, self._seats, self._make = around, seats, make
        self._idle: list[Runs] = []
        self._all: dict[Runs, float] = {}
        """And since when, in monotonic seconds."""
        self._waiting: deque[asyncio.Future[Runs]] = deque()
        self._settling: set[Runs] = set()
        """Those that have answered and will ask for the next event at once."""
        self._starting = self._queued = 0
        """Not ready yet, and of those, not even begun."""
        self._retired = False
        self._failed_in_row = 0
        self._rest_until = 0.0
        self._last_failure: Exception | None = None

    async def invoke(self, event: Event) -> Outcome:
        """One event through an instance. Raises `Throttled`, `CannotStart`, `RuntimeMissing`."""
        counts = self._seats.counts
        counts.invocations += 1
        try:
            instance = await self._take()
            while not instance.usable:
                instance.leave()
                instance = await self._take()
        except InitFailed as failed:
            counts.failures += 1
            return Outcome(failed.payload, True)
        except Throttled:
            counts.throttles += 1
            raise
        running = spawn(self._run(instance, event), "an invocation")
        try:
            # A caller that leaves does not stop the function, as on the service.
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            running.add_done_callback(_unheard)
            raise

    async def _run(self, instance: Runs, event: Event) -> Outcome:
        counts, started = self._seats.counts, time.perf_counter()
        outcome = await instance.invoke(event)
        counts.seconds += time.perf_counter() - started
        counts.failures += outcome.failed
        return outcome

    async def _take(self) -> Runs:
        while self._idle:
            instance = self._idle.pop()
            if instance.usable:
                return instance
            # Its runtime left while it waited, and might never ask again.
            instance.leave()
        if self._last_failure is not None and time.monotonic() < self._rest_until:
            raise self._last_failure
        if self.version.reserved == 0:
            raise Throttled(self._why_full())
        if len(self._waiting) >= self._seats.limits.queue:
            raise Throttled("ConcurrentInvocationLimitExceeded")
        growing = len(self._settling) <= len(self._waiting) and self.grow()
        future: asyncio.Future[Runs] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            async with asyncio.timeout(_START):
                if not growing:
                    await self._without_growth(future)
                return await future
        except TimeoutError:
            self._give_up(future)
            raise Throttled(self._why_full()) from None
        except asyncio.CancelledError:
            self._give_up(future)
            raise

    async def _without_growth(self, future: "asyncio.Future[Runs]") -> None:
        """Wait for an instance that there is. Raises `TimeoutError` when none becomes free."""
        if self._settling:
            await asyncio.wait((future,), timeout=_SETTLE)
            if future.done() or self.grow():
                return
        await asyncio.wait((future,), timeout=self._seats.limits.queue_seconds)
        if not future.done() and not self._starting:
            raise TimeoutError

    def _give_up(self, future: "asyncio.Future[Runs]") -> None:
        """A caller that waited is gone; the instance it was just given, if any, is not lost."""
        if future in self._waiting:
            self._waiting.remove(future)
        if future.done() and not future.cancelled() and future.exception() is None:
            self._freed(future.result())

    def _why_full(self) -> str:
        if self.version.reserved is not None and len(self._all) >= self.version.reserved:
            return "ReservedFunctionConcurrentInvocationLimitExceeded"
        return "ConcurrentInvocationLimitExceeded"

    def grow(self) -> bool:
        """Start one more instance, if there may be one more."""
        reserved = self.version.reserved
        if reserved is not None and len(self._all) + self._queued >= reserved:
            return False
        if not self._seats.take():
            self._seats.hungry[self] = None
            return False
        self._starting += 1
        self._queued += 1
        spawn(self._start(), f"starting {self.version.name}")
        return True

    async def _start(self) -> None:
        """Start an instance; from then on the seat is the instance's."""
        failure: Exception | None = None
        instance: Runs | None = None
        try:
            async with self._seats.starting:
                self._queued -= 1
                if not self._waiting and self.size >= self.version.warm:
                    # Those that wanted it were served by others meanwhile.
                    self._seats.give()
                    return
                instance = self._make(
                    self.version, self._around, self._freed, self._settling.add, self._left
                )
                self._all[instance] = time.monotonic()
                started = time.perf_counter()
                await instance.start()
                self._seats.counts.cold_starts += 1
                self._seats.counts.cold_seconds += time.perf_counter() - started
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            failure = error
            if instance is None:
                self._seats.give()
        finally:
            self._starting -= 1
        self._note(failure)

    def _note(self, failure: Exception | None) -> None:
        if failure is None:
            self._failed_in_row = 0
            self._last_failure = None
            return
        self._failed_in_row += 1
        self._last_failure = failure
        rest = _REST[min(self._failed_in_row, len(_REST)) - 1]
        self._rest_until = time.monotonic() + rest
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(failure)
                if not rest:
                    break

    def _freed(self, instance: Runs) -> None:
        """An instance can take an event: the longest waiting caller's."""
        self._settling.discard(instance)
        if instance in self._idle:
            return
        if not instance.usable:
            instance.leave()
            return
        if self._old(instance):
            instance.leave()
            return
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(instance)
                return
        if self._retired:
            instance.leave()
            return
        self._idle.append(instance)
        self._seats.feed()

    def _old(self, instance: Runs) -> bool:
        return time.monotonic() - self._all.get(instance, float("inf")) > LIFETIME

    def _left(self, instance: Runs) -> None:
        """An instance ends, for whatever reason."""
        assert instance.ending is not None
        self._seats.ending.add(instance.ending)
        instance.ending.add_done_callback(self._seats.ending.discard)
        self._settling.discard(instance)
        if instance in self._all:
            del self._all[instance]
            self._seats.give()
        if instance in self._idle:
            self._idle.remove(instance)
        if self.wants_more:
            self.grow()

    @property
    def wants_more(self) -> bool:
        """Whether callers wait for whom no instance is being started."""
        return len(self._waiting) > self._starting

    @property
    def size(self) -> int:
        """Instances that there are."""
        return len(self._all)

    @property
    def ready(self) -> int:
        """Instances whose init is over."""
        return len(self._all) - (self._starting - self._queued)

    @property
    def idle(self) -> int:
        """Instances that wait for an event."""
        return len(self._idle)

    def oldest_idle(self) -> Runs | None:
        """The one that has waited longest."""
        return self._idle[0] if self._idle else None

    def shrink(self, before: float) -> None:
        """End those that have been idle since before then (monotonic seconds), but for those that
        are to be kept."""
        for instance in filter(self._old, tuple(self._idle)):
            instance.leave()
        spare = self.size - self.version.warm
        for instance in [each for each in self._idle if each.idle_since < before][: max(spare, 0)]:
            instance.leave()

    def fill(self) -> None:
        """Start what is missing of the instances that are to be kept."""
        if self._retired or time.monotonic() < self._rest_until:
            return
        while self.size + self._queued < self.version.warm and self.grow():
            pass

    def retire(self) -> None:
        """No more events come: the idle ones end now, the busy ones when they are done."""
        self._retired = True
        for instance in list(self._idle):
            instance.leave()

    def close(self) -> None:
        """End every instance now."""
        self._retired = True
        for instance in list(self._all):
            instance.leave()


def _unheard(running: "asyncio.Task[Outcome]") -> None:
    """The caller left before the answer: a function that streams one may still say it all."""
    if not running.cancelled() and running.exception() is None:
        body = running.result().body
        if not isinstance(body, bytes):
            spawn(body.aclose(), "an answer that nobody hears")
