import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.services.serving import called, client, make_router, recording, serving
from tests.services.test_dispatch import decoded, invocation
from torana.auth.signer import SigningCredentials
from torana.auth.sigv4 import read, verify
from torana.message import Headers, Reply, Request
from torana.net.client import HttpClient, Timeouts
from torana.services.credentials import BadCredentials
from torana.services.forward import aws_endpoint, endpoint_of
from torana.services.roles import Roles
from torana.settings import BadSettings, Service
from torana.wire.model import load_metadata

ANSWER = {"Languages": [{"LanguageCode": "en", "Score": 0.5}]}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDOUT", "AWS_SECRET_ACCESS_KEY": "outgoing", "HOME": "/none"}


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    fields = [("Content-Type", "application/x-amz-json-1.1"), *headers.items()]
    return Reply(status, Headers(fields), msgspec.json.encode(value))


def aws(port: int, **more: Any) -> dict[str, Service]:
    url = f"http://127.0.0.1:{port}"
    return {"comprehend": Service(engine="aws", url=url, region="eu-west-1", **more)}


async def test_a_request_goes_on_signed_anew_with_the_configured_keys() -> None:
    seen: list[Request] = []
    async with serving(recording([json_reply(ANSWER)], seen)) as upstream:
        router = make_router(aws(upstream.port), environment=KEYS)
        reply = await router.dispatch(
            invocation({"Text": "hi"}, action="DetectDominantLanguage", Authorization="theirs")
        )
        assert decoded(reply) == ANSWER
    claim = read(seen[0])
    assert (claim.access_key_id, claim.region, claim.service) == (
        "AKIDOUT",
        "eu-west-1",
        "comprehend",
    )
    verify(claim, seen[0], "outgoing", datetime.now(UTC))
    assert seen[0].headers.get("x-amz-target") == "Comprehend_20171127.DetectDominantLanguage"
    assert seen[0].body == b'{"Text":"hi"}'


async def test_boto3_reaches_the_other_endpoint_through_us() -> None:
    other = make_router()
    async with serving(other.handle) as upstream:
        environment = {
            "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
            "AWS_SECRET_ACCESS_KEY": "a/secret+of/forty/characters/of/some/sort",
        }
        router = make_router(aws(upstream.port), environment=environment)
        async with serving(router.handle) as listener:
            comprehend = client("comprehend", listener.port)
            answer = await called(comprehend.detect_dominant_language, Text="plain")
    assert answer["Languages"][0]["LanguageCode"] == "en"


async def test_any_service_can_be_forwarded() -> None:
    seen: list[Request] = []
    async with serving(recording([json_reply({"CollectionIds": ["a"]})], seen)) as upstream:
        services = {
            "rekognition": Service(engine="http", url=f"http://127.0.0.1:{upstream.port}/base")
        }
        async with serving(make_router(services).handle) as listener:
            rekognition = client("rekognition", listener.port)
            answer = await called(rekognition.list_collections)
    assert answer["CollectionIds"] == ["a"]
    assert seen[0].target == "/base/"
    assert "authorization" not in seen[0].headers


async def test_a_query_action_is_named_on_the_way() -> None:
    seen: list[Request] = []
    async with serving(recording([json_reply({})], seen)) as upstream:
        services = {"sns": Service(engine="http", url=f"http://127.0.0.1:{upstream.port}")}
        await make_router(services).dispatch(
            invocation(service="sns", action="Publish", target="/?Message=a%20b")
        )
    assert seen[0].target == "/?Message=a%20b&Action=Publish&Version=2010-03-31"


async def test_the_endpoints_errors_come_through_as_they_are() -> None:
    error = json_reply({"__type": "ThrottlingException"}, 400, **{"x-amzn-RequestId": "theirs"})
    async with serving(recording([error], [])) as upstream:
        router = make_router(aws(upstream.port), environment=KEYS)
        reply = await router.dispatch(invocation({"Text": "a"}))
    assert (reply.status, decoded(reply)) == (400, {"__type": "ThrottlingException"})
    assert reply.headers.get("x-amzn-requestid") == "theirs"


async def test_an_endpoint_that_does_not_answer_is_the_services_fault() -> None:
    async def never(request: Request) -> Reply:
        await asyncio.sleep(5)
        return json_reply({})

    async with serving(never) as upstream:
        router = make_router(aws(upstream.port, timeout=0.1), environment=KEYS)
        reply = await router.dispatch(invocation({"Text": "a"}))
    assert reply.status == 504
    assert decoded(reply)["__type"] == "InternalServerException"


async def test_an_endpoint_that_is_not_there_is_the_services_fault() -> None:
    async with serving(recording([], [])) as upstream:
        port = upstream.port
    reply = await make_router(aws(port), environment=KEYS).dispatch(invocation({"Text": "a"}))
    assert reply.status == 502
    assert decoded(reply)["__type"] == "InternalServerException"


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ({"nothing": Service(engine="aws")}, "no service model named 'nothing'"),
        ({"glue": Service()}, "services.glue: is not embedded"),
        ({"sqs": Service(engine="aws")}, "no credentials to sign with"),
        ({"sqs": Service(engine="http")}, "needs a url"),
        ({"sqs": Service(engine="http", url="ftp://x")}, "services.sqs.url: 'ftp://x' must be"),
    ],
)
def test_bad_settings_are_refused_at_the_start(services: dict[str, Service], words: str) -> None:
    with pytest.raises(BadSettings, match=words):
        make_router(services)


