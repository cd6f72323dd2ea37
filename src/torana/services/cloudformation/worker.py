"""Who does the operations: one process at a time for each stack, found anew when it is gone."""

import asyncio
import logging
import time

import msgspec
from msgspec import Struct

from torana.services.background import Background
from torana.services.cloudformation.records import CLAIM, WORK, Work
from torana.services.cloudformation.shelf import Shelf, change
from torana.services.cloudformation.who import Callers
from torana.state.store import Conflict, StoreError

_log = logging.getLogger("torana.services")
_BEAT = 15.0
"""Seconds between signs of life."""
_LATE = 60.0
"""Seconds without one after which another process takes over."""


class Claim(Struct, frozen=True):
    """Which node is at a stack, and when it last said so."""

    node: str
    beat: float


class Worker:
    """Does what is under way. `node`: this process's, as it is after it was started again."""

    def __init__(self, shelf: Shelf, callers: Callers, background: Background, node: str) -> None:
        self._shelf, self._callers = shelf, callers
        self._background, self._node = background, node
        self._running: set[str] = set()
        self._kicked = asyncio.Event()

    async def run(self) -> None:
        """For ever: what an earlier process left, what this one accepts, and what others leave."""
        self._background.start(self._watch(), "operations on stacks that other processes accept")
        while True:
            self._kicked.clear()
            try:
                await self._look()
            except StoreError as error:
                _log.warning("stacks cannot be looked after now: %s", error)
            try:
                async with asyncio.timeout(_BEAT):
                    await self._kicked.wait()
            except TimeoutError:
                pass

    async def _watch(self) -> None:
        revision = await self._shelf.store.revision()
        async for _ in self._shelf.store.watch(revision, (WORK,)):
            self._kicked.set()

    async def _look(self) -> None:
        waiting = [
            msgspec.json.decode(each.body, type=Work) async for each in self._shelf.store.scan(WORK)
        ]
        for work in waiting:
            if work.stack not in self._running and await self._claim(work.stack):
                self._running.add(work.stack)
                self._background.start(self._do(work), f"the stack {work.stack}")

    async def _claim(self, stack: str) -> bool:
        there = await self._shelf.store.get(CLAIM, stack)
        if there is not None:
            claim = msgspec.json.decode(there.body, type=Claim)
            if claim.node != self._node and claim.beat > time.time() - _LATE:
                return False
        return await self._beat(stack, there.version if there else 0)

    async def _beat(self, stack: str, version: int) -> bool:
        claim = Claim(self._node, time.time())
        try:
            await self._shelf.store.commit([change(CLAIM, stack, version, claim)])
        except Conflict:
            return False
        return True

    async def _do(self, work: Work) -> None:
        from torana.services.cloudformation.running import Run

        doing = asyncio.current_task()
        assert doing is not None
        beating = asyncio.get_running_loop().create_task(self._alive(work.stack, doing))
        try:
            stack, _ = await self._shelf.stack(work.stack)
            run = Run(self._shelf, self._callers, stack, work)
            try:
                await run.go()
            except (StoreError, asyncio.CancelledError):
                raise
            except Exception:  # noqa: BLE001  tried again for ever it would fail for ever
                _log.exception("the stack %s", work.stack)
                await run.broken()
        except StoreError as error:
            _log.warning("the stack %s is gone on with later: %s", work.stack, error)
        finally:
            beating.cancel()
            self._running.discard(work.stack)
            self._kicked.set()

    async def _alive(self, stack: str, doing: asyncio.Task[None]) -> None:
        """Say so for as long as the claim is this process's; after that it does nothing more."""
        while True:
            await asyncio.sleep(_BEAT)
            try:
                there = await self._shelf.store.get(CLAIM, stack)
                mine = there and msgspec.json.decode(there.body, type=Claim).node == self._node
                if there is None or not mine or not await self._beat(stack, there.version):
                    doing.cancel()
                    return
            except StoreError as error:
                _log.warning("the stack %s: %s", stack, error)
