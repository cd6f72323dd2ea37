"""Signature Version 4, verified: the header form and the presigned form.

The caller reads the `Claim`, looks up the secret of its access key (which may wait), then
verifies. Messages are the service's own; `kind` says which error a service makes of them.
Source: "Troubleshoot Signature Version 4 signing for AWS API requests" (IAM User Guide).
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import parse_qs

from msgspec import Struct

from torana.auth import canonical
from torana.auth.signing_key import signing_key
from torana.message import Headers, Request

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
UNSIGNED = "UNSIGNED-PAYLOAD"
SKEW = timedelta(minutes=5)
LONGEST_PRESIGN = 604800
"""Seconds: seven days."""
STREAMING = frozenset(
    {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    }
)
PATHS_AS_THEY_ARE = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})
"""Signing names whose paths are neither normalised nor encoded twice."""

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)
OTHER_BODY = "The provided 'x-amz-content-sha256' header does not match what was computed."
UNKNOWN_KEY = "The security token included in the request is invalid."
OVER = "The security token included in the request is expired"

Kind = Literal[
    "missing", "incomplete", "mismatch", "expired", "unknown", "payload", "unsupported", "over"
]
"""`over`: the session's time is up; `expired`: the signature's."""

_BOUND = frozenset({"x-amz-date", "x-amz-content-sha256"})
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z")
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")


class SignatureError(Exception):
    """The request is not let in. `kind` is for the service's table of codes."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message


class Claim(Struct, frozen=True):
    """What a request says of itself, before anything of it is believed."""

    access_key_id: str
    date: str
    """YYYYMMDD."""
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    """YYYYMMDDTHHMMSSZ."""
    presigned: bool = False
    expires: int = 0
    """Seconds after `timestamp`, of the presigned form."""
    session_token: str | None = None
    payload: str | None = None
    """`x-amz-content-sha256`: a digest, UNSIGNED-PAYLOAD or one of `STREAMING`."""

    def scope(self) -> str:
        """The credential scope."""
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


def is_signed(request: Request) -> bool:
    """Whether the request carries a signature in either form, good or not."""
    authorization = request.headers.get("authorization")
    if authorization is not None and authorization.startswith("AWS4-"):
        return True
    return "X-Amz-Algorithm=" in request.target


def read(request: Request) -> Claim:
    """The request's claim. Raises `SignatureError`."""
    authorization = request.headers.get("authorization")
    in_query = "X-Amz-Algorithm=" in request.target
    if authorization is None:
        if in_query:
            return _read_query(request)
        raise SignatureError("missing", "Missing Authentication Token")
    if in_query:
        raise SignatureError(
            "incomplete",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
            "Signature query string parameter or the Authorization header should be specified",
        )
    return _read_header(authorization, request.headers)


def _read_header(authorization: str, headers: Headers) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    _check_algorithm(algorithm)
    given: dict[str, str] = {}
    for piece in rest.split(","):
        name, equals, value = piece.strip().partition("=")
        if equals:
            given[name] = value
    timestamp = _timestamp(headers)
    lacking = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not given.get(name)
    ]
    if timestamp is None:
        lacking.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    if lacking or timestamp is None:
        raise SignatureError("incomplete", " ".join(lacking))
    access_key_id, date, region, service = _credential(given["Credential"])
    return Claim(
        access_key_id,
        date,
        region,
        service,
        tuple(given["SignedHeaders"].split(";")),
        given["Signature"],
        timestamp,
        session_token=headers.get("x-amz-security-token"),
        payload=headers.get("x-amz-content-sha256"),
    )


def _read_query(request: Request) -> Claim:
    raw = request.target.partition("?")[2]
    given = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
    _check_algorithm(given.get("X-Amz-Algorithm", ""))
    lacking = [
        f"AWS query-string parameters must include '{name}'."
        for name in (
            "X-Amz-Credential",
            "X-Amz-Signature",
            "X-Amz-SignedHeaders",
            "X-Amz-Date",
        )
        if not given.get(name)
    ]
    if lacking:
        raise SignatureError("incomplete", " ".join(lacking) + " Re-examine the query-string.")
    timestamp = given["X-Amz-Date"]
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError("incomplete", _bad_date(timestamp))
    access_key_id, date, region, service = _credential(given["X-Amz-Credential"])
    payload = request.headers.get("x-amz-content-sha256")
    if payload is None and service in PATHS_AS_THEY_ARE:
        payload = UNSIGNED
    return Claim(
        access_key_id,
        date,
        region,
        service,
        tuple(given["X-Amz-SignedHeaders"].split(";")),
        given["X-Amz-Signature"],
        timestamp,
        presigned=True,
        expires=_expires(given.get("X-Amz-Expires", "900")),
        session_token=given.get("X-Amz-Security-Token"),
        payload=payload,
    )


def _check_algorithm(algorithm: str) -> None:
    if algorithm == ALGORITHM:
        return
    if algorithm.startswith("AWS4-ECDSA"):
        raise SignatureError(
            "unsupported",
            "Signature Version 4A (AWS4-ECDSA-P256-SHA256) is not supported here; sign with "
            "AWS4-HMAC-SHA256 for one region.",
        )
    if algorithm.startswith("AWS4-"):
        raise SignatureError("incomplete", f"Unsupported AWS 'algorithm': '{algorithm}'")
    raise SignatureError("missing", "Missing Authentication Token")


