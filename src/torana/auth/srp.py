"""The Secure Remote Password protocol, version 6a, as clients of Cognito user pools speak it.

The server keeps a verifier instead of the password and never sees the latter. The group is RFC
5054's of 3072 bits (RFC 3526, group 15), the hash SHA-256, and the proof an HMAC under a key of 16
bytes derived from the shared secret.
Source: RFC 2945, RFC 5054, and the public client libraries (Amplify, the mobile SDKs).
"""

import hashlib
import hmac
import secrets

from msgspec import Struct

_N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2"
    "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
_G = 2
_INFO = b"Caldera Derived Key\x01"
_LONGEST = 3072 // 4 + 2
"""Hexadecimal digits of a public value."""


class Verifier(Struct, frozen=True):
    """What is kept of a password. `salt` and `value` are hexadecimal."""

    salt: str
    value: str


class Offer(Struct, frozen=True):
    """The server's half of an exchange: `secret` is for `proof`, `public` for the client."""

    secret: str
    public: str


def verifier(pool: str, user: str, password: str, salt: bytes | None = None) -> Verifier:
    """Of a user's password. `pool` is the part of the pool's id behind the underscore."""
    number = int.from_bytes(salt or secrets.token_bytes(16), "big")
    inner = hashlib.sha256(f"{pool}{user}:{password}".encode()).digest()
    x = int.from_bytes(hashlib.sha256(_padded(number) + inner).digest(), "big")
    return Verifier(_hex(number), _hex(pow(_G, x, _N)))


def nobody(salt: bytes) -> Verifier:
    """Of no password at all, for users that there are not; it takes no time to make."""
    return Verifier(_hex(int.from_bytes(salt, "big")), f"{secrets.randbelow(_N - 2) + 2:x}")


def public_value(text: str) -> int:
    """What a client sent as `SRP_A`. Raises `ValueError` for what no client may send: a multiple
    of the modulus makes the shared secret zero."""
    if not 0 < len(text) <= _LONGEST:
        raise ValueError("SRP_A is empty or too long")
    value = int(text, 16)
    if value < 0 or value % _N == 0:
        raise ValueError("SRP_A is a multiple of the modulus")
    return value


def offer(kept: Verifier) -> Offer:
    """Begin an exchange."""
    secret = secrets.randbits(256) | 1 << 255
    k = int.from_bytes(hashlib.sha256(_padded(_N) + bytes([_G])).digest(), "big")
    public = (k * int(kept.value, 16) + pow(_G, secret, _N)) % _N
    return Offer(f"{secret:x}", f"{public:x}")


def proof(
    kept: Verifier, made: Offer, a: int, pool: str, user: str, block: bytes, timestamp: str
) -> bytes:
    """What a client that knows the password answers; compare it in constant time. `block` and
    `timestamp` are what the client signs beside the names."""
    u = int.from_bytes(hashlib.sha256(_padded(a) + _padded(int(made.public, 16))).digest(), "big")
    shared = pow(a * pow(int(kept.value, 16), u, _N), int(made.secret, 16), _N)
    key = hmac.digest(hmac.digest(_padded(u), _padded(shared), "sha256"), _INFO, "sha256")[:16]
    return hmac.digest(key, f"{pool}{user}".encode() + block + timestamp.encode(), "sha256")


def _padded(value: int) -> bytes:
    """Big-endian, with a zero byte before a first bit that is set."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _hex(value: int) -> str:
    return _padded(value).hex()
