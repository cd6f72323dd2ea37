"""Requests to a function URL that are signed with Signature Version 4, for the service `lambda`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from torana.auth.chunks import ChunkDecoder
from torana.auth.keys import same
from torana.auth.sigv4 import STREAMING, UNKNOWN_KEY, SignatureError, read, verify
from torana.message import Request

_SERVICE = "lambda"
_CHUNK = 16 * 1024 * 1024


class Key(Protocol):
    """What a signature is made with."""

    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str: ...


K = TypeVar("K", bound="Key")


def authenticate(
    request: Request, body: bytes, identify: Callable[[str, str], K | None]
) -> tuple[K, bytes]:
    """Whose request it is, and its body, decoded if it was signed in chunks.

    Raises `SignatureError`.
    """
    claim = read(request)
    if claim.service != _SERVICE:
        raise SignatureError(
            "mismatch", f"Credential should be scoped to correct service: '{_SERVICE}'."
        )
    found = identify(claim.access_key_id, claim.session_token or "")
    if found is None or not same(claim.session_token or "", found.session_token):
        raise SignatureError("unknown", UNKNOWN_KEY)
    asked = Request(request.method, request.target, request.headers, body)
    verify(claim, asked, found.secret_access_key, datetime.now(UTC))
    if claim.payload in STREAMING:
        decoder = ChunkDecoder(claim, found.secret_access_key, _CHUNK)
        body = decoder.feed(body)
        decoder.close()
    return found, body
