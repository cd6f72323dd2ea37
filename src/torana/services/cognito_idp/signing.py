"""A pool's keys: RSA of 2048 bits, sealed, renewed by themselves.

The newest signs. Those before go on vouching for what they signed until it has expired.
"""

import asyncio
import secrets
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from torana.auth.jwt import BadToken, Claims, Keys, keys, verify
from torana.services.apigateway.book import Sheet
from torana.services.cognito_idp.directory import POOL, Directory, Json, now
from torana.services.cognito_idp.faults import refused
from torana.services.ports import Call

_DAY = 86400.0
RENEW = 90 * _DAY
"""Seconds that a key signs."""
_VOUCHES = 2 * _DAY
"""Seconds that it is still published: no token that it signed lives longer than a day."""
_MOST = 1000
"""Opened keys that are remembered."""


class Signing:
    """Signs for every pool."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._opened: dict[str, RSAPrivateKey] = {}

    async def add_key(self, pool: Json) -> None:
        """Give a pool a key that signs from now on."""
        made = await asyncio.to_thread(rsa.generate_private_key, 65537, 2048)
        numbers, id = (
            made.public_key().public_numbers(),
            urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="),
        )
        text = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        self._directory.close(pool, f"key:{id}", text)
        public = {"kid": id, "created": now(), "n": _number(numbers.n), "e": _number(numbers.e)}
        kept = [each for each in pool.get("keys", ()) if now() - each["created"] < RENEW + _VOUCHES]
        for each in pool.get("keys", ()):
            if each not in kept:
                pool["sealed"].pop(f"key:{each['kid']}", None)
        pool["keys"] = [public, *kept]

    async def fresh(self, call: Call, pool: Json) -> Json:
        """The pool, with a key that is not too old to sign."""
        if now() - pool["keys"][0]["created"] < RENEW:
            return pool
        return await self.rotate(call, pool["Id"])

    async def rotate(self, call: Call, id: str, *, revoke: bool = False) -> Json:
        """The pool with another key. `revoke`: nothing that was signed before holds any more."""

        async def work(sheet: Sheet) -> Json:
            found = await self._directory.pool(sheet, id)
            if revoke:
                for each in found.pop("keys"):
                    found["sealed"].pop(f"key:{each['kid']}", None)
            await self.add_key(found)
            sheet.put(POOL, id, found)
            return found

        return await self._directory.book.edit(call, work)

    def sign(self, pool: Json, claims: Claims) -> str:
        """A token of the pool's newest key."""
        id = pool["keys"][0]["kid"]
        found = self._opened.get(id)
        if found is None:
            text = self._directory.opened(pool, f"key:{id}").encode()
            made = serialization.load_pem_private_key(text, None)
            assert isinstance(made, RSAPrivateKey)
            if len(self._opened) >= _MOST:
                self._opened.clear()
            found = self._opened[id] = made
        return jwt.encode(claims, found, "RS256", {"kid": id, "typ": None})

    def read(self, pool: Json, token: str, what: str) -> Claims:
        """The claims of a token that this pool signed and that has not expired. `what` it is
        called in the service's error, which this raises."""
        try:
            return verify(token, public_keys(pool), issuer(pool))
        except BadToken as error:
            if error.kind == "expired":
                raise refused(f"{what} has expired") from None
            raise refused(f"Invalid {what}") from None


def issuer(pool: Json) -> str:
    """As tokens name it."""
    return issuer_of(pool["Id"])


def issuer_of(id: str) -> str:
    """By a pool's id."""
    return f"https://cognito-idp.{id.partition('_')[0]}.amazonaws.com/{id}"


def pool_of(token: str) -> str:
    """The id of the pool that a token says it is of, not checked; empty for none."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return ""
    found = str(claims.get("iss", "")).rpartition("/")[2]
    return found if issuer_of(found) == claims.get("iss") else ""


def jwks(pool: Json) -> Json:
    """The keys as they are published."""
    return {
        "keys": [
            {
                "alg": "RS256",
                "e": each["e"],
                "kid": each["kid"],
                "kty": "RSA",
                "n": each["n"],
                "use": "sig",
            }
            for each in pool["keys"]
        ]
    }


def public_keys(pool: Json) -> Keys:
    """The keys that vouch for the pool's tokens."""
    return keys(msgspec.json.encode(jwks(pool)))


def _number(value: int) -> str:
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return urlsafe_b64encode(data).decode().rstrip("=")
