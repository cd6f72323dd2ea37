"""Derived signing keys. A key serves a whole day of one region and service, so it is kept."""

import hmac
from functools import lru_cache

_KEPT = 1024


@lru_cache(maxsize=_KEPT)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key that signs requests of this day (YYYYMMDD), region and service."""
    key = hmac.digest(("AWS4" + secret).encode(), date.encode(), "sha256")
    key = hmac.digest(key, region.encode(), "sha256")
    key = hmac.digest(key, service.encode(), "sha256")
    return hmac.digest(key, b"aws4_request", "sha256")
