"""Credentials of functions that are over before their time, told to every process by the store."""

import logging
import time

import msgspec

from torana.net.tasks import spawn
from torana.services.iam.names import ENDED
from torana.state.store import Change, Conflict, Store, StoreUnavailable

_log = logging.getLogger("torana.iam")


class Endings:
    """Of the process that runs the functions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, key: str, expires: float) -> None:
        """A key is over; without this it would be so at `expires`."""
        spawn(self._write(key, expires), "tell of credentials that are over")

    async def _write(self, key: str, expires: float) -> None:
        body = msgspec.json.encode({"expires": expires})
        try:
            await self._store.commit([Change(ENDED, key, 0, body)])
        except (Conflict, StoreUnavailable) as error:
            _log.warning("a function's credentials end at their time only: %s", error)

    async def sweep(self) -> None:
        """Forget those whose time is over anyway."""
        now = time.time()
        old = [
            each
            async for each in self._store.scan(ENDED)
            if msgspec.json.decode(each.body)["expires"] < now
        ]
        for each in old:
            try:
                await self._store.commit([Change(ENDED, each.id, each.version, None)])
            except (Conflict, StoreUnavailable):
                continue
