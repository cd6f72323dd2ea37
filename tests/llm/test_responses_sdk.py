"""OpenAI's Responses API before providers that have it and providers that do not."""
# The client takes plain dictionaries that its annotations do not name.
# pyright: basic, reportArgumentType=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError

from tests.llm import double as d
from torana.message import Reply, Request

SETTINGS = """
[providers.plain]
type = "custom"
base_url = "{up}"
[providers.claude]
type = "anthropic"
base_url = "{up}"
[providers.open]
type = "openai"
base_url = "{up}"
[models.plain]
targets = [{ provider = "plain", model = "up" }]
[models.claude]
targets = [{ provider = "claude", model = "claude-up" }]
[models.native]
targets = [{ provider = "open", model = "gpt-up" }]
[keys.dev]
secret = "sk-dev"
"""
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": None,
}
NATIVE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-up",
    "output": [],
    "usage": {"input_tokens": 20, "output_tokens": 10, "total_tokens": 30},
}

NATIVE_STREAM = [
    b"event: response.created\n"
    b'data: {"type": "response.created", "response": {"id": "resp_1"}}\n\n',
    b"event: response.completed\ndata: "
    + json.dumps({"type": "response.completed", "response": NATIVE}).encode()
    + b"\n\n",
]


def provider(request: Request, body: dict[str, Any]) -> Reply:
    if request.target.endswith("/responses"):
        return d.stream(*NATIVE_STREAM) if body.get("stream") else d.answer(NATIVE)
    tool = bool(body.get("tools"))
    if request.target.endswith("/messages"):
        return d.stream(*d.ANTHROPIC_STREAM) if body.get("stream") else d.answer(d.ANTHROPIC)
    if body.get("stream"):
        return d.stream(*(d.OPENAI_TOOL_STREAM if tool else d.OPENAI_STREAM))
    return d.answer(d.OPENAI_TOOL if tool else d.OPENAI)


def client(running: d.Running) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0)


@pytest.mark.parametrize("model", ["plain", "claude"])
async def test_a_response_comes_from_providers_that_only_chat(model: str) -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        done = await openai.responses.create(
            model=model, input="Say hello", instructions="Be brief.", max_output_tokens=50
        )
        assert done.output_text == "Hello there."
        assert (done.status, done.error, done.instructions) == ("completed", None, "Be brief.")
        assert done.usage.input_tokens == 20
        assert done.usage.input_tokens_details.cached_tokens == 5
        assert running.spent[0].output == 10
        asked = running.double.asked[0]
        assert asked[0].endswith("/messages" if model == "claude" else "/chat/completions")
        assert asked[2]["max_tokens"] == 50


async def test_a_provider_that_has_it_is_asked_as_it_is() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        done = await openai.responses.create(
            model="native", input="Hi", previous_response_id="resp_0"
        )
        assert done.id == "resp_1"
        assert running.double.asked[0][2] == {
            "model": "gpt-up",
            "input": "Hi",
            "previous_response_id": "resp_0",
        }
        assert (running.spent[0].input, running.spent[0].output) == (20, 10)


async def test_a_native_stream_is_metered_as_it_passes() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        stream = await openai.responses.create(model="native", input="Hi", stream=True)
        assert [each.type async for each in stream] == ["response.created", "response.completed"]
        assert (running.spent[0].input, running.spent[0].output) == (20, 10)


async def test_items_reach_a_chat_whole() -> None:
    items: Any = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Weather?"},
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "Rain"},
    ]
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        done = await openai.responses.create(
            model="plain",
            input=items,
            tools=[WEATHER],
            tool_choice={"type": "function", "name": "weather"},
            text={"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
        )
        call = done.output[0]
        assert (call.type, call.name, call.call_id) == ("function_call", "weather", "call_1")
        assert json.loads(call.arguments) == {"city": "Paris"}
        asked = running.double.asked[0][2]
        assert [turn["role"] for turn in asked["messages"]] == [
            "system",
            "user",
            "assistant",
            "tool",
        ]
        assert asked["messages"][1]["content"][1]["image_url"]["url"] == (
            "data:image/png;base64,QUJD"
        )
        assert asked["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
        assert asked["response_format"]["json_schema"]["name"] == "x"


async def test_a_stream_accumulates_to_the_whole_response() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        async with openai.responses.stream(model="claude", input="Hi") as stream:
            numbers = [each.sequence_number async for each in stream]
            done = await stream.get_final_response()
        assert numbers == list(range(len(numbers)))
        assert done.output_text == "Hello there."
        assert [item.type for item in done.output] == ["message", "function_call"]
        assert json.loads(done.output[1].arguments) == {"city": "Paris"}
        assert done.usage.output_tokens == 12
        assert running.spent[0].output == 12


async def test_a_stream_names_its_events_in_their_order() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        stream = await openai.responses.create(model="plain", input="Hi", stream=True)
        kinds = [each.type.removeprefix("response.") async for each in stream]
        assert kinds == [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]


async def test_half_a_stream_ends_with_an_error() -> None:
    script: d.Script = lambda request, body: d.stream(*d.OPENAI_STREAM[:2])  # noqa: E731
    async with d.gateway(script, SETTINGS) as running, client(running) as openai:
        stream = await openai.responses.create(model="plain", input="Hi", stream=True)
        last = [each async for each in stream][-1]
        assert last.type == "error"
        assert "broke off" in last.message


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"previous_response_id": "resp_0"}, "previous_response_id"),
        ({"tools": [{"type": "web_search"}]}, "web_search"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "item_reference"),
    ],
)
async def test_what_only_openai_keeps_or_runs_is_refused_by_name(
    more: dict[str, Any], named: str
) -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        with pytest.raises(BadRequestError, match=named):
            await openai.responses.create(**{"model": "plain", "input": "Hi", **more})
        assert running.double.asked == []
