"""Who may connect: signatures and API keys; and what is written down."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.builders import ports
from tests.gateway.websocket.sockets import Served, api, leading, mock, serving
from tests.gateway.websocket.test_routes import told
from torana.auth.grants import Grants
from torana.auth.policy import Caller, parse
from torana.gateway.access_line import access_line
from torana.gateway.contract import Compiled, Context, Grant, Identity, Observe, Ports
from torana.gateway.execution_log import writer
from torana.model.usage import UsagePlan
from torana.model.websocket_api import Integration, RouteSettings, Stage
from torana.net.client import HttpClient
from torana.telemetry.groups import Event

KEY, SECRET = "AKIATESTTESTTESTTEST", "a/secret+of/forty/characters/of/some/sort"
ARN = "arn:aws:iam::000000000000:user/ada"
SIGNED = api(
    mock("$connect", authorization_type="AWS_IAM"),
    mock("$default", "$context.identity.userArn"),
)


def knowing(route: str) -> Ports:
    """Ports that know one user, who may call one route."""
    resource = f"arn:aws:execute-api:us-east-1:000000000000:chat/prod/{route}"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    policy = parse({"Version": "2012-10-17", "Statement": [statement]}, "identity")
    ada = Identity(
        KEY, SECRET, ARN, "AIDA", Caller((ARN,), "000000000000"), grants=Grants((policy,))
    )

    def identify(access_key_id: str, session_token: str) -> Identity | None:
        del session_token
        return ada if access_key_id == KEY else None

    return msgspec.structs.replace(ports(HttpClient()), identify=identify)


def signed(served: Served, signer: Any, secret: str = SECRET, **options: Any) -> tuple[str, Any]:
    """The URL and the header fields of a signed handshake."""
    request = AWSRequest("GET", f"http://127.0.0.1:{served.port}/apis/chat/prod")
    made = signer(Credentials(KEY, secret), "execute-api", "us-east-1", **options)
    made.add_auth(request)
    return str(request.url).replace("http:", "ws:"), dict(request.headers.items())


async def test_a_signed_handshake_is_let_in_by_header_and_by_query() -> None:
    async with serving(SIGNED, of_ports=knowing("$connect")) as served:
        url, fields = signed(served, SigV4Auth)
        async with connect(url, additional_headers=fields) as client:
            assert await told(client, "who") == ARN
        url, _ = signed(served, SigV4QueryAuth, expires=60)
        async with connect(url) as client:
            assert await told(client, "who") == ARN


async def test_a_handshake_without_a_good_signature_is_refused() -> None:
    async with serving(SIGNED, of_ports=knowing("$connect")) as served:
        for url in (
            f"ws://127.0.0.1:{served.port}/apis/chat/prod",
            signed(served, SigV4QueryAuth, "x" * 40, expires=60)[0],
        ):
            with pytest.raises(InvalidStatus) as caught:
                await connect(url)
            assert caught.value.response.status_code == 403
    async with serving(SIGNED, of_ports=knowing("other")) as served:
        url, fields = signed(served, SigV4Auth)
        with pytest.raises(InvalidStatus) as caught:
            await connect(url, additional_headers=fields)
        assert caught.value.response.status_code == 403
        said = json.loads(caught.value.response.body or b"")
        assert "is not authorized to perform: execute-api:Invoke" in said["message"]


async def test_keys_are_wanted_where_the_route_says_so() -> None:
    plan = UsagePlan("p", "p")
    grants = {"secret": Grant("k1", "k1", {("chat", "prod"): plan}), "other": Grant("k2", "k2")}
    of = api(mock("$connect", api_key_required=True), mock("$default", "in"))
    async with serving(of, of_ports=ports(HttpClient(), grants)) as served:
        async with served.connect(additional_headers={"x-api-key": "secret"}) as client:
            assert await told(client, "x") == "in"
        for key in ("other", "unknown"):
            with pytest.raises(InvalidStatus) as caught:
                await served.connect(additional_headers={"x-api-key": key})
            assert caught.value.response.status_code == 403
            assert json.loads(caught.value.response.body or b"")["message"] == "Forbidden"


async def test_everything_that_happens_has_a_line_in_the_access_log() -> None:
    seen: list[Context] = []
    down = Integration("HTTP_PROXY", "d", "http://127.0.0.1:9/", "POST")
    of = api(mock("$connect"), mock("hi", "hello"), mock("$disconnect"), leading("down", down))
    async with serving(of, of_ports=ports(HttpClient(), seen=seen)) as served:
        async with served.connect() as client:
            await told(client, '{"action": "hi"}')
            await told(client, '{"action": "down"}')
            await told(client, '{"action": "none"}')
        async with asyncio.timeout(5):
            await served.door.switchboard.connections.settle(5)
    form = "$context.eventType $context.routeKey $context.status $context.error.message"
    assert [access_line(form, ctx.to)(ctx) for ctx in seen] == [
        "CONNECT $connect 200 -",
        "MESSAGE hi 200 -",
        "MESSAGE down 504 Network error communicating with endpoint",
        "MESSAGE $default 403 Forbidden",
        "DISCONNECT $disconnect 200 -",
    ]
    ids = {access_line("$context.connectionId", ctx.to)(ctx) for ctx in seen}
    assert len(ids) == 1


async def test_what_is_done_is_logged_step_by_step_where_a_stage_says_so() -> None:
    kept: list[tuple[str, str]] = []

    def keep(group: str, stream: str, events: Sequence[Event]) -> None:
        kept.extend((group, text.partition(") ")[2]) for _, text in events)

    def observe(to: Compiled) -> Observe:
        return writer(to, keep)

    watching = msgspec.structs.replace(ports(HttpClient()), observe=observe)
    stage = Stage(
        "prod",
        default_route_settings=RouteSettings(logging_level="INFO", data_trace_enabled=True),
        route_settings={"quiet": RouteSettings(logging_level="ERROR")},
    )
    of = api(mock("$connect"), mock("say", "said"), mock("quiet", "hush"))
    async with serving(of, stage, watching) as served, served.connect() as client:
        await told(client, '{"action": "say", "to": "you"}')
        await told(client, '{"action": "quiet"}')
        id = (await told(client, "nothing")).split('"')[7]
    about = f"[Client] [Connection Id: {id}]"
    assert {group for group, _ in kept} == {"/aws/apigateway/chat/prod"}
    lines = [text for _, text in kept]
    assert f"{about} Route key: $connect" in lines
    assert f'{about} Message: {{"action": "say", "to": "you"}}' in lines
    assert lines.count("Successfully completed execution") == 2
    assert not any("quiet" in line for line in lines)
