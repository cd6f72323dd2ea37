"""MCP servers elsewhere, the SDK's own over real sockets, behind virtual keys."""

import base64
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import JSONRPCMessage

from tests.builders import api, door, mock, serving
from torana.app.llm import build
from torana.app.mcp import offered, proxied
from torana.llm.spend import Spent
from torana.llm_settings import Llm, LlmKey, LlmTeam, Mcp, McpServer
from torana.mcp.proxy import Screened, screen
from torana.message import Headers
from torana.net.client import HttpClient
from torana.net.tasks import spawn
from torana.services.seal import KeyFile
from torana.settings import BadSettings
from torana.state import open_counters, open_store


class Events(EventStore):
    """What a server has said, so that a stream can go on."""

    def __init__(self) -> None:
        self.said: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self.said.append((stream_id, message))
        return str(len(self.said))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str:
        at = int(last_event_id)
        stream = self.said[at - 1][0]
        for number, (of, message) in enumerate(self.said[at:], at + 1):
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def remote(seen: list[str]) -> MCPServer:
    server = MCPServer("notes")

    @server.tool()
    def search_notes(word: str) -> str:
        """Find notes."""
        return f"notes on {word}"

    @server.tool()
    async def search_slowly(word: str, ctx: Context) -> str:
        """Find notes, telling how far it is."""
        await ctx.report_progress(0.5, 1.0, "half")
        return f"slow notes on {word}"

    @server.tool()
    async def late_notes(word: str, ctx: Context) -> str:
        """Find notes, and lose the client on the way."""
        await ctx.close_sse_stream()
        return f"late notes on {word}"

    @server.tool()
    def delete_notes() -> str:
        """Delete everything."""
        seen.append("deleted")
        return "gone"

    @server.resource("note://first")
    def first() -> str:
        """The first note."""
        return "milk"

    return server


class Gateway(msgspec.Struct):
    url: str
    spent: list[Spent]
    seen: list[str]


@asynccontextmanager
async def gateway(
    folder: Path, keys: dict[str, LlmKey], teams: dict[str, LlmTeam] | None = None, **more: Any
) -> AsyncGenerator[Gateway]:
    seen, spent = list[str](), list[Spent]()
    app = remote(seen).streamable_http_app(
        stateless_http=False, event_store=Events(), retry_interval=10
    )
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    running = spawn(server.serve([sock]), "a server elsewhere")
    port = sock.getsockname()[1]
    http, store = HttpClient(), await open_store("memory:")
    counters = await open_counters("local:", store)
    plan = build(Llm(keys=keys, teams=teams or {}), {}, http, counters)
    settings = Mcp(
        servers={
            "notes": McpServer(f"http://127.0.0.1:{port}/mcp", **more),
            "away": McpServer("http://127.0.0.1:1/mcp"),
        }
    )
    seal = KeyFile(folder / "key")
    proxy = proxied(settings, {}, http, counters, seal, lambda: plan.keys, spent.append)
    front = door(api(mock()))
    beside = offered(settings, front, lambda value: None, proxy)
    assert beside is not None
    front.besides = (beside,)
    async with serving(front) as listener:
        yield Gateway(f"http://127.0.0.1:{listener.port}/mcp", spent, seen)
    server.should_exit = True
    await running
    await http.aclose()
    await counters.close()
    await store.close()


@asynccontextmanager
async def client(
    found: Gateway, key: str = "sk-ann", server: str = "notes", mode: Any = "legacy"
) -> AsyncGenerator[Client]:
    bearer = {"Authorization": f"Bearer {key}"}
    async with (
        create_mcp_http_client(headers=bearer) as http,
        Client(streamable_http_client(f"{found.url}/{server}", http_client=http), mode=mode) as mcp,
    ):
        yield mcp


ANN = {
    "ann": LlmKey(secret="sk-ann", mcp=("notes",)),
    "bob": LlmKey(secret="sk-bob", mcp=("notes/search_n*",)),
}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_key_sees_and_calls_the_tools_it_may(tmp_path: Path, mode: str) -> None:
    async with gateway(tmp_path, ANN, hidden=("delete_*",)) as found:
        async with client(found, mode=mode) as mcp:
            listed = {each.name for each in (await mcp.list_tools()).tools}
            assert listed == {"search_notes", "search_slowly", "late_notes"}
            done: Any = await mcp.call_tool("search_notes", {"word": "milk"})
            assert done.content[0].text == "notes on milk"
            read: Any = await mcp.read_resource("note://first")
            assert read.contents[0].text == "milk"
            with pytest.raises(MCPError, match="Unknown tool"):
                await mcp.session.call_tool("delete_notes", {})
        async with client(found, "sk-bob", mode=mode) as mcp:
            assert {each.name for each in (await mcp.list_tools()).tools} == {"search_notes"}
        assert found.seen == []
        assert [(each.key, each.model, each.target, each.status) for each in found.spent] == [
            ("ann", "mcp/notes", "search_notes", 200)
        ]


