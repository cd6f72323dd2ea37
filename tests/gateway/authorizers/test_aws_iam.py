"""Signed requests, made by botocore, on a real socket."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import botocore.auth
import httpx
import msgspec
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.builders import api, door, mock, ports, proxy
from torana.auth.grants import Grants
from torana.auth.policy import Caller, Policy, parse
from torana.gateway.contract import Identity
from torana.message import Headers, Reply, Request, read
from torana.net.client import HttpClient
from torana.net.server import listen

ROOT = "arn:aws:iam::000000000000:root"
ALICE = "arn:aws:iam::000000000000:user/alice"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SHOW = '{"who": "$context.identity.userArn", "key": "$context.identity.accessKey"}'


def statement(effect: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource, **more}


def identities(*statements: dict[str, Any]) -> dict[str, Identity]:
    """The account's own key, and Alice's with the statements."""
    policies: tuple[Policy, ...] = ()
    if statements:
        policies = (parse({"Version": "2012-10-17", "Statement": list(statements)}),)
    account = "000000000000"
    root = Identity(
        "AKIAROOT", SECRET, ROOT, account, Caller((ROOT,), account), grants=Grants(root=True)
    )
    caller = Caller((ALICE,), account)
    alice = Identity("AKIAALICE", SECRET, ALICE, "AIDAALICE", caller, "", Grants(policies))
    session = msgspec.structs.replace(alice, access_key_id="ASIA1", session_token="token")
    return {"AKIAROOT": root, "AKIAALICE": alice, "ASIA1": session}


@asynccontextmanager
async def serving(
    known: dict[str, Identity], policy: dict[str, Any] | None = None, *methods: Any
) -> AsyncGenerator[str]:
    def find(access_key_id: str, session_token: str) -> Identity | None:
        del session_token
        return known.get(access_key_id)

    of_ports = msgspec.structs.replace(ports(HttpClient()), identify=find)
    found = methods or (
        mock(authorization_type="AWS_IAM", body=SHOW),
        mock("/{proxy+}", "ANY", authorization_type="AWS_IAM", body=SHOW),
    )
    listener = await listen(door(api(*found, policy=policy), None, of_ports))
    try:
        yield f"http://127.0.0.1:{listener.port}/restapis/abc/prod/_user_request_"
    finally:
        await listener.close()


def signed(
    url: str,
    key: str = "AKIAALICE",
    secret: str = SECRET,
    method: str = "GET",
    body: bytes = b"",
    token: str | None = None,
    region: str = "us-east-1",
    service: str = "execute-api",
    query: bool = False,
) -> AWSRequest:
    request = AWSRequest(method=method, url=url, data=body)
    credentials = Credentials(key, secret, token)
    signer = (SigV4QueryAuth if query else SigV4Auth)(credentials, service, region)
    cast(Any, signer).add_auth(request)
    return request


async def send(request: AWSRequest, body: bytes | None = None) -> httpx.Response:
    prepared = cast(Any, request.prepare())
    async with httpx.AsyncClient() as client:
        return await client.request(
            prepared.method,
            prepared.url,
            content=prepared.body if body is None else body,
            headers=dict(prepared.headers.items()),
        )


async def test_the_accounts_own_key_may_do_everything() -> None:
    async with serving(identities()) as url:
        reply = await send(signed(f"{url}/pets", "AKIAROOT"))
        assert reply.json() == {"who": ROOT, "key": "AKIAROOT"}


@pytest.mark.parametrize("query", [False, True], ids=["header", "query"])
async def test_an_identity_does_what_its_policies_allow(query: bool) -> None:
    allowed = statement("Allow", "arn:aws:execute-api:us-east-1:000000000000:abc/prod/GET/pets")
    async with serving(identities(allowed)) as url:
        reply = await send(signed(f"{url}/pets?b=2&a=1", query=query))
        assert reply.json()["who"] == ALICE
        reply = await send(signed(f"{url}/other", query=query))
        assert reply.status_code == 403
        assert reply.headers["x-amzn-errortype"] == "AccessDeniedException"
        assert reply.json() == {
            "Message": f"User: {ALICE} is not authorized to perform: execute-api:Invoke on "
            "resource: arn:aws:execute-api:us-east-1:********0000:abc/prod/GET/other"
        }


async def test_a_body_is_part_of_what_is_signed() -> None:
    async with serving(identities(statement("Allow", "*"))) as url:
        request = signed(f"{url}/x", method="POST", body=b'{"a": 1}')
        assert (await send(request)).status_code == 200
        assert (await send(request, b'{"a": 2}')).status_code == 403


async def test_a_passed_through_body_arrives_whole() -> None:
    async def echo(request: Request) -> Reply:
        return Reply(200, Headers(), await read(request.body, 1 << 25))

    upstream = await listen(echo)
    method = proxy(
        "/echo", f"http://127.0.0.1:{upstream.port}/", "POST", authorization_type="AWS_IAM"
    )
    async with serving(identities(statement("Allow", "*")), None, method) as url:
        body = b"x" * 500_000
        assert (await send(signed(f"{url}/echo", method="POST", body=body))).content == body
    await upstream.close()


async def test_the_apis_own_policy_may_let_an_identity_in_or_deny_it() -> None:
    resource = "execute-api:/prod/GET/pets"
    allow = {**statement("Allow", resource), "Principal": {"AWS": ALICE}}
    async with serving(identities(), {"Version": "2012-10-17", "Statement": [allow]}) as url:
        assert (await send(signed(f"{url}/pets"))).status_code == 200
        assert (await send(signed(f"{url}/other"))).status_code == 403
    deny = {**statement("Deny", resource), "Principal": "*"}
    known = identities(statement("Allow", "*"))
    async with serving(known, {"Version": "2012-10-17", "Statement": [deny]}) as url:
        for key in ("AKIAALICE", "AKIAROOT"):
            reply = await send(signed(f"{url}/pets", key))
            assert reply.status_code == 403
            assert reply.json()["Message"].endswith("with an explicit deny")


async def test_a_session_needs_its_token() -> None:
    async with serving(identities(statement("Allow", "*"))) as url:
        assert (await send(signed(f"{url}/pets", "ASIA1", token="token"))).status_code == 200
        reply = await send(signed(f"{url}/pets", "ASIA1", token="other"))
        assert reply.json()["message"] == "The security token included in the request is invalid."


async def test_a_request_without_a_signature_is_refused() -> None:
    async with serving(identities()) as url, httpx.AsyncClient() as client:
        reply = await client.get(f"{url}/pets")
        assert reply.status_code == 403
        assert reply.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
        assert reply.json() == {"message": "Missing Authentication Token"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"key": "AKIANOBODY"}, "security token included in the request is invalid"),
        ({"secret": "wrong"}, "signature we calculated does not match"),
        ({"region": "eu-west-1"}, "scoped to a valid region"),
        ({"service": "s3"}, "scoped to correct service: 'execute-api'"),
    ],
)
async def test_a_signature_that_is_not_good_is_refused(wrong: Any, message: str) -> None:
    async with serving(identities(statement("Allow", "*"))) as url:
        reply = await send(signed(f"{url}/pets", **wrong))
        assert reply.status_code == 403
        assert message in reply.json()["message"]


async def test_an_old_signature_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    old = datetime.now(UTC) - timedelta(minutes=6)
    clock = "get_current_datetime"
    monkeypatch.setattr(botocore.auth, clock, lambda remove_tzinfo=True: old.replace(tzinfo=None))
    async with serving(identities(statement("Allow", "*"))) as url:
        reply = await send(signed(f"{url}/pets"))
        assert reply.status_code == 403
        assert "Signature expired" in reply.json()["message"]


async def test_a_signature_of_version_4a_is_refused() -> None:
    async with serving(identities()) as url, httpx.AsyncClient() as client:
        given = "AWS4-ECDSA-P256-SHA256 Credential=AKIAALICE/20260101/execute-api/aws4_request"
        reply = await client.get(f"{url}/pets", headers={"Authorization": given})
        assert reply.status_code == 403
