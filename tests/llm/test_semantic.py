"""Answers kept for questions that mean the same, and for all processes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import numpy

from tests.llm import double as d
from tests.state.conftest import need_service
from torana.llm.answers import TOPIC, Answers
from torana.llm.chat import Chat, Image, Message, Text
from torana.llm.semantic import Near, Question, group_of, words
from torana.message import Reply, Request
from torana.net.tasks import spawn
from torana.state import open_counters, open_store

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "up" }]
cache_seconds = 60
cache_similarity = 0.9
[models.brief]
targets = [{ provider = "up", model = "up" }]
cache_seconds = 1e-9
cache_similarity = 0.9
[prices.up]
input = 1000000
output = 1000000
[keys.ann]
secret = "sk-ann"
[keys.bob]
secret = "sk-bob"
"""
MEANINGS = {"reset my password": (1.0, 0.0), "change my password": (0.96, 0.28)}


async def embed(text: str) -> tuple[float, float] | None:
    """Two numbers a text; of others nothing is known."""
    return MEANINGS.get(text, (0.0, 1.0)) if text != "unreadable" else None


def provider(request: Request, body: dict[str, Any]) -> Reply:
    return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


class Asking:
    def __init__(self, running: d.Running, answers: Answers) -> None:
        self._running = running
        running.api.__init__(running.api.plan, running.spent.append, answers)

    async def __call__(
        self, text: str, key: str = "sk-ann", model: str = "fast", **more: Any
    ) -> httpx.Response:
        question = {"model": model, "messages": [{"role": "user", "content": text}]}
        headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
        async with httpx.AsyncClient(timeout=30) as http:
            url = f"{self._running.url}/v1/chat/completions"
            return await http.post(url, json={**question, **more}, headers=headers)


async def test_a_question_that_means_the_same_gets_the_kept_answer() -> None:
    async with d.gateway(provider, SETTINGS) as running:
        ask = Asking(running, Answers(embed))
        first = await ask("reset my password")
        again = await ask("change my password")
        assert first.content == again.content
        assert again.headers["x-torana-cache"] == "similar"
        assert again.headers["x-torana-similarity"] == "0.960"
        assert "x-torana-cache" not in (await ask("where is my order")).headers
        assert len(running.double.asked) == 2
        assert [(each.hit, each.saved) for each in running.spent] == [
            (False, None),
            (True, 30.0),
            (False, None),
        ]


async def test_keys_parameters_streams_and_bypasses_are_kept_apart() -> None:
    async with d.gateway(provider, SETTINGS) as running:
        ask = Asking(running, Answers(embed))
        await ask("reset my password")
        await ask("change my password", "sk-bob")
        await ask("change my password", temperature=0.5)
        await ask("change my password", headers={"Cache-Control": "no-cache"})
        streamed = await ask("change my password", stream=True)
        assert len(running.double.asked) == 5
        replayed = await ask("reset my password", stream=True)
        assert replayed.text == streamed.text
        assert replayed.headers["content-type"] == "text/event-stream"
        assert len(running.double.asked) == 5


async def test_what_has_expired_or_cannot_be_read_is_asked() -> None:
    async with d.gateway(provider, SETTINGS) as running:
        ask = Asking(running, Answers(embed))
        for _ in range(2):
            await ask("reset my password", model="brief")
        await ask("unreadable")
        assert len(running.double.asked) == 3


async def test_processes_tell_each_other_what_they_keep() -> None:
    told: list[bytes] = []
    async with d.gateway(provider, SETTINGS) as running:
        await Asking(running, Answers(embed, told.append))("reset my password")
        other = Answers(embed, told.append)

        async def messages() -> AsyncIterator[bytes | None]:
            yield None
            yield told[0]

        await other.hear(messages())
        ask = Asking(running, other)
        assert (await ask("reset my password")).headers["x-torana-cache"] == "hit"
        assert (await ask("change my password")).headers["x-torana-cache"] == "similar"
        assert len(running.double.asked) == len(told) == 1


async def test_nodes_tell_each_other_over_redis() -> None:
    need_service("Redis", 6379)
    url = f"redis://127.0.0.1:6379/0?prefix=test-{uuid4().hex}"
    store = await open_store("memory:")
    one, other = [await open_counters(url, store) for _ in range(2)]
    told: list[Any] = []

    def publish(message: bytes) -> None:
        told.append(spawn(one.publish(TOPIC, message), "tell others of an answer"))

    inbox, there = aiter(other.subscribe(TOPIC)), Answers(embed)
    probe = asyncio.ensure_future(anext(inbox))
    while not probe.done():
        await one.publish(TOPIC, b"")
        await asyncio.sleep(0.02)

    async def next_message() -> AsyncIterator[bytes | None]:
        async for message in inbox:
            if message:
                yield message
                return

    async with d.gateway(provider, SETTINGS) as running:
        await Asking(running, Answers(embed, publish))("reset my password")
        await asyncio.wait_for(there.hear(next_message()), 10)
        again = await Asking(running, there)("reset my password")
        assert again.headers["x-torana-cache"] == "hit"
        assert (len(running.double.asked), len(told)) == (1, 1)
    await one.close()
    await other.close()
    await store.close()


def test_only_the_last_words_may_differ() -> None:
    def chat(*texts: str, **more: Any) -> Chat:
        messages = [Message("user", (Text(text),)) for text in texts]
        return Chat("m", tuple(messages), **more)

    group = group_of(chat("a", "b"), "t", "/p", False)
    assert group == group_of(chat("a", "c"), "t", "/p", False)
    for other in (
        group_of(chat("x", "b"), "t", "/p", False),
        group_of(chat("a", "b", system="s"), "t", "/p", False),
        group_of(chat("a", "b"), "u", "/p", False),
        group_of(chat("a", "b"), "t", "/p", True),
    ):
        assert other != group
    assert words(chat("a", "b")) == "b"
    assert words(Chat("m", (Message("user", (Image(url="x"), Text("b"))),))) is None
    assert words(chat("x" * 2000)) is None


def test_the_oldest_leave_first() -> None:
    near = Near()
    questions = [Question(b"g", numpy.asarray([1.0, at / 1e6], "float32")) for at in range(1025)]
    for at, question in enumerate(questions):
        near.add(question, str(at).encode())
    found = near.find(questions[0], 0.5)
    assert found is not None
    assert found[0] != b"0"
    near.drop(questions[1], b"1024")
    assert near.find(Question(b"other", questions[0].row), 0.0) is None
