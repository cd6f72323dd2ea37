"""Puts a process in its box, then becomes it: `python -I -S launch.py ORDERS COMMAND…`.

Stands alone, on the standard library only, so that it starts in a few milliseconds. `ORDERS` is
JSON: see `Box` in `torana.functions.sandbox`. What cannot be done ends it with status 125,
a program that cannot be run with 126.

Source: namespaces(7), pivot_root(2), mount_setattr(2), landlock(7), prctl(2).
"""

import ctypes
import json
import os
import platform
import resource
import signal
import sys
from typing import Any

_FAILED, _NO_PROGRAM = 125, 126
_NEWNS, _NEWIPC, _NEWUTS, _NEWUSER, _NEWPID = (
    0x20000,
    0x8000000,
    0x4000000,
    0x10000000,
    0x20000000,
)
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_PDEATHSIG, _NO_NEW_PRIVS, _SECCOMP, _CAPBSET_DROP = 1, 38, 22, 24
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 442, 444, 445, 446

_libc: Any = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Everything in order; whoever starts this is root, or nobody special, or in between."""
    orders = json.loads(sys.argv[1])
    command = sys.argv[2:]
    os.umask(0o077)
    limits(orders)
    if sys.platform == "linux":
        confine(orders)
    os.chdir(orders["cwd"])
    try:
        os.execve(command[0], command, dict(os.environ))  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(_NO_PROGRAM)


def confine(orders: dict[str, Any]) -> None:
    """What only Linux has."""
    if orders["jail"]:
        namespaces(orders["userns"])
        split()
        enter(orders)
    if orders["uid"]:
        os.setgroups([])
        os.setresgid(orders["uid"], orders["uid"], orders["uid"])
        os.setresuid(orders["uid"], orders["uid"], orders["uid"])
    elif os.geteuid() == 0:
        powerless()
    # Last, for it is forgotten whenever the user changes.
    _prctl(_PDEATHSIG, signal.SIGKILL)
    _prctl(_NO_NEW_PRIVS, 1)
    if orders["landlock"]:
        landlock(orders["readable"], orders["writable"])
    if orders["seccomp"]:
        seccomp()


def powerless() -> None:
    """Root in name only: what is started next has no capability."""
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, *map(ctypes.c_ulong, (capability, 0, 0, 0))) < 0:
            break


def limits(orders: dict[str, Any]) -> None:
    """What one process may take; the sum over a box is watched from outside."""
    for name, value in orders["limits"].items():
        which = getattr(resource, name, None)
        if which is not None:
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (value, value))
    os.nice(orders["nice"])


def namespaces(user: bool) -> None:
    """Own mounts, processes, host name and IPC; with `user`, for those who are not root."""
    uid, gid = os.getuid(), os.getgid()
    _check(_libc.unshare(_NEWNS | _NEWIPC | _NEWUTS | _NEWPID | (_NEWUSER if user else 0)))
    if user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")


def split() -> None:
    """Go on as process 1 of the new namespace: when it ends, so does all that it started. The
    other half waits, and ends as it ended."""
    child = os.fork()
    if not child:
        _prctl(_PDEATHSIG, signal.SIGKILL)
        return
    # Else every waiting half would keep its instance's log open.
    os.closerange(0, 3)
    _prctl(_PDEATHSIG, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 255)


def enter(orders: dict[str, Any]) -> None:
    """A root file system of what is named, and nothing else."""
    root = orders["root"]
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=256k")
    for name, target in orders["links"].items():
        os.symlink(target, root + name)
    for source, target, writable in orders["binds"]:
        _bind(source, root + target, writable)
    os.makedirs(root + "/proc", 0o755, exist_ok=True)
    _mount("proc", root + "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    os.chdir(root)
    _check(_libc.syscall(_PIVOT_ROOT[platform.machine()], b".", b"."))
    _check(_libc.umount2(b".", _MNT_DETACH))
    os.chdir("/")
    _attributes("/", _ATTR_RDONLY, recursive=False)
    _libc.sethostname(b"function", 8)


def _bind(source: str, at: str, writable: bool) -> None:
    os.umask(0o022)
    if os.path.isdir(source):
        os.makedirs(at, 0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(at), 0o755, exist_ok=True)
        os.close(os.open(at, os.O_CREAT | os.O_WRONLY, 0o644))
    os.umask(0o077)
    _mount(source, at, None, _MS_BIND | _MS_REC)
    device = source.startswith("/dev/")
    if not device:
        own = 0 if writable else _ATTR_RDONLY
        _attributes(at, own | _ATTR_NOSUID | _ATTR_NODEV, recursive=True)


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _attributes(path: str, attributes: int, *, recursive: bool) -> None:
    value = _MountAttr(attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    size = ctypes.sizeof(value)
    where = path.encode()
    _check(_libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, where, flags, ctypes.byref(value), size))


def _mount(source: str | None, at: str, kind: str | None, flags: int, data: str = "") -> None:
    texts = [None if text is None else text.encode() for text in (source, at, kind)]
    _check(_libc.mount(*texts, ctypes.c_ulong(flags), data.encode() or None), at)


def landlock(readable: list[str], writable: list[str]) -> None:
    """Files outside of these cannot be opened, whoever owns them."""
    abi = _libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    _check(abi)
    everything = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)) - 1
    rules = _check(_libc.syscall(_LANDLOCK_CREATE, ctypes.byref(ctypes.c_uint64(everything)), 8, 0))
    execute, write, read, read_dir, truncate = 1, 2, 4, 8, 1 << 14
    of_files = execute | write | read | (truncate if abi >= 3 else 0) | (everything & (1 << 15))
    for paths, access in ((readable, execute | read | read_dir), (writable, everything)):
        for path in paths:
            _allow(rules, path, access & (everything if os.path.isdir(path) else of_files))
    _check(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0))
    os.close(rules)


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _allow(rules: int, path: str, access: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    rule = _Beneath(access, folder)
    _check(_libc.syscall(_LANDLOCK_ADD, rules, 1, ctypes.byref(rule), 0), path)
    os.close(folder)


_REFUSED: dict[str, tuple[int, tuple[int, ...]]] = {
    # acct add_key bpf clock_settime delete_module fanotify_init finit_module init_module
    # io_uring_setup kexec_load keyctl mount move_mount open_by_handle_at perf_event_open
    # pivot_root process_vm_readv process_vm_writev ptrace quotactl reboot request_key setns
    # settimeofday swapoff swapon umount2 unshare userfaultfd
    "x86_64": (
        0xC000003E,
        (163, 248, 321, 227, 176, 300, 313, 175, 425, 246, 250, 165, 429, 304, 298)
        + (155, 310, 311, 101, 179, 169, 249, 308, 164, 168, 167, 166, 272, 323),
    ),
    "aarch64": (
        0xC00000B7,
        (89, 217, 280, 112, 106, 262, 273, 105, 425, 104, 219, 40, 429, 265, 241)
        + (41, 270, 271, 117, 60, 142, 218, 268, 170, 225, 224, 39, 97, 282),
    ),
}


class _Filter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("yes", ctypes.c_uint8),
        ("no", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filters", ctypes.c_void_p))


def seccomp() -> None:
    """System calls that no function needs fail with EPERM; those of another ABI end it."""
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050001
    arch, numbers = _REFUSED[platform.machine()]
    steps = [_Filter(load, 0, 0, 4), _Filter(equal, 1, 0, arch), _Filter(answer, 0, 0, kill)]
    steps += [_Filter(load, 0, 0, 0)]
    # The x32 ABI numbers its calls from here.
    steps += [_Filter(at_least, 0, 1, 0x40000000), _Filter(answer, 0, 0, kill)]
    steps += [
        _Filter(equal, len(numbers) - place, 0, number) for place, number in enumerate(numbers)
    ]
    steps += [_Filter(answer, 0, 0, allow), _Filter(answer, 0, 0, refuse)]
    filters = (_Filter * len(steps))(*steps)
    program = _Program(len(steps), ctypes.addressof(filters))
    _prctl(_SECCOMP, 2, ctypes.addressof(program))


def _prctl(option: int, value: int, more: int = 0) -> None:
    unsigned = [ctypes.c_ulong(each) for each in (value, more, 0, 0)]
    _check(_libc.prctl(option, *unsigned))


def _check(result: int, what: str = "") -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what or None)
    return result


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    try:
        main()
    except (OSError, KeyError, ValueError) as error:
        sys.stderr.write(f"the sandbox cannot be set up: {error!r}\n")
        sys.stderr.flush()
        os._exit(_FAILED)
