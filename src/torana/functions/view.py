"""What of the machine's files is to be seen in a box."""

import os
from collections.abc import Sequence
from pathlib import Path

from torana.functions.isolation import Box

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


def readable(box: Box) -> list[str]:
    """What a box under landlock may read, apart from its own folders."""
    shown = [f"/etc/{name}" for name in _ETC] + [f"/proc/{name}" for name in _PROC]
    return _present((*_SYSTEM, *shown, *box.readable))


def devices() -> list[str]:
    """What may be read and written by anybody."""
    return _present(_DEVICES)


def _present(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if Path(path).exists()]


def links() -> dict[str, str]:
    """System folders that are links, to where."""
    return {path: str(Path(path).readlink()) for path in _SYSTEM if Path(path).is_symlink()}


def binds(box: Box) -> list[tuple[str, str, bool]]:
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