async def test_progress_comes_while_a_tool_works(tmp_path: Path) -> None:
    told: list[float] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async with gateway(tmp_path, ANN) as found, client(found) as mcp:
        done: Any = await mcp.call_tool("search_slowly", {"word": "tea"}, progress_callback=tell)
        assert done.content[0].text == "slow notes on tea"
        assert told == [0.5]


async def test_a_stream_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    async with gateway(tmp_path, ANN) as found, client(found) as mcp:
        done: Any = await mcp.call_tool("late_notes", {"word": "tea"})
        assert done.content[0].text == "late notes on tea"
        assert [(each.target, each.status) for each in found.spent] == [("late_notes", 200)]


async def test_keys_that_may_not_are_refused(tmp_path: Path) -> None:
    keys = {
        **ANN,
        "cat": LlmKey(secret="sk-cat"),
        "dan": LlmKey(secret="sk-dan", mcp=("*",), team="blue"),
    }
    teams = {"blue": LlmTeam(mcp=("away",))}
    async with gateway(tmp_path, keys, teams) as found, create_mcp_http_client() as http:
        ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        call = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "delete_notes"},
        }
        statuses = list[int]()
        for key, server, message in (
            ("", "notes", ask),
            ("sk-cat", "notes", ask),
            ("sk-ann", "away", ask),
            ("sk-dan", "away", ask),
            ("sk-ann", "none", ask),
        ):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            said = await http.post(f"{found.url}/{server}", json=message, headers=headers)
            statuses.append(said.status_code)
        assert statuses == [401, 403, 403, 502, 404]
        said = await http.post(
            f"{found.url}/notes", json=call, headers={"Authorization": "Bearer sk-dan"}
        )
        assert said.json()["error"]["message"] == "Unknown tool: delete_notes"
        assert found.seen == []


async def test_a_session_is_of_the_key_that_opened_it(tmp_path: Path) -> None:
    async with gateway(tmp_path, ANN) as found, create_mcp_http_client() as http:
        hello = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "t", "version": "1"},
            },
        }
        own = {"Authorization": "Bearer sk-ann", "Accept": "application/json, text/event-stream"}
        opened = await http.post(f"{found.url}/notes", json=hello, headers=own)
        session = opened.headers["mcp-session-id"]
        base64.urlsafe_b64decode(session)
        ask = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        for headers, status in (
            (own, 200),
            ({**own, "Authorization": "Bearer sk-bob"}, 404),
            ({**own, "Mcp-Session-Id": session[:-8] + "AAAAAAA="}, 404),
        ):
            said = await http.post(
                f"{found.url}/notes", json=ask, headers={"Mcp-Session-Id": session, **headers}
            )
            assert said.status_code == status
        ended = await http.delete(f"{found.url}/notes", headers={**own, "Mcp-Session-Id": session})
        assert ended.status_code == 200


async def test_a_tool_may_be_called_so_often(tmp_path: Path) -> None:
    async with gateway(tmp_path, ANN, limits={"search_*": 2.0}) as found, client(found) as mcp:
        for _ in range(2):
            await mcp.call_tool("search_notes", {"word": "x"})
        with pytest.raises(MCPError, match="Rate limit reached for the tool search_slowly"):
            await mcp.session.call_tool("search_slowly", {"word": "x"})


class Pieces:
    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.trailers, self._pieces = Headers(), iter(pieces)

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._pieces = iter(())


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_list_is_screened_wherever_its_event_is_cut(size: int) -> None:
    listed = b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b"}]}}'
    whole = b'id: 7\r\nevent: message\r\ndata: %b\r\n\r\ndata: {"x": 1}\n\n' % listed
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    out = b"".join([piece async for piece in Screened(Pieces(pieces), lambda name: name == "b")])
    assert b'{"tools":[{"name":"b"}]}' in out
    assert b'"a"' not in out
    assert b"id: 7" in out
    assert out.endswith(b'data: {"x": 1}\n\n')


def test_what_only_speaks_of_tools_is_left_as_it_is() -> None:
    for message in (b'{"result": {"text": "\\"tools\\""}}', b'{"tools": [', b'[{"tools": []}]'):
        assert screen(message, lambda name: False) == message


def test_settings_that_do_not_fit_are_named() -> None:
    for server, why in (
        (McpServer("ftp://x"), "mcp.servers.s.url"),
        (McpServer("http://x", limits={"*": 0.5}), "mcp.servers.s.limits"),
    ):
        with pytest.raises(BadSettings, match=why):
            proxied(
                Mcp(servers={"s": server}),
                {},
                HttpClient(),
                None,  # pyright: ignore[reportArgumentType]
                KeyFile(Path("none")),
                dict,
                list[Spent]().append,
            )
