"""Instances on a Ray cluster: the way out of one machine.

Each instance is an actor with the function's memory as its demand, so that Ray's scheduler finds a
node for it. A node that dies takes its instances along; what they were at is handed to others.
"""

import asyncio
import hashlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from torana.functions.errors import CannotStart, NodeLost
from torana.functions.instance import InitFailed, Outcome, Surroundings
from torana.functions.ray_box import Head, Last, Logged, RayBox, Started, packed
from torana.functions.runtime_api import StreamFailed
from torana.message import Headers
from torana.model.function import Event, FunctionVersion
from torana.net.tasks import spawn

_log = logging.getLogger("torana.functions")
_PLACED = 30.0
"""Seconds that the cluster may take to find a node, beside the function's own init."""
_ENDING = 10.0
_EXTRA = "functions on a Ray cluster need the extra `ray`: pip install 'torana[ray]'"


class RayOptions(Struct, frozen=True):
    """How instances are placed."""

    address: str
    folder: str
    """Of every node, for functions' code and temp folders."""
    cpus: float = 0.0
    """What an instance demands."""


class RayCluster:
    """A connection to a cluster. One in a process."""

    def __init__(self, options: RayOptions) -> None:
        """Raises `CannotStart` when the cluster cannot be reached, or Ray is not installed."""
        try:
            import ray
        except ImportError:
            raise CannotStart(_EXTRA) from None
        self._ray: Any = ray
        self.options = options
        self._archives: dict[str, Any] = {}
        try:
            self._ray.init(
                address=options.address,
                namespace="torana",
                logging_level=logging.WARNING,
                log_to_driver=False,
                ignore_reinit_error=True,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise CannotStart(f"the Ray cluster at {options.address}: {error}") from error
        errors = self._ray.exceptions
        self.lost: tuple[type[Exception], ...] = (
            errors.RayActorError,
            errors.NodeDiedError,
            errors.ObjectLostError,
            errors.RaySystemError,
        )
        self.failed: type[Exception] = errors.RayTaskError

    def actor(self, version: FunctionVersion, layers: Path | None) -> Any:
        """One more instance, being placed."""
        revision = hashlib.sha256(f"{version.arn} {version.revision}".encode()).hexdigest()[:32]
        code = self._archive(revision, Path(version.folder))
        laid = None if layers is None else self._archive(f"{revision}-{layers.name}", layers)
        made: Any = self._ray.remote(RayBox)
        demand = made.options(
            num_cpus=self.options.cpus, memory=version.memory << 20, max_restarts=0
        )
        told = msgspec.msgpack.encode(version)
        return demand.remote(told, code, laid, revision, self.options.folder)

    def _archive(self, name: str, folder: Path) -> Any:
        """A folder in the cluster's object store, put there once."""
        found = self._archives.get(name)
        if found is None:
            found = self._archives[name] = self._ray.put(packed(folder))
        return found

    def kill(self, actor: Any) -> None:
        """End an actor, whatever it does."""
        self._ray.kill(actor, no_restart=True)

    def close(self) -> None:
        """Leave the cluster."""
        self._ray.shutdown()


class RayInstance:
    """See `Instance`: the same, on another node."""

    def __init__(
        self,
        cluster: RayCluster,
        version: FunctionVersion,
        around: Surroundings,
        idle: Callable[["RayInstance"], None],
        answered: Callable[["RayInstance"], None],
        gone: Callable[["RayInstance"], None],
    ) -> None:
        self.version, self.idle_since = version, 0.0
        self.ending: asyncio.Task[None] | None = None
        self._cluster, self._around = cluster, around
        self._idle, self._answered, self._gone = idle, answered, gone
        self._sink = around.sink(version)
        self._variables: Mapping[str, str] = {}
        self._actor: Any = None
        self._free = False

    async def start(self) -> None:
        """Raises `InitFailed` and `CannotStart`; the instance has ended then."""
        version = self.version
        layers = Path(version.layers[0]) if version.layers else None
        self._variables = self._around.variables(version)
        try:
            self._actor = await asyncio.to_thread(self._cluster.actor, version, layers)
            async with asyncio.timeout(_PLACED + max(10.0, version.timeout)):
                told = await self._actor.start.remote(dict(self._variables))
        except TimeoutError:
            self.leave()
            raise CannotStart("the cluster has no room for it") from None
        except (*self._cluster.lost, self._cluster.failed, OSError) as error:
            self.leave()
            raise CannotStart(str(error)) from error
        except BaseException:
            self.leave()
            raise
        started = msgspec.msgpack.decode(told, type=Started)
        self._log(started.lines)
        if started.failure is not None:
            self.leave()
            raise InitFailed(started.failure)
        self._ready()

    def _ready(self) -> None:
        self._free, self.idle_since = True, time.monotonic()
        self._idle(self)

    def _log(self, lines: list[Logged]) -> None:
        for at, stream, text in lines:
            self._sink(at, stream, text)

    @property
    def usable(self) -> bool:
        """Whether it can take an event now."""
        return self.ending is None and self._free

    async def invoke(self, event: Event) -> Outcome:
        """One event. Raises `NodeLost` when the node is gone before it has answered."""
        self._free = False
        call = self._actor.invoke.options(num_returns="streaming")
        items = _Items(call.remote(msgspec.msgpack.encode(event)))
        try:
            head = msgspec.msgpack.decode(await anext(items), type=Head)
        except (StopAsyncIteration, *self._cluster.lost, self._cluster.failed) as error:
            self.leave()
            _log.warning("an instance of %s is lost with its node: %s", self.version.name, error)
            raise NodeLost from error
        if head.streamed:
            over = partial(self._over, event.arn)
            stream = _Stream(items, over, self.leave, self._cluster)
            return Outcome(stream, head.failed, head.content_type, streamed=True)
        spawn(self._finish(items, event.arn), "the end of an invocation")
        return Outcome(head.body, head.failed, head.content_type, head.tail)

    async def _finish(self, items: "_Items", arn: str) -> None:
        self._answered(self)
        try:
            last = msgspec.msgpack.decode(await anext(items), type=Last)
        except (StopAsyncIteration, *self._cluster.lost, self._cluster.failed):
            self.leave()
            return
        self._over(arn, last)

    def _over(self, arn: str, last: Last) -> None:
        self._log(last.lines)
        self._around.took(self.version, arn, last.seconds)
        if self.ending is None and last.alive:
            self._ready()
        else:
            self.leave()

    def leave(self) -> None:
        """End, without waiting for it: from now on no event is taken."""
        if self.ending is None:
            self.ending = spawn(self._end(), f"ending {self.version.name}")
            self._gone(self)

    async def _end(self) -> None:
        if self._actor is not None:
            try:
                async with asyncio.timeout(_ENDING):
                    told = await self._actor.end.remote()
                self._log(msgspec.msgpack.decode(told, type=Last).lines)
            except (TimeoutError, *self._cluster.lost, self._cluster.failed):
                pass
            await asyncio.to_thread(self._cluster.kill, self._actor)
        self._around.gone(self._variables)


class _Items:
    """What an actor's generator gives."""

    def __init__(self, references: Any) -> None:
        self._references = cast(AsyncIterator[Any], references)

    def __aiter__(self) -> "_Items":
        return self

    async def __anext__(self) -> bytes:
        return cast(bytes, await (await anext(self._references)))


class _Stream:
    """A streamed answer: each piece is held back until it is known whether it is the last item."""

    def __init__(
        self,
        items: _Items,
        over: Callable[[Last], None],
        lose: Callable[[], None],
        cluster: RayCluster,
    ) -> None:
        self._items, self._over, self._lose, self._cluster = items, over, lose, cluster
        self._held: deque[bytes] = deque()
        self._done = False
        self.trailers = Headers()

    def __aiter__(self) -> "_Stream":
        return self

    async def __anext__(self) -> bytes:
        """Raises `StreamFailed` where the function broke off, `ConnectionError` with its node."""
        if self._done:
            raise StopAsyncIteration
        try:
            if not self._held:
                self._held.append(await anext(self._items))
            self._held.append(await anext(self._items))
        except StopAsyncIteration:
            self._finished()
            raise
        except (*self._cluster.lost, self._cluster.failed) as error:
            self._done = True
            self._lose()
            raise ConnectionResetError("the function's node is gone") from error
        return self._held.popleft()

    def _finished(self) -> None:
        self._done = True
        if not self._held:
            self._lose()
            return
        last = msgspec.msgpack.decode(self._held.popleft(), type=Last)
        self._over(last)
        if last.broken is not None:
            raise StreamFailed(last.broken)

    async def aclose(self) -> None:
        """Nobody reads it any more: the instance ends with what it was saying."""
        if not self._done:
            self._done = True
            self._lose()
