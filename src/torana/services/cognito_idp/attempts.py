"""Attempts to sign in, of which only so many may fail.

After five that failed a user waits a second, then twice as long after each further one, up to a
quarter of an hour. A process judges the attempts of one user one after the other, so that many at
once are no more than many in a row.
Source: Cognito Developer Guide, "Lockout behavior for failed sign-in attempts".
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary
from zlib import crc32

import msgspec
from msgspec import Struct

from torana.services.cognito_idp.directory import Json, folded, key, now
from torana.services.cognito_idp.faults import refused
from torana.state.store import Change, Conflict, Store
from torana.wire.faults import ServiceError

ATTEMPTS = "cognito-attempts"
"""Under `{pool}/{username}/{what is tried}`."""
_FREE, FORGOTTEN = 5, 900.0
"""Attempts before the first pause, and seconds of the longest one, after which all is forgotten."""
_TRIES = 10
_STRANGERS, _PLACES = 10_000, 256
"""Names without a user whose attempts are remembered, by this process alone."""


class Count(Struct, frozen=True):
    """How many failed, and until when none is judged."""

    failed: int = 0
    until: float = 0.0
    last: float = 0.0


class Attempt(Struct):
    """One, under way. Held against the user unless it is found `right`."""

    right: bool = False


class Attempts:
    """Counts them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._strangers: dict[str, Count] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def one(
        self, pool: Json, user: Json | None, name: str, what: str = "password"
    ) -> AsyncGenerator[Attempt]:
        """An attempt at something, which is to be judged inside. What is tried counts apart: to
        know the password gives no further attempts at the second factor. Raises the service's
        error for one that comes too early."""
        id = key(pool["Id"], folded(pool, user["username"] if user else name), what)
        turn = self._turns.setdefault(id, asyncio.Lock())
        async with turn:
            known = await self._read(id, user)
            if known.until > now():
                raise refused("Password attempts exceeded")
            made = Attempt()
            try:
                yield made
            finally:
                if made.right:
                    await self._forget(id, known)
                else:
                    await self._count(id, user)

    async def _read(self, id: str, user: Json | None) -> Count:
        if user is None:
            return self._strangers.get(id, Count())
        document = await self._store.get(ATTEMPTS, id)
        return msgspec.json.decode(document.body, type=Count) if document else Count()

    async def _count(self, id: str, user: Json | None) -> None:
        if user is None:
            if id not in self._strangers and len(self._strangers) >= _STRANGERS:
                del self._strangers[next(iter(self._strangers))]
            self._strangers[id] = _failed(self._strangers.get(id, Count()))
            # Something is written for strangers, too: it must not take less time.
            id = key(id.partition("/")[0], "", str(crc32(id.encode()) % _PLACES))
        for _ in range(_TRIES):
            document = await self._store.get(ATTEMPTS, id)
            known = msgspec.json.decode(document.body, type=Count) if document else Count()
            version = document.version if document else 0
            body = msgspec.json.encode(_failed(known))
            try:
                await self._store.commit([Change(ATTEMPTS, id, version, body)])
            except Conflict:
                continue
            return
        raise ServiceError("TooManyRequestsException", "Too many requests")

    async def _forget(self, id: str, known: Count) -> None:
        """Nothing is written for who gets it right at once."""
        if known == Count():
            return
        document = await self._store.get(ATTEMPTS, id)
        try:
            if document is not None:
                await self._store.commit([Change(ATTEMPTS, id, document.version, None)])
        except Conflict:
            # Another node's attempt failed meanwhile, and is held against the user.
            return


def _failed(known: Count) -> Count:
    at = now()
    failed = 1 if at - known.last > FORGOTTEN else known.failed + 1
    wait = min(FORGOTTEN, 2.0 ** (failed - _FREE)) if failed >= _FREE else 0.0
    return Count(failed, at + wait, at)
