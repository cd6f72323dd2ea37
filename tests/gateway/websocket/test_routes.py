"""Which route a message takes, and what the client is told."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.gateway.websocket.sockets import api, leading, mock, serving
from torana.gateway.errors import InvalidApi
from torana.gateway.websocket.life import Times
from torana.model.websocket_api import (
    Authorizer,
    Integration,
    IntegrationResponse,
    Model,
    Parameter,
    Route,
    RouteSettings,
    Stage,
)
from torana.net.limits import Limits


async def told(client: ClientConnection, message: str = "") -> str:
    """What comes back, within a while."""
    if message:
        await client.send(message)
    answer = await asyncio.wait_for(client.recv(), 5)
    assert isinstance(answer, str)
    return answer


async def ended(client: ClientConnection) -> tuple[int, str]:
    """How the gateway ends the connection."""
    with pytest.raises(ConnectionClosed) as caught:
        await asyncio.wait_for(client.recv(), 5)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


async def test_messages_take_the_route_that_their_body_names() -> None:
    of = api(mock("join", "joined"), mock("leave", "left"), mock("$default", "default"))
    async with serving(of) as served, served.connect() as client:
        assert await told(client, '{"action": "join"}') == "joined"
        assert await told(client, '{"action": "leave"}') == "left"
        for other in ('{"action": "shout"}', '{"x": 1}', "plain", "[1]", '{"action": {"a": 1}}'):
            assert await told(client, other) == "default"


SELECTIONS = (
    ("${request.body.kind}/${request.body.of.it}", '{"kind": "a", "of": {"it": "b"}}', "a/b"),
    ("$request.body.list[1]", '{"list": ["x", "y"]}', "y"),
    ("$request.body.n", '{"n": 7}', "7"),
    ("$request.querystring.room", "{}", "red"),
    ("$request.header.x-room", "{}", "blue"),
    ("$stageVariables.all", "{}", "everything"),
    ("$context.stage", "{}", "prod"),
    ("$request.body.action", '{"action": "a/b c"}', "a/b c"),
)


@pytest.mark.parametrize(("expression", "message", "key"), SELECTIONS)
async def test_selection_expressions(expression: str, message: str, key: str) -> None:
    of = api(mock(key, "found"), route_selection_expression=expression)
    stage = Stage("prod", stage_variables={"all": "everything"})
    async with serving(of, stage) as served:
        headers = {"X-Room": "blue"}
        async with served.connect("?room=red", additional_headers=headers) as client:
            assert await told(client, message) == "found"


async def test_a_message_that_no_route_takes_is_forbidden() -> None:
    async with serving(api(mock("join"))) as served, served.connect() as client:
        answer = await told(client, '{"action": "other"}')
        said = json.loads(answer)
        assert said["message"] == "Forbidden"
        ids = f'"connectionId":"{said["connectionId"]}", "requestId":"{said["requestId"]}"'
        assert answer == '{"message": "Forbidden", ' + ids + "}"
        assert len(said["connectionId"]) == len(said["requestId"]) == 16


async def test_a_route_without_a_response_says_nothing() -> None:
    of = api(mock("quiet", "never", answers=False), mock("loud", "heard"))
    async with serving(of) as served, served.connect() as client:
        await client.send('{"action": "quiet"}')
        assert await told(client, '{"action": "loud"}') == "heard"


async def test_templates_know_the_connection() -> None:
    text = '{"id": "$context.connectionId", "at": $context.connectedAt, "r": "$context.routeKey"}'
    async with serving(api(mock("who", text))) as served, served.connect() as client:
        one, two = [json.loads(await told(client, '{"action": "who"}')) for _ in range(2)]
        assert one == two
        assert one["r"] == "who"
        async with served.connect() as other:
            assert json.loads(await told(other, '{"action": "who"}'))["id"] != one["id"]


async def test_templates_and_responses_are_chosen_by_expressions() -> None:
    integration = Integration(
        "MOCK",
        "i",
        request_templates={
            "bad": '{"statusCode": 409}',
            "$default": '{"statusCode": 200}',
        },
        template_selection_expression="${request.body.how}",
        integration_responses=(
            IntegrationResponse("/4\\d\\d/", response_templates={"$default": "conflict"}),
            IntegrationResponse(
                "$default",
                response_templates={"de": "gut", "$default": "good"},
                template_selection_expression="$request.querystring.lang",
            ),
        ),
    )
    async with serving(api(leading("do", integration))) as served:
        async with served.connect("?lang=de") as client:
            assert await told(client, '{"action": "do", "how": "bad"}') == "conflict"
            assert await told(client, '{"action": "do"}') == "gut"
        async with served.connect() as client:
            assert await told(client, '{"action": "do"}') == "good"


async def test_passthrough_never_refuses_what_no_template_takes() -> None:
    integration = Integration(
        "MOCK",
        "i",
        passthrough_behavior="NEVER",
        template_selection_expression="$request.body.how",
        request_templates={"good": '{"statusCode": 200}'},
    )
    async with serving(api(leading("do", integration))) as served, served.connect() as client:
        said = await told(client, '{"action": "do", "how": "other"}')
        assert json.loads(said)["message"] == "Unsupported Media Type"


async def test_messages_are_checked_against_the_model_that_is_chosen() -> None:
    number = '{"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}'
    route = mock(
        "add",
        "added",
        request_models={"strict": "Number"},
        model_selection_expression="$request.body.mode",
    )
    of = api(route, models=(Model("Number", number),))
    async with serving(of) as served, served.connect() as client:
        bad = '{"action": "add", "mode": "strict", "n": "x"}'
        assert json.loads(await told(client, bad))["message"] == "Invalid request body"
        assert await told(client, '{"action": "add", "mode": "strict", "n": 1}') == "added"
        assert await told(client, '{"action": "add", "n": "x"}') == "added"


async def test_routes_are_throttled_each() -> None:
    stage = Stage(
        "prod",
        route_settings={
            "one": RouteSettings(throttling_rate_limit=0.001, throttling_burst_limit=1)
        },
    )
    of = api(mock("one", "1"), mock("two", "2"))
    async with serving(of, stage) as served, served.connect() as client:
        assert await told(client, '{"action": "one"}') == "1"
        refused = json.loads(await told(client, '{"action": "one"}'))
        assert refused["message"] == "Too Many Requests"
        assert await told(client, '{"action": "two"}') == "2"


async def test_handshakes_are_throttled() -> None:
    limit = RouteSettings(throttling_rate_limit=0.001, throttling_burst_limit=1)
    stage = Stage("prod", default_route_settings=limit)
    async with serving(api(mock("$connect")), stage) as served, served.connect():
        with pytest.raises(InvalidStatus) as caught:
            await served.connect()
        assert caught.value.response.status_code == 429


async def test_a_handshake_lacks_a_parameter_that_is_required() -> None:
    required = {"route.request.querystring.room": Parameter(True)}
    async with serving(api(mock("$connect", request_parameters=required))) as served:
        with pytest.raises(InvalidStatus) as caught:
            await served.connect()
        response = caught.value.response
        assert response.status_code == 400
        said = json.loads(response.body or b"")
        assert said["message"] == "Missing required request parameters: [room]"
        assert said["connectionId"]
        async with served.connect("?room=1"):
            pass


async def test_a_mock_refuses_the_handshake_with_its_status() -> None:
    integration = Integration("MOCK", "i", request_templates={"$default": '{"statusCode": 418}'})
    async with serving(api(leading("$connect", integration))) as served:
        with pytest.raises(InvalidStatus) as caught:
            await served.connect()
        assert caught.value.response.status_code == 418


async def test_the_subprotocol_is_the_integrations_choice() -> None:
    chosen = IntegrationResponse(
        "$default",
        response_parameters={"route.response.header.Sec-WebSocket-Protocol": "'v2'"},
    )
    integration = Integration(
        "MOCK",
        "i",
        request_templates={"$default": '{"statusCode": 200}'},
        integration_responses=(chosen,),
    )
    wanted: Any = ["v1", "v2"]
    of = api(leading("$connect", integration))
    async with serving(of) as served, served.connect(subprotocols=wanted) as client:
        assert client.subprotocol == "v2"


async def test_a_plain_request_is_asked_to_upgrade() -> None:
    async with serving(api(mock("$connect"))) as served:
        for path, status in (
            ("prod", b"426"),
            ("prod/", b"426"),
            ("prod/pets", b"403"),
            ("other", b"403"),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(f"GET /apis/chat/{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert (await reader.readline()).split()[1] == status
            writer.close()


async def test_messages_have_at_most_128_kilobytes_in_frames_of_32() -> None:
    async with serving(api(mock("$default", "got"))) as served:
        async with served.connect() as client:
            await client.send(["x" * 32_768] * 4)
            assert await told(client) == "got"
            await client.send(["x" * 32_768] * 4 + ["x"])
            assert (await ended(client))[0] == 1009
        async with served.connect() as client:
            await client.send("x" * 32_769)
            assert (await ended(client))[0] == 1009


async def test_binary_messages_are_not_taken() -> None:
    async with serving(api(mock("$default", "got"))) as served, served.connect() as client:
        await client.send(b"\x00")
        assert (await ended(client))[0] == 1003


async def test_idle_and_old_connections_are_sent_away() -> None:
    of = api(mock("$default", "got"))
    for times in (Times(idle=0.5), Times(lifetime=0.5)):
        async with serving(of, times=times) as served, served.connect() as client:
            assert await told(client, "x") == "got"
            assert await ended(client) == (1001, "Going away")


async def test_a_stage_that_goes_sends_its_clients_away() -> None:
    of = api(mock("$default", "got"))
    async with serving(of) as served, served.connect() as client:
        assert await told(client, "x") == "got"
        served.door.table = type(served.door.table)()
        assert await ended(client) == (1001, "Going away")


async def test_a_deployment_holds_for_who_is_connected() -> None:
    async with serving(api(mock("$default", "old"))) as served, served.connect() as client:
        assert await told(client, "x") == "old"
        async with serving(api(mock("$default", "new"))) as other:
            served.door.table = other.door.table
            assert await told(client, "x") == "new"


REFUSED = (
    (api(mock("x"), route_selection_expression="$request.cookie.x"), "none that the service knows"),
    (api(mock("x"), api_key_selection_expression="$request.body.key"), "apiKeySelectionExpression"),
    (api(mock("x", authorization_type="AWS_IAM")), r"\$connect route only"),
    (api((Route("x", target="integrations/none"), Integration("MOCK"))), "no integration"),
    (api(mock("x", request_models={"$default": "None"})), "is not defined"),
    (api(leading("x", Integration("AWS_PROXY", "i", "arn:aws:s3:::b"))), "arn:aws:apigateway"),
    (
        api(
            mock("$connect", authorization_type="CUSTOM", authorizer_id="a"),
            authorizers=(Authorizer("a", "a", authorizer_uri="no"),),
        ),
        "integration uri 'no'",
    ),
)


@pytest.mark.parametrize(("of", "why"), REFUSED)
async def test_what_cannot_be_served_is_refused(of: Any, why: str) -> None:
    with pytest.raises(InvalidApi, match=why):
        async with serving(of):
            pass


async def test_a_client_that_does_not_read_is_let_go() -> None:
    of = api(mock("$default", "x" * 30_000))
    async with (
        serving(of, limits=Limits(write_stall=0.3, buffered=10_000)) as served,
        served.connect(max_queue=1, close_timeout=0.1) as client,
    ):
        with pytest.raises(ConnectionClosed):
            for _ in range(100_000):
                await asyncio.wait_for(client.send("more"), 5)
