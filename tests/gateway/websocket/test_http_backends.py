"""Routes of a WebSocket API that lead to HTTP backends."""

import asyncio
import base64
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests import builders
from tests.gateway.websocket.sockets import api, leading, serving
from tests.gateway.websocket.test_routes import told
from torana.message import Headers, Reply, Request, read
from torana.model.websocket_api import Integration, IntegrationResponse


async def echo(request: Request) -> Reply:
    """What came, as JSON."""
    body = await read(request.body, 1 << 20)
    said = {
        "method": request.method,
        "target": request.target,
        "headers": {name.lower(): value for name, value in request.headers},
        "body": body.decode("latin-1"),
    }
    status = 403 if "refuse" in request.target else 200
    fields = Headers([("Content-Type", "application/json"), ("Sec-WebSocket-Protocol", "v1")])
    return Reply(status, fields, json.dumps(said).encode())


def to(port: int, kind: Any = "HTTP_PROXY", path: str = "/in", **fields: Any) -> Integration:
    return Integration(kind, "i", f"http://127.0.0.1:{port}{path}", "POST", **fields)


async def test_a_proxy_gets_the_message_and_what_is_mapped() -> None:
    mapped = {
        "integration.request.header.X-Connection": "context.connectionId",
        "integration.request.header.X-Kind": "'chat'",
        "integration.request.querystring.room": "route.request.body.room",
        "integration.request.header.X-User": "route.request.querystring.user",
    }
    async with builders.serving(echo) as backend:
        of = api(leading("$default", to(backend.port, request_parameters=mapped)))
        async with serving(of) as served, served.connect("?user=ada") as client:
            got = json.loads(await told(client, '{"room": "red"}'))
    assert (got["method"], got["target"], got["body"]) == (
        "POST",
        "/in?room=red",
        '{"room": "red"}',
    )
    assert len(got["headers"]["x-connection"]) == 16
    assert (got["headers"]["x-kind"], got["headers"]["x-user"]) == ("chat", "ada")
    assert "sec-websocket-key" not in got["headers"]


async def test_a_proxy_decides_about_the_handshake() -> None:
    async with builders.serving(echo) as backend:
        async with serving(api(leading("$connect", to(backend.port)))) as served:
            wanted: Any = ["v1"]
            async with served.connect(subprotocols=wanted) as client:
                assert client.subprotocol == "v1"
        of = api(leading("$connect", to(backend.port, path="/refuse"), answers=False))
        async with serving(of) as served:
            with pytest.raises(InvalidStatus) as caught:
                await served.connect()
            assert caught.value.response.status_code == 403


async def test_the_handshakes_query_and_fields_reach_a_proxy() -> None:
    seen: list[Request] = []

    async def keep(request: Request) -> Reply:
        seen.append(request)
        return Reply(200, Headers())

    async with builders.serving(keep) as backend:
        of, own = api(leading("$connect", to(backend.port))), {"X-Own": "yes"}
        async with serving(of) as served, served.connect("?a=1&a=2", additional_headers=own):
            pass
    assert seen[0].target == "/in?a=1&a=2"
    assert seen[0].headers.get("x-own") == "yes"
    assert "sec-websocket-key" not in seen[0].headers


async def test_requests_and_answers_are_mapped_by_templates() -> None:
    response = IntegrationResponse(
        "$default",
        response_templates={
            "$default": '{"was": $input.json("$.body"), "to": "$context.routeKey"}'
        },
    )
    integration_fields: dict[str, Any] = {
        "request_templates": {"$default": '{"text": $input.json("$.text")}'},
        "integration_responses": (response,),
    }
    async with builders.serving(echo) as backend:
        of = api(leading("say", to(backend.port, "HTTP", **integration_fields)))
        async with serving(of) as served, served.connect() as client:
            got = json.loads(await told(client, '{"action": "say", "text": "hi"}'))
    assert got == {"was": '{"text": "hi"}', "to": "say"}


async def test_binary_content_travels_as_base64() -> None:
    response = IntegrationResponse("$default", content_handling_strategy="CONVERT_TO_TEXT")

    async def mirror(request: Request) -> Reply:
        return Reply(200, Headers(), await read(request.body, 1 << 20))

    async with builders.serving(mirror) as backend:
        integration = to(
            backend.port,
            "HTTP",
            content_handling_strategy="CONVERT_TO_BINARY",
            integration_responses=(response,),
        )
        of = api(leading("$default", integration))
        async with serving(of) as served, served.connect() as client:
            sent = base64.b64encode(bytes(range(256))).decode()
            assert await told(client, sent) == sent
            refused = json.loads(await told(client, "no base64"))
            assert refused["message"] == "Invalid request body"


async def test_a_backend_that_is_away_is_told_to_the_client() -> None:
    async with builders.serving(echo) as backend:
        port = backend.port
    of = api(leading("$default", to(port), answers=False))
    async with serving(of) as served, served.connect() as client:
        said = json.loads(await told(client, "x"))
        assert said["message"] == "Network error communicating with endpoint"


async def test_a_slow_backend_times_out_and_holds_up_no_other_message() -> None:
    go = asyncio.Event()

    async def slow(request: Request) -> Reply:
        if await read(request.body, 1 << 20) == b"slow":
            await go.wait()
        return Reply(200, Headers(), b"quick")

    async with builders.serving(slow) as backend:
        of = api(leading("$default", to(backend.port, timeout_in_millis=400)))
        async with serving(of) as served, served.connect() as client:
            await client.send("slow")
            assert await told(client, "quick") == "quick"
            assert json.loads(await told(client))["message"] == "Endpoint request timed out"
        go.set()


async def test_an_answer_over_128_kilobytes_is_an_internal_error() -> None:
    async def large(request: Request) -> Reply:
        return Reply(200, Headers(), b"x" * int(await read(request.body, 100)))

    async with builders.serving(large) as backend:
        of = api(leading("$default", to(backend.port)))
        async with serving(of) as served, served.connect() as client:
            assert len(await told(client, str(128 * 1024))) == 128 * 1024
            refused = json.loads(await told(client, str(128 * 1024 + 1)))
            assert refused["message"] == "Internal server error"