def _credential(credential: str) -> tuple[str, str, str, str]:
    parts = credential.split("/")
    if len(parts) != 5:
        raise SignatureError(
            "incomplete",
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{credential}'",
        )
    if parts[4] != TERMINATOR:
        raise SignatureError(
            "mismatch",
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not "
            f"'{parts[4]}'.",
        )
    return parts[0], parts[1], parts[2], parts[3]


def _timestamp(headers: Headers) -> str | None:
    given = headers.get("x-amz-date") or headers.get("date")
    if given is None or _TIMESTAMP.fullmatch(given):
        return given
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        raise SignatureError("incomplete", _bad_date(given)) from None
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _bad_date(given: str) -> str:
    return f"Date must be in ISO-8601 'basic format'. Got '{given}'. See http://en.wikipedia.org/wiki/ISO_8601"


def _expires(given: str) -> int:
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise SignatureError("incomplete", "X-Amz-Expires should be a number")
    expires = int(given)
    if not 1 <= expires <= LONGEST_PRESIGN:
        raise SignatureError(
            "incomplete",
            "X-Amz-Expires must be between 1 and 604800 seconds: less than a week (in seconds)",
        )
    return expires


def verify(
    claim: Claim,
    request: Request,
    secret: str,
    now: datetime,
    *,
    skew: timedelta = SKEW,
) -> None:
    """Raises `SignatureError` unless `request` is what the owner of `secret` signed, just now.

    A body that is still a stream needs a declared hash in `claim.payload`; the caller then
    checks the body against it as it arrives (`check_body`, `chunks.ChunkDecoder`).
    """
    check_headers(claim, request.headers)
    check_time(claim, now, skew)
    if not isinstance(request.body, bytes):
        if claim.payload is None:
            raise SignatureError("payload", "A streamed body needs x-amz-content-sha256")
        payload = claim.payload
    else:
        payload = claim.payload or canonical.sha256_hex(request.body)
        check_body(claim, request.body)
    raw_path, _, raw_query = request.target.partition("?")
    form = canonical.request(
        request.method,
        raw_path,
        raw_query,
        request.headers,
        claim.signed_headers,
        payload,
        normalize=claim.service not in PATHS_AS_THEY_ARE,
        without="X-Amz-Signature" if claim.presigned else "",
    )
    key = signing_key(secret, claim.date, claim.region, claim.service)
    text = canonical.string_to_sign(claim.timestamp, claim.scope(), form)
    expected = hmac.digest(key, text, "sha256").hex()
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise SignatureError("mismatch", MISMATCH)


def check_headers(claim: Claim, headers: Headers) -> None:
    """The host and every `x-amz-*` header must be signed. Raises `SignatureError`.

    Two are bound without it: the date by the string to sign, the body's hash by its own line.
    """
    signed = claim.signed_headers
    if "host" not in signed:
        raise SignatureError(
            "mismatch", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    for name in headers.index():
        if name.startswith("x-amz-") and name not in signed and name not in _BOUND:
            raise SignatureError(
                "mismatch",
                f"'{name}' must be a 'SignedHeader' in the AWS Authorization: "
                "there were headers present in the request which were not signed",
            )


def check_body(claim: Claim, body: bytes) -> None:
    """The declared hash must be the body's. Raises `SignatureError`."""
    declared = claim.payload
    if declared is None or declared == UNSIGNED or declared in STREAMING:
        return
    if not _HEX_DIGEST.fullmatch(declared):
        raise SignatureError(
            "payload",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, one of "
            f"{', '.join(sorted(STREAMING))}, or a valid sha256 value.",
        )
    if not hmac.compare_digest(declared, canonical.sha256_hex(body)):
        raise SignatureError("payload", OTHER_BODY)


def check_time(claim: Claim, now: datetime, skew: timedelta = SKEW) -> None:
    """Neither too old nor not yet; the scope's day is the timestamp's. Raises `SignatureError`."""
    if claim.timestamp[:8] != claim.date:
        raise SignatureError(
            "mismatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{claim.date}' != '{claim.timestamp[:8]}', from '{claim.timestamp}'.",
        )
    try:
        signed = datetime.fromisoformat(claim.timestamp)
    except ValueError:
        raise SignatureError("incomplete", _bad_date(claim.timestamp)) from None
    if signed > now + skew:
        raise SignatureError(
            "expired",
            f"Signature not yet current: {claim.timestamp} is still later than "
            f"{_stamp(now + skew)} ({_stamp(now)} + {skew.total_seconds() / 60:g} min.)",
        )
    lifetime = timedelta(seconds=claim.expires) if claim.presigned else skew
    if signed + lifetime < now:
        raise SignatureError(
            "expired",
            f"Signature expired: {claim.timestamp} is now earlier than "
            f"{_stamp(now - lifetime)} ({_stamp(now)} - {lifetime.total_seconds() / 60:g} min.)",
        )


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")
