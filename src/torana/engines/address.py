"""Unix sockets whose path may be longer than a socket address holds."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 103
"""Bytes of a path that every system takes (Linux 107, macOS 103)."""


@contextmanager
def reachable(path: Path) -> Generator[str]:
    """An address to bind or connect to `path` with, valid while the context is open.

    Raises `OSError` when the path is too long and the system has no `/proc`.
    """
    plain = str(path)
    if len(os.fsencode(plain)) <= _LONGEST:
        yield plain
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
