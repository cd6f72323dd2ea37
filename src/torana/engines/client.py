"""How the gateway's processes call the engines of their node."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, overload

import msgspec
from msgspec import Raw, Struct

from torana.deadline import Deadline
from torana.engines import ENGINES, capability
from torana.engines.address import reachable
from torana.engines.engine import (
    AnyCapability,
    Capability,
    EngineBusy,
    EngineError,
    EngineFailed,
    EngineMissing,
)
from torana.engines.frames import (
    Answer,
    Ask,
    Call,
    Cancel,
    FromHost,
    Leaving,
    Refusal,
    State,
    Wire,
)

In = TypeVar("In")
Out = TypeVar("Out")

_DECODER: msgspec.msgpack.Decoder[FromHost] = msgspec.msgpack.Decoder(FromHost)
_ERRORS: dict[str, type[Exception]] = {
    "busy": EngineBusy,
    "failed": EngineFailed,
    "late": TimeoutError,
    "missing": EngineMissing,
}


class Counts(Struct):
    """What this process asked of one capability."""

    calls: int = 0
    items: int = 0
    busy: int = 0
    """Calls refused because too much was waiting."""
    late: int = 0
    """Calls whose deadline passed."""
    failures: int = 0
    seconds: float = 0.0
    """From call to answer, queue and transport included, whatever the outcome."""


class _Line:
    """A connection to one host."""

    def __init__(self) -> None:
        self.wire: Wire[FromHost] = Wire(_DECODER, self._receive, self._lost)
        self.calls: dict[int, asyncio.Future[Answer | State | Refusal]] = {}
        self.leaving = False

    @property
    def usable(self) -> bool:
        return self.wire.open and not self.leaving

    def _receive(self, wire: Wire[FromHost], frame: FromHost) -> None:
        if isinstance(frame, Leaving):
            self.leaving = True
        elif (future := self.calls.pop(frame.call, None)) and not future.done():
            future.set_result(frame)

    def _lost(self, wire: Wire[FromHost]) -> None:
        for future in self.calls.values():
            if not future.done():
                future.set_exception(EngineFailed("the engine's host ended during the call"))
        self.calls.clear()

    async def ask(self, frame: Call | Ask) -> Answer | State | Refusal:
        future: asyncio.Future[Answer | State | Refusal]
        future = asyncio.get_running_loop().create_future()
        self.calls[frame.call] = future
        try:
            if not self.wire.send(frame):
                raise EngineFailed("the items are too long to be sent to the engine's host")
            return await future
        finally:
            if self.calls.pop(frame.call, None) and isinstance(frame, Call):
                self.wire.send(Cancel(frame.call))


class EngineClient:
    """Calls engines. For one event loop; any number of processes may each have one."""

    def __init__(
        self, run_dir: Path, engines: Mapping[str, str] = ENGINES, *, pending: int = 1024
    ) -> None:
        """`run_dir` is the pool's. `pending`: most calls at the same time from this process."""
        self._run_dir = run_dir
        self._engines = engines
        self._pending = pending
        self._open = 0
        self._numbers = count(1)
        self._known: dict[str, AnyCapability] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoders: dict[str, Callable[[Raw], Any]] = {}
        self._lines: dict[str, _Line] = {}
        """By the path of the socket, as the two below."""
        self._connecting: dict[str, asyncio.Lock] = {}
        self._under_way: dict[str, int] = {}
        self._sockets: dict[str, list[str]] = {}
        """Their paths, by host."""
        self.counts: dict[str, Counts] = {}

    @overload
    async def run(
        self, which: Capability[In, Out], items: Sequence[In], timeout: float
    ) -> list[Out]: ...
    @overload
    async def run(self, which: str, items: Sequence[Any], timeout: float) -> list[Any]: ...
    async def run(
        self, which: AnyCapability | str, items: Sequence[Any], timeout: float
    ) -> list[Any]:
        """The output of each item, in order, within `timeout` seconds.

        With no items it only sees to it that the engine is loaded. Raises `KeyError` (no such
        capability), `TimeoutError`, `EngineBusy`, `EngineMissing`, `EngineFailed`.
        """
        wanted = self.capability(which) if isinstance(which, str) else which
        counts = self.counts.setdefault(wanted.name, Counts())
        counts.calls += 1
        counts.items += len(items)
        started = time.perf_counter()
        try:
            if self._open >= self._pending:
                raise EngineBusy(f"{wanted.name}: {self._open} calls are under way in this process")
            self._open += 1
            try:
                with Deadline(timeout):
                    return await self._call(wanted, items, time.monotonic() + timeout)
            finally:
                self._open -= 1
        except EngineBusy:
            counts.busy += 1
            raise
        except TimeoutError:
            counts.late += 1
            raise
        except EngineError:
            counts.failures += 1
            raise
        finally:
            counts.seconds += time.perf_counter() - started

    def capability(self, name: str) -> AnyCapability:
        """What is known of a capability without asking its host. Raises `KeyError`."""
        if name not in self._known:
            self._known[name] = capability(name, self._engines)
        return self._known[name]

    async def _call(
        self, wanted: AnyCapability, items: Sequence[Any], deadline: float
    ) -> list[Any]:
        body = Raw(self._encode(items))
        paths, under_way = self._paths(wanted.host_name), self._under_way
        path = paths[0]
        if len(paths) > 1:
            path = min(paths, key=lambda each: under_way.get(each, 0))
        under_way[path] = under_way.get(path, 0) + 1
        try:
            while True:
                line = self._lines.get(path)
                if line is None or not line.usable:
                    line = await self._line(path)
                left = deadline - time.monotonic()
                answer = await line.ask(Call(next(self._numbers), wanted.name, left, body))
                if isinstance(answer, Answer):
                    return self._read(wanted, answer.items)
                assert isinstance(answer, Refusal)
                if answer.reason != "moved":
                    raise _ERRORS[answer.reason](answer.message)
                line.leaving = True
        finally:
            under_way[path] -= 1

    def _read(self, wanted: AnyCapability, items: Raw) -> list[Any]:
        if wanted.name not in self._decoders:
            self._decoders[wanted.name] = msgspec.msgpack.Decoder(list[wanted.output]).decode
        return self._decoders[wanted.name](items)

    def _paths(self, host: str) -> list[str]:
        """The sockets of a host's processes. Raises `EngineFailed` when there are none."""
        paths = self._sockets.get(host)
        if paths:
            return paths
        paths = sorted(str(each) for each in self._run_dir.glob(f"{host}.*.sock"))
        if not paths:
            raise EngineFailed(f"no engine host {host!r} in {self._run_dir}: does the pool run?")
        self._sockets[host] = paths
        return paths

    async def _line(self, path: str) -> _Line:
        async with self._connecting.setdefault(path, asyncio.Lock()):
            if (line := self._lines.get(path)) and line.usable:
                return line
            self._lines[path] = await _connect(Path(path))
            return self._lines[path]

    async def state(self, timeout: float = 1.0) -> list[State]:
        """How the hosts are that this client is connected to, the silent ones left out."""

        async def ask(line: _Line) -> State | None:
            try:
                async with asyncio.timeout(timeout):
                    answer = await line.ask(Ask(next(self._numbers)))
            except (EngineFailed, TimeoutError):
                return None
            return answer if isinstance(answer, State) else None

        asked: list[Awaitable[State | None]] = [ask(x) for x in self._lines.values() if x.usable]
        return [state for state in await asyncio.gather(*asked) if state is not None]

    async def aclose(self) -> None:
        """Close the connections; calls under way fail."""
        for line in self._lines.values():
            line.wire.close()
        self._lines.clear()
        # One turn of the loop, so that the sockets are really closed.
        await asyncio.sleep(0)


async def _connect(path: Path) -> _Line:
    line = _Line()
    loop = asyncio.get_running_loop()
    try:
        with reachable(path) as address:
            await loop.create_unix_connection(lambda: line.wire, address)
    except OSError as error:
        raise EngineFailed(f"no engine host at {path}: {error}") from error
    return line
