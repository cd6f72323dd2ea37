"""Many small commits, one flush to disk: what waits together is written together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from torana.state.store import Change, Conflict, Expect, StoreUnavailable, check

Key = tuple[str, str]
Commit = Sequence[Change | Expect]


class Write(Struct, frozen=True):
    """The new state of one document; None is a tombstone."""

    kind: str
    id: str
    version: int
    body: bytes | None


class Decision(Struct, frozen=True):
    """What a batch of commits comes to: an outcome for each, and the writes to make."""

    outcomes: list[int | Conflict]
    writes: list[Write]
    revision: int


def keys(batch: Sequence[Commit]) -> set[Key]:
    """The documents whose versions decide a batch."""
    return {(change.kind, change.id) for commit in batch for change in commit}


def decide(batch: Sequence[Commit], versions: dict[Key, int], revision: int) -> Decision:
    """Let the commits of a batch happen one after the other, starting from `revision`.

    `versions` names the live documents among `keys(batch)`; it is left as it is.
    """
    now = dict(versions)
    outcomes: list[int | Conflict] = []
    writes: dict[Key, Write] = {}
    for commit in batch:
        if conflict := _conflict(commit, now):
            outcomes.append(conflict)
            continue
        changes = [change for change in commit if isinstance(change, Change)]
        revision += bool(changes)
        for change in changes:
            key = change.kind, change.id
            now[key] = 0 if change.body is None else revision
            writes.pop(key, None)
            writes[key] = Write(*key, revision, change.body)
        outcomes.append(revision)
    return Decision(outcomes, list(writes.values()), revision)


def _conflict(commit: Commit, now: dict[Key, int]) -> Conflict | None:
    for change in commit:
        found = now.get((change.kind, change.id), 0)
        if found != change.version:
            return Conflict(change.kind, change.id, change.version, found)
    return None


class Gatherer:
    """Queues commits while a write is under way, and writes all of them with the next one."""

    LIMIT = 256
    """Commits in one write, so that none waits for a very large transaction."""

    def __init__(self, write: Callable[[list[Commit]], Awaitable[list[int | Conflict]]]) -> None:
        self._write = write
        self._waiting: list[tuple[Commit, asyncio.Future[int]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._closed = False

    async def commit(self, commit: Commit) -> int:
        """See `Store.commit`. A caller that is cancelled does not take its commit back."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        check(commit)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._waiting.append((commit, done))
        if self._flush is None:
            self._flush = loop.create_task(self._flush_all())
        return await done

    async def close(self) -> None:
        """Take no more; finish what was taken."""
        self._closed = True
        while self._flush is not None:
            await self._flush

    async def _flush_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self.LIMIT], self._waiting[self.LIMIT :]
                await self._settle(batch)
        finally:
            self._flush = None

    async def _settle(self, batch: list[tuple[Commit, asyncio.Future[int]]]) -> None:
        outcomes: Sequence[int | Exception]
        try:
            outcomes = await self._write([commit for commit, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to everybody who waits for it
            outcomes = [error] * len(batch)
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():
                continue
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)
