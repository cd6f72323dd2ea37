"""What nobody needs any more: answered challenges, codes, sessions and attempts that are over.

One process of a node does it. What two nodes delete at once is deleted once.
"""

import asyncio
import logging

import msgspec

from torana.services.cognito_idp.attempts import ATTEMPTS, FORGOTTEN, Count
from torana.services.cognito_idp.challenges import SPENT
from torana.services.cognito_idp.codes import CODE
from torana.services.cognito_idp.directory import Json, now
from torana.services.cognito_idp.sessions import SESSION
from torana.state.store import Change, Conflict, Document, Store, StoreUnavailable

_log = logging.getLogger("torana.services")
_PAUSE = 600.0
"""Seconds."""
_CODES_KEPT = 86400.0
"""Seconds that a used code is known as one that was used."""


async def sweep_for_ever(store: Store) -> None:
    """While the store is away there is nothing to sweep."""
    while True:
        await asyncio.sleep(_PAUSE)
        try:
            await sweep(store)
        except StoreUnavailable as error:
            _log.warning("user pools were not swept: %s", error)


async def sweep(store: Store) -> int:
    """Delete what is over; how much that was."""
    gone = 0
    for kind, lasts in ((SPENT, 0.0), (CODE, _CODES_KEPT)):
        # Their ids begin with the second until which they are good.
        end = f"{int(now() - lasts):012}"
        async for document in store.scan(kind):
            if document.id >= end:
                break
            gone += await _delete(store, document)
    async for document in store.scan(SESSION):
        session: Json = msgspec.json.decode(document.body)
        if session["expires"] <= now():
            gone += await _delete(store, document)
    async for document in store.scan(ATTEMPTS):
        count = msgspec.json.decode(document.body, type=Count)
        if max(count.until, count.last + FORGOTTEN) <= now():
            gone += await _delete(store, document)
    return gone


async def _delete(store: Store, document: Document) -> int:
    try:
        await store.commit([Change(document.kind, document.id, document.version, None)])
    except Conflict:
        return 0
    return 1
