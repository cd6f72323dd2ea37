"""The public keys of every pool, and the pools of domains: in each process that has the front door.

It follows the store, so that a new pool's tokens are taken, and a revoked key's refused, at once.
"""

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from torana.auth.jwt import Keys, keys
from torana.net.tasks import spawn
from torana.services.cognito_idp.directory import DOMAIN, POOL
from torana.services.cognito_idp.signing import issuer_of, jwks
from torana.state.store import Deleted, Store, StoreUnavailable

if TYPE_CHECKING:
    import asyncio


class Published(Struct, frozen=True):
    """What everybody may know of a pool."""

    id: str
    jwks: bytes
    keys: Keys
    domain: str


class Registry:
    """Follows the store. Implements the gateway's `LocalKeys`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pools: dict[str, Published] = {}
        self._issuers: dict[str, Published] = {}
        self._domains: dict[str, str] = {}
        self._following: asyncio.Task[None] | None = None

    def find(self, issuer: str) -> Keys | None:
        """The keys of an issuer that is a pool of this gateway."""
        found = self._issuers.get(issuer)
        return found and found.keys

    def pool(self, id: str) -> Published | None:
        """A pool by its id."""
        return self._pools.get(id)

    def of_domain(self, domain: str) -> str | None:
        """The id of the pool whose pages a domain has."""
        return self._domains.get(domain)

    async def look(self, issuer: str) -> None:
        """Read a pool now, for a key of which the news may not have come yet."""
        found = self._issuers.get(issuer)
        if found is None:
            return
        try:
            document = await self._store.get(POOL, found.id)
        except StoreUnavailable:
            return
        self._set_pool(found.id, document.body if document else None)

    async def load(self) -> None:
        """Read what is stored, and follow it from then on."""
        revision = await self._store.revision()
        await self._read_all()
        self._following = spawn(self._follow(revision), "follow the user pools")

    async def _read_all(self) -> None:
        self._pools, self._issuers, self._domains = {}, {}, {}
        async for document in self._store.scan(POOL):
            self._set_pool(document.id, document.body)
        async for document in self._store.scan(DOMAIN):
            self._set_domain(document.id, document.body)

    async def _follow(self, revision: int) -> None:
        async for news in self._store.watch(revision, (POOL, DOMAIN)):
            if news.resync:
                await self._read_all()
            for event in news.events:
                body = None if isinstance(event, Deleted) else event.body
                set_it = self._set_pool if event.kind == POOL else self._set_domain
                set_it(event.id, body)

    def _set_pool(self, id: str, body: bytes | None) -> None:
        issuer = issuer_of(id)
        if body is None:
            self._pools.pop(id, None)
            self._issuers.pop(issuer, None)
            return
        pool: dict[str, Any] = msgspec.json.decode(body)
        text = msgspec.json.encode(jwks(pool))
        before = self._pools.get(id)
        if before is not None and before.jwks == text:
            # The same object, so that who verified tokens with it need not do so again.
            made = msgspec.structs.replace(before, domain=pool.get("Domain", ""))
        else:
            made = Published(id, text, keys(text), pool.get("Domain", ""))
        self._pools[id] = self._issuers[issuer] = made

    def _set_domain(self, domain: str, body: bytes | None) -> None:
        self._domains.pop(domain, None)
        if body is not None:
            self._domains[domain] = msgspec.json.decode(body)["pool"]

    async def aclose(self) -> None:
        """Stop following."""
        if self._following is not None:
            self._following.cancel()
