"""Data keys, each for one purpose, and what is closed and opened with them.

AES-256-GCM under random nonces. What is closed names its key, so that older keys open what they
closed after a rotation, and what was written before there was a key is told apart and passes.
"""

import base64
import binascii
import secrets
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

ID = 8
"""Bytes of a key's id."""
_MARK = b"\0T1\0"
_HEAD = len(_MARK) + ID
_NONCE = 12
_LINE = b"torana1:"


class NotOpened(ValueError):
    """It was changed, moved from where it belongs, or closed with another key."""


class UnknownKey(NotOpened):
    """The key that it names is not here."""


class DataKey(Struct, frozen=True):
    """One that is open, in memory."""

    id: bytes
    purpose: str
    key: bytes
    cipher: AESGCM


class Vault:
    """The data keys of a process."""

    def __init__(self, covers: tuple[str, ...] = ()) -> None:
        """`covers`: purposes that are written encrypted."""
        self.covers = covers
        self._keys: dict[bytes, DataKey] = {}
        self._current: dict[str, DataKey] = {}

    def put(self, id: bytes, purpose: str, key: bytes) -> None:
        """What it closed can be opened from now on."""
        self._keys[id] = DataKey(id, purpose, key, AESGCM(key))

    def use(self, id: bytes) -> None:
        """Its purpose's data is closed with it from now on."""
        key = self._keys[id]
        self._current[key.purpose] = key

    def current(self, purpose: str) -> DataKey | None:
        """What its data is closed with."""
        return self._current.get(purpose)

    def key(self, id: bytes, purpose: str) -> DataKey:
        """Raises `UnknownKey`."""
        found = self._keys.get(id)
        if found is None or found.purpose != purpose:
            raise UnknownKey(f"data key {id.hex()} for {purpose} is not here")
        return found

    def cover(self, purpose: str) -> "Cover":
        """May be asked for before there are keys."""
        return Cover(self, purpose)


class Cover:
    """Closes and opens one purpose's data."""

    def __init__(self, vault: Vault, purpose: str) -> None:
        self._vault, self.purpose = vault, purpose
        self.closes = purpose in vault.covers

    def current(self) -> DataKey:
        """Raises `UnknownKey`."""
        found = self._vault.current(self.purpose)
        if found is None:
            raise UnknownKey(f"there is no data key for {self.purpose}")
        return found

    def key(self, id: bytes) -> DataKey:
        """Raises `UnknownKey`."""
        return self._vault.key(id, self.purpose)

    def close(self, plain: bytes, bound: bytes = b"") -> bytes:
        """Encrypted, where this purpose is covered. It opens only with the same `bound`."""
        return _closed(self.current(), plain, bound) if self.closes else plain

    def open(self, data: bytes, bound: bytes = b"") -> bytes:
        """What was closed; anything else as it is. Raises `NotOpened`."""
        if not data.startswith(_MARK):
            return data
        key = self.key(data[len(_MARK) : _HEAD])
        nonce = data[_HEAD : _HEAD + _NONCE]
        try:
            return key.cipher.decrypt(nonce, data[_HEAD + _NONCE :], bound)
        except (InvalidTag, ValueError) as error:
            told = f"data of {self.purpose} does not open with key {key.id.hex()}"
            raise NotOpened(told) from error

    def close_line(self, line: bytes) -> bytes:
        """The same as one line of text, with or without line feeds in it before."""
        return _LINE + base64.b64encode(self.close(line)) if self.closes else line

    def line_like(self, line: bytes, plain: bytes) -> bytes:
        """Another line under the key of one that opens: as long where the plain one is."""
        head = base64.b64decode(line[len(_LINE) :], validate=True)[len(_MARK) : _HEAD]
        return _LINE + base64.b64encode(_closed(self.key(head), plain, b""))

    def open_line(self, line: bytes) -> bytes:
        """Raises `NotOpened`."""
        if not line.startswith(_LINE):
            return line
        try:
            return self.open(base64.b64decode(line[len(_LINE) :], validate=True))
        except binascii.Error as error:
            raise NotOpened(f"a line of {self.purpose} was cut off or changed") from error


def _closed(key: DataKey, plain: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return b"".join((_MARK, key.id, nonce, key.cipher.encrypt(nonce, plain, bound)))


def opened_lines(lines: Iterator[bytes], cover: Cover | None) -> Iterator[bytes]:
    """The lines of a file without their line feeds, opened. One that does not open, as the last
    one that a crash cut off, comes as it is, for its reader to judge."""
    for line in lines:
        line = line.rstrip(b"\n")
        if cover is None:
            yield line
            continue
        try:
            yield cover.open_line(line)
        except UnknownKey:
            raise
        except NotOpened:
            yield line
