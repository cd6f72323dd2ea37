"""What stages keep of their backends' answers: the least recently used goes first.

Source: Developer Guide, "Cache settings for REST APIs in API Gateway". A process has its own share
of a stage's capacity; what a client has made anew in one process is dropped by the others.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from torana.message import Headers, Reply
from torana.net.tasks import spawn

if TYPE_CHECKING:
    import asyncio

LARGEST = 1_048_576
"""Bytes of a reply that is kept. Source: the quota for cached responses."""
TOPIC = "stage-cache"
_OVERHEAD = 400
"""Bytes that an entry takes beside its texts, roughly."""
_NONCE = 12

Key = tuple[str | None, ...]
Fields = tuple[tuple[str, str], ...]


class Entry(Struct, frozen=True):
    """A reply as it is kept."""

    status: int
    fields: Fields
    body: bytes
    until: float
    """Seconds of the clock that the reader uses."""
    sealed: bool = False
    """`body` holds fields and body, encrypted."""

    def size(self, key: Key) -> int:
        """Bytes of memory, about."""
        texts = sum(len(name) + len(value) for name, value in self.fields)
        return _OVERHEAD + texts + len(self.body) + sum(len(part or "") for part in key)


class Seal:
    """Encrypts entries with a key that lives as long as the process, as the entries do."""

    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(256))

    def close(self, entry: Entry) -> Entry:
        """The entry with nothing to read in it."""
        nonce = secrets.token_bytes(_NONCE)
        plain = msgspec.msgpack.encode((entry.fields, entry.body))
        sealed = nonce + self._cipher.encrypt(nonce, plain, None)
        return Entry(entry.status, (), sealed, entry.until, sealed=True)

    def open(self, entry: Entry) -> Entry | None:
        """As it was before `close`; None when it was changed."""
        try:
            plain = self._cipher.decrypt(entry.body[:_NONCE], entry.body[_NONCE:], None)
        except InvalidTag:
            return None
        fields, body = msgspec.msgpack.decode(plain, type=tuple[Fields, bytes])
        return Entry(entry.status, fields, body, entry.until)


class Flight(Struct):
    """A reply that is being fetched, and those who wait for it."""

    landed: "asyncio.Future[Entry | None]"

    def land(self, entry: Entry | None) -> None:
        """Give everybody what came; None: nothing that others may have."""
        if not self.landed.done():
            self.landed.set_result(entry)


class StageCache:
    """The entries of a stage in this process."""

    def __init__(self, capacity: int) -> None:
        """`capacity` in bytes."""
        self.capacity, self.size = capacity, 0
        self._entries: dict[Key, Entry] = {}
        self.flights: dict[Key, Flight] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Key, now: float) -> Entry | None:
        """What is kept, as the last used from now on."""
        found = self._entries.pop(key, None)
        if found is None:
            return None
        if found.until <= now:
            self.size -= found.size(key)
            return None
        self._entries[key] = found
        return found

    def keep(self, key: Key, entry: Entry) -> None:
        """Put an entry in the place of the one before; others go where there is no room."""
        self.drop(key)
        size = entry.size(key)
        if size > self.capacity:
            return
        while self.size + size > self.capacity:
            self.drop(next(iter(self._entries)))
        self._entries[key] = entry
        self.size += size

    def land(self, key: Key, flight: Flight | None, entry: Entry | None) -> bool:
        """A reply has come, or none will: whether it may be kept. One that was flushed, or made
        anew by another request, while it was on its way may not."""
        current = self.flights.get(key)
        if current is flight and flight is not None:
            del self.flights[key]
        if flight is not None:
            flight.land(entry)
        return current is flight

    def drop(self, key: Key) -> None:
        """Forget one."""
        found = self._entries.pop(key, None)
        if found is not None:
            self.size -= found.size(key)

    def flush(self) -> None:
        """Forget all. What is on its way lands for those who wait, and is not kept."""
        self._entries.clear()
        self.flights = {}
        self.size = 0


Publish = Callable[[str, bytes], Awaitable[None]]


class Caches:
    """The caches of a process, by name. They outlive plans: a deployment flushes nothing."""

    def __init__(
        self, publish: Publish | None = None, limit: int = 1 << 40, share: int = 1
    ) -> None:
        """`limit`: bytes that a cache may have at the most in the processes together, of which
        there are `share`. `publish` tells the others."""
        self._publish, self._limit, self._share = publish, limit, share
        self._caches: dict[str, StageCache] = {}
        self._me = secrets.token_bytes(8)
        self.seal = Seal()

    def of(self, name: str, capacity: int) -> StageCache:
        """The cache of a name. Another capacity makes a new one, as on the service."""
        own = min(capacity, self._limit) // self._share
        found = self._caches.get(name)
        if found is None or found.capacity != own:
            found = self._caches[name] = StageCache(own)
        return found

    def flush(self, names: Iterable[str]) -> None:
        """Forget everything of some caches."""
        for name in names:
            if name in self._caches:
                self._caches[name].flush()

    def flush_all(self) -> None:
        """Forget everything, where a change may have been missed."""
        self.flush(self._caches)

    def renewed(self, name: str, key: Key) -> None:
        """An entry was made anew here: others are to drop theirs."""
        if self._publish is not None:
            message = msgspec.msgpack.encode((self._me, name, key))
            spawn(_tell(self._publish, message), "tell others of a renewed cache entry")

    async def follow(self, messages: AsyncIterator[bytes | None]) -> None:
        """Drop what others have made anew, for ever."""
        async for message in messages:
            if message is None:
                self.flush_all()
                continue
            who, name, key = msgspec.msgpack.decode(message, type=tuple[bytes, str, Key])
            cache = self._caches.get(name)
            if cache is not None and who != self._me:
                cache.drop(key)
                cache.flights.pop(key, None)

    def bytes(self) -> int:
        """What all of them hold."""
        return sum(cache.size for cache in self._caches.values())


async def _tell(publish: Publish, message: bytes) -> None:
    await publish(TOPIC, message)


def kept(reply: Reply, until: float) -> Entry | None:
    """A reply as an entry; None for a stream and for one that is too large."""
    if not isinstance(reply.body, bytes) or len(reply.body) > LARGEST:
        return None
    fields = [item for item in reply.headers.items if item[0].lower() != "x-amzn-trace-id"]
    return Entry(reply.status, tuple(fields), reply.body, until)


def given(entry: Entry) -> Reply:
    """An entry as a reply of its own."""
    return Reply(entry.status, Headers(list(entry.fields)), entry.body)
