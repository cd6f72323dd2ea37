"""Cohere at both ends: its official client, and other clients against Cohere's API."""
# Its types are made at run time.
# pyright: basic

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx
import pytest
from cohere import AsyncClient, AsyncClientV2
from cohere.errors import BadRequestError, TooManyRequestsError, UnauthorizedError
from google import genai
from msgspec import Struct
from openai import AsyncOpenAI
from openai import BadRequestError as BadOpenAi

from tests.llm import cohere_double as co
from tests.llm import double as d
from torana.message import Reply, Request

SETTINGS = """
[providers.up]
type = "cohere"
base_url = "{origin}/v2"
api_key = "up-key"
[providers.other]
type = "custom"
base_url = "{up}"
[providers.own]
type = "torana"
[models.far]
targets = [{ provider = "up", model = "command-a" }]
[models.away]
targets = [{ provider = "up", model = "away" }]
retries = 0
[models.fallen]
targets = [{ provider = "up", model = "failing" }]
fallbacks = ["other"]
[models.other]
targets = [{ provider = "other", model = "gpt" }]
[models.own]
targets = [{ provider = "own", model = "multilingual-e5-small" }]
[keys.dev]
secret = "sk-dev"
"""
PETS = ["dogs bark", "cats purr", "fish swim"]
SAY: Any = [{"role": "user", "content": "Say hello"}]
WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object"}},
}


class Row(Struct):
    values: list[float]
    tokens: int = 2


async def engines(capability: str, items: Sequence[Any], timeout: float) -> list[Row]:
    """Cats lie near cats."""
    return [Row([1.0, 0.0] if "cat" in each.text else [0.5, 0.1]) for each in items]


def provider(request: Request, body: dict[str, Any]) -> Reply:
    """Two of them: Cohere below `/v2`, one of OpenAI's API below `/v1`."""
    if request.target.startswith("/v2"):
        return co.provider(request, body)
    if request.target.endswith("/embeddings"):
        rows = [{"index": at, "embedding": [0.25, at]} for at, _ in enumerate(body["input"])]
        return d.answer({"data": rows, "usage": {"prompt_tokens": 7, "total_tokens": 7}})
    if body.get("stream"):
        return d.stream(*(d.OPENAI_TOOL_STREAM if "tools" in body else d.OPENAI_STREAM))
    return d.answer(d.OPENAI_TOOL if "tools" in body else d.OPENAI)


@pytest.fixture
async def running() -> AsyncGenerator[d.Running]:
    async with d.gateway(provider, SETTINGS, None, engines) as found:
        yield found


@pytest.fixture
async def cohere(running: d.Running) -> AsyncGenerator[AsyncClientV2]:
    async with httpx.AsyncClient() as http:
        yield AsyncClientV2(api_key="sk-dev", base_url=running.url, httpx_client=http)


@pytest.fixture
async def openai(running: d.Running) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0) as client:
        yield client


async def events(stream: Any) -> list[Any]:
    return [each async for each in stream]


async def test_coheres_client_talks_to_cohere_citations_and_all(
    running: d.Running, cohere: Any
) -> None:
    documents: Any = [{"id": "d1", "data": {"text": "Hello there."}}]
    done = await cohere.chat(model="far", messages=SAY, documents=documents)
    assert done.message.content[0].text == "Hello there."
    assert done.message.citations[0].sources[0].id == "d1"
    path, headers, body = running.double.asked[0]
    assert (path, headers.get("authorization")) == ("/v2/chat", "Bearer up-key")
    assert (body["model"], body["documents"]) == ("command-a", documents)
    streamed = await events(cohere.chat_stream(model="far", messages=SAY))
    assert [each.type for each in streamed][4:6] == ["citation-start", "citation-end"]
    told = [(each.input, each.output, each.cached, each.estimated) for each in running.spent]
    assert told == [(20, 10, 5, False)] * 2


