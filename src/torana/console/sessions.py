"""Who is signed in: sessions in the store, by the hash of a secret that only the browser has.

They outlive a restart, hold on every node that shares the store, and end at sign-out, after an hour
without use, after twelve hours, and as soon as their access key is gone.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from contextlib import suppress
from time import time

import msgspec
from msgspec import Struct

from torana.state.store import Change, Conflict, Document, Store

KIND = "console.session"
LONGEST = 12 * 3600.0
"""Seconds that a session lasts, however busy."""
IDLE = 3600.0
"""Seconds that a session lasts without a request."""
_TOUCH = 300.0
"""Seconds between two notes that a session is in use."""


class Session(Struct, frozen=True):
    """A browser that has shown who it is of."""

    holder: str = msgspec.field(name="access_key_id")
    """In the console, the access key whose secret was shown."""
    since: float
    seen: float
    """Both in seconds since 1970; `seen` lags behind by up to five minutes."""

    def ends(self) -> float:
        """When it is over if nothing more is asked."""
        return min(self.since + LONGEST, self.seen + IDLE)


class Sessions:
    """The sessions of every node that shares the store."""

    def __init__(self, store: Store, clock: Callable[[], float] = time, kind: str = KIND) -> None:
        """`kind`: of their documents."""
        self._store, self._clock, self._kind = store, clock, kind

    async def open(self, holder: str) -> str:
        """A new session's secret. Sweeps those that are over."""
        await self._sweep()
        secret, now = secrets.token_urlsafe(32), self._clock()
        body = msgspec.json.encode(Session(holder, now, now))
        await self._store.commit([Change(self._kind, _name(secret), 0, body)])
        return secret

    async def find(self, secret: str) -> Session | None:
        """The session, noted as in use; None when there is none or it is over."""
        document = await self._store.get(self._kind, _name(secret))
        if document is None:
            return None
        session, now = _read(document), self._clock()
        if session.ends() <= now:
            await self._end(document)
            return None
        if now - session.seen > _TOUCH:
            session = msgspec.structs.replace(session, seen=now)
            change = Change(self._kind, document.id, document.version, msgspec.json.encode(session))
            # Another request of the same browser may just have said so, or signed out.
            with suppress(Conflict):
                await self._store.commit([change])
        return session

    async def close(self, secret: str) -> None:
        """Sign out."""
        while (document := await self._store.get(self._kind, _name(secret))) is not None:
            await self._end(document)

    async def _end(self, document: Document) -> None:
        with suppress(Conflict):
            await self._store.commit([Change(self._kind, document.id, document.version, None)])

    async def _sweep(self) -> None:
        now = self._clock()
        over = [each async for each in self._store.scan(self._kind) if _read(each).ends() <= now]
        for document in over:
            await self._end(document)


def csrf_of(secret: str) -> str:
    """What a page of the console sends along to show that it is one. Says nothing of the secret."""
    return hmac.digest(secret.encode(), b"csrf", "sha256").hex()


def _name(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _read(document: Document) -> Session:
    return msgspec.json.decode(document.body, type=Session)
