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
from msgspec import Struct

from torana.functions import launch

FAILED = 125
"""The exit status of a box that could not be set up."""
_UIDS = 4096
_PROBE = 10.0
"""Seconds."""
_FILES = 1024
_PROCESSES = 256


class Isolation(Struct, frozen=True):
    """What a kind of box is made of."""

    name: str
    jail: bool = False
    """Own mounts, processes, IPC and a root of only what is needed."""
    userns: bool = False
    """Through a user namespace, for those who are not root."""
    own_user: bool = False
    """A user id of its own for every instance."""
    landlock: bool = False
    seccomp: bool = False


KINDS = (
    Isolation("jail with a user of its own", jail=True, own_user=True, seccomp=True),
    Isolation("jail in a user namespace", jail=True, userns=True, seccomp=True),
    Isolation("user of its own, landlock", own_user=True, landlock=True, seccomp=True),
    Isolation("landlock", landlock=True, seccomp=True),
    Isolation("user of its own", own_user=True),
    Isolation("limits only"),
)
"""The strongest first."""


class Box(Struct, frozen=True):
    """One instance's box. Paths are the host's."""

    home: Path
    """A folder of the instance's own, for its temp folder and its root."""
    code: Path
    layers: Path | None
    readable: tuple[str, ...]
    """What the runtime needs besides the system's own folders."""
    memory: int
    """Megabytes."""
    storage: int


class Inside(Struct, frozen=True):
    """Where things are for the process in the box."""

    code: str
    layers: str
    temp: str


_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_ETC = (
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "group",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "passwd",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "timezone",
)
_PROC = ("cpuinfo", "loadavg", "meminfo", "self", "stat", "sys/kernel", "sys/vm", "uptime")


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
        _furnish(box, uid)
        orders = msgspec.json.encode(self._orders(box, uid)).decode()
        try:
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
        shown = [f"/etc/{name}" for name in _ETC] + [f"/proc/{name}" for name in _PROC]
        readable = _present((*_SYSTEM, *shown, *box.readable))
        own = [str(box.code), *([str(box.layers)] if box.layers else [])]
        return {
            "jail": kind.jail,
            "userns": kind.userns,
            "uid": uid,
            "landlock": kind.landlock,
            "seccomp": kind.seccomp,
            "root": str(box.home / "root"),
            "links": _links() if kind.jail else {},
            "binds": _binds(box) if kind.jail else [],
            "readable": [*readable, *own],
            "writable": [str(box.home / "tmp"), *_present(_DEVICES)],
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
        found = self._processes()
        return _resident(found[0]) if len(found) == 1 else sum(map(_share, found))

    def _processes(self) -> list[int]:
        found = [self._process.pid]
        for pid in found:
            found += _children(pid)
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


def _present(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if Path(path).exists()]


def _links() -> dict[str, str]:
    return {path: str(Path(path).readlink()) for path in _SYSTEM if Path(path).is_symlink()}


def _binds(box: Box) -> list[tuple[str, str, bool]]:
    """Source, place in the jail, writable."""
    plain = [path for path in _present(_SYSTEM) if not Path(path).is_symlink()]
    etc = [f"/etc/{name}" for name in _ETC]
    shown = [(os.path.realpath(path), path, False) for path in [*plain, *_present(etc)]]
    outside = [path for path in box.readable if not any(_under(path, each) for each in plain)]
    shown += [(path, path, False) for path in _topmost(outside)]
    shown += [(path, path, True) for path in _present(_DEVICES)]
    shown.append((str(box.code), "/var/task", False))
    if box.layers is not None:
        shown.append((str(box.layers), "/opt", False))
    shown.append((str(box.home / "tmp"), "/tmp", True))  # noqa: S108
    return shown


def _topmost(paths: Sequence[str]) -> list[str]:
    """Without those that lie in another."""
    found = sorted(set(paths))
    return [p for p in found if not any(p != other and _under(p, other) for other in found)]


def _under(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(each) for each in text.split()]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (OSError, IndexError):
        return 0


def _share(pid: int) -> int:
    """What a process holds of memory that forks may share, where the system tells."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    return _resident(pid)


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
