"""Writes one process' chain, a line at a time, so that what was answered is on record.

A line is with the operating system before its request is answered: it survives the end of the
process, however that comes. Where the chain has got to is told to `anchor`, so that lines cut off
at its end are missed, too.
"""

import os
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from torana.sealing import Cover
from torana.telemetry.trail.chain import Json, Link, linked

_SEGMENT = 16 * 1024 * 1024
"""Bytes of a file, about."""
_DENIED = 200
"""Denied requests of the front door that are written in a second; further ones are counted."""

Sink = Callable[[bytes], None]
"""Takes a line for somewhere else. Never waits."""


class Trail:
    """One process' chain. Every method is quick and called on the loop."""

    def __init__(
        self,
        folder: Path,
        key: bytes,
        node: str,
        sinks: tuple[Sink, ...] = (),
        cover: Cover | None = None,
    ) -> None:
        """`cover` encrypts the lines of the files. Raises `OSError`."""
        self.folder, self.node, self.cover = folder, node, cover
        self.chain = f"{node}-{time.time_ns():x}-{secrets.token_hex(3)}"
        self.head = Link()
        self._key, self._sinks = key, sinks
        self._size, self._descriptor = 0, -1
        self._second, self._written, self._unwritten = 0, 0, 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.write({"event": "start", "pid": os.getpid()})

    def write(self, fields: Json) -> None:
        """One line. Raises `OSError`: what cannot be put on record is not done."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line, head = linked(self._key, self.chain, self.head, {"time": now, **fields})
        if self._descriptor < 0 or self._size >= _SEGMENT:
            self._open(head.seq)
        data = (self.cover.close_line(line) if self.cover else line) + b"\n"
        if os.write(self._descriptor, data) != len(data):
            raise OSError(f"the audit trail in {self.folder} cannot be written: the disk is full")
        self.head, self._size = head, self._size + len(data)
        for sink in self._sinks:
            sink(line)

    def denied(self, fields: Json) -> None:
        """A request of the front door that was not let in; a flood of them is only counted."""
        second = int(time.monotonic())
        if second != self._second:
            if self._unwritten:
                self.write({"event": "denied-more", "requests": self._unwritten})
            self._second, self._written, self._unwritten = second, 0, 0
        if self._written >= _DENIED:
            self._unwritten += 1
            return
        self._written += 1
        self.write({**fields, "event": "denied"})

    def _open(self, seq: int) -> None:
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
        path = self.folder / f"{self.chain}.{seq:012d}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor, self._size = os.open(path, flags, 0o600), 0

    def close(self) -> None:
        """The last line of the chain."""
        if self._unwritten:
            self.write({"event": "denied-more", "requests": self._unwritten})
        self.write({"event": "stop"})
        os.fsync(self._descriptor)
        os.close(self._descriptor)
