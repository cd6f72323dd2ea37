"""The official OpenAI client against the gateway, before providers of either API."""

from typing import Any

import pytest
from openai import (
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from openai.types.chat import ChatCompletionToolParam

from tests.llm import double as d
from torana.message import Reply, Request

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{up}"
api_key = "up-key"
[providers.claude]
type = "custom-anthropic"
base_url = "{up}"
api_key = "claude-key"
[models.fast]
targets = [{ provider = "up", model = "up-2026" }]
[models.claude]
targets = [{ provider = "claude", model = "claude-up" }]
[keys.dev]
secret = "sk-dev"
[keys.narrow]
secret = "sk-narrow"
models = ["fast"]
[keys.slow]
secret = "sk-slow"
requests_per_minute = 1
"""
HELLO: Any = [{"role": "user", "content": "Say hello"}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def provider(request: Request, body: dict[str, Any]) -> Reply:
    """Answers in the API it is asked in."""
    if request.target == "/v1/messages":
        return d.stream(*d.ANTHROPIC_STREAM) if body.get("stream") else d.answer(d.ANTHROPIC)
    if request.target == "/v1/embeddings":
        vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        used = {"prompt_tokens": 3, "total_tokens": 3}
        return d.answer({"object": "list", "data": [vector], "model": "m", "usage": used})
    if body.get("tools"):
        return d.stream(*d.OPENAI_TOOL_STREAM) if body.get("stream") else d.answer(d.OPENAI_TOOL)
    return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


def client(running: d.Running, key: str = "sk-dev") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)


async def test_a_completion_comes_through() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        done = await openai.chat.completions.create(model="fast", messages=HELLO, temperature=0.5)
        assert done.choices[0].message.content == "Hello there."
        target, headers, body = running.double.asked[0]
        assert target == "/v1/chat/completions"
        assert headers.get("authorization") == "Bearer up-key"
        assert body == {"model": "up-2026", "messages": HELLO, "temperature": 0.5}


async def test_a_stream_comes_through_without_usage_that_was_not_asked_for() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        stream = await openai.chat.completions.create(model="fast", messages=HELLO, stream=True)
        chunks = [each async for each in stream]
        assert "".join(each.choices[0].delta.content or "" for each in chunks) == "Hello there."
        assert all(each.usage is None for each in chunks)
        assert running.double.asked[0][2]["stream_options"] == {"include_usage": True}
        assert (running.spent[0].input, running.spent[0].output) == (20, 10)


async def test_a_stream_ends_with_usage_when_it_is_asked_for() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        for model in ("fast", "claude"):
            stream = await openai.chat.completions.create(
                model=model, messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
            chunks = [each async for each in stream]
            assert chunks[-1].choices == []
            assert chunks[-1].usage is not None
            assert chunks[-1].usage.prompt_tokens == 20


async def test_tools_are_called_whatever_api_the_provider_speaks() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        for model in ("fast", "claude"):
            stream = await openai.chat.completions.create(
                model=model, messages=HELLO, tools=[WEATHER], tool_choice="required", stream=True
            )
            name, arguments, finish = "", "", ""
            async for each in stream:
                for choice in each.choices:
                    finish = choice.finish_reason or finish
                    for call in choice.delta.tool_calls or ():
                        assert call.function is not None
                        name += call.function.name or ""
                        arguments += call.function.arguments or ""
            assert (name, arguments, finish) == ("weather", '{"city": "Paris"}', "tool_calls")
        asked = running.double.asked[1][2]
        assert asked["tool_choice"] == {"type": "any"}
        assert asked["tools"][0]["input_schema"]["properties"] == {"city": {"type": "string"}}


async def test_a_conversation_with_tools_reaches_the_other_api_whole() -> None:
    turns: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
    ]
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        done = await openai.chat.completions.create(
            model="claude", messages=turns, max_tokens=99, stop=["END"], user="u1"
        )
        assert done.choices[0].message.content == "Hello there."
        assert done.usage is not None
        assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (20, 10)
        _, headers, body = running.double.asked[0]
        assert headers.get("x-api-key") == "claude-key"
        assert headers.get("anthropic-version") == "2023-06-01"
        assert body == {
            "model": "claude-up",
            "max_tokens": 99,
            "system": "Be brief.",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool_use",
                            "id": "call_1",
                            "name": "weather",
                            "input": {"city": "Paris"},
                        }
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "call_1",
                            "content": [{"type": "text", "text": "Rain"}],
                        }
                    ],
                },
            ],
            "stop_sequences": ["END"],
            "metadata": {"user_id": "u1"},
        }


async def test_what_the_other_api_lacks_is_refused_by_name() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        with pytest.raises(BadRequestError, match="logit_bias, n"):
            await openai.chat.completions.create(
                model="claude", messages=HELLO, n=2, logit_bias={"1": 5}
            )
        assert running.double.asked == []


async def test_models_are_listed_as_far_as_the_key_may_see_them() -> None:
    async with d.gateway(provider, SETTINGS) as running:
        async with client(running) as openai:
            assert [model.id async for model in openai.models.list()] == ["fast", "claude"]
        async with client(running, "sk-narrow") as openai:
            assert [model.id async for model in openai.models.list()] == ["fast"]


async def test_embeddings_pass() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        made = await openai.embeddings.create(model="fast", input="x", encoding_format="float")
        assert made.data[0].embedding == [0.5, 0.25]
        with pytest.raises(BadRequestError, match="no embeddings API"):
            await openai.embeddings.create(model="claude", input="x")


async def test_an_unknown_key_is_refused() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running, "sk-no") as openai:
        with pytest.raises(AuthenticationError) as caught:
            await openai.chat.completions.create(model="fast", messages=HELLO)
        assert caught.value.code == "invalid_api_key"


async def test_an_unknown_model_is_not_found() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        with pytest.raises(NotFoundError) as caught:
            await openai.chat.completions.create(model="gone", messages=HELLO)
        assert caught.value.code == "model_not_found"


async def test_a_key_calls_only_its_models() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running, "sk-narrow") as openai:
        with pytest.raises(PermissionDeniedError):
            await openai.chat.completions.create(model="claude", messages=HELLO)


async def test_a_key_over_its_requests_a_minute_is_told_when_to_come_again() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running, "sk-slow") as openai:
        await openai.chat.completions.create(model="fast", messages=HELLO)
        with pytest.raises(RateLimitError) as caught:
            await openai.chat.completions.create(model="fast", messages=HELLO)
        assert caught.value.response.headers["retry-after"] == "1"
