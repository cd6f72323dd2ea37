"""When keys and roles were last used: noted at each request, written once a minute."""

import asyncio
import time

import msgspec

from torana.services.iam.names import KEY, USED, Json
from torana.services.ports import Credential
from torana.state.store import Change, Conflict, Expect, Store, StoreUnavailable

_EVERY = 60.0
_MOST = 10_000


class LastUsed:
    """Notes of one process; the latest of all processes is what is kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._notes: dict[str, Json] = {}

    def note(self, credential: Credential, service: str, region: str) -> None:
        """A request was let in."""
        who = credential.principal
        id = credential.access_key_id
        if ":assumed-role/" in who.arn:
            id = who.user_id.partition(":")[0]
        elif id.startswith("ASIA") or who.grants.root:
            return
        if len(self._notes) < _MOST or id in self._notes:
            self._notes[id] = {"Time": time.time(), "Service": service, "Region": region}

    async def run(self) -> None:
        """Write what was noted, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            await self.write()

    async def write(self) -> None:
        """Write what was noted. What another process wrote meanwhile is as good."""
        notes, self._notes = self._notes, {}
        for id, note in notes.items():
            try:
                there = await self._store.get(USED, id)
                if there is not None and msgspec.json.decode(there.body)["Time"] > note["Time"]:
                    continue
                change = Change(USED, id, there.version if there else 0, msgspec.json.encode(note))
                changes: list[Change | Expect] = [change]
                if id.startswith("AKIA"):
                    key = await self._store.get(KEY, id)
                    if key is None:
                        continue
                    changes.append(Expect(KEY, id, key.version))
                await self._store.commit(changes)
            except Conflict:
                continue
            except StoreUnavailable:
                return
