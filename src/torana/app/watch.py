"""Noticing that files changed."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from torana.app.definitions import SUFFIXES

_EVERY = 0.3
"""Seconds between two looks."""


async def changes(paths: Sequence[str], tell: Callable[[], object]) -> None:
    """Call `tell` when the files (or those of the folders) differ from the last look."""
    before = seen(paths)
    while True:
        await asyncio.sleep(_EVERY)
        now = seen(paths)
        if now != before:
            before = now
            tell()


def seen(paths: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Each file's time of change and size."""
    found: dict[str, tuple[int, int]] = {}
    for path in map(Path, paths):
        files = [f for f in path.iterdir() if f.suffix in SUFFIXES] if path.is_dir() else [path]
        for file in files:
            try:
                stat = file.stat()
            except OSError:
                continue
            found[str(file)] = (stat.st_mtime_ns, stat.st_size)
    return found
