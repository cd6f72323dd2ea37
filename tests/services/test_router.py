from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.serving import ROOT, make_router, parts, serving
from torana.auth.signer import SigningCredentials, presign, sign
from torana.message import Headers, Reply, Request
from torana.net.client import HttpClient, Timeouts
from torana.services.assembly import SERVICES
from torana.services.credentials import FixedCredentials
from torana.services.embedded import Embedded
from torana.services.router import Router
from torana.wire.catalog import Catalog

SHARED = make_router()
OWN = SigningCredentials(ROOT.access_key_id, ROOT.secret_access_key)
TARGET = ("X-Amz-Target", "Comprehend_20171127.DetectDominantLanguage")
BODY = b'{"Text":"plain"}'


def request(*fields: tuple[str, str], body: bytes = BODY, target: str = "/") -> Request:
    return Request("POST", target, Headers([("Host", "localhost"), *fields]), body)


def signed(
    asked: Request, service: str = "comprehend", now: datetime | None = None, **more: Any
) -> Request:
    return sign(asked, OWN, region="us-east-1", service=service, now=now, **more)


def small_router(limit: int) -> Router:
    names = ("comprehend",)
    return Router(
        Catalog(names),
        {name: Embedded(lambda: SERVICES["comprehend"](parts())) for name in names},
        FixedCredentials([ROOT]),
        account="0",
        body_limit=limit,
    )


def body_of(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return msgspec.json.decode(reply.body)


async def test_a_signed_json_request_is_answered() -> None:
    reply = await make_router().handle(signed(request(TARGET)))
    assert reply.status == 200
    assert reply.headers.get("content-type") == "application/x-amz-json-1.1"
    assert body_of(reply)["Languages"][0]["LanguageCode"] == "en"


async def test_an_unsigned_request_is_told_what_is_missing() -> None:
    reply = await make_router().handle(request(TARGET))
    assert reply.status == 400
    assert body_of(reply) == {
        "__type": "MissingAuthenticationTokenException",
        "message": "Missing Authentication Token",
    }


async def test_an_unsigned_request_for_no_service_is_told_the_same() -> None:
    reply = await make_router().handle(Request("GET", "/", Headers([("Host", "x")])))
    assert reply.status == 403
    assert body_of(reply)["message"] == "Missing Authentication Token"


async def test_an_old_signature_is_refused() -> None:
    old = datetime.now(UTC) - timedelta(minutes=6)
    reply = await make_router().handle(signed(request(TARGET), now=old))
    assert body_of(reply)["__type"] == "InvalidSignatureException"
    assert body_of(reply)["message"].startswith("Signature expired: ")


async def test_a_session_token_that_was_never_given_is_refused() -> None:
    asked = sign(
        request(TARGET),
        SigningCredentials(ROOT.access_key_id, ROOT.secret_access_key, "token"),
        region="us-east-1",
        service="comprehend",
    )
    reply = await make_router().handle(asked)
    assert body_of(reply)["__type"] == "UnrecognizedClientException"


async def test_a_presigned_request_is_answered() -> None:
    asked = Request("GET", "/?Action=GetCallerIdentity", Headers([("Host", "localhost")]))
    asked.target = presign(asked, OWN, region="us-east-1", service="sts", expires=60)
    reply = await make_router().handle(asked)
    assert reply.status == 200


async def test_a_body_over_the_limit_is_refused() -> None:
    reply = await small_router(limit=8).handle(signed(request(TARGET)))
    assert (reply.status, body_of(reply)["__type"]) == (413, "RequestEntityTooLargeException")


async def test_a_streamed_body_over_the_limit_is_cut_off() -> None:
    async with serving(small_router(limit=1000).handle) as listener:
        origin = HttpClient().origin("http", "127.0.0.1", listener.port)
        reply = await origin.send(signed(request(TARGET, body=b"x" * 200_000)), Timeouts())
    assert reply.status == 413


async def test_a_signature_for_a_service_that_is_not_here_is_said_so() -> None:
    reply = await make_router().handle(signed(request(), "glue"))
    assert reply.status == 404
    assert body_of(reply)["message"] == "The service 'glue' is not served here"


async def test_a_chunked_unsigned_body_is_decoded() -> None:
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    asked = signed(request(TARGET, body=chunked), payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    reply = await make_router().handle(asked)
    assert reply.status == 200


@pytest.mark.parametrize("target", ["/?a=%zz", "/%00", "/service/x/operation/y", "/?Action=%ff"])
async def test_odd_targets_never_fault(target: str) -> None:
    reply = await make_router().handle(signed(request(target=target), "sts"))
    assert reply.status in (400, 404)


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
CREDENTIAL = st.builds(
    "AWS4-HMAC-SHA256 Credential={}/{}/{}/sts/aws4_request, SignedHeaders={}, Signature={}".format,
    st.sampled_from([ROOT.access_key_id, "AKID", ""]),
    st.sampled_from(["20260101", "x", ""]),
    HEADER_TEXT,
    HEADER_TEXT,
    HEADER_TEXT,
)


@given(CREDENTIAL | HEADER_TEXT, HEADER_TEXT, HEADER_TEXT, st.text("/?&=%+a.AXmz-", max_size=20))
async def test_no_unsigned_request_is_let_in_or_faults(
    authorization: str, date: str, target: str, path: str
) -> None:
    asked = request(
        ("Authorization", authorization),
        ("X-Amz-Date", date),
        ("X-Amz-Target", target),
        target="/" + path,
    )
    reply = await SHARED.handle(asked)
    assert 400 <= reply.status < 500


@given(
    st.sampled_from(["comprehend", "sts"]),
    st.sampled_from([TARGET, ("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "text/x")]),
    st.binary(max_size=40) | st.text("Action=GetCalrIdnty&.1", max_size=30).map(str.encode),
    st.sampled_from(["/", "/service/Comprehend_20171127/operation/DetectSentiment", "/?Action=x"]),
)
async def test_no_body_faults(
    service: str, field: tuple[str, str], body: bytes, target: str
) -> None:
    reply = await SHARED.handle(signed(request(field, body=body, target=target), service))
    assert reply.status < 500
