"""Attempts to sign in: counted before they are judged, so that many at once count as many.

After five that failed a user waits a second, then twice as long after each further one, up to a
quarter of an hour.
Source: Cognito Developer Guide, "Lockout behavior for failed sign-in attempts".
"""

import msgspec
from msgspec import Struct

from torana.services.cognito_idp.directory import Json, folded, key, now
from torana.services.cognito_idp.faults import refused
from torana.state.store import Change, Conflict, Store
from torana.wire.faults import ServiceError

ATTEMPTS = "cognito-attempts"
"""Under `{pool}/{username}/{what is tried}`."""
_FREE, _LONGEST = 5, 900.0
_TRIES = 10
_STRANGERS = 10_000
"""Names without a user whose attempts are remembered, by this process alone."""


class Count(Struct, frozen=True):
    """How many, and until when none is judged."""

    failed: int = 0
    until: float = 0.0
    last: float = 0.0


class Attempts:
    """Counts them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._strangers: dict[str, Count] = {}

    async def begin(self, pool: Json, user: Json | None, name: str, what: str = "password") -> None:
        """Raises the service's error for one that comes too early. `what` is tried: to know the
        password does not give further attempts at the second factor."""
        if user is None:
            self._begin_stranger(key(pool["Id"], folded(pool, name)))
            return
        id = key(pool["Id"], folded(pool, user["username"]), what)
        for _ in range(_TRIES):
            document = await self._store.get(ATTEMPTS, id)
            known = msgspec.json.decode(document.body, type=Count) if document else Count()
            body = msgspec.json.encode(_counted(known))
            try:
                version = document.version if document else 0
                await self._store.commit([Change(ATTEMPTS, id, version, body)])
            except Conflict:
                continue
            return
        raise ServiceError("TooManyRequestsException", "Too many requests")

    def _begin_stranger(self, id: str) -> None:
        known = self._strangers.pop(id, Count())
        if len(self._strangers) >= _STRANGERS:
            del self._strangers[next(iter(self._strangers))]
        self._strangers[id] = known
        self._strangers[id] = _counted(known)

    async def succeeded(self, pool: Json, user: Json, what: str = "password") -> None:
        """The attempt was none to hold against anybody."""
        id = key(pool["Id"], folded(pool, user["username"]), what)
        document = await self._store.get(ATTEMPTS, id)
        if document is None:
            return
        try:
            await self._store.commit([Change(ATTEMPTS, id, document.version, None)])
        except Conflict:
            # Another attempt began meanwhile: its outcome decides.
            return


def _counted(known: Count) -> Count:
    """With one more. Raises the service's error."""
    at = now()
    if known.until > at:
        raise refused("Password attempts exceeded")
    failed = 1 if at - known.last > _LONGEST else known.failed + 1
    wait = min(_LONGEST, 2.0 ** (failed - _FREE)) if failed >= _FREE else 0.0
    return Count(failed, at + wait, at)
