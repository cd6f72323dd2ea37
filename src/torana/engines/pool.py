"""Looks after the engine hosts of a node: starts them when they are called for, and again when
they die, and never leaves one behind.

The pool holds the listening sockets; a host inherits its own. So callers can always connect: while
a host starts, or between a crash and the next start, connections wait in the socket's backlog.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct, field

from torana.engines import ENGINES, capability
from torana.engines.address import reachable
from torana.engines.client import EngineClient
from torana.engines.engine import EngineError, EngineMissing
from torana.engines.host import OUTGROWN, Orders
from torana.net.tasks import spawn

_BACKLOG = 1024
_FIRST_PAUSE = 0.1
"""Seconds before a host that died is started again; doubled each time it dies young."""
_LONGEST_PAUSE = 10.0
_YOUNG = 30.0
"""Seconds. A host that lived longer is started again at once."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_log = logging.getLogger("torana.engines")


class PoolSettings(Struct, frozen=True):
    """How many hosts, how large, and when they start."""

    engines: Mapping[str, str] = field(default_factory=lambda: ENGINES)
    """Capability to the module that defines it."""
    processes: Mapping[str, int] = {}
    """Processes of a host; 1 for those not named."""
    memory_limit: int = 2 << 30
    """Resident bytes beyond which a host is replaced, without losing a call. 0: none."""
    warm: tuple[str, ...] = ()
    """Capabilities that are loaded at once, and again whenever their host is replaced."""
    drain: float = 2.0
    """Seconds that hosts get to finish what is under way when the pool closes."""


class EnginePool:
    """The owner of a node's engine hosts."""

    def __init__(self, run_dir: Path, settings: PoolSettings | None = None) -> None:
        """`run_dir`: a folder of this node, for the sockets."""
        self._run_dir = run_dir
        self._settings = settings or PoolSettings()
        self._keepers: list[_Keeper] = []
        self._lock: IO[bytes] | None = None
        self._warmth: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, so that clients can call. Loads what is to be warm in the background.

        Raises `EngineError` when another process keeps this folder's pool.
        """
        by_host: dict[str, list[str]] = {}
        warm: set[str] = set()
        for name, module in self._settings.engines.items():
            host = capability(name, self._settings.engines).host_name
            by_host.setdefault(host, []).append(module)
            if name in self._settings.warm:
                warm.add(host)
        self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(self._run_dir / "engines.lock")
        for stale in self._run_dir.glob("*.sock"):
            stale.unlink()
        for host, modules in by_host.items():
            orders = Orders(host, sorted(modules), self._settings.memory_limit)
            for number in range(self._settings.processes.get(host, 1)):
                path = self._run_dir / f"{host}.{number}.sock"
                self._keepers.append(_Keeper(path, orders, host in warm, self._settings.drain))
        for keeper in self._keepers:
            keeper.start()
        if self._settings.warm:
            self._warmth = spawn(self._warm(), "warm-up of the engines")

    async def _warm(self) -> None:
        for keeper in self._keepers:
            if not keeper.eager:
                continue
            client = EngineClient(self._run_dir, self._settings.engines)
            for name in self._settings.warm:
                wanted = client.capability(name)
                if not keeper.path.name.startswith(f"{wanted.host_name}."):
                    continue
                try:
                    await client.run(name, [], wanted.longest)
                except EngineMissing as error:
                    _log.warning("%s", error)
                except (EngineError, TimeoutError) as error:
                    _log.error("%s could not be warmed up: %s", name, error)
            await client.aclose()

    async def warmed(self) -> None:
        """Wait until what is to be warm was tried."""
        if self._warmth is not None:
            await asyncio.wait([self._warmth])

    def client(self) -> EngineClient:
        """A client for this process' event loop. Close it with `aclose`."""
        return EngineClient(self._run_dir, self._settings.engines)

    def starts(self) -> dict[str, int]:
        """How often each socket's host was started: beyond the first these are deaths or
        replacements."""
        return {keeper.path.name.removesuffix(".sock"): keeper.starts for keeper in self._keepers}

    async def aclose(self) -> None:
        """Let the hosts finish, end them, and take the sockets away."""
        if self._warmth is not None:
            self._warmth.cancel()
        await asyncio.gather(*(keeper.aclose() for keeper in self._keepers))
        self._keepers.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class _Keeper:
    """Keeps one host: a listening socket, and a process whenever somebody connects."""

    def __init__(self, path: Path, orders: Orders, eager: bool, drain: float) -> None:
        self.path = path
        self.eager = eager
        self.starts = 0
        self._orders = orders
        self._drain = drain
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        with reachable(self.path) as address:
            self._listener.bind(address)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        self._task = spawn(self._keep(), f"keeper of the engine host {self._orders.name}")

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            if not self.eager:
                await self._wanted()
            started = time.monotonic()
            process = self._process = await self._spawn()
            status = await process.wait()
            self._process = None
            if status == OUTGROWN:
                continue
            if time.monotonic() - started > _YOUNG:
                pause = _FIRST_PAUSE
            _log.error(
                "engine host %s ended with status %d; it may start again in %.1f s",
                self._orders.name,
                status,
                pause,
            )
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def _wanted(self) -> None:
        """Wait until somebody connects."""
        loop = asyncio.get_running_loop()
        called = asyncio.Event()
        loop.add_reader(self._listener, called.set)
        try:
            await called.wait()
        finally:
            loop.remove_reader(self._listener)

    async def _spawn(self) -> asyncio.subprocess.Process:
        self.starts += 1
        number = self._listener.fileno()
        environment = {**dict.fromkeys(_ONE_THREAD, "1"), **os.environ}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "torana.engines.host"),
            *("--listen", str(number)),
            *("--parent", str(os.getpid())),
            *("--orders", msgspec.json.encode(self._orders).decode()),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(number,),
            env=environment,
        )

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if process := self._process:
            await _end(process, self._drain)
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


async def _end(process: asyncio.subprocess.Process, drain: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(drain):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _lock(path: Path) -> IO[bytes]:
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise EngineError(
            f"another process keeps the engines of {path.parent}:"
            " stop it, or use another data folder"
        ) from error
    return file
