"""The canonical forms that Signature Version 4 signs.

Source: "Create a signed AWS API request" (IAM User Guide); S3's differences from "Authenticating
Requests: Using the Authorization Header" (S3 API Reference).
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote, unquote_plus

from torana.message import Headers

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_UNRESERVED = "-_.~"
_SPACES = re.compile(" +")
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9\-_.~=&]*")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9\-_~]+)+/?|/")


def sha256_hex(data: bytes) -> str:
    """The digest in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest() if data else EMPTY_SHA256


def encode(text: str) -> str:
    """Percent-encode everything but unreserved characters."""
    return quote(text, safe=_UNRESERVED)


def path(raw: str, *, normalize: bool = True) -> str:
    """The canonical URI of a path as it is on the wire.

    `normalize` drops dot segments and doubled slashes and encodes what is already encoded once
    more, as every service does but S3, whose object keys are taken as they are.
    """
    if not raw:
        return "/"
    if _PLAIN_PATH.fullmatch(raw):
        return raw
    if not normalize:
        return quote(unquote(raw), safe="/" + _UNRESERVED)
    return quote(_without_dots(raw), safe="/" + _UNRESERVED)


def _without_dots(raw: str) -> str:
    kept: list[str] = []
    for segment in raw.split("/"):
        if segment in ("", "."):
            continue
        if segment == "..":
            if kept:
                kept.pop()
            continue
        kept.append(segment)
    tail = "/" if kept and raw.endswith("/") else ""
    return "/" + "/".join(kept) + tail


def query(raw: str, without: str = "") -> str:
    """The canonical query string: each name and value encoded anew, sorted; `without` left out."""
    if not raw:
        return ""
    plain = _PLAIN_QUERY.fullmatch(raw) is not None
    pairs: list[tuple[str, str]] = []
    for piece in raw.split("&"):
        if not piece:
            continue
        name, _, value = piece.partition("=")
        if not plain:
            name, value = encode(unquote_plus(name)), encode(unquote_plus(value))
        if name != without:
            pairs.append((name, value))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def header_value(values: Sequence[str]) -> str:
    """Every value of one header: trimmed, runs of spaces made one, joined by commas."""
    if len(values) == 1 and "  " not in values[0]:
        return values[0].strip()
    return ",".join([_SPACES.sub(" ", value.strip()) for value in values])


def request(
    method: str,
    raw_path: str,
    raw_query: str,
    headers: Headers,
    signed_headers: Iterable[str],
    payload: str,
    *,
    normalize: bool = True,
    without: str = "",
) -> str:
    """The canonical request. `signed_headers` are lower-case, sorted names; a missing one counts
    as empty. `payload` is the body's hash, or the word that stands for it."""
    index = headers.index()
    names = tuple(signed_headers)
    lines = [f"{name}:{header_value(index.get(name, ()))}\n" for name in names]
    return "\n".join(
        (
            method,
            path(raw_path, normalize=normalize),
            query(raw_query, without),
            "".join(lines),
            ";".join(names),
            payload,
        )
    )


def string_to_sign(timestamp: str, scope: str, canonical: str) -> bytes:
    """What the signing key signs. `scope` is date/region/service/aws4_request."""
    digest = sha256_hex(canonical.encode())
    return f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}".encode()
