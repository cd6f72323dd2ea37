"""The tokens of identity pools' classic flow: `cognito-identity` makes them, `sts` takes them.

Signed by a key of the account's, sealed in the store.
Source: Cognito Developer Guide, "Authentication flow", basic (classic).
"""

import asyncio
import secrets
from base64 import urlsafe_b64encode
from typing import Any, Protocol

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm
from msgspec import Struct

from torana.auth.jwt import Claims, Keys, keys, verify
from torana.state.store import Change, Conflict, Store

SERVICE = "cognito-identity.amazonaws.com"
ISSUER = f"https://{SERVICE}"
_KIND, _ID = "identity-signing-key", "own"


class Seal(Protocol):
    """Encrypts what is kept."""

    def close(self, plain: bytes) -> str: ...
    def open(self, sealed: str) -> bytes: ...


class _Kept(Struct, frozen=True):
    id: str
    private: str
    """In PEM, sealed."""


class OpenTokens:
    """Signs and checks."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store, self._seal = store, seal
        self._key: tuple[str, RSAPrivateKey, Keys] | None = None

    async def sign(self, claims: Claims) -> str:
        """A token of this account's identity pools."""
        id, private, _ = await self._found()
        return jwt.encode({"iss": ISSUER, **claims}, private, "RS256", {"kid": id})

    async def read(self, token: str) -> Claims:
        """What a token says that was signed here. Raises `BadToken`."""
        return verify(token, (await self._found())[2], ISSUER)

    async def _found(self) -> tuple[str, RSAPrivateKey, Keys]:
        if self._key is None:
            kept = await self._kept() or await self._made()
            private = serialization.load_pem_private_key(self._seal.open(kept.private), None)
            assert isinstance(private, RSAPrivateKey)
            self._key = kept.id, private, _published(kept.id, private)
        return self._key

    async def _kept(self) -> _Kept | None:
        document = await self._store.get(_KIND, _ID)
        return document and msgspec.json.decode(document.body, type=_Kept)

    async def _made(self) -> _Kept:
        private = await asyncio.to_thread(rsa.generate_private_key, 65537, 2048)
        text = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        id = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        made = _Kept(id, self._seal.close(text))
        try:
            await self._store.commit([Change(_KIND, _ID, 0, msgspec.json.encode(made))])
        except Conflict:
            # Another process was first.
            kept = await self._kept()
            return kept or made
        return made


def _published(id: str, private: RSAPrivateKey) -> Keys:
    public: dict[str, Any] = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return keys(msgspec.json.encode({"keys": [{**public, "kid": id, "alg": "RS256"}]}))
