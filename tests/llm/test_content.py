"""What was asked and answered is kept for those who opt in, masked and cut, and for nobody else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError

from tests.llm import double as d
from torana.app.llm import mistakes
from torana.app.llm_content import Content
from torana.app.llm_guards import Means
from torana.llm_settings import Llm, LlmContent, LlmKey, LlmModel, LlmTarget
from torana.message import Reply, Request
from torana.net.client import HttpClient
from torana.settings import Otlp
from torana.telemetry.groups import Event

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{up}"
[content]
group = "/torana/llm"
[guardrails.strict]
rules = [{ finds = "words", words = ["forbidden"], action = "block" }]
[models.fast]
targets = [{ provider = "up", model = "up" }]
[models.kept]
targets = [{ provider = "up", model = "up" }]
content = true
[models.strict]
targets = [{ provider = "up", model = "up" }]
content = true
guardrails = ["strict"]
[teams.blue]
content = true
[keys.ann]
secret = "sk-ann"
team = "blue"
[keys.bob]
secret = "sk-bob"
"""
ANSWER = "Write to al@b.io, key sk-proj-abcdefghijklmnopqrstuvwxyz, " + "x" * 200


def script(request: Request, body: dict[str, Any]) -> Reply:
    if request.target.endswith("/v1/logs"):
        return d.answer({})
    if request.target.endswith("/embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [0.1]}]
        return d.answer({"object": "list", "data": data, "model": "up", "usage": d.USED})
    if body.get("stream"):
        pieces = [d.chunk({"content": ANSWER[at : at + 3]}) for at in range(0, len(ANSWER), 3)]
        end = [d.chunk({}, "stop"), d.chunk({}, None, usage=d.USED), b"data: [DONE]\n\n"]
        return d.stream(d.chunk({"role": "assistant", "content": ""}), *pieces, *end)
    message = {"role": "assistant", "content": ANSWER}
    return d.answer(
        {**d.OPENAI, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    )


@asynccontextmanager
async def keeping() -> AsyncGenerator[tuple[d.Running, Content, list[dict[str, Any]]]]:
    kept: list[dict[str, Any]] = []

    def keep(group: str, stream: str, events: Sequence[Event]) -> None:
        kept.extend({"group": group, **json.loads(text)} for _, text in events)

    async with d.gateway(script, SETTINGS) as running:
        client = HttpClient()
        given = Llm(
            models={"kept": LlmModel((), content=True), "strict": LlmModel((), content=True)},
            content=LlmContent("/torana/llm", otlp=True, longest=100),
        )
        collector = Otlp(f"http://127.0.0.1:{running.provider.port}")
        content = Content(given, Means(client, None, {}), keep, client, collector)
        running.api.content = content
        yield running, content, kept
        await client.aclose()


async def ask(running: d.Running, key: str, model: str, text: str = "I am 123-45-6789") -> None:
    async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0) as client:
        messages: Any = [
            {"role": "system", "content": "Be kind"},
            {"role": "user", "content": text},
        ]
        await client.chat.completions.create(model=model, messages=messages)


async def test_nothing_is_kept_of_those_who_did_not_opt_in() -> None:
    async with keeping() as (running, content, kept):
        await ask(running, "sk-bob", "fast")
        await content.flush()
        assert kept == []


async def test_questions_and_answers_are_kept_masked_and_cut() -> None:
    async with keeping() as (running, content, kept):
        await ask(running, "sk-ann", "fast")
        await ask(running, "sk-bob", "kept")
        await content.flush()
        assert [(each["key"], each["model"]) for each in kept] == [("ann", "fast"), ("bob", "kept")]
        (first, _) = kept
        assert (first["group"], first["team"], first["input"]) == ("/torana/llm", "blue", 20)
        assert first["system_instructions"] == [{"type": "text", "content": "Be kind"}]
        [asked] = first["input_messages"]
        assert asked == {"role": "user", "parts": [{"type": "text", "content": "I am [SSN]"}]}
        [answer] = first["output_messages"]
        said = answer["parts"][0]["content"]
        assert said.startswith("Write to [EMAIL], key [LLM_API_KEY], xxx")
        assert (len(said), answer["finish_reason"], first["truncated"]) == (100, "end", True)


async def test_a_stream_is_put_together_before_it_is_masked() -> None:
    async with keeping() as (running, content, kept):
        async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-ann") as client:
            messages: Any = [{"role": "user", "content": "Hi"}]
            stream: Any = await client.chat.completions.create(
                model="fast", messages=messages, stream=True
            )
            said = [each.choices[0].delta.content or "" async for each in stream if each.choices]
            assert "".join(said) == ANSWER, "the client gets it as it came"
            stream = await client.chat.completions.create(
                model="fast", messages=messages, stream=True
            )
            await anext(stream)
            await stream.close()
        async with asyncio.timeout(10):
            while len(kept) < 2:
                await content.flush()
                await asyncio.sleep(0.05)
        text = kept[0]["output_messages"][0]["parts"][0]["content"]
        assert text.startswith("Write to [EMAIL], key [LLM_API_KEY]")
        assert kept[0]["stream"] is True


async def test_what_was_refused_is_kept_with_why() -> None:
    async with keeping() as (running, content, kept):
        with pytest.raises(BadRequestError):
            await ask(running, "sk-bob", "strict", "forbidden")
        await content.flush()
        assert "blocked by the guardrail" in kept[0]["error"]


async def test_embeddings_are_kept_as_they_are_asked() -> None:
    async with keeping() as (running, content, kept):
        async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-ann") as client:
            await client.embeddings.create(model="fast", input="al@b.io", encoding_format="float")
        await content.flush()
        told = json.dumps(kept[0])
        assert "[EMAIL]" in told
        assert "al@b.io" not in told


async def test_contents_are_events_of_opentelemetry() -> None:
    async with keeping() as (running, content, _):
        await ask(running, "sk-ann", "fast")
        await content.flush()
        target, _, sent = running.double.asked[-1]
        assert target == "/v1/logs"
        [record] = sent["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        assert record["eventName"] == "gen_ai.client.inference.operation.details"
        told = {each["key"]: each["value"] for each in record["attributes"]}
        assert told["gen_ai.usage.input_tokens"] == {"intValue": "20"}
        [asked] = json.loads(told["gen_ai.input.messages"]["stringValue"])
        assert asked["parts"][0]["content"] == "I am [SSN]"


def test_settings_that_do_not_fit_are_named() -> None:
    settings = Llm(
        models={"fast": LlmModel((LlmTarget("up", "m"),), content=True)},
        keys={"c": LlmKey(secret="x", content=True)},
        content=LlmContent(guardrails=("none",), longest=0),
    )
    found = "\n".join(mistakes(settings))
    for named in (
        "llm.models.fast: [llm.content] names no group",
        "llm.keys.c.content: [llm.content] names no group",
        "llm.content.guardrails: no guardrail 'none'",
        "llm.content.longest",
    ):
        assert named in found
