"""Gemini's API at both ends: Google's own client in front, and its provider behind others."""
# The clients take plain dictionaries that their annotations do not name.
# pyright: basic, reportArgumentType=false

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types
from google.genai.errors import ClientError
from openai import AsyncOpenAI, BadRequestError

from tests.llm import double as d
from tests.llm import gemini_double
from torana.message import Reply, Request

SETTINGS = """
[providers.open]
type = "custom"
base_url = "{up}"
[providers.google]
type = "gemini"
base_url = "{up}beta"
api_key = "google-key"
[models.fast]
targets = [{ provider = "open", model = "up" }]
[models.gem]
targets = [{ provider = "google", model = "gemini-3-pro" }]
[keys.dev]
secret = "sk-dev"
"""
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = types.Tool(function_declarations=[{"name": "weather", "parameters_json_schema": SCHEMA}])


def provider(request: Request, body: dict[str, Any]) -> Reply:
    if "/v1beta/" in request.target:
        return gemini_double.provider(request, body)
    tool = bool(body.get("tools"))
    if body.get("stream"):
        return d.stream(*(d.OPENAI_TOOL_STREAM if tool else d.OPENAI_STREAM))
    return d.answer(d.OPENAI_TOOL if tool else d.OPENAI)


@asynccontextmanager
async def google(running: d.Running, key: str = "sk-dev") -> AsyncGenerator[Any]:
    client = genai.Client(api_key=key, http_options={"base_url": running.url})
    async with client.aio as models:
        yield models.models
    client.close()


def openai(running: d.Running) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0)


@pytest.mark.parametrize("model", ["fast", "gem"])
async def test_an_answer_comes_whatever_the_provider_speaks(model: str) -> None:
    async with d.gateway(provider, SETTINGS) as running, google(running) as gemini:
        done = await gemini.generate_content(
            model=model,
            contents="Say hello",
            config={"system_instruction": "Be brief.", "max_output_tokens": 50, "temperature": 0.5},
        )
        assert done.text == "Hello there."
        assert done.candidates[0].finish_reason == "STOP"
        assert done.usage_metadata.prompt_token_count == 20
        assert done.usage_metadata.total_token_count == 30
        assert (running.spent[0].input, running.spent[0].output) == (20, 10)
        assert running.spent[0].cached == 5


async def test_a_question_reaches_openais_api_whole() -> None:
    async with d.gateway(provider, SETTINGS) as running, google(running) as gemini:
        await gemini.generate_content(
            model="fast",
            contents=[
                {"role": "user", "parts": [{"text": "Weather?"}]},
                {"role": "model", "parts": [gemini_double.CALL]},
                {
                    "role": "user",
                    "parts": [{"functionResponse": {"name": "weather", "response": {"sky": "x"}}}],
                },
            ],
            config={
                "system_instruction": "Be brief.",
                "stop_sequences": ["END"],
                "response_mime_type": "application/json",
                "response_schema": {"type": "OBJECT", "properties": {"a_b": {"type": "STRING"}}},
            },
        )
        asked = running.double.asked[0][2]
        assert asked["messages"][0] == {"role": "system", "content": "Be brief."}
        call = asked["messages"][2]["tool_calls"][0]
        assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
        assert asked["messages"][3]["tool_call_id"] == call["id"]
        assert json.loads(asked["messages"][3]["content"]) == {"sky": "x"}
        assert asked["stop"] == ["END"]
        schema = asked["response_format"]["json_schema"]["schema"]
        assert schema["type"] == "object"
        assert schema["properties"] == {"a_b": {"type": "string"}}


@pytest.mark.parametrize("model", ["fast", "gem"])
async def test_a_stream_comes_piece_by_piece(model: str) -> None:
    async with d.gateway(provider, SETTINGS) as running, google(running) as gemini:
        stream = await gemini.generate_content_stream(model=model, contents="Hi")
        pieces = [piece async for piece in stream]
        assert "".join(piece.text or "" for piece in pieces) == "Hello there."
        assert pieces[-1].candidates[0].finish_reason == "STOP"
        assert pieces[-1].usage_metadata.total_token_count == 30
        assert (running.spent[0].input, running.spent[0].output) == (20, 10)