async def test_coheres_client_talks_to_another_api(running: d.Running, cohere: Any) -> None:
    done = await cohere.chat(
        model="other", messages=[{"role": "system", "content": "Be kind."}, *SAY], p=0.5
    )
    assert (done.message.content[0].text, done.finish_reason) == ("Hello there.", "COMPLETE")
    assert (done.usage.tokens.input_tokens, done.usage.billed_units.output_tokens) == (20, 10)
    body = running.double.asked[0][2]
    assert body["messages"] == [{"role": "system", "content": "Be kind."}, *SAY]
    assert body["top_p"] == 0.5
    streamed = await events(cohere.chat_stream(model="other", messages=SAY))
    text = [each.delta.message.content.text for each in streamed if each.type == "content-delta"]
    assert (text, streamed[-1].delta.finish_reason) == (["Hello", " there."], "COMPLETE")
    with pytest.raises(BadRequestError, match="documents"):
        await cohere.chat(model="other", messages=SAY, documents=["a"])


async def test_tools_of_coheres_client_are_called_by_another_api(
    running: d.Running, cohere: Any
) -> None:
    done = await cohere.chat(model="other", messages=SAY, tools=[WEATHER], tool_choice="REQUIRED")
    assert done.finish_reason == "TOOL_CALL"
    assert running.double.asked[0][2]["tool_choice"] == "required"
    (call,) = done.message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "weather",
        {"city": "Paris"},
    )
    answered: Any = [
        *SAY,
        {"role": "assistant", "tool_calls": [call], "tool_plan": "I look."},
        {"role": "tool", "tool_call_id": call.id, "content": "warm"},
    ]
    await cohere.chat(model="other", messages=answered)
    said = running.double.asked[1][2]["messages"]
    assert (said[1]["content"], said[2]["tool_call_id"], said[2]["content"]) == (
        "I look.",
        "call_1",
        "warm",
    )
    streamed = await events(cohere.chat_stream(model="other", messages=SAY, tools=[WEATHER]))
    assert [each.type for each in streamed] == [
        "message-start",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-delta",
        "tool-call-end",
        "message-end",
    ]


async def test_openais_client_talks_to_cohere(running: d.Running, openai: Any) -> None:
    done = await openai.chat.completions.create(
        model="far", messages=SAY, top_p=0.5, stop=["x"], max_tokens=9, reasoning_effort="low"
    )
    assert done.choices[0].message.content == "Hello there."
    assert running.double.asked[0][2] == {
        "model": "command-a",
        "messages": SAY,
        "p": 0.5,
        "stop_sequences": ["x"],
        "max_tokens": 9,
        "thinking": {"type": "enabled", "token_budget": 1024},
    }
    chunks = await events(
        await openai.chat.completions.create(
            model="far", messages=SAY, stream=True, stream_options={"include_usage": True}
        )
    )
    said = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
    assert (said, chunks[-1].usage.prompt_tokens) == ("Hello there.", 20)
    with pytest.raises(BadOpenAi, match="logit_bias"):
        await openai.chat.completions.create(model="far", messages=SAY, logit_bias={"1": 1})


async def test_coheres_plan_comes_before_its_calls_and_one_tool_can_be_demanded(
    running: d.Running, openai: Any
) -> None:
    other: Any = {"type": "function", "function": {"name": "other", "parameters": {}}}
    named: Any = {"type": "function", "function": {"name": "weather"}}
    asked: Any = {"model": "far", "messages": SAY, "tools": [WEATHER, other], "tool_choice": named}
    done = await openai.chat.completions.create(**asked)
    message = done.choices[0].message
    assert (message.content, done.choices[0].finish_reason) == ("I will look.", "tool_calls")
    body = running.double.asked[0][2]
    assert ([each["function"]["name"] for each in body["tools"]], body["tool_choice"]) == (
        ["weather"],
        "REQUIRED",
    )
    result: Any = {"role": "tool", "tool_call_id": "t1", "content": "warm"}
    turns: Any = [*SAY, message.model_dump(exclude_none=True), result]
    await openai.chat.completions.create(model="far", messages=turns)
    said = running.double.asked[1][2]["messages"]
    assert (said[1]["tool_plan"], said[2]) == ("I will look.", result)
    chunks = await events(await openai.chat.completions.create(**asked, stream=True))
    calls = [c for each in chunks for c in each.choices[0].delta.tool_calls or ()]
    assert (calls[0].id, calls[0].function.name) == ("t1", "weather")
    assert "".join(each.function.arguments or "" for each in calls) == '{"city": "Paris"}'


