"""Hedges, shadows, probes and weights of models, before providers that are slow or ill."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.llm import double as d
from torana.app.llm_weights import WEIGHTS, Weights
from torana.llm.probe import probing
from torana.message import Reply, Request
from torana.net.tasks import spawn
from torana.state import open_store
from torana.state.store import Deleted

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{up}"
[models.raced]
targets = [{ provider = "up", model = "slow" }]
fallbacks = ["good"]
hedge_seconds = 0.05
retries = 0
[models.good]
targets = [{ provider = "up", model = "good" }]
[models.shadowed]
targets = [{ provider = "up", model = "good" }]
shadows = [{ provider = "up", model = "new" }, { provider = "up", model = "bad" }]
[models.probed]
targets = [{ provider = "up", model = "ill" }]
fallbacks = ["good"]
retries = 0
probe_seconds = 0.01
cooldown = 0.0
[models.tried]
targets = [
  { provider = "up", model = "good", weight = 1 },
  { provider = "up", model = "new", weight = 0 },
]
[prices.new]
input = 1000000
output = 1000000
[keys.dev]
secret = "sk-dev"
"""
HELLO: Any = [{"role": "user", "content": "Say hello"}]


class Provider:
    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.well = False
        self.heard = asyncio.Event()

    def __call__(self, request: Request, body: dict[str, Any]) -> Reply:
        model = body["model"]
        self.asked.append((model, bool(body.get("stream"))))
        self.heard.set()
        if model == "slow":
            return d.stream(30.0)
        if model == "bad" or (model == "ill" and not self.well):
            return d.answer({"error": {"message": "boom"}}, 500)
        return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


def client(running: d.Running) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev", max_retries=0)


async def streamed(openai: AsyncOpenAI, model: str) -> str:
    stream = await openai.chat.completions.create(model=model, messages=HELLO, stream=True)
    return "".join([each.choices[0].delta.content or "" async for each in stream if each.choices])


async def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_the_next_is_asked_when_the_first_does_not_begin_and_the_loser_is_let_go() -> None:
    provider = Provider()
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        assert await streamed(openai, "raced") == "Hello there."
        assert provider.asked == [("slow", True), ("good", True)]
        (spent,) = running.spent
        assert (spent.target, spent.attempts) == ("good", 2)
        slow = running.api.plan.models["raced"].targets[0]
        await until(lambda: slow.busy == 0)
        body: Any = running.double.replies[0].body
        async with asyncio.timeout(10):
            await body.closed.wait()


@pytest.mark.parametrize("stream", [False, True])
async def test_shadows_are_asked_the_same_and_only_counted(stream: bool) -> None:
    provider = Provider()
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        if stream:
            assert await streamed(openai, "shadowed") == "Hello there."
        else:
            done = await openai.chat.completions.create(model="shadowed", messages=HELLO)
            assert done.choices[0].message.content == "Hello there."
        await until(lambda: len(running.spent) == 3)
        told = {(each.model, each.target, each.status, each.usd) for each in running.spent}
        assert told == {
            ("shadowed", "good", 200, None),
            ("shadowed/shadow", "new", 200, 30.0),
            ("shadowed/shadow", "bad", 500, None),
        }
        model = running.api.plan.models["shadowed"]
        await until(lambda: all(target.busy == 0 for target, _ in model.shadows))


async def test_a_target_that_kept_failing_is_looked_after_and_comes_back() -> None:
    provider = Provider()
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        for _ in range(5):
            await streamed(openai, "probed")
        target = running.api.plan.models["probed"].targets[0]
        assert target.ill()
        provider.well = True
        probes = spawn(probing(lambda: running.api.plan.models), "probe")
        await until(lambda: not target.ill())
        probes.cancel()
        asked = [body["max_tokens"] for _, _, body in running.double.asked if "max_tokens" in body]
        assert asked == [1]


async def test_weights_change_while_it_runs_and_none_is_none() -> None:
    provider = Provider()
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        store = await open_store("memory:")
        weights = Weights(running.api.plan.models, store)
        await openai.chat.completions.create(model="tried", messages=HELLO)
        await weights.change("tried", {"up/good": 0, "up/new": 1})
        await openai.chat.completions.create(model="tried", messages=HELLO)
        document = await store.get(WEIGHTS, "tried")
        assert document is not None
        await weights.change("tried", None)
        await openai.chat.completions.create(model="tried", messages=HELLO)
        weights.take(document)
        await openai.chat.completions.create(model="tried", messages=HELLO)
        weights.take(Deleted(WEIGHTS, "tried", 9))
        await openai.chat.completions.create(model="tried", messages=HELLO)
        assert [model for model, _ in provider.asked] == ["good", "new", "good", "new", "good"]
        for given in ({"up/none": 1}, {"up/good": -1}, {"up/good": 0, "up/new": 0}):
            with pytest.raises(ValueError, match=r"none of|from 0|above 0"):
                await weights.change("tried", given)
        await store.close()
