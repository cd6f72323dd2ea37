"""All functions of a node: a pool for each version that is in use."""

import asyncio
import shutil
import time
from pathlib import Path

from torana.functions.errors import Throttled
from torana.functions.instance import Instance, Make, Outcome, Surroundings
from torana.functions.isolation import Inside
from torana.functions.pool import Counts, Limits, Pool, Seats
from torana.functions.runtimes import RUNTIMES, RuntimeMissing
from torana.model.function import Event, FunctionVersion

_SWEEP = 1.0
"""Seconds between two looks for instances that are idle too long."""


class Functions:
    """Runs versions of functions. For one event loop."""

    def __init__(
        self, around: Surroundings, limits: Limits, make: Make = Instance, place: str = ""
    ) -> None:
        """`make` makes an instance: on this machine, unless it says otherwise. `place` names what
        instances run in, where that is not this machine's box."""
        self._around, self._limits, self._make, self._place = around, limits, make, place
        self._seats = Seats(limits, self._make_room)
        self._pools: dict[tuple[str, str], Pool] = {}
        self._retired: list[Pool] = []
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)
        self._closed = False

    async def invoke(self, version: FunctionVersion, event: Event) -> Outcome:
        """One event. Raises `Throttled`, `CannotStart`, `RuntimeMissing`."""
        if self._closed:
            raise Throttled("ConcurrentInvocationLimitExceeded")
        return await self._pool(version).invoke(event)

    def prepare(self, version: FunctionVersion) -> None:
        """Start the instances that are to be kept for it."""
        if not self._closed:
            self._pool(version).fill()

    def _pool(self, version: FunctionVersion) -> Pool:
        key = version.arn, version.version
        found = self._pools.get(key)
        if found is None or (found.version is not version and found.version != version):
            if found is not None:
                self._retire(found)
            found = self._pools[key] = Pool(version, self._around, self._seats, self._make)
        return found

    def forget(self, arn: str, version: str | None = None) -> None:
        """A function, or one version of it, is gone."""
        for key in [k for k in self._pools if k[0] == arn and version in (None, k[1])]:
            self._retire(self._pools.pop(key))

    def _retire(self, pool: Pool) -> None:
        pool.retire()
        self._retired.append(pool)

    def ready(self, arn: str, version: str) -> tuple[int, int]:
        """How many instances of a version are ready, and how many of them are idle."""
        pool = self._pools.get((arn, version))
        return (pool.ready, pool.idle) if pool else (0, 0)

    def _make_room(self) -> None:
        idle = [found for pool in self._pools.values() if (found := pool.oldest_idle())]
        if idle:
            min(idle, key=lambda instance: instance.idle_since).leave()

    def _sweep(self) -> None:
        self._retired = [pool for pool in self._retired if pool.size]
        before = time.monotonic() - self._limits.idle_seconds
        for pool in self._pools.values():
            pool.shrink(before)
            pool.fill()
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)

    @property
    def isolation(self) -> str:
        """The kind of box that functions run in."""
        sandbox = self._around.sandbox
        return self._place or (sandbox.kind.name if sandbox else "")

    @property
    def counts(self) -> Counts:
        """What happened so far."""
        return self._seats.counts

    def gauges(self) -> dict[str, float]:
        """What there is now, by name."""
        pools = self._pools.values()
        return {
            "functions_instances": sum(pool.size for pool in pools),
            "functions_instances_idle": sum(pool.idle for pool in pools),
        }

    async def aclose(self) -> None:
        """End every instance."""
        self._closed = True
        self._sweeper.cancel()
        for pool in (*self._pools.values(), *self._retired):
            pool.close()
        await asyncio.gather(*self._seats.ending, return_exceptions=True)


def check(runtime: str, handler: str) -> None:
    """Raises `RuntimeMissing` when functions of this runtime cannot be run here."""
    family = RUNTIMES.get(runtime)
    if family is None:
        raise RuntimeMissing(f"there is no runtime {runtime!r} here; {', '.join(RUNTIMES)} are")
    family.program(runtime, handler, Inside("", "", ""), 128)


def clean(folder: Path) -> None:
    """Remove what instances of an earlier run left behind."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o711, parents=True)