async def test_coheres_faults_fall_back_and_are_told(running: d.Running, cohere: Any) -> None:
    """An error before the first token, within a stream that began with 200."""
    streamed = await events(cohere.chat_stream(model="fallen", messages=SAY))
    assert streamed[-1].delta.finish_reason == "COMPLETE"
    assert [each.provider for each in running.spent] == ["other"]
    with pytest.raises(TooManyRequestsError) as caught:
        await cohere.chat(model="away", messages=SAY, request_options={"max_retries": 0})
    assert caught.value.body["message"] == "all busy"


async def test_embeddings_go_from_any_api_to_any(
    running: d.Running, cohere: Any, openai: Any
) -> None:
    done = await cohere.embed(
        model="far", input_type="clustering", texts=PETS[:2], embedding_types=["float"]
    )
    assert done.embeddings.float_ == [[0.5, 0.0], [0.5, 1.0]]
    done = await cohere.embed(model="other", input_type="search_query", texts=PETS[:2])
    assert (done.embeddings.float_, done.meta.billed_units.input_tokens) == (
        [[0.25, 0.0], [0.25, 1.0]],
        7,
    )
    found = await openai.embeddings.create(model="far", input=PETS[:2], dimensions=2)
    assert [each.embedding for each in found.data] == [[0.5, 0.0], [0.5, 1.0]]
    assert found.usage.prompt_tokens == 4
    body = running.double.asked[2][2]
    assert (body["input_type"], body["output_dimension"]) == ("search_document", 2)
    gemini: Any = genai.Client(api_key="sk-dev", http_options={"base_url": running.url})
    async with gemini.aio as google:
        rows = await google.models.embed_content(
            model="far", contents=PETS[:2], config={"task_type": "RETRIEVAL_QUERY"}
        )
    gemini.close()
    assert [each.values for each in rows.embeddings] == [[0.5, 0.0], [0.5, 1.0]]
    assert running.double.asked[3][2]["input_type"] == "search_query"
    with pytest.raises(BadRequestError, match="cannot be passed"):
        await cohere.embed(
            model="other", input_type="search_query", texts=PETS, embedding_types=["int8"]
        )


@pytest.mark.parametrize("client", [AsyncClient, AsyncClientV2])
async def test_documents_are_ranked_by_cohere(running: d.Running, client: Any) -> None:
    async with httpx.AsyncClient() as http:
        cohere = client(api_key="sk-dev", base_url=running.url, httpx_client=http)
        done = await cohere.rerank(model="far", query="Who purrs?", documents=PETS[:2], top_n=2)
    assert [(each.index, each.relevance_score) for each in done.results] == [(1, 0.9), (0, 0.1)]
    path, headers, body = running.double.asked[0]
    assert (path, headers.get("authorization")) == ("/v2/rerank", "Bearer up-key")
    assert (body["model"], body["documents"]) == ("command-a", PETS[:2])


async def test_documents_are_ranked_by_the_embedded_engine(running: d.Running, cohere: Any) -> None:
    done = await cohere.rerank(model="own", query="a cat", documents=PETS, top_n=2)
    assert [each.index for each in done.results] == [1, 0]
    assert [(each.input, each.estimated) for each in running.spent] == [(8, False)]


async def test_a_wrong_key_is_told(running: d.Running) -> None:
    async with httpx.AsyncClient() as http:
        cohere = AsyncClientV2(api_key="sk-no", base_url=running.url, httpx_client=http)
        with pytest.raises(UnauthorizedError):
            await cohere.rerank(model="far", query="x", documents=PETS)
