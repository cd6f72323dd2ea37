"""The official Mistral client against the gateway, before providers of three APIs."""
# Its types are made at run time.
# pyright: basic

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from mistralai.client import Mistral
from mistralai.client.errors import SDKError

from tests.llm import double as d
from torana.message import Reply, Request

SETTINGS = """
[providers.up]
type = "mistral"
base_url = "{up}"
api_key = "up-key"
[providers.claude]
type = "custom-anthropic"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "mistral-up" }]
[models.claude]
targets = [{ provider = "claude", model = "claude-up" }]
[keys.dev]
secret = "sk-dev"
"""
HELLO: Any = [{"role": "user", "content": "Say hello"}]
# Mistral's streams have tool calls whole, so its client cannot read those of other APIs in pieces.
PLAIN = [each for each in d.ANTHROPIC_STREAM if b'"index": 1' not in each]
WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


def provider(request: Request, body: dict[str, Any]) -> Reply:
    claude = request.target.endswith("/messages")
    if request.target.endswith("/embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        return d.answer({"id": "e", "object": "list", "model": "m", "data": data, "usage": usage})
    if body.get("stream"):
        return d.stream(*(PLAIN if claude else d.OPENAI_STREAM))
    if body.get("tools"):
        return d.answer(d.OPENAI_TOOL)
    return d.answer(d.ANTHROPIC if claude else d.OPENAI)


@asynccontextmanager
async def asking() -> AsyncGenerator[tuple[Any, d.Running]]:
    async with (
        d.gateway(provider, SETTINGS) as running,
        Mistral(api_key="sk-dev", server_url=running.url) as mistral,
    ):
        yield mistral, running


@pytest.mark.parametrize("model", ["fast", "claude"])
async def test_a_chat_is_answered(model: str) -> None:
    async with asking() as (mistral, running):
        done = await mistral.chat.complete_async(model=model, messages=HELLO, random_seed=None)
        assert done.choices[0].message.content == "Hello there."
        assert done.usage.prompt_tokens == 20
        assert [each.input for each in running.spent] == [20]


async def test_what_only_mistral_has_reaches_mistral() -> None:
    async with asking() as (mistral, running):
        await mistral.chat.complete_async(
            model="fast", messages=HELLO, random_seed=7, safe_prompt=True
        )
        body = running.double.asked[0][2]
        assert (body["model"], body["random_seed"], body["safe_prompt"]) == ("mistral-up", 7, True)


@pytest.mark.parametrize("model", ["fast", "claude"])
async def test_a_stream_comes_piece_by_piece(model: str) -> None:
    async with asking() as (mistral, _):
        stream = await mistral.chat.stream_async(model=model, messages=HELLO)
        text = "".join([each.data.choices[0].delta.content or "" async for each in stream
                        if each.data.choices])  # fmt: skip
        assert text == "Hello there."


async def test_a_tool_is_called() -> None:
    async with asking() as (mistral, _):
        done = await mistral.chat.complete_async(model="fast", messages=HELLO, tools=[WEATHER])
        (call,) = done.choices[0].message.tool_calls
        assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Paris"}')


async def test_texts_are_embedded() -> None:
    async with asking() as (mistral, running):
        done = await mistral.embeddings.create_async(model="fast", inputs=["Hello"])
        assert done.data[0].embedding == [0.5, 0.25]
        assert running.double.asked[0][2]["model"] == "mistral-up"


async def test_what_the_other_api_has_not_is_refused() -> None:
    async with asking() as (mistral, running):
        with pytest.raises(SDKError, match="safe_prompt"):
            await mistral.chat.complete_async(model="claude", messages=HELLO, safe_prompt=True)
        assert running.double.asked == []


async def test_reasoning_in_parts_reaches_other_apis() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    message = {"role": "assistant", "content": [thought, {"type": "text", "text": "Hello."}]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}

    def reasons(request: Request, body: dict[str, Any]) -> Reply:
        return d.answer({**d.OPENAI, "choices": [choice]})

    async with (
        d.gateway(reasons, SETTINGS) as running,
        AsyncAnthropic(base_url=running.url, api_key="sk-dev") as anthropic,
    ):
        asked: Any = anthropic.messages
        done = await asked.create(model="fast", max_tokens=9, messages=HELLO)
    assert [each.type for each in done.content] == ["thinking", "text"]
    assert (done.content[0].thinking, done.content[1].text) == ("Hm.", "Hello.")
