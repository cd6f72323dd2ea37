"""What vendors of one API do differently reaches them as they want it."""

from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.llm import double as d
from torana.message import Reply, Request

SETTINGS = """
[providers.up]
type = "{type}"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "up" }]
[keys.dev]
secret = "sk-dev"
"""
HELLO: Any = [{"role": "user", "content": "Say hello"}]


def provider(request: Request, body: dict[str, Any]) -> Reply:
    return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


async def asked(type: str, claude: bool, **more: Any) -> dict[str, Any]:
    """The body that a provider of a type is sent."""
    async with d.gateway(provider, SETTINGS.replace("{type}", type)) as running:
        if claude:
            async with AsyncAnthropic(base_url=running.url, api_key="sk-dev") as anthropic:
                await anthropic.messages.create(model="fast", max_tokens=9, messages=HELLO, **more)
        else:
            async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev") as openai:
                chat: Any = openai.chat.completions
                done = await chat.create(model="fast", messages=HELLO, **more)
                if more.get("stream"):
                    async for _ in done:
                        pass
        assert running.spent == [] or running.spent[0].input == 20
        return running.double.asked[0][2]


@pytest.mark.parametrize(
    ("type", "name"), [("openai", "max_completion_tokens"), ("vllm", "max_tokens")]
)
async def test_the_bound_of_an_answer_has_the_name_that_the_vendor_knows(
    type: str, name: str
) -> None:
    body = await asked(type, claude=True)
    assert body == {"model": "up", "messages": HELLO, name: 9}


async def test_mistral_calls_its_seed_otherwise_and_is_not_asked_for_usage() -> None:
    body = await asked("mistral", claude=False, seed=7, stream=True)
    assert body == {"model": "up", "messages": HELLO, "random_seed": 7, "stream": True}
