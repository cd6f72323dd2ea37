"""Large pieces, encrypted in segments, so that any range is read without the rest.

Each has a key of its own, derived from the data key with a salt; a segment's nonce is its number
and whether it is the last, so none can be taken out, moved or cut off unseen. (The STREAM
construction: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", 2015.)
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from torana.sealing.vault import ID, Cover, NotOpened

SEGMENT = 64 * 1024
"""Bytes of one before it is encrypted."""
SEALED = SEGMENT + 16
_SALT = 32
HEAD = ID + _SALT
"""Bytes before the first segment."""


class Closing:
    """A piece as it is written: `head`, then what `add` and `end` give."""

    def __init__(self, cover: Cover) -> None:
        key, salt = cover.current(), secrets.token_bytes(_SALT)
        self.head = key.id + salt
        self._cipher = _derived(key.key, salt)
        self._waiting, self._number = bytearray(), 0

    def add(self, data: bytes) -> bytes:
        """The last whole segment waits, for it may be the last."""
        self._waiting += data
        out: list[bytes] = []
        while len(self._waiting) > SEGMENT:
            out.append(self._close(bytes(self._waiting[:SEGMENT]), last=False))
            del self._waiting[:SEGMENT]
        return b"".join(out)

    def end(self) -> bytes:
        """The last segment; of an empty piece, an empty one."""
        return self._close(bytes(self._waiting), last=True)

    def _close(self, plain: bytes, *, last: bool) -> bytes:
        nonce = _nonce(self._number, last)
        self._number += 1
        return self._cipher.encrypt(nonce, plain, None)


class Opening:
    """A piece of `size` bytes as it is read."""

    def __init__(self, cover: Cover, head: bytes, size: int) -> None:
        """Raises `UnknownKey`."""
        self._cipher = _derived(cover.key(head[:ID]).key, head[ID:HEAD])
        self._last = max(0, (size - 1) // SEGMENT)

    def segment(self, number: int, data: bytes) -> bytes:
        """Raises `NotOpened`."""
        try:
            return self._cipher.decrypt(_nonce(number, number == self._last), data, None)
        except (InvalidTag, ValueError) as error:
            raise NotOpened(f"segment {number} was changed or cut off") from error


def _derived(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"torana piece").derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")
