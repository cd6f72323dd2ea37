"""Deployed APIs through the official MCP client, over a real socket."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError

from tests.builders import api, door, mock, ports, proxy, serving
from torana.gateway.contract import Grant
from torana.gateway.front_door import FrontDoor
from torana.gateway.http_api.plan import compile as compile_http
from torana.gateway.locate import Live, Table
from torana.mcp.door import McpDoor
from torana.message import Headers, Reply, Request, read
from torana.model import http_api
from torana.model.rest import Integration, Method, MethodResponse, Model, RestApi
from torana.model.usage import ThrottleSettings, UsagePlan
from torana.net.client import HttpClient

PET = Model(
    "Pet",
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "owner": {"$ref": "#/definitions/Owner"}},
        "required": ["name"],
    },
)
OWNER = Model("Owner", {"type": "object", "properties": {"mail": {"type": "string"}}})
PLAN = UsagePlan("p", "p", (), ("k",), ThrottleSettings(0.001, 2))
GRANT = Grant("k", "k", {("abc", "prod"): PLAN})


class Backend:
    """What stands behind the API; answers with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answer: Reply | None = None

    async def __call__(self, request: Request) -> Reply:
        request.body = await read(request.body, 10**6)
        self.asked.append(request)
        if self.answer is not None:
            return self.answer
        return Reply(200, Headers([("Content-Type", "application/json")]), b'{"name": "Rex"}')


def pets(url: str) -> RestApi:
    body = {"application/json": "Pet"}
    return api(
        Method(
            "GET",
            "/pets/{id}",
            Integration("HTTP_PROXY", f"{url}/pets/{{id}}"),
            operation_name="getPet",
            description="One pet by its number.",
            request_parameters={
                "method.request.path.id": True,
                "method.request.querystring.full": False,
                "method.request.header.X-Lang": False,
                "method.request.header.Authorization": False,
            },
            responses=(MethodResponse("200", response_models=body),),
        ),
        proxy("/pets", f"{url}/pets", "POST", request_models=body),
        proxy("/secret", f"{url}/secret", "GET", api_key_required=True),
        proxy("/files/{proxy+}", f"{url}/files/{{proxy}}", "ANY"),
        mock("/pets", "OPTIONS"),
        models={"Pet": PET, "Owner": OWNER},
    )


@asynccontextmanager
async def offering(
    backend: Backend, headers: dict[str, str] | None = None, mode: Any = "auto"
) -> AsyncGenerator[Client]:
    http = HttpClient()
    async with serving(backend) as upstream:
        found = pets(f"http://127.0.0.1:{upstream.port}")
        front = door(found, None, ports(http, {"key-1": GRANT}))
        front.besides = (McpDoor(front, ("abc/*",), lambda key, api, stage: key == "key-1"),)
        async with (
            serving(front) as listener,
            create_mcp_http_client(headers=headers) as client,
        ):
            url = f"http://127.0.0.1:{listener.port}/mcp/abc/prod"
            async with Client(streamable_http_client(url, http_client=client), mode=mode) as mcp:
                yield mcp
    await http.aclose()


