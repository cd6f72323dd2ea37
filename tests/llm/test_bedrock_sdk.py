"""Bedrock's Converse API at both ends: boto3 in front, and Bedrock behind others."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import asyncio
import json
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from openai import AsyncOpenAI, BadRequestError

from tests.llm import bedrock_double
from tests.llm import double as d
from torana.message import Reply, Request

CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
SETTINGS = f"""
[providers.open]
type = "custom"
base_url = "{{up}}"
[providers.aws]
type = "bedrock"
base_url = "{{origin}}"
region = "eu-west-1"
api_key = "aws-bearer"
[models.fast]
targets = [{{ provider = "open", model = "up" }}]
[models.claude]
targets = [{{ provider = "aws", model = "{CLAUDE}" }}]
[models."vendor.fast-v1:0"]
targets = [{{ provider = "open", model = "up" }}]
[keys.dev]
secret = "sk-dev"
"""
HELLO: Any = [{"role": "user", "content": [{"text": "Say hello"}]}]
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS: Any = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}]}


def provider(request: Request, body: dict[str, Any]) -> Reply:
    if request.target.startswith("/model/"):
        return bedrock_double.provider(request, body)
    tool = bool(body.get("tools"))
    if body.get("stream"):
        return d.stream(*(d.OPENAI_TOOL_STREAM if tool else d.OPENAI_STREAM))
    return d.answer(d.OPENAI_TOOL if tool else d.OPENAI)


def bedrock(running: d.Running, key: str = "sk-dev") -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=running.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key="-",
        config=Config(retries={"total_max_attempts": 1}),
    )


def openai(running: d.Running) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0)


async def whole(running: d.Running, model: str, key: str = "sk-dev", **more: Any) -> Any:
    client = bedrock(running, key)
    try:
        return await asyncio.to_thread(client.converse, modelId=model, messages=HELLO, **more)
    finally:
        client.close()


async def events(running: d.Running, model: str, **more: Any) -> list[Any]:
    client = bedrock(running)

    def collect() -> list[Any]:
        stream = client.converse_stream(modelId=model, messages=HELLO, **more)["stream"]
        with closing(stream):
            return list(stream)

    try:
        return await asyncio.to_thread(collect)
    finally:
        client.close()


@pytest.mark.parametrize("model", ["fast", "claude", "vendor.fast-v1:0"])
async def test_an_answer_comes_whatever_the_provider_speaks(model: str) -> None:
    async with d.gateway(provider, SETTINGS) as running:
        more = {"system": [{"text": "Be brief."}], "inferenceConfig": {"maxTokens": 50}}
        done = await whole(running, model, **more)
        assert done["output"]["message"]["content"] == [{"text": "Hello there."}]
        assert done["stopReason"] == "end_turn"
        assert done["usage"]["inputTokens"] == 15
        assert done["usage"]["cacheReadInputTokens"] == 5
        assert done["metrics"]["latencyMs"] >= 0
        assert (running.spent[0].input, running.spent[0].output) == (20, 10)


async def test_bedrock_is_asked_for_its_own_model_with_its_own_key() -> None:
    async with d.gateway(provider, SETTINGS) as running:
        await whole(running, "claude")
        target, headers, body = running.double.asked[0]
        assert target == f"/model/{CLAUDE.replace(':', '%3A')}/converse"
        assert headers.get("authorization") == "Bearer aws-bearer"
        assert body == {"messages": HELLO}


async def test_without_a_key_requests_are_signed() -> None:
    settings = SETTINGS.replace('api_key = "aws-bearer"', "")
    environment = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    async with d.gateway(provider, settings, environment) as running:
        await whole(running, "claude")
        signed = running.double.asked[0][1].get("authorization") or ""
        assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        assert "/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;" in signed


@pytest.mark.parametrize("model", ["fast", "claude"])
async def test_a_stream_comes_event_by_event(model: str) -> None:
    async with d.gateway(provider, SETTINGS) as running:
        found = await events(running, model)
        assert [next(iter(each)) for each in found] == [
            "messageStart",
            "contentBlockDelta",
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata",
        ]
        said = [each["contentBlockDelta"]["delta"]["text"] for each in found[1:3]]
        assert "".join(said) == "Hello there."
        assert found[-1]["metadata"]["usage"]["totalTokens"] == 30
        assert (running.spent[0].input, running.spent[0].output) == (20, 10)


@pytest.mark.parametrize("model", ["fast", "claude"])
async def test_a_tool_is_called(model: str) -> None:
    async with d.gateway(provider, SETTINGS) as running:
        done = await whole(running, model, toolConfig=TOOLS)
        assert done["stopReason"] == "tool_use"
        use = done["output"]["message"]["content"][0]["toolUse"]
        assert (use["name"], use["input"]) == ("weather", {"city": "Paris"})
        found = await events(running, model, toolConfig=TOOLS)
        start = next(each["contentBlockStart"] for each in found if "contentBlockStart" in each)
        assert start["start"]["toolUse"]["name"] == "weather"
        pieces = [each["contentBlockDelta"] for each in found if "contentBlockDelta" in each]
        given = "".join(each["delta"]["toolUse"]["input"] for each in pieces)
        assert json.loads(given) == {"city": "Paris"}


async def test_an_error_has_bedrocks_name() -> None:
    async with d.gateway(provider, SETTINGS) as running:
        with pytest.raises(ClientError) as caught:
            await whole(running, "fast", "sk-no")
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


async def test_half_a_stream_ends_with_an_exception_that_the_client_sees() -> None:
    frames = bedrock_double.frames(tool=False)
    script: d.Script = lambda request, body: bedrock_double.streamed(*frames[:2])  # noqa: E731
    async with d.gateway(script, SETTINGS) as running:
        with pytest.raises(EventStreamError, match="broke off"):
            await events(running, "claude")


async def test_a_conversation_of_openais_client_reaches_bedrock_whole() -> None:
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
            model="claude", messages=turns, max_tokens=99, stop=["END"]
        )
        assert done.choices[0].message.content == "Hello there."
        assert (done.id[:4], done.model) == ("msg_", CLAUDE)
        image = {"format": "png", "source": {"bytes": "QUJD"}}
        use = {"toolUseId": "call_1", "name": "weather", "input": {"city": "Paris"}}
        assert running.double.asked[0][2] == {
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "What is this?"}, {"image": image}]},
                {"role": "assistant", "content": [{"toolUse": use}]},
                {
                    "role": "user",
                    "content": [
                        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "Rain"}]}}
                    ],
                },
            ],
            "inferenceConfig": {"maxTokens": 99, "stopSequences": ["END"]},
        }


async def test_openais_client_streams_from_bedrock_however_frames_are_cut() -> None:
    every = b"".join(bedrock_double.frames(tool=False))
    cut = [every[at : at + 11] for at in range(0, len(every), 11)]
    script: d.Script = lambda request, body: bedrock_double.streamed(*cut)  # noqa: E731
    async with d.gateway(script, SETTINGS) as running, openai(running) as client:
        stream = await client.chat.completions.create(
            model="claude", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        said = [each.choices[0].delta.content or "" async for each in stream]
        assert "".join(said) == "Hello there."


async def test_an_exception_in_a_stream_before_its_first_token_falls_back() -> None:
    slow = bedrock_double.frame("throttlingException", {"message": "slow"}, "exception")
    start = bedrock_double.frames(tool=False)[0]

    def script(request: Request, body: dict[str, Any]) -> Reply:
        if request.target.startswith("/model/"):
            return bedrock_double.streamed(start, slow)
        return d.stream(*d.OPENAI_STREAM)

    settings = SETTINGS.replace("[models.claude]", '[models.claude]\nfallbacks = ["fast"]')
    async with d.gateway(script, settings) as running:
        found = await events(running, "claude")
        assert "messageStop" in found[-2]
        assert running.spent[0].provider == "open"


async def test_what_converse_lacks_is_refused_by_name() -> None:
    async with d.gateway(provider, SETTINGS) as running, openai(running) as client:
        with pytest.raises(BadRequestError, match="seed"):
            await client.chat.completions.create(
                model="claude", messages=[{"role": "user", "content": "Hi"}], seed=1
            )
        assert running.double.asked == []
