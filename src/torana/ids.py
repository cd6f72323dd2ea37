"""Ids of requests."""

from random import getrandbits


def new_request_id() -> str:
    """A random UUID's text. Not a secret, so the fast generator will do."""
    digits = getrandbits(128).to_bytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