def text(result: Any) -> str:
    return result.content[0].text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_methods_are_tools_with_their_models_as_schemas(mode: str) -> None:
    async with offering(Backend(), mode=mode) as mcp:
        tools = {each.name: each for each in (await mcp.list_tools()).tools}
    assert set(tools) == {"getPet", "post_pets", "any_files_proxy"}
    get, post = tools["getPet"], tools["post_pets"]
    assert get.description == "One pet by its number.\n\nGET /pets/{id}"
    assert set(get.input_schema["properties"]) == {"id", "full", "X-Lang"}
    assert get.input_schema["required"] == ["id"]
    assert get.output_schema is not None
    assert get.output_schema["required"] == ["name"]
    assert get.annotations is not None
    assert get.annotations.read_only_hint
    assert post.input_schema["required"] == ["body"]
    assert post.input_schema["definitions"]["Owner"]["properties"] == {"mail": {"type": "string"}}
    assert post.input_schema["properties"]["body"]["properties"]["owner"] == {
        "$ref": "#/definitions/Owner"
    }


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_is_a_request_of_the_api(mode: str) -> None:
    backend = Backend()
    async with offering(backend, {"X-Trace": "7"}, mode=mode) as mcp:
        done = await mcp.call_tool("getPet", {"id": "a/b?", "full": "yes", "X-Lang": "de"})
        assert not done.is_error
        assert done.structured_content == {"name": "Rex"}
        made = await mcp.call_tool("post_pets", {"body": {"name": "Tom"}})
        assert text(made) == '{"name": "Rex"}'
        await mcp.call_tool("any_files_proxy", {"http_method": "PUT", "proxy": "x/y", "body": [1]})
    got, posted, put = backend.asked
    assert (got.method, got.target) == ("GET", "/pets/a%2Fb%3F?full=yes")
    assert (got.headers.get("x-lang"), got.headers.get("x-trace")) == ("de", "7")
    assert "mcp-protocol-version" not in got.headers
    assert (posted.method, posted.body) == ("POST", b'{"name":"Tom"}')
    assert posted.headers.get("content-type") == "application/json"
    assert (put.method, put.target, put.body) == ("PUT", "/files/x/y", b"[1]")


async def test_a_tool_wants_the_key_that_its_method_wants_and_counts_as_its_requests_do() -> None:
    async with offering(Backend()) as mcp:
        refused = await mcp.call_tool("get_secret", {})
        assert refused.is_error
        assert text(refused) == 'HTTP 403: {"message":"Forbidden"}'
    async with offering(Backend(), {"x-api-key": "key-1"}) as mcp:
        assert "get_secret" in {each.name for each in (await mcp.list_tools()).tools}
        said = [await mcp.call_tool("get_secret", {}) for _ in range(3)]
        assert [each.is_error for each in said] == [False, False, True]
        assert "429" in text(said[2])


async def test_what_goes_wrong_is_told_the_model() -> None:
    backend = Backend()
    async with offering(backend) as mcp:
        backend.answer = Reply(404, Headers([("Content-Type", "text/plain")]), b"no such pet")
        assert text(await mcp.call_tool("getPet", {"id": "1"})) == "HTTP 404: no such pet"
        backend.answer = Reply(200, Headers([("Content-Type", "application/json")]), b'{"nom": 1}')
        wrong = await mcp.call_tool("getPet", {"id": "1"})
        assert wrong.is_error
        assert "missing required properties" in text(wrong)


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("nothing", {}, "Unknown tool: nothing"),
        ("getPet", {}, "'id' is missing"),
        ("getPet", {"id": "1", "size": 2}, "'size' is no argument"),
        ("getPet", {"id": ".."}, "cannot be '..'"),
        ("getPet", {"id": "1", "X-Lang": "a\r\nB: c"}, "cannot be sent as a header"),
        ("any_files_proxy", {"proxy": "a/../b", "http_method": "GET"}, "cannot be 'a/../b'"),
        ("any_files_proxy", {"proxy": "a", "http_method": "TRACE"}, "must be one of GET"),
    ],
)
async def test_calls_that_cannot_be_are_refused(
    tool: str, arguments: dict[str, Any], why: str
) -> None:
    backend = Backend()
    async with offering(backend, mode="legacy") as mcp:
        with pytest.raises(MCPError, match=why):
            await mcp.session.call_tool(tool, arguments)
    assert backend.asked == []


