from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from torana.auth.signer import SigningCredentials, presign, sign
from torana.auth.sigv4 import SignatureError, read, verify
from torana.message import Headers, Request

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
CREDENTIALS = SigningCredentials("AKIDEXAMPLE", "secret")
LATER = NOW + timedelta(minutes=4)


def plain(body: bytes = b"{}", target: str = "/", service: str = "comprehend") -> Request:
    del service
    return Request("POST", target, Headers([("Host", "localhost:8081")]), body)


def signed(body: bytes = b"{}", target: str = "/", service: str = "comprehend") -> Request:
    return sign(plain(body, target), CREDENTIALS, region="eu-west-1", service=service, now=NOW)


def refusal(request: Request, now: datetime = LATER, secret: str = "secret") -> SignatureError:
    with pytest.raises(SignatureError) as refused:
        verify(read(request), request, secret, now)
    return refused.value


def test_the_claim_names_key_region_and_service() -> None:
    claim = read(signed())
    assert (claim.access_key_id, claim.region, claim.service) == (
        "AKIDEXAMPLE",
        "eu-west-1",
        "comprehend",
    )


def change_body(request: Request) -> None:
    request.body = b"{ }"


def change_target(request: Request) -> None:
    request.target = "/?a=1"


def change_method(request: Request) -> None:
    request.method = "PUT"


def change_host(request: Request) -> None:
    request.headers.set("Host", "elsewhere")


@pytest.mark.parametrize("change", [change_body, change_target, change_method, change_host])
def test_any_change_after_signing_is_refused(change: Callable[[Request], None]) -> None:
    request = signed()
    change(request)
    assert refusal(request).kind == "mismatch"


def test_an_unsigned_amz_header_is_refused() -> None:
    request = signed()
    request.headers.add("X-Amz-Target", "Comprehend_20171127.DetectSentiment")
    assert "x-amz-target" in refusal(request).message


def test_the_host_must_be_signed() -> None:
    request = signed()
    authorization = request.headers.get("authorization") or ""
    request.headers.set("Authorization", authorization.replace("=host;", "="))
    assert "'Host' or ':authority' must be a 'SignedHeader'" in refusal(request).message


def test_a_signature_is_good_for_five_minutes() -> None:
    request = signed()
    verify(read(request), request, "secret", NOW + timedelta(minutes=5))
    assert refusal(request, NOW + timedelta(minutes=5, seconds=1)).message == (
        "Signature expired: 20260301T100000Z is now earlier than 20260301T100001Z "
        "(20260301T100501Z - 5 min.)"
    )


def test_a_signature_from_the_future_is_refused() -> None:
    early = NOW - timedelta(minutes=6)
    assert refusal(signed(), early).message == (
        "Signature not yet current: 20260301T100000Z is still later than 20260301T095900Z "
        "(20260301T095400Z + 5 min.)"
    )


def test_no_authorization_is_a_missing_token() -> None:
    assert refusal(plain()).kind == "missing"


@pytest.mark.parametrize("scheme", ["Basic dTpw", "Bearer abc"])
def test_another_scheme_is_a_missing_token(scheme: str) -> None:
    request = plain()
    request.headers.add("Authorization", scheme)
    assert refusal(request).kind == "missing"


def test_every_lacking_parameter_is_named() -> None:
    request = plain()
    request.headers.add("Authorization", "AWS4-HMAC-SHA256 Foo=bar")
    error = refusal(request)
    assert error.kind == "incomplete"
    assert error.message == (
        "Authorization header requires 'Credential' parameter. "
        "Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. "
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    )


def test_a_credential_has_five_elements() -> None:
    request = signed()
    authorization = request.headers.get("authorization") or ""
    request.headers.set("Authorization", authorization.replace("/aws4_request", ""))
    assert "exactly 5 slash-delimited elements" in refusal(request).message


def test_version_4a_is_refused_by_name() -> None:
    request = plain()
    request.headers.add(
        "Authorization",
        "AWS4-ECDSA-P256-SHA256 Credential=A/20260301/s/aws4_request, SignedHeaders=host, "
        "Signature=00",
    )
    error = refusal(request)
    assert error.kind == "unsupported"
    assert "4A" in error.message


def test_a_date_header_serves_in_place_of_x_amz_date() -> None:
    request = signed()
    request.headers.remove("x-amz-date")
    request.headers.add("Date", "Sun, 01 Mar 2026 10:00:00 GMT")
    assert read(request).timestamp == "20260301T100000Z"


def test_an_unreadable_date_is_refused() -> None:
    request = signed()
    request.headers.set("X-Amz-Date", "yesterday")
    assert "ISO-8601" in refusal(request).message


def test_a_session_token_is_handed_on() -> None:
    credentials = SigningCredentials("ASIAEXAMPLE", "secret", "token")
    request = sign(plain(), credentials, region="eu-west-1", service="sts", now=NOW)
    verify(read(request), request, "secret", LATER)
    assert read(request).session_token == "token"


def test_an_unsigned_payload_leaves_the_body_open() -> None:
    request = sign(
        plain(), CREDENTIALS, region="r", service="s3", now=NOW, payload="UNSIGNED-PAYLOAD"
    )
    request.body = b"other"
    verify(read(request), request, "secret", LATER)


def test_a_declared_digest_must_be_the_bodys() -> None:
    request = signed(service="s3")
    request.body = b"other"
    assert refusal(request).kind == "payload"


def test_a_declared_digest_must_be_one() -> None:
    request = signed(service="s3")
    request.headers.set("X-Amz-Content-SHA256", "UNSIGNED")
    assert refusal(request).kind == "payload"


def presigned(expires: int = 600, service: str = "s3") -> Request:
    request = Request("GET", "/bucket/a%20b", Headers([("Host", "localhost")]))
    request.target = presign(
        request, CREDENTIALS, region="r", service=service, expires=expires, now=NOW
    )
    return request


def test_a_presigned_request_is_let_in_until_it_expires() -> None:
    request = presigned()
    verify(read(request), request, "secret", NOW + timedelta(seconds=600))
    assert refusal(request, NOW + timedelta(seconds=601)).kind == "expired"


def test_a_presigned_request_cannot_be_stretched() -> None:
    request = presigned()
    request.target = request.target.replace("X-Amz-Expires=600", "X-Amz-Expires=6000")
    assert refusal(request).kind == "mismatch"


@pytest.mark.parametrize("expires", ["0", "604801", "-5", "soon", "9" * 400])
def test_a_presigned_request_lives_a_week_at_most(expires: str) -> None:
    request = presigned()
    request.target = request.target.replace("X-Amz-Expires=600", f"X-Amz-Expires={expires}")
    assert refusal(request).kind == "incomplete"


def test_two_ways_to_sign_at_once_are_refused() -> None:
    request = presigned()
    request.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=A")
    assert "Only one auth mechanism" in refusal(request).message


def test_the_scope_day_is_the_day_of_the_date() -> None:
    request = signed()
    request.headers.set("X-Amz-Date", "20260302T000000Z")
    assert "Date in Credential scope does not match" in refusal(request).message


def test_signing_anew_replaces_the_old_signature() -> None:
    again = sign(signed(), CREDENTIALS, region="r", service="sts", now=NOW)
    assert len(again.headers.all("authorization")) == 1
    verify(read(again), again, "secret", LATER)


def test_secrets_do_not_show_in_a_repr() -> None:
    assert "secret" not in repr(SigningCredentials("AKID", "secret", "token"))
