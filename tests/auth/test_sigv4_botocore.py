"""Both ends against botocore's own signer: what it signs is let in, what we sign is the same."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from torana.auth.signer import SigningCredentials, sign
from torana.auth.sigv4 import read, verify
from torana.message import Headers, Request

if TYPE_CHECKING:
    from botocore.compat import HTTPHeaders

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
SEGMENTS = st.lists(st.text("abc%d. ~$é", max_size=6), max_size=4)
PAIRS = st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=4)
HEADER_VALUES = st.text("abcXYZ 019,;=\"'", max_size=20)
BODIES = st.binary(max_size=40)


def target_of(segments: list[str], pairs: list[tuple[str, str]]) -> str:
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return f"{path}?{query}" if query else path


def signed_by_botocore(
    method: str, target: str, fields: dict[str, str], body: bytes, auth: type[Any], service: str
) -> Request:
    aws = AWSRequest(method, "http://localhost:8081" + target, headers=fields, data=body)
    aws.headers["Host"] = "localhost:8081"
    auth(Credentials("AKID", "secret", "token"), service, "eu-west-1").add_auth(aws)
    headers: HTTPHeaders = aws.headers
    return Request(method, target, Headers(list(headers.items())), body)


@given(SEGMENTS, PAIRS, HEADER_VALUES, BODIES)
def test_what_botocore_signs_is_let_in(
    segments: list[str], pairs: list[tuple[str, str]], value: str, body: bytes
) -> None:
    target = target_of(segments, pairs)
    request = signed_by_botocore("POST", target, {"X-Other": value}, body, SigV4Auth, "execute-api")
    verify(read(request), request, "secret", datetime.now(UTC))


@given(SEGMENTS, PAIRS, BODIES)
def test_what_botocore_signs_for_s3_is_let_in(
    segments: list[str], pairs: list[tuple[str, str]], body: bytes
) -> None:
    target = target_of([segment for segment in segments if segment.strip(".")], pairs)
    request = signed_by_botocore("PUT", target, {}, body, S3SigV4Auth, "s3")
    verify(read(request), request, "secret", datetime.now(UTC))


@given(SEGMENTS, PAIRS, HEADER_VALUES, BODIES)
def test_our_signature_is_botocores(
    segments: list[str], pairs: list[tuple[str, str]], value: str, body: bytes
) -> None:
    target = target_of(segments, pairs)
    theirs = signed_by_botocore("POST", target, {"X-Other": value}, body, SigV4Auth, "comprehend")
    moment = datetime.strptime(theirs.headers.get("x-amz-date") or "", "%Y%m%dT%H%M%SZ")
    ours = sign(
        Request("POST", target, Headers([("Host", "localhost:8081"), ("X-Other", value)]), body),
        SigningCredentials("AKID", "secret", "token"),
        region="eu-west-1",
        service="comprehend",
        now=moment.replace(tzinfo=UTC),
    )
    assert ours.headers.get("authorization") == theirs.headers.get("authorization")
