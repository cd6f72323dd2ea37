"""WebSocket APIs whose routes and authorizers are functions that really run."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from tests.app.lambdas import Lambdas
from tests.app.test_function_apis import functions, uri
from tests.builders import ports
from tests.gateway.websocket.sockets import api, leading, mock, serving
from tests.gateway.websocket.test_routes import ended, told
from torana.gateway.contract import AwsCall, Ports
from torana.gateway.websocket.life import Times
from torana.message import Reply
from torana.model.websocket_api import Authorizer, Integration, IntegrationResponse, Stage
from torana.net.client import HttpClient
from torana.services.router import Invocation

ECHO = """
import json
def handler(event, context):
    print('GOT', json.dumps(event))
    body = event.get('body')
    if body == 'fail':
        raise ValueError('no')
    if body == 'nothing':
        return None
    status = int((event.get('queryStringParameters') or {}).get('status', 200))
    offered = (event.get('headers') or {}).get('Sec-WebSocket-Protocol', '')
    headers = {'Sec-WebSocket-Protocol': offered.split(',')[-1].strip()} if offered else {}
    return {'statusCode': status, 'headers': headers, 'body': json.dumps(event)}
"""


def reaching(node: Lambdas) -> Ports:
    """Ports that reach the node's functions."""

    async def call(call: AwsCall) -> Reply:
        return await node.router.dispatch(
            Invocation(
                call.service, call.region, call.action, call.request, call.credentials, call.timeout
            )
        )

    return ports(HttpClient(), aws=call)


def function(name: str = "f", **fields: Any) -> Integration:
    return Integration("AWS_PROXY", f"i-{name}", uri(name), "POST", **fields)


def said(folder: Path, name: str = "f", what: str = "GOT") -> list[Any]:
    """The events that a function has printed."""
    log = folder / "data" / "logs" / f"_aws_lambda_{name}.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line.partition(f"{what} ")[2]) for line in lines if f"{what} " in line]


async def until_said(folder: Path, count: int) -> Any:
    """The last event, once so many are there."""
    for _ in range(500):
        if len(events := said(folder)) >= count:
            return events[-1]
        await asyncio.sleep(0.02)
    raise TimeoutError


ROUTES = ("$connect", "$disconnect", "$default")
CONTEXT = {
    "routeKey", "eventType", "extendedRequestId", "requestTime", "messageDirection", "stage",
    "connectedAt", "requestTimeEpoch", "identity", "requestId", "domainName", "connectionId",
    "apiId",
}  # fmt: skip


