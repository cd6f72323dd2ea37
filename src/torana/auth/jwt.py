"""JSON Web Tokens of an issuer: whether one is what the issuer's keys say.

Only asymmetric algorithms: a public key is never taken for a shared secret, and `none` is none.
Source: RFC 7519, RFC 7517, RFC 8725.
"""

from collections.abc import Mapping
from typing import Any, Literal

import jwt
import msgspec
from jwt import PyJWK

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
LONGEST = 16 * 1024
"""Characters of a token."""
_LEEWAY = 5.0
"""Seconds that the issuer's clock may be away from ours."""

Keys = Mapping[str, PyJWK]
"""By their id; a key without one is under the empty text."""
Claims = dict[str, Any]


class BadToken(Exception):
    """A token that does not hold. `kind` says whether other keys, or another time, would help."""

    def __init__(self, kind: Literal["malformed", "unknown-key", "expired", "refused"], why: str):
        super().__init__(why)
        self.kind = kind


def keys(document: bytes) -> Keys:
    """The signing keys of a JWK set; those for other uses and of unknown kinds are left out.
    Raises `ValueError` for what is no such set."""
    try:
        found: Any = msgspec.json.decode(document)
    except msgspec.DecodeError as error:
        raise ValueError(f"the key set is no JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):  # pyright: ignore[reportUnknownMemberType]
        raise ValueError("the key set has no keys")
    made: dict[str, PyJWK] = {}
    for each in found["keys"]:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":  # pyright: ignore[reportUnknownMemberType]
            continue
        if each.get("kty") == "oct":  # pyright: ignore[reportUnknownMemberType]
            continue
        try:
            made[str(each.get("kid", ""))] = PyJWK(each)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        except jwt.PyJWTError:
            continue
    return made


def key_id(token: str) -> str:
    """Which key a token says it is signed with. Raises `BadToken`."""
    if len(token) > LONGEST:
        raise BadToken("malformed", "the token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise BadToken("malformed", str(error)) from None
    if header.get("alg") not in ALGORITHMS:
        raise BadToken("refused", f"the algorithm {str(header.get('alg'))[:20]!r} is not taken")
    return str(header.get("kid", ""))


def verify(token: str, known: Keys, issuer: str) -> Claims:
    """The claims of a token that one of the keys signed, of this issuer, and of now.

    Raises `BadToken`.
    """
    id = key_id(token)
    key = known.get(id)
    if key is None:
        raise BadToken("unknown-key", f"there is no key {id[:60]!r}")
    if key.algorithm_name not in ALGORITHMS:
        raise BadToken("refused", f"the key is for {key.algorithm_name}")
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name] if key.algorithm_name else list(ALGORITHMS),
            issuer=issuer,
            leeway=_LEEWAY,
            options={"require": ["exp", "iss"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError as error:
        raise BadToken("expired", str(error)) from None
    except jwt.PyJWTError as error:
        raise BadToken("refused", str(error)) from None
