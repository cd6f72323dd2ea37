"""The box a function's process runs in: how strong this machine lets it be, starting, ending.

The strongest kind that works here is found once, by trying.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from torana.functions import launch, view
from torana.functions.isolation import Box, Inside, Isolation
from torana.functions.memory import children, held

FAILED = 125
"""The exit status of a box that could not be set up."""
NO_PROGRAM = 126
"""The exit status of a box whose program is not there or cannot be run."""
_UIDS = 4096
_PROBE = 10.0
"""Seconds."""
_FILES = 1024
_PROCESSES = 256


class Sandbox:
    """Starts processes in boxes of one kind."""

    def __init__(self, kind: Isolation) -> None:
        self.kind = kind
        first = _first_uid() if kind.own_user else 0
        self._free = list(range(first + _UIDS - 1, first - 1, -1))

    def inside(self, box: Box) -> Inside:
        """Where the box's own folders will be."""
        if self.kind.jail:
            return Inside("/var/task", "/opt" if box.layers else "", "/tmp")  # noqa: S108
        return Inside(str(box.code), str(box.layers or ""), str(box.home / "tmp"))

    async def start(
        self,
        box: Box,
        command: Sequence[str],
        environment: Mapping[str, str],
        output: int,
    ) -> "Boxed":
        """Run `command`; what it prints goes to the descriptor `output`. Raises `OSError`."""
        uid = 0
        if self.kind.own_user:
            if not self._free:
                raise OSError("every user id for functions is taken")
            uid = self._free.pop()
        try:
            _furnish(box, uid)
            orders = msgspec.json.encode(self._orders(box, uid)).decode()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                launch.__file__,
                orders,
                *command,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError:
            self._release(box, uid)
            raise
        return Boxed(self, box, uid, process)

    def _orders(self, box: Box, uid: int) -> dict[str, object]:
        kind = self.kind
        megabyte = 1 << 20
        inside = self.inside(box)
        own = [str(box.code), *([str(box.layers)] if box.layers else [])]
        return {
            "jail": kind.jail,
            "userns": kind.userns,
            "uid": uid,
            "landlock": kind.landlock,
            "seccomp": kind.seccomp,
            "root": str(box.home / "root"),
            "links": view.links() if kind.jail else {},
            "binds": view.binds(box) if kind.jail else [],
            "readable": [*view.readable(box), *own],
            "writable": [str(box.home / "tmp"), *view.devices()],
            "cwd": inside.code,
            "nice": 5,
            "limits": {
                "RLIMIT_CORE": 0,
                # A backstop: thread stacks count, so it must lie above what is watched.
                "RLIMIT_DATA": box.memory * megabyte + 512 * megabyte,
                "RLIMIT_FSIZE": box.storage * megabyte,
                "RLIMIT_NOFILE": _FILES,
                "RLIMIT_NPROC": _PROCESSES if uid else 1 << 16,
            },
        }

    def _release(self, box: Box, uid: int) -> None:
        if uid:
            self._free.insert(0, uid)
        shutil.rmtree(box.home, ignore_errors=True)


class Boxed:
    """A process in its box."""

    def __init__(
        self, sandbox: Sandbox, box: Box, uid: int, process: asyncio.subprocess.Process
    ) -> None:
        self._sandbox, self._box, self.uid, self._process = sandbox, box, uid, process

    async def wait(self) -> int:
        """The exit status; negative: the signal that ended it."""
        return await self._process.wait()

    def resident(self) -> int:
        """Bytes of memory that everything in the box holds together."""
        return held(self._processes())

    def _processes(self) -> list[int]:
        found = [self._process.pid]
        for pid in found:
            found += children(pid)
        # The half that waits outside of a jail is not the function's.
        return found[1:] if self._sandbox.kind.jail else found

    async def end(self) -> None:
        """Kill everything in the box, whatever it has become, and remove its folders."""
        pids = [] if self._sandbox.kind.jail else self._processes()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if not self._sandbox.kind.jail:
            await self._hunt(pids)
        await self._process.wait()
        # A jail's processes end with its first one; only then are its folders nobody's.
        await asyncio.to_thread(self._sandbox._release, self._box, self.uid)  # pyright: ignore[reportPrivateUsage]

    async def _hunt(self, pids: list[int]) -> None:
        """Those that left the process group: known by their user, or by their descent."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if self.uid:
            # One call that no fork can outrun.
            code = "import os,sys;u=int(sys.argv[1]);os.setresuid(u,u,u);os.kill(-1,9)"
            killer = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-c", code, str(self.uid), env={}
            )
            await killer.wait()


def _first_uid() -> int:
    """Of a range of user ids that nobody has; another one for every gateway on the machine.

    A container may have only 65 536 ids. Source: user_namespaces(7).
    """
    try:
        rows = [line.split() for line in Path("/proc/self/uid_map").read_text("ascii").splitlines()]
        end = max(int(first) + int(count) for first, _, count in rows)
    except (OSError, ValueError):
        end = 1 << 31
    low, high = (210_000, min(end, 1 << 31)) if end > 300_000 else (20_000, 60_000)
    return low + secrets.randbelow(max((high - low) // _UIDS, 1)) * _UIDS


def _furnish(box: Box, uid: int) -> None:
    box.home.mkdir(mode=0o711, parents=True)
    temp, root = box.home / "tmp", box.home / "root"
    temp.mkdir(mode=0o700)
    root.mkdir(mode=0o700)
    if uid:
        os.chown(temp, uid, uid)


async def strongest(folder: Path, readable: Sequence[str], kinds: Sequence[Isolation]) -> Sandbox:
    """The first kind of box in which our own Python starts here. Raises `OSError`."""
    for kind in kinds:
        if await _works(Sandbox(kind), folder, readable):
            return Sandbox(kind)
    raise OSError("no kind of sandbox works here")


async def _works(sandbox: Sandbox, folder: Path, readable: Sequence[str]) -> bool:
    kind = sandbox.kind
    root = os.geteuid() == 0
    if (kind.own_user and not root) or (kind.userns and root):
        return False
    code = folder / "probe-code"
    code.mkdir(parents=True, exist_ok=True)
    box = Box(folder / f"probe-{os.getpid()}", code, None, tuple(readable), 128, 512)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        boxed = await sandbox.start(box, [sys.executable, "-c", "import json"], {}, nowhere)
        try:
            async with asyncio.timeout(_PROBE):
                return await boxed.wait() == 0
        except TimeoutError:
            return False
        finally:
            await boxed.end()
    except OSError:
        return False
    finally:
        os.close(nowhere)