async def test_pictures_come_as_pictures() -> None:
    backend = Backend()
    backend.answer = Reply(200, Headers([("Content-Type", "image/png")]), b"\x89PNG")
    async with offering(backend) as mcp:
        done = await mcp.call_tool("post_pets", {"body": {"name": "Tom"}})
    shown: Any = done.content[0]
    assert (shown.type, shown.mime_type, shown.data) == ("image", "image/png", "iVBORw==")


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "code"),
    [
        ("/mcp/abc/dev", {}, b"{}", 404, -32600),
        ("/mcp/abc/prod", {"Origin": "http://evil.example"}, b"{}", 403, -32600),
        ("/mcp/abc/prod", {}, b"{", 400, -32700),
        ("/mcp/abc/prod", {}, b"[]", 400, -32600),
        ("/mcp/abc/prod", {}, b'{"jsonrpc":"1.0","id":1}', 400, -32600),
        ("/mcp/abc/prod", {}, b'{"jsonrpc":"2.0","id":1,"method":"resources/list"}', 200, -32601),
        (
            "/mcp/abc/prod",
            {"MCP-Protocol-Version": "2026-07-28"},
            b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
            400,
            -32602,
        ),
        (
            "/mcp/abc/prod",
            {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "ping"},
            b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontext'
            b'protocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities"'
            b":{}}}}",
            400,
            -32020,
        ),
    ],
)
async def test_what_is_no_message_for_a_server_here_is_refused(
    path: str, headers: dict[str, str], body: bytes, status: int, code: int
) -> None:
    front = door(api(mock()))
    front.besides = (McpDoor(front, ("abc/prod",), lambda key, api, stage: False),)
    async with serving(front) as listener, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{listener.port}{path}"
        said = await http.post(url, content=body, headers=headers)
        assert (said.status_code, said.json()["error"]["code"]) == (status, code)


async def test_a_deployment_changes_the_tools_and_nobody_opens_a_stream() -> None:
    front = door(api(mock("/old")))
    front.besides = (McpDoor(front, ("*",), lambda key, api, stage: False),)
    async with serving(front) as listener, httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{listener.port}/mcp/abc/prod"
        ask = {"jsonrpc": "2.0", "id": "a", "method": "tools/list"}
        before = (await http.post(url, json=ask)).json()["result"]["tools"]
        front.table = door(api(mock("/new"))).table
        after = (await http.post(url, json=ask)).json()["result"]["tools"]
        assert [each["name"] for each in (*before, *after)] == ["get_old", "get_new"]
        assert (await http.get(url)).status_code == 405
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await http.post(url, json=note)).status_code == 202


async def test_routes_of_an_http_api_are_tools_that_take_any_query() -> None:
    backend, http = Backend(), HttpClient()
    async with serving(backend) as upstream:
        up = http_api.Integration(
            "HTTP_PROXY",
            "i",
            f"http://127.0.0.1:{upstream.port}",
            "ANY",
            payload_format_version="1.0",
        )
        routes = [
            http_api.Route("GET /pets/{query}", "a", "integrations/i", operation_name="pet"),
            http_api.Route("POST /pets", "b", "integrations/i"),
            http_api.Route("GET /signed", "c", "integrations/i", "AWS_IAM"),
            http_api.Route("$default", "d", "integrations/i"),
        ]
        found = http_api.HttpApi("abc", "pets", tuple(routes), (up,))
        for stage in ("$default", "dev"):
            plan = compile_http(found, http_api.Stage(stage), ports(http))
            front = FrontDoor(Table({("abc", stage): Live(plan)}))
            front.besides = (McpDoor(front, ("abc/*",), lambda key, api, stage: False),)
            async with (
                serving(front) as listener,
                Client(f"http://127.0.0.1:{listener.port}/mcp/abc/{stage}") as mcp,
            ):
                tools = {each.name: each for each in (await mcp.list_tools()).tools}
                assert set(tools) == {"pet", "post_pets"}
                assert tools["pet"].input_schema["required"] == ["query_"]
                asked = {"query_": "7", "query": {"full": True, "tag": ["a", "b"]}}
                got = await mcp.call_tool("pet", asked)
                assert got.structured_content == {"name": "Rex"}
                await mcp.call_tool("post_pets", {"body": {"name": "Tom"}})
                with pytest.raises(MCPError, match="'query' must be an object"):
                    await mcp.call_tool("pet", {"query_": "7", "query": "full"})
    assert [(each.method, each.target.rpartition("?")[2]) for each in backend.asked[::2]] == [
        ("GET", "full=true&tag=a&tag=b")
    ] * 2
    assert backend.asked[1].body == b'{"name":"Tom"}'
    await http.aclose()
