import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from torana.auth import canonical
from torana.auth.signer import SigningCredentials, sign
from torana.auth.signing_key import signing_key
from torana.auth.sigv4 import SignatureError, read, verify
from torana.message import Headers, Request

SUITE: dict[str, Any] = msgspec.json.decode(
    (Path(__file__).parent / "sigv4_vectors.json").read_bytes()
)
SCOPE = f"20150830/{SUITE['region']}/{SUITE['service']}/aws4_request"
NOW = datetime(2015, 8, 30, 12, 36, 30, tzinfo=UTC)
CREDENTIALS = SigningCredentials(SUITE["access_key_id"], SUITE["secret"])
HEADER: list[dict[str, Any]] = SUITE["header"]
QUERY: list[dict[str, Any]] = SUITE["query"]


def request_of(vector: dict[str, Any]) -> Request:
    method, _, target = vector["request"].partition(" ")
    fields = [line.partition(": ")[::2] for line in vector["headers"]]
    return Request(method, target, Headers(fields), vector["body"].encode())


def names(vectors: list[dict[str, Any]]) -> list[str]:
    return [vector["name"] for vector in vectors]


def signed_request(vector: dict[str, Any]) -> Request:
    request = request_of(vector)
    request.headers.add("X-Amz-Date", SUITE["date"])
    request.headers.add(
        "Authorization",
        f"AWS4-HMAC-SHA256 Credential={SUITE['access_key_id']}/{SCOPE}, "
        f"SignedHeaders={vector['signed']}, Signature={vector['signature']}",
    )
    return request


@pytest.mark.parametrize("vector", HEADER, ids=names(HEADER))
def test_the_canonical_request_gives_the_published_signature(vector: dict[str, Any]) -> None:
    request = signed_request(vector)
    path, _, query = request.target.partition("?")
    assert isinstance(request.body, bytes)
    form = canonical.request(
        request.method,
        path,
        query,
        request.headers,
        vector["signed"].split(";"),
        canonical.sha256_hex(request.body),
        normalize=vector.get("normalize", True),
    )
    key = signing_key(SUITE["secret"], "20150830", SUITE["region"], SUITE["service"])
    text = canonical.string_to_sign(SUITE["date"], SCOPE, form)
    assert hmac.digest(key, text, "sha256").hex() == vector["signature"]


NORMALIZED = [vector for vector in HEADER if vector.get("normalize", True)]


@pytest.mark.parametrize("vector", NORMALIZED, ids=names(NORMALIZED))
def test_the_published_signed_request_is_let_in(vector: dict[str, Any]) -> None:
    request = signed_request(vector)
    verify(read(request), request, SUITE["secret"], NOW)


@pytest.mark.parametrize("vector", NORMALIZED, ids=names(NORMALIZED))
def test_any_other_secret_is_refused(vector: dict[str, Any]) -> None:
    request = signed_request(vector)
    with pytest.raises(SignatureError) as refused:
        verify(read(request), request, "not" + SUITE["secret"], NOW)
    assert refused.value.kind == "mismatch"


@pytest.mark.parametrize("vector", QUERY, ids=names(QUERY))
def test_the_published_presigned_request_is_let_in_until_it_expires(
    vector: dict[str, Any],
) -> None:
    request = request_of(vector)
    claim = read(request)
    verify(claim, request, SUITE["secret"], NOW + timedelta(minutes=59))
    with pytest.raises(SignatureError, match="Signature expired"):
        verify(claim, request, SUITE["secret"], NOW + timedelta(minutes=61))


# What the suite signs but a signer of ours leaves to the transport or sets itself.
SIGNABLE = [
    vector
    for vector in NORMALIZED
    if "content-length" not in vector["signed"]
    and not any(line.lower().startswith("x-amz") for line in vector["headers"])
]


@pytest.mark.parametrize("vector", SIGNABLE, ids=names(SIGNABLE))
def test_signing_gives_the_published_signature(vector: dict[str, Any]) -> None:
    signed = sign(
        request_of(vector),
        CREDENTIALS,
        region=SUITE["region"],
        service=SUITE["service"],
        now=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
    )
    assert (signed.headers.get("authorization") or "").endswith(vector["signature"])
