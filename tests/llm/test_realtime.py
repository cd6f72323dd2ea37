"""Conversations over WebSockets through the official OpenAI client."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.builders import serving
from tests.llm import double as d
from torana.message import Headers, Reply, Request, Upgrade, WebSocket

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{url}/v1"
api_key = "up-key"
[providers.away]
type = "custom"
base_url = "http://127.0.0.1:1/v1"
[providers.claude]
type = "custom-anthropic"
base_url = "{url}/v1"
[models.voice]
targets = [
  {{ provider = "away", model = "m", weight = 1e9 }},
  {{ provider = "up", model = "up-rt" }},
]
[models.mute]
targets = [{{ provider = "claude", model = "c" }}]
[prices.up-rt]
input = 1000000
output = 1000000
[prices.m]
input = 1
output = 1
[keys.dev]
secret = "sk-dev"
[keys.poor]
secret = "sk-poor"
models = ["voice"]
tokens_per_minute = 1100
"""
DONE = {
    "type": "response.done",
    "response": {
        "usage": {
            "input_tokens": 700,
            "output_tokens": 300,
            "input_token_details": {"cached_tokens": 100},
        }
    },
}


class Provider:
    """Answers every `response.create`; anything else comes back as it is."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.left = asyncio.Event()

    async def __call__(self, request: Request) -> Reply:
        self.asked.append(request)
        return Upgrade(101, Headers(), session=self._talk)

    async def _talk(self, socket: WebSocket) -> None:
        await socket.send('{"type": "session.created"}')
        while (message := await socket.receive()) is not None:
            asks = isinstance(message, str) and "response.create" in message
            await socket.send(json.dumps(DONE) if asks else message)
            if message == "bye":
                await socket.close(1000, "done")
        self.left.set()


@asynccontextmanager
async def talking() -> AsyncGenerator[tuple[d.Running, Provider]]:
    provider = Provider()
    async with serving(provider) as up:
        settings = SETTINGS.format(url=f"http://127.0.0.1:{up.port}")
        async with d.gateway(lambda request, body: d.answer({}), settings) as running:
            yield running, provider


async def test_a_conversation_passes_both_ways_and_is_paid_answer_by_answer() -> None:
    async with talking() as (running, provider):
        openai = AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev")
        async with openai.realtime.connect(model="voice") as talk:
            assert (await talk.recv()).type == "session.created"
            await talk.send({"type": "response.create"})
            await talk.send({"type": "response.create"})
            for _ in range(2):
                event: Any = await talk.recv()
                assert (event.type, event.response.usage.input_tokens) == ("response.done", 700)
        asked = provider.asked[0]
        assert asked.target == "/v1/realtime?model=up-rt"
        assert asked.headers.get("authorization") == "Bearer up-key"
        spent = [
            (each.key, each.target, each.input, each.cached, each.usd) for each in running.spent
        ]
        assert spent == [("dev", "up-rt", 700, 100, 1000.0)] * 2


async def test_a_browser_shows_its_key_as_a_subprotocol_and_the_providers_end_is_told() -> None:
    async with talking() as (running, _):
        url = f"{running.url.replace('http', 'ws')}/v1/realtime?model=voice"
        offered: Any = ["realtime", "openai-insecure-api-key.sk-dev"]
        async with connect(url, subprotocols=offered) as socket:
            assert socket.subprotocol == "realtime"
            await socket.recv()
            await socket.send(b"\x00\x01")
            assert await socket.recv() == b"\x00\x01"
            await socket.send("bye")
            await socket.recv()
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1000


async def test_a_key_that_has_used_its_tokens_up_is_told_and_closed() -> None:
    async with talking() as (running, _):
        url = f"{running.url.replace('http', 'ws')}/v1/realtime?model=voice"
        headers = {"Authorization": "Bearer sk-poor"}
        async with connect(url, additional_headers=headers) as socket:
            await socket.recv()
            await socket.send('{"type": "response.create"}')
            assert "response.done" in str(await socket.recv())
            assert "Rate limit reached for tokens" in str(await socket.recv())
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize(
    ("query", "key", "status"),
    [
        ("?model=voice", "sk-none", 401),
        ("", "sk-dev", 400),
        ("?model=none", "sk-dev", 404),
        ("?model=mute", "sk-poor", 403),
        ("?model=mute", "sk-dev", 400),
    ],
)
async def test_what_cannot_be_opened_is_refused_before_it_is(
    query: str, key: str, status: int
) -> None:
    async with talking() as (running, provider):
        url = f"{running.url.replace('http', 'ws')}/v1/realtime{query}"
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers={"Authorization": f"Bearer {key}"})
        assert refused.value.response.status_code == status
        assert provider.asked == []


async def test_a_request_that_is_no_handshake_leaves_nothing_behind() -> None:
    async with talking() as (running, provider), httpx.AsyncClient() as plain:
        url = f"{running.url}/v1/realtime?model=voice"
        reply = await plain.get(url, headers={"Authorization": "Bearer sk-poor"})
        assert reply.status_code == 426
        async with asyncio.timeout(5):
            await provider.left.wait()
        assert [each.busy for each in running.api.plan.models["voice"].targets] == [0, 0]
        # What was reserved for its answer is there for the next.
        headers = {"Authorization": "Bearer sk-poor"}
        async with connect(url.replace("http", "ws", 1), additional_headers=headers):
            pass