@pytest.mark.parametrize("model", ["fast", "gem"])
async def test_a_tool_is_called(model: str) -> None:
    async with d.gateway(provider, SETTINGS) as running, google(running) as gemini:
        config = {"tools": [WEATHER], "automatic_function_calling": {"disable": True}}
        done = await gemini.generate_content(model=model, contents="Weather?", config=config)
        assert [(c.name, c.args) for c in done.function_calls] == [("weather", {"city": "Paris"})]
        stream = await gemini.generate_content_stream(
            model=model, contents="Weather?", config=config
        )
        calls = [call async for piece in stream for call in piece.function_calls or ()]
        assert [(c.name, c.args) for c in calls] == [("weather", {"city": "Paris"})]
        offered = running.double.asked[0][2]["tools"][0]
        if model == "fast":
            assert offered["function"]["parameters"] == SCHEMA


async def test_tokens_are_counted_by_the_provider_and_cost_nothing() -> None:
    async with d.gateway(provider, SETTINGS) as running, google(running) as gemini:
        counted = await gemini.count_tokens(model="gem", contents="Hi")
        assert counted.total_tokens == 7
        assert (running.spent[0].input, running.spent[0].output) == (0, 0)


async def test_an_unknown_key_is_refused_in_googles_words() -> None:
    async with d.gateway(provider, SETTINGS) as running, google(running, "sk-no") as gemini:
        with pytest.raises(ClientError) as caught:
            await gemini.generate_content(model="fast", contents="Hi")
        assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


async def test_the_key_may_stand_in_the_query() -> None:
    async with d.gateway(provider, SETTINGS) as running, httpx.AsyncClient() as client:
        url = f"{running.url}/v1beta/models/gem:generateContent?key=sk-dev"
        done = await client.post(url, json={"contents": [{"parts": [{"text": "Hi"}]}]})
        assert done.status_code == 200
        assert running.double.asked[0][0] == "/v1beta/models/gemini-3-pro:generateContent"
        assert running.double.asked[0][1].get("x-goog-api-key") == "google-key"


async def test_a_conversation_of_openais_client_reaches_gemini_whole() -> None:
    turns: Any = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            ],
        },
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
    async with d.gateway(provider, SETTINGS) as running, openai(running) as client:
        done = await client.chat.completions.create(
            model="gem", messages=turns, max_tokens=99, seed=7, reasoning_effort="low"
        )
        assert done.choices[0].message.content == "Hello there."
        assert done.usage is not None
        assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (20, 10)
        assert running.double.asked[0][2] == {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {
                    "role": "user",
                    "parts": [
                        {"text": "What is this?"},
                        {"inlineData": {"mimeType": "image/png", "data": "QUJD"}},
                    ],
                },
                {
                    "role": "model",
                    "parts": [
                        {
                            "thoughtSignature": "skip_thought_signature_validator",
                            "functionCall": {"name": "weather", "args": {"city": "Paris"}},
                        }
                    ],
                },
                {
                    "role": "user",
                    "parts": [
                        {"functionResponse": {"name": "weather", "response": {"output": "Rain"}}}
                    ],
                },
            ],
            "generationConfig": {
                "maxOutputTokens": 99,
                "seed": 7,
                "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024},
            },
        }


async def test_openais_client_streams_a_tool_call_of_gemini() -> None:
    async with d.gateway(provider, SETTINGS) as running, openai(running) as client:
        stream = await client.chat.completions.create(
            model="gem",
            messages=[{"role": "user", "content": "Weather?"}],
            tools=[{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
            stream=True,
        )
        arguments, finish = "", ""
        async for each in stream:
            for choice in each.choices:
                finish = choice.finish_reason or finish
                for call in choice.delta.tool_calls or ():
                    assert call.function is not None
                    arguments += call.function.arguments or ""
        assert (json.loads(arguments), finish) == ({"city": "Paris"}, "tool_calls")


async def test_what_gemini_lacks_is_refused_by_name() -> None:
    async with d.gateway(provider, SETTINGS) as running, openai(running) as client:
        with pytest.raises(BadRequestError, match="logit_bias"):
            await client.chat.completions.create(
                model="gem", messages=[{"role": "user", "content": "Hi"}], logit_bias={"1": 5}
            )
        assert running.double.asked == []


async def test_an_error_of_gemini_says_when_to_come_again() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
    error = {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED", "details": details}
    script: d.Script = lambda request, body: d.answer({"error": error}, 429)  # noqa: E731
    settings = SETTINGS.replace("[models.gem]", "[models.gem]\nretries = 0")
    async with d.gateway(script, settings) as running, google(running) as gemini:
        with pytest.raises(ClientError) as caught:
            await gemini.generate_content(model="gem", contents="Hi")
        assert (caught.value.code, caught.value.message) == (429, "slow")
        assert running.double.replies != []
