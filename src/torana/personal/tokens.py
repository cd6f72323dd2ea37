"""Tokens that stand for values, and lead back to them with the key that made them.

AES-SIV (RFC 5297) is deterministic: the same value under the same key is the same token, so that
backends
can still compare and join. A token looks like `tok~…~`, whatever it stands for.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

ID = 8
"""Bytes of a key's id."""
_SHAPE = re.compile(r"tok~([A-Za-z0-9_-]{33,})~")
_BOUND = [b"torana token"]


class TokenKey:
    """A tenant's."""

    def __init__(self, id: bytes, key: bytes) -> None:
        self.id, self.key = id, key
        self._cipher = AESSIV(key)

    def token(self, value: str) -> str:
        """What stands for a value."""
        # A first byte, so that an empty value has something to encrypt.
        closed = self._cipher.encrypt(b"1" + value.encode("utf-8", "surrogatepass"), _BOUND)
        return f"tok~{base64.urlsafe_b64encode(self.id + closed).decode().rstrip('=')}~"

    def value(self, token: str) -> str | None:
        """What a token stands for; None for one of another key, and for what is none."""
        data = _data(token)
        if data is None or data[:ID] != self.id:
            return None
        try:
            return self._cipher.decrypt(data[ID:], _BOUND)[1:].decode("utf-8", "surrogatepass")
        except InvalidTag:
            return None


def fresh() -> tuple[bytes, bytes]:
    """An id and a key."""
    return secrets.token_bytes(ID), AESSIV.generate_key(512)


def key_id(token: str) -> bytes | None:
    """The key that made a token; None: it is none."""
    data = _data(token)
    return None if data is None else data[:ID]


def replaced(text: str, value_of: Callable[[str], str | None]) -> str:
    """A text with values in the place of the tokens in it that `value_of` knows."""
    if "tok~" not in text:
        return text
    return _SHAPE.sub(lambda found: _or(value_of(found[0]), found[0]), text)


def _or(value: str | None, token: str) -> str:
    return token if value is None else value


def _data(token: str) -> bytes | None:
    found = _SHAPE.fullmatch(token)
    if found is None:
        return None
    try:
        data = base64.b64decode(found[1] + "=" * (-len(found[1]) % 4), b"-_", validate=True)
    except binascii.Error:
        return None
    return data if len(data) > ID + 16 else None