async def test_events_have_exactly_the_services_fields(tmp_path: Path) -> None:
    of = api(*(leading(key, function()) for key in ROUTES))
    async with functions(tmp_path, f=ECHO) as node:
        stage = Stage("prod", stage_variables={"color": "red"})
        async with serving(of, stage, reaching(node)) as served:
            async with served.connect("?a=1&a=2", user_agent_header="ua") as client:
                message = json.loads(await told(client, '{"x": 1}'))
                await client.close(4000, "bye")
            left = await until_said(tmp_path, 3)
        opened = said(tmp_path)[0]
    asked = opened["requestContext"]
    assert set(opened) == {
        "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters",
        "stageVariables", "requestContext", "isBase64Encoded",
    }  # fmt: skip
    assert opened["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert opened["queryStringParameters"] == {"a": "2"}
    assert {"Host", "Sec-WebSocket-Key", "X-Forwarded-For", "X-Amzn-Trace-Id"} <= set(
        opened["headers"]
    )
    assert not {"Upgrade", "Connection"} & set(opened["headers"])
    assert set(asked) == CONTEXT
    assert (asked["eventType"], asked["routeKey"]) == ("CONNECT", "$connect")
    assert asked["identity"] == {"userAgent": "ua", "sourceIp": "127.0.0.1"}
    assert (asked["stage"], asked["apiId"], asked["messageDirection"]) == ("prod", "chat", "IN")
    assert asked["domainName"].startswith("127.0.0.1:")
    assert asked["requestTimeEpoch"] >= asked["connectedAt"] > 1_600_000_000_000

    assert set(message) == {"requestContext", "body", "stageVariables", "isBase64Encoded"}
    assert (message["body"], message["isBase64Encoded"]) == ('{"x": 1}', False)
    got = message["requestContext"]
    assert set(got) == {*CONTEXT, "messageId"}
    assert (got["eventType"], got["routeKey"]) == ("MESSAGE", "$default")
    assert got["connectionId"] == asked["connectionId"]
    assert got["connectedAt"] == asked["connectedAt"]
    assert got["requestId"] != asked["requestId"]

    assert set(left) == {
        "headers", "multiValueHeaders", "stageVariables", "requestContext", "isBase64Encoded",
    }  # fmt: skip
    assert set(left["headers"]) == {"Host", "x-api-key", "X-Forwarded-For", "x-restapi"}
    gone = left["requestContext"]
    assert set(gone) == {*CONTEXT, "disconnectStatusCode", "disconnectReason"}
    assert (gone["disconnectStatusCode"], gone["disconnectReason"]) == (4000, "bye")
    assert (gone["eventType"], gone["routeKey"]) == ("DISCONNECT", "$disconnect")


async def test_the_end_is_told_whoever_ends_it(tmp_path: Path) -> None:
    of = api(leading("$disconnect", function()), mock("$default", "x"))
    async with (
        functions(tmp_path, f=ECHO) as node,
        serving(of, of_ports=reaching(node), times=Times(idle=0.5)) as served,
    ):
        reasons: list[tuple[int, str]] = []

        async def noted() -> None:
            event = await until_said(tmp_path, len(reasons) + 1)
            asked = event["requestContext"]
            reasons.append((asked["disconnectStatusCode"], asked["disconnectReason"]))

        client = await served.connect()
        client.transport.abort()
        await noted()
        async with served.connect() as client:
            await ended(client)
        await noted()
        async with served.connect() as client:
            await client.close(1000, "")
        await noted()
        async with served.connect() as client:
            await client.send(b"binary")
            await ended(client)
        await noted()
    assert reasons == [
        (1006, "Connection closed abnormally"),
        (1001, "Going away"),
        (1000, ""),
        (1003, "binary messages are not supported"),
    ]


async def test_a_function_lets_in_and_chooses_the_subprotocol(tmp_path: Path) -> None:
    of = api(leading("$connect", function()))
    async with functions(tmp_path, f=ECHO) as node, serving(of, of_ports=reaching(node)) as served:
        wanted: Any = ["v1", "v2"]
        async with served.connect(subprotocols=wanted) as client:
            assert client.subprotocol == "v2"
        for status in (401, 403, 500):
            with pytest.raises(InvalidStatus) as caught:
                await served.connect(f"?status={status}")
            assert caught.value.response.status_code == status


async def test_a_function_that_fails_is_an_internal_error(tmp_path: Path) -> None:
    of = api(
        leading("$default", function(), answers=False), leading("$connect", function("broken"))
    )
    broken = "def handler(event, context):\n    raise ValueError('no')\n"
    async with functions(tmp_path, f=ECHO, broken=broken) as node:
        async with serving(of, of_ports=reaching(node)) as served:
            with pytest.raises(InvalidStatus) as caught:
                await served.connect()
            assert caught.value.response.status_code == 502
            body = json.loads(caught.value.response.body or b"")
            assert set(body) == {"message", "connectionId", "requestId"}
        quiet = msgspec.structs.replace(of, routes=of.routes[:1])
        async with serving(quiet, of_ports=reaching(node)) as served, served.connect() as client:
            for message in ("fail", "nothing"):
                answer = json.loads(await told(client, message))
                assert answer["message"] == "Internal server error"
            await client.send("fine")
            await until_said(tmp_path, 3)


AUTHORIZE = """
import json
def handler(event, context):
    print('ASKED', json.dumps(event))
    who = event['queryStringParameters'].get('who')
    if who == 'nobody':
        raise Exception('Unauthorized')
    effect = 'Deny' if who == 'denied' else 'Allow'
    return {
        'principalId': who,
        'policyDocument': {'Version': '2012-10-17', 'Statement': [
            {'Effect': effect, 'Action': 'execute-api:Invoke', 'Resource': event['methodArn']}]},
        'context': {'room': 'red', 'level': 3},
    }
"""


async def test_an_authorizers_context_lasts_as_long_as_the_connection(tmp_path: Path) -> None:
    authorizer = Authorizer(
        "gate",
        "a1",
        authorizer_uri=uri("auth"),
        identity_source=("route.request.querystring.who",),
    )
    of = api(
        mock("$connect", authorization_type="CUSTOM", authorizer_id="a1"),
        mock("who", "$context.authorizer.principalId in $context.authorizer.room"),
        leading("$default", function()),
        authorizers=(authorizer,),
    )
    async with (
        functions(tmp_path, f=ECHO, auth=AUTHORIZE) as node,
        serving(of, of_ports=reaching(node)) as served,
    ):
        for query, status in (("", 401), ("?who=nobody", 401), ("?who=denied", 403)):
            with pytest.raises(InvalidStatus) as caught:
                await served.connect(query)
            assert caught.value.response.status_code == status
        async with served.connect("?who=ada") as client:
            assert await told(client, '{"action": "who"}') == "ada in red"
            event = json.loads(await told(client, "plain"))
            shown = event["requestContext"]["authorizer"]
            assert isinstance(shown.pop("integrationLatency"), int)
            assert shown == {"principalId": "ada", "room": "red", "level": "3"}
    asked = said(tmp_path, "auth", "ASKED")[-1]
    assert set(asked) == {
        "type", "methodArn", "headers", "multiValueHeaders", "queryStringParameters",
        "multiValueQueryStringParameters", "stageVariables", "requestContext",
    }  # fmt: skip
    arn = "arn:aws:execute-api:us-east-1:000000000000:chat/prod/$connect"
    assert (asked["type"], asked["methodArn"]) == ("REQUEST", arn)
    assert set(asked["requestContext"]) == CONTEXT


async def test_a_custom_integration_maps_what_a_function_says(tmp_path: Path) -> None:
    code = (
        "def handler(event, context):\n"
        "    return {'twice': event['n'] * 2 if event['n'] else 1 / 0}\n"
    )
    integration = Integration(
        "AWS",
        "i",
        uri("f"),
        "POST",
        request_templates={"$default": '{"n": $input.json("$.n")}'},
        integration_response_selection_expression="$integration.response.body.errorType",
        integration_responses=(
            IntegrationResponse("/.*Error/", response_templates={"$default": "cannot"}),
            IntegrationResponse(
                "$default", response_templates={"$default": "$input.json('$.twice')"}
            ),
        ),
    )
    of = api(leading("$default", integration))
    async with (
        functions(tmp_path, f=code) as node,
        serving(of, of_ports=reaching(node)) as served,
        served.connect() as client,
    ):
        assert await told(client, '{"n": 4}') == "8"
        assert await told(client, '{"n": 0}') == "cannot"