def test_a_profile_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadCredentials):
        make_router(
            {"sqs": Service(engine="aws", profile="work")}, environment={"HOME": str(tmp_path)}
        )


@pytest.mark.parametrize(
    ("name", "region", "host", "signed_for"),
    [
        ("comprehend", "eu-west-1", "comprehend.eu-west-1.amazonaws.com", "eu-west-1"),
        ("iam", "eu-west-1", "iam.amazonaws.com", "us-east-1"),
        ("sts", "eu-west-1", "sts.eu-west-1.amazonaws.com", "eu-west-1"),
        ("cloudwatch", "us-east-2", "monitoring.us-east-2.amazonaws.com", "us-east-2"),
        ("comprehend", "cn-north-1", "comprehend.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    ],
)
def test_real_endpoints(name: str, region: str, host: str, signed_for: str) -> None:
    endpoint = aws_endpoint(load_metadata(name), region)
    assert (endpoint.scheme, endpoint.authority(), endpoint.region) == ("https", host, signed_for)


def test_a_bucket_stands_before_the_endpoint() -> None:
    assert aws_endpoint(load_metadata("s3"), "eu-west-1", "my.bucket").host == (
        "my.bucket.s3.eu-west-1.amazonaws.com"
    )


@pytest.mark.parametrize(
    ("region", "prefix"), [("evil.example/", ""), ("eu-west-1", "a@b"), ("", "")]
)
def test_a_region_that_would_lead_elsewhere_is_refused(region: str, prefix: str) -> None:
    with pytest.raises(ConnectionError):
        aws_endpoint(load_metadata("s3"), region, prefix)


async def test_a_form_for_a_service_of_today_stays_a_form() -> None:
    seen: list[Request] = []
    async with serving(recording([json_reply({})], seen)) as upstream:
        services = {"sqs": Service(engine="http", url=f"http://127.0.0.1:{upstream.port}")}
        await make_router(services).dispatch(
            invocation(
                b"MessageBody=hi",
                service="sqs",
                action="SendMessage",
                target="/1/queue",
                content_type="application/x-www-form-urlencoded",
            )
        )
    assert seen[0].target == "/1/queue?Action=SendMessage&Version=2012-11-05"
    assert "x-amz-target" not in seen[0].headers


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://localhost", "localhost"),
        ("http://localhost:4566/", "localhost:4566"),
        ("https://[::1]:8443/x", "[::1]:8443"),
    ],
)
def test_an_endpoints_host_header_has_its_port(url: str, authority: str) -> None:
    assert endpoint_of(url, "r").authority() == authority


def assumed(token: str, minutes: int) -> Reply:
    expires = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
        f"<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        f"<SessionToken>{token}</SessionToken><Expiration>{expires}</Expiration></Credentials>"
        "</AssumeRoleResult></AssumeRoleResponse>"
    )
    return Reply(200, Headers([("Content-Type", "text/xml")]), text.encode())


def roles(port: int) -> Roles:
    origin = HttpClient().origin("http", "127.0.0.1", port)
    return Roles(
        SigningCredentials("AKID", "own"),
        lambda request: origin.send(request, Timeouts()),
        host=f"127.0.0.1:{port}",
        region="us-east-1",
    )


ROLE = "arn:aws:iam::123456789012:role/api"


async def test_a_role_is_assumed_once_for_callers_that_come_together() -> None:
    seen: list[Request] = []
    async with serving(recording([assumed("t", 60)], seen)) as sts:
        source = roles(sts.port)
        found = await asyncio.gather(*(source.credentials(ROLE) for _ in range(5)))
    assert {each.session_token for each in found} == {"t"}
    assert len(seen) == 1
    verify(read(seen[0]), seen[0], "own", datetime.now(UTC))
    assert b"RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fapi" in bytes(seen[0].body)  # pyright: ignore


async def test_credentials_are_renewed_before_they_expire() -> None:
    async with serving(recording([assumed("old", 4), assumed("new", 60)], [])) as sts:
        source = roles(sts.port)
        assert (await source.credentials(ROLE)).session_token == "old"
        assert (await source.credentials(ROLE)).session_token == "new"
        assert (await source.credentials(ROLE)).session_token == "new"


async def test_a_role_that_may_not_be_assumed_says_why() -> None:
    text = b"<ErrorResponse><Error><Message>not authorized</Message></Error></ErrorResponse>"
    async with serving(recording([Reply(403, Headers(), text)], [])) as sts:
        with pytest.raises(ConnectionError, match="not authorized"):
            await roles(sts.port).credentials(ROLE)
