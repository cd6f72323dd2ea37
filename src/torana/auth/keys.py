"""Making and comparing secrets: API keys and access keys."""

import hashlib
import hmac
import secrets
import string

_ALPHANUMERIC = string.ascii_letters + string.digits
_BASE32 = string.ascii_uppercase + "234567"
_SECRET = _ALPHANUMERIC + "+/"


def new_key() -> str:
    """An API key's value: 40 letters and digits, as the service makes them (238 bits)."""
    return _random(_ALPHANUMERIC, 40)


def new_access_key_id(prefix: str = "AKIA") -> str:
    """An access key's name: 20 characters."""
    return prefix + _random(_BASE32, 16)


def new_secret_access_key() -> str:
    """An access key's secret: 40 characters (240 bits)."""
    return _random(_SECRET, 40)


def hash_key(value: str) -> str:
    """How a generated key is kept and found. Such values are random, so a plain SHA-256 gives
    nothing away; passwords need a slow hash instead."""
    return hashlib.sha256(value.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Equality whose duration tells nothing of where the values differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
