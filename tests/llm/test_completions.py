"""Texts that go on, through the official OpenAI client, on providers with that API and without."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError

from tests.llm import double as d
from torana.message import Reply, Request

SETTINGS = """
[providers]
old = { type = "vllm", base_url = "{up}" }
chats = { type = "groq", base_url = "{up}" }
claude = { type = "anthropic", base_url = "{up}" }
[models]
old = { targets = [{ provider = "old", model = "llama" }] }
chats = { targets = [{ provider = "chats", model = "llama" }] }
claude = { targets = [{ provider = "claude", model = "claude-up" }] }
[keys.dev]
secret = "sk-dev"
"""
DONE = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1760000000,
    "model": "up",
    "choices": [{"text": " a time.", "index": 0, "logprobs": None, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
}


def provider(request: Request, body: dict[str, Any]) -> Reply:
    if request.target == "/v1/completions":
        return d.answer(DONE)
    if request.target == "/v1/messages":
        return d.stream(*d.ANTHROPIC_STREAM) if body.get("stream") else d.answer(d.ANTHROPIC)
    return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


@pytest.fixture
async def running() -> AsyncGenerator[d.Running]:
    async with d.gateway(provider, SETTINGS) as found:
        yield found


@pytest.fixture
async def openai(running: d.Running) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0) as client:
        yield client


async def test_a_provider_that_has_it_gets_it_unchanged(
    running: d.Running, openai: AsyncOpenAI
) -> None:
    done = await openai.completions.create(
        model="old", prompt=["Once upon", "Once more"], echo=True, best_of=2, logprobs=1, suffix="."
    )
    assert done.choices[0].text == " a time."
    path, _, body = running.double.asked[0]
    assert (path, body["model"]) == ("/v1/completions", "llama")
    assert (body["echo"], body["best_of"]) == (True, 2)
    assert [(each.input, each.output) for each in running.spent] == [(3, 4)]


@pytest.mark.parametrize("model", ["chats", "claude"])
async def test_others_are_asked_for_a_chat_of_one_turn(
    running: d.Running, openai: AsyncOpenAI, model: str
) -> None:
    done = await openai.completions.create(model=model, prompt="Once upon", stop=["."], echo=False)
    assert (done.object, done.choices[0].text) == ("text_completion", "Hello there.")
    assert (done.choices[0].finish_reason, done.usage and done.usage.total_tokens) == ("stop", 30)
    _, _, body = running.double.asked[0]
    assert (body["max_tokens"], len(body["messages"])) == (16, 1)
    assert "Once upon" in str(body["messages"][0]["content"])
    stream = await openai.completions.create(
        model=model, prompt="Once upon", stream=True, stream_options={"include_usage": True}
    )
    chunks = [each async for each in stream]
    assert "".join(each.choices[0].text for each in chunks if each.choices) == "Hello there."
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 20


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("echo", True),
        ("best_of", 2),
        ("logprobs", 0),
        ("suffix", "."),
        ("n", 2),
        ("prompt", [1, 2]),
    ],
)
async def test_what_no_chat_has_is_refused_by_name(
    running: d.Running, openai: AsyncOpenAI, name: str, value: Any
) -> None:
    with pytest.raises(BadRequestError, match=name):
        asked: Any = {"model": "claude", "prompt": "Once", name: value}
        await openai.completions.create(**asked)
    assert running.double.asked == []
