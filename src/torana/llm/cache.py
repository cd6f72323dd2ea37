"""Answers kept for the same question: of the same key, to the same API, byte for byte.

Kept in the memory of each process, the least recently used leave first.
"""

import hashlib
from collections import OrderedDict
from time import monotonic

from msgspec import Struct

from torana.message import Headers

_MOST = 64 * 1024 * 1024
"""Bytes of all answers."""
LARGEST = 1024 * 1024
"""Bytes of an answer that is kept."""
OPERATIONS = frozenset({"chat", "responses", "completions", "embeddings"})


class Kept(Struct, frozen=True):
    """An answer, whole or streamed, as the client was sent it."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    usd: float | None
    """What it cost: what each further use of it saves."""
    expires: float


def name(tenant: str, path: str, body: bytes) -> bytes:
    """What an answer is found by. Tenants never see each other's."""
    digest = hashlib.blake2b(body, digest_size=32)
    digest.update(f"\0{path}\0{tenant}".encode())
    return digest.digest()


def bypassed(headers: Headers) -> bool:
    """Whether the client wants an answer of its own (RFC 9111, 5.2.1)."""
    said = (headers.get("cache-control") or "").lower()
    return "no-cache" in said or "no-store" in said


class Cache:
    """Answers by name."""

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._size = most, 0
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    def get(self, name: bytes) -> Kept | None:
        """An answer that has not expired."""
        found = self._kept.get(name)
        if found is None:
            return None
        if found.expires < monotonic():
            self._drop(name)
            return None
        self._kept.move_to_end(name)
        return found

    def put(
        self, name: bytes, headers: Headers, body: bytes, usd: float | None, seconds: float
    ) -> None:
        """Keep an answer, unless it is too large."""
        if len(body) > LARGEST:
            return
        self._drop(name)
        self._kept[name] = Kept(tuple(headers.items), body, usd, monotonic() + seconds)
        self._size += len(body)
        while self._size > self._most:
            self._drop(next(iter(self._kept)))

    def _drop(self, name: bytes) -> None:
        found = self._kept.pop(name, None)
        if found is not None:
            self._size -= len(found.body)
