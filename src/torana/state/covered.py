"""A store whose documents are encrypted on their way in, and opened on their way out.

Kinds, ids and versions stay as they are. A document is bound to its kind and id: moved to another
place it does not open. One from before encryption was set is read as it is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

from msgspec import structs

from torana.sealing import Cover, NotOpened, UnknownKey
from torana.state.store import Change, Deleted, Document, Expect, News, Store, StoreError

DATA_KEY = "data-key"
"""The kind that opens the others, and is wrapped itself."""


class Unreadable(StoreError):
    """A document does not open."""


class CoveredStore:
    """Implements `Store` over another one."""

    def __init__(self, store: Store, cover: Cover, renew: Callable[[], Awaitable[None]]) -> None:
        """`renew`: look for data keys that another process has made."""
        self._store, self._cover, self._renew = store, cover, renew

    async def get(self, kind: str, id: str) -> Document | None:
        """See `Store`. Raises `Unreadable`, as every reading does."""
        found = await self._store.get(kind, id)
        return found and await self._opened(found)

    async def scan(self, kind: str, prefix: str = "", after: str = "") -> AsyncIterator[Document]:
        """See `Store`."""
        async for document in self._store.scan(kind, prefix, after):
            yield await self._opened(document)

    async def commit(self, changes: Sequence[Change | Expect]) -> int:
        """See `Store`."""
        return await self._store.commit([self._closed(each) for each in changes])

    async def revision(self) -> int:
        """See `Store`."""
        return await self._store.revision()

    async def watch(self, after: int, kinds: Collection[str] = ()) -> AsyncIterator[News]:
        """See `Store`."""
        async for news in self._store.watch(after, kinds):
            events = [
                each if isinstance(each, Deleted) else await self._opened(each)
                for each in news.events
            ]
            yield structs.replace(news, events=tuple(events))

    async def close(self) -> None:
        """See `Store`."""
        await self._store.close()

    def _closed(self, change: Change | Expect) -> Change | Expect:
        if isinstance(change, Expect) or change.body is None or change.kind == DATA_KEY:
            return change
        body = self._cover.close(change.body, _place(change.kind, change.id))
        return structs.replace(change, body=body)

    async def _opened(self, document: Document) -> Document:
        if document.kind == DATA_KEY:
            return document
        place = _place(document.kind, document.id)
        try:
            try:
                body = self._cover.open(document.body, place)
            except UnknownKey:
                await self._renew()
                body = self._cover.open(document.body, place)
        except NotOpened as error:
            raise Unreadable(f"{document.kind}/{document.id}: {error}") from error
        return structs.replace(document, body=body)


def _place(kind: str, id: str) -> bytes:
    return f"{kind}\0{id}".encode()
