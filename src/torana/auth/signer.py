"""Signature Version 4, made: for requests that go out, and for addresses handed to others."""

import hmac
from datetime import UTC, datetime

from msgspec import Struct

from torana.auth import canonical
from torana.auth.signing_key import signing_key
from torana.auth.sigv4 import ALGORITHM, PATHS_AS_THEY_ARE, TERMINATOR, UNSIGNED
from torana.message import Headers, Request

LEFT_OUT = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "expect",
        "transfer-encoding",
        "user-agent",
        "x-amzn-trace-id",
    }
)
"""Never signed: something between the two ends may change them."""


class SigningCredentials(Struct, frozen=True):
    """Whom to sign as."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"SigningCredentials({self.access_key_id!r}, …)"


def sign(
    request: Request,
    credentials: SigningCredentials,
    *,
    region: str,
    service: str,
    now: datetime | None = None,
    payload: str | None = None,
) -> Request:
    """A signed copy of `request`, whose headers must hold `host`.

    `payload` stands for the body (its hash, UNSIGNED-PAYLOAD) and is declared; a streamed body
    needs it. Raises `ValueError` when either is missing.
    """
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    if "host" not in request.headers:
        raise ValueError("a request is signed with its host header")
    headers = _fresh(request.headers)
    headers.add("X-Amz-Date", stamp)
    if credentials.session_token is not None:
        headers.add("X-Amz-Security-Token", credentials.session_token)
    declared = payload is not None or service in PATHS_AS_THEY_ARE
    if payload is None:
        if not isinstance(request.body, bytes):
            raise ValueError("a streamed body is signed as UNSIGNED-PAYLOAD or by its hash")
        payload = canonical.sha256_hex(request.body)
    if declared:
        headers.add("X-Amz-Content-SHA256", payload)
    names = sorted(name for name in headers.index() if name not in LEFT_OUT)
    scope = f"{stamp[:8]}/{region}/{service}/{TERMINATOR}"
    signature = _signature(request, headers, names, payload, credentials, stamp, scope)
    headers.add(
        "Authorization",
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}",
    )
    return Request(
        request.method,
        request.target,
        headers,
        request.body,
        request.peer,
        request.version,
        request.received,
    )


def _fresh(headers: Headers) -> Headers:
    """Without an earlier signature's fields."""
    stale = {"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "date"}
    return Headers([item for item in headers.items if item[0].lower() not in stale])


def presign(
    request: Request,
    credentials: SigningCredentials,
    *,
    region: str,
    service: str,
    expires: int,
    now: datetime | None = None,
) -> str:
    """The target (path and query) of a presigned `request`: only its host header is signed."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/{service}/{TERMINATOR}"
    given = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token is not None:
        given["X-Amz-Security-Token"] = credentials.session_token
    added = "&".join(f"{name}={canonical.encode(value)}" for name, value in given.items())
    target = f"{request.target}{'&' if '?' in request.target else '?'}{added}"
    body = request.body if isinstance(request.body, bytes) else b""
    payload = UNSIGNED if service in PATHS_AS_THEY_ARE else canonical.sha256_hex(body)
    full = Request(request.method, target, request.headers)
    signature = _signature(full, request.headers, ["host"], payload, credentials, stamp, scope)
    return f"{target}&X-Amz-Signature={signature}"


def _signature(
    request: Request,
    headers: Headers,
    names: list[str],
    payload: str,
    credentials: SigningCredentials,
    stamp: str,
    scope: str,
) -> str:
    raw_path, _, raw_query = request.target.partition("?")
    _, region, service, _ = scope.split("/")
    form = canonical.request(
        request.method,
        raw_path,
        raw_query,
        headers,
        names,
        payload,
        normalize=service not in PATHS_AS_THEY_ARE,
    )
    key = signing_key(credentials.secret_access_key, stamp[:8], region, service)
    return hmac.digest(key, canonical.string_to_sign(stamp, scope, form), "sha256").hex()
