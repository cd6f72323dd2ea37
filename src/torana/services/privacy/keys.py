"""The keys of tokens: one for every tenant, made when it is first needed, sealed in the store.

Whoever deletes a tenant's key makes its tokens worthless, wherever they are.
"""

from collections import OrderedDict
from hashlib import sha256
from time import time
from typing import Protocol

import msgspec
from msgspec import Struct

from torana.personal.tokens import TokenKey, fresh
from torana.state.store import Change, Conflict, Deleted, Store

KEY = "token-key"
"""Under its id, in hex."""
TENANT = "token-tenant"
"""The id of a tenant's key, under the digest of its name."""
_MOST = 10_000
"""Keys that a process holds."""


class Seal(Protocol):
    """Encrypts what is kept."""

    def close(self, plain: bytes) -> str: ...
    def open(self, sealed: str) -> bytes: ...


class Kept(Struct, frozen=True):
    """A key as the store has it."""

    tenant: str
    sealed: str
    made: float
    """Seconds since 1970."""


class TokenKeys:
    """Of a process. Implements the gateway's `Tokens`."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store, self._seal = store, seal
        self._held: OrderedDict[str, TokenKey] = OrderedDict()

    def known(self, tenant: str) -> TokenKey | None:
        """See `Tokens`."""
        found = self._held.get(tenant)
        if found is not None:
            self._held.move_to_end(tenant)
        return found

    async def of(self, tenant: str) -> TokenKey:
        """See `Tokens`."""
        while True:
            made = await self._there(tenant) or await self._make(tenant)
            if made is not None:
                break
        self._held[tenant] = made
        if len(self._held) > _MOST:
            self._held.popitem(last=False)
        return made

    async def there(self, tenant: str) -> bool:
        """Whether a tenant has a key."""
        return await self._store.get(TENANT, _place(tenant)) is not None

    async def _there(self, tenant: str) -> TokenKey | None:
        document = await self._store.get(TENANT, _place(tenant))
        found = document and await self.find(bytes.fromhex(document.body.decode()))
        return found[1] if found else None

    async def _make(self, tenant: str) -> TokenKey | None:
        """None: another process was faster."""
        id, key = fresh()
        kept = msgspec.json.encode(Kept(tenant, self._seal.close(key), time()))
        place = _place(tenant)
        try:
            await self._store.commit(
                [Change(KEY, id.hex(), 0, kept), Change(TENANT, place, 0, id.hex().encode())]
            )
        except Conflict:
            return None
        return TokenKey(id, key)

    async def find(self, id: bytes) -> tuple[str, TokenKey] | None:
        """Whose a key is, and the key. Raises `ValueError` when another node's file sealed it."""
        document = await self._store.get(KEY, id.hex())
        if document is None:
            return None
        kept = msgspec.json.decode(document.body, type=Kept)
        return kept.tenant, TokenKey(id, self._seal.open(kept.sealed))

    async def erase(self, tenant: str) -> bool:
        """Delete a tenant's key, for good; whether there was one. Raises `Conflict`."""
        place = await self._store.get(TENANT, _place(tenant))
        if place is None:
            return False
        changes = [Change(TENANT, place.id, place.version, None)]
        key = await self._store.get(KEY, place.body.decode())
        if key is not None:
            changes.append(Change(KEY, key.id, key.version, None))
        await self._store.commit(changes)
        self._held.pop(tenant, None)
        return True

    async def expire(self, before: float) -> int:
        """Delete the keys that were made before; how many. Raises `Conflict`."""
        old = [
            kept.tenant
            async for each in self._store.scan(KEY)
            if (kept := msgspec.json.decode(each.body, type=Kept)).made < before
        ]
        return sum([await self.erase(tenant) for tenant in old])

    async def follow(self) -> None:
        """Drop keys that another process has deleted, for ever."""
        revision = await self._store.revision()
        async for news in self._store.watch(revision, (KEY,)):
            gone = {each.id for each in news.events if isinstance(each, Deleted)}
            held = self._held.items()
            for tenant in [name for name, key in held if news.resync or key.id.hex() in gone]:
                del self._held[tenant]


def _place(tenant: str) -> str:
    return sha256(tenant.encode()).hexdigest()
