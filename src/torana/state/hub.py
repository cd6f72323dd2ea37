"""The authority of a node: a small server in the supervisor, on a unix socket, for its workers."""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from torana.state.frames import (
    DrawFrom,
    Frame,
    Granted,
    Locked,
    LockName,
    Message,
    Peers,
    Recall,
    Unlock,
    Wire,
)
from torana.state.ledger import BucketLedger
from torana.state.locks import LockTable

_PARKED = 0.02
"""Seconds a draw waits for what other workers give back."""


class Hub:
    """Buckets, locks and messages of one node. Nothing on disk: quotas are in the store."""

    def __init__(
        self, hear: Callable[[str, bytes], object] | None = None, sweep: float = 60.0
    ) -> None:
        """`hear` is told, in the hub's own process, what workers publish: topic and message. Full
        buckets are forgotten every `sweep` seconds."""
        self._hear = hear
        self._pause = sweep
        self._workers: dict[Wire, str] = {}
        self._names = 0
        self._buckets: dict[str, BucketLedger] = {}
        self._began = monotonic()
        self._parked: dict[str, list[tuple[Wire, DrawFrom]]] = {}
        self._locks = LockTable()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def serve(self, path: str) -> None:
        """Listen at a path, which only this user may use. A socket left by an earlier hub goes."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connect, sock=_bind(path))
        self._sweeper = loop.create_task(self._sweep())

    async def close(self) -> None:
        """Cut everybody off; the workers go on with their share."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._server is not None:
            self._server.close()
        for worker in list(self._workers):
            worker.abort()
        if self._server is not None:
            await self._server.wait_closed()

    def _connect(self) -> Wire:
        wire = Wire(self._receive, self._leave)
        self._names += 1
        self._workers[wire] = str(self._names)
        asyncio.get_running_loop().call_soon(self._tell_peers)
        return wire

    def _leave(self, worker: Wire) -> None:
        name = self._workers.pop(worker)
        for bucket in self._buckets.values():
            bucket.release(name)
        self._tell_peers()

    def _tell_peers(self) -> None:
        for worker in self._workers:
            worker.send(Peers(len(self._workers)))

    def _receive(self, worker: Wire, frame: Frame) -> None:
        match frame:
            case DrawFrom():
                self._draw(worker, frame)
            case LockName():
                worker.send(Locked(frame.call, self._lock(frame)))
            case Unlock():
                self._locks.release(frame.name, frame.token)
            case Message():
                for listener in self._workers:
                    listener.send(frame)
                if self._hear is not None:
                    self._hear(frame.topic, frame.body)
            case _:
                worker.abort()

    def _lock(self, frame: LockName) -> int:
        now = monotonic()
        if not frame.token:
            return self._locks.acquire(frame.name, frame.ttl, now) or 0
        renewed = self._locks.renew(frame.name, frame.token, frame.ttl, now)
        return frame.token if renewed else 0

    def _draw(self, worker: Wire, frame: DrawFrom) -> None:
        now, name = monotonic(), self._workers[worker]
        bucket = self._bucket(frame, now)
        bucket.report(name, frame.draw, now)
        parked = self._parked.setdefault(frame.bucket, [])
        parked.append((worker, frame))
        self._settle(frame.bucket)
        if (worker, frame) in parked:
            self._recall(frame.bucket, name)
            asyncio.get_running_loop().call_later(_PARKED, self._settle, frame.bucket, frame)

    def _bucket(self, frame: DrawFrom, now: float) -> BucketLedger:
        bucket = self._buckets.get(frame.bucket)
        if bucket is None:
            # One that an earlier hub may have emptied has filled since this one began.
            since = now if frame.full else self._began
            bucket = BucketLedger(frame.rate, frame.burst, since, frame.full)
            self._buckets[frame.bucket] = bucket
        elif (bucket.rate, bucket.burst) != (frame.rate, frame.burst):
            bucket.configure(frame.rate, frame.burst, now)
        return bucket

    def _recall(self, name: str, asker: str) -> None:
        holders = set(self._buckets[name].holders())
        for worker, its_name in self._workers.items():
            if its_name in holders and its_name != asker:
                worker.send(Recall(name))

    def _settle(self, name: str, overdue: DrawFrom | None = None) -> None:
        """Answer the draws that need not wait for others to give back, or may no longer."""
        now, parked = monotonic(), self._parked.get(name, [])
        for worker, frame in list(parked):
            bucket = self._buckets[name]
            if worker not in self._workers:
                parked.remove((worker, frame))
                continue
            holder = self._workers[worker]
            if frame is overdue or not bucket.lacks(holder, frame.draw, now):
                parked.remove((worker, frame))
                worker.send(Granted(frame.call, bucket.grant(holder, frame.draw, now)))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            now = monotonic()
            for name, bucket in list(self._buckets.items()):
                if bucket.is_fresh(now) and not self._parked.get(name):
                    del self._buckets[name]
                    self._parked.pop(name, None)


def _bind(path: str) -> socket.socket:
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(mask)
    return listener
