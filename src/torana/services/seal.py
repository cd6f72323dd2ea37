"""Secrets at rest: AES-256-GCM under a key file that only its owner can read."""

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class KeyFile:
    """Implements `Seal`. The key is made at its first use; nodes that share a store share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cipher: AESGCM | None = None

    def close(self, plain: bytes) -> str:
        """Encrypted, as base64."""
        nonce = secrets.token_bytes(_NONCE)
        return base64.b64encode(nonce + self._key().encrypt(nonce, plain, None)).decode()

    def open(self, sealed: str) -> bytes:
        """Raises `ValueError` when it was sealed with another key, or changed."""
        try:
            data = base64.b64decode(sealed, validate=True)
            return self._key().decrypt(data[:_NONCE], data[_NONCE:], None)
        except (InvalidTag, binascii.Error) as error:
            raise ValueError(f"not sealed with {self._path}") from error

    def secret(self) -> bytes:
        """The key itself, for codes that are not encryption; a file is for one of both."""
        if not self._path.exists():
            _create(self._path)
        return self._path.read_bytes()

    def _key(self) -> AESGCM:
        if self._cipher is None:
            self._cipher = AESGCM(self.secret())
        return self._cipher


def _create(path: Path) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
        file.write(AESGCM.generate_key(256))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, unlike a rename, never replaces what another process has just made.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
