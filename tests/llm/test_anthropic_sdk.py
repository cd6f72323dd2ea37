"""The official Anthropic client against the gateway, before providers of either API."""

from typing import Any

import pytest
from anthropic import AsyncAnthropic, AuthenticationError
from anthropic.types import MessageParam, ToolParam
from openai import AsyncOpenAI

from tests.llm import double as d
from tests.llm.test_openai_sdk import SETTINGS, provider

HELLO: list[MessageParam] = [{"role": "user", "content": "Say hello"}]
WEATHER: ToolParam = {
    "name": "weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def client(running: d.Running, key: str = "sk-dev") -> AsyncAnthropic:
    return AsyncAnthropic(base_url=running.url, api_key=key, max_retries=0)


async def test_a_message_comes_through_unchanged_to_its_own_api() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as anthropic:
        done = await anthropic.messages.create(
            model="claude", max_tokens=64, messages=HELLO, stop_sequences=["END"]
        )
        assert done.content[0].type == "text"
        assert done.content[0].text == "Hello there."
        assert running.double.asked[0][2] == {
            "model": "claude-up",
            "max_tokens": 64,
            "messages": HELLO,
            "stop_sequences": ["END"],
        }
        assert (running.spent[0].input, running.spent[0].cached) == (20, 5)


async def test_a_message_is_answered_by_a_provider_of_openais_api() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as anthropic:
        done = await anthropic.messages.create(
            model="fast", max_tokens=64, system="Be brief.", messages=HELLO
        )
        assert done.content[0].type == "text"
        assert done.content[0].text == "Hello there."
        assert done.stop_reason == "end_turn"
        assert (done.usage.input_tokens, done.usage.cache_read_input_tokens) == (15, 5)
        assert running.double.asked[0][2] == {
            "model": "up-2026",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Say hello"},
            ],
            "max_tokens": 64,
        }


@pytest.mark.parametrize("model", ["fast", "claude"])
async def test_a_stream_accumulates_to_the_whole_message(model: str) -> None:
    async with (
        d.gateway(provider, SETTINGS) as running,
        client(running) as anthropic,
        anthropic.messages.stream(model=model, max_tokens=64, messages=HELLO) as stream,
    ):
        text = "".join([piece async for piece in stream.text_stream])
        done = await stream.get_final_message()
        assert text == "Hello there."
        assert done.usage.output_tokens in (10, 12)


async def test_a_tools_arguments_stream_from_openais_api() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as anthropic:
        choice: Any = {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}
        async with anthropic.messages.stream(
            model="fast", max_tokens=64, messages=HELLO, tools=[WEATHER], tool_choice=choice
        ) as stream:
            done = await stream.get_final_message()
        assert done.stop_reason == "tool_use"
        assert done.content[0].type == "tool_use"
        assert done.content[0].input == {"city": "Paris"}
        asked = running.double.asked[0][2]
        assert asked["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
        assert asked["parallel_tool_calls"] is False


async def test_an_unknown_key_is_refused_in_anthropics_words() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running, "sk-no") as anthropic:
        with pytest.raises(AuthenticationError) as caught:
            await anthropic.messages.create(model="claude", max_tokens=64, messages=HELLO)
        assert caught.value.response.json()["error"]["type"] == "authentication_error"


async def test_the_schema_of_an_answer_crosses_both_ways() -> None:
    schema: Any = {"type": "object", "properties": {"a": {"type": "string"}}}
    async with d.gateway(provider, SETTINGS) as running:
        async with client(running) as anthropic:
            await anthropic.messages.create(
                model="fast",
                max_tokens=9,
                messages=HELLO,
                output_config={"format": {"type": "json_schema", "schema": schema}},
            )
        asked = running.double.asked[0][2]
        assert asked["response_format"]["json_schema"]["schema"] == schema
        async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev") as openai:
            await openai.chat.completions.create(
                model="claude",
                messages=[{"role": "user", "content": "Say hello"}],
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": schema},
                },
            )
        assert running.double.asked[1][2]["output_config"] == {
            "format": {"type": "json_schema", "schema": schema}
        }
