"""Log lines to a file or to standard output: collected on the loop, written by one thread."""

import asyncio
import fcntl
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from torana.sealing import Cover

_log = logging.getLogger("torana.lines")

_EVERY = 0.2
"""Seconds that a line may wait."""
_BATCH = 64 * 1024
"""Bytes that are written at once, at the latest."""
_WAITING = 64 * 1024 * 1024
"""Bytes that may wait for a slow disk; what comes beyond is dropped and counted."""


Hide = Callable[[str], str] | None


class Writes(Protocol):
    """Takes lines."""

    def write(self, line: str, /) -> None: ...


class Lines:
    """A destination of log lines. `write` never waits."""

    def __init__(
        self, path: str, most: int = 0, cover: Cover | None = None, hide: Hide = None
    ) -> None:
        """`-` is standard output; a file is opened for appending and made readable to its owner
        and group only. Beyond `most` bytes (0: never) it is put aside as `path.1`, in the place of
        what was put aside before. `cover` encrypts what goes to a file, so many lines together as
        one. `hide` takes out of a line what may not be kept. Raises `OSError`."""
        self._most, self._hide = most, hide
        self._cover = cover if cover and cover.closes and path != "-" else None
        self.dropped = 0
        self._path = path
        self._descriptor = 1 if path == "-" else _open(path)
        self._waiting: list[str] = []
        self._size = self._in_flight = 0
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log-writer")

    def write(self, line: str) -> None:
        """Take one line, without its line feed."""
        if self._hide is not None:
            line = self._hide(line)
        self._waiting.append(line)
        self._size += len(line)
        if self._size > _BATCH:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_EVERY, self.flush)

    def flush(self) -> None:
        """Hand what waits to the writing thread."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        lines, size = self._waiting, self._size
        self._waiting, self._size = [], 0
        if self._in_flight > _WAITING:
            self.dropped += len(lines)
            return
        lines.append("")
        batch = "\n".join(lines).encode("utf-8", "backslashreplace")
        self._in_flight += size
        self._thread.submit(self._put, batch, size)

    def _put(self, batch: bytes, size: int) -> None:
        try:
            if self._cover is not None:
                batch = self._cover.close_line(batch) + b"\n"
            while batch:
                batch = batch[os.write(self._descriptor, batch) :]
            if self._most and os.fstat(self._descriptor).st_size > self._most:
                self._put_aside()
        except OSError:
            _log.exception("cannot write the log to %s", self._path)
        finally:
            self._in_flight -= size

    def _put_aside(self) -> None:
        """Once, whoever of the processes that write the file comes first."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        own, path = os.fstat(self._descriptor), Path(self._path)
        if path.exists() and path.stat().st_ino == own.st_ino:
            path.replace(f"{path}.1")
        self._reopen()

    def reopen(self) -> None:
        """Open the file anew, after a rotation."""
        self.flush()
        if self._path != "-":
            self._thread.submit(self._reopen)

    def _reopen(self) -> None:
        fresh = _open(self._path)
        os.dup2(fresh, self._descriptor)
        os.close(fresh)

    def close(self) -> None:
        """Write what waits, and wait for it."""
        self.flush()
        self._thread.shutdown(wait=True)
        if self._path != "-":
            os.close(self._descriptor)


def _open(path: str) -> int:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
