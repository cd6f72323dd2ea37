"""How many tokens a chat has: by the provider's own counter, else by an estimate that says so."""
# The clients' types are made at run time.
# pyright: basic

from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from typing import Any

import boto3
import httpx
import pytest
from anthropic import AsyncAnthropic, BadRequestError
from botocore.config import Config
from google import genai
from msgspec import Struct
from openai import AsyncOpenAI

from tests.llm import double as d
from torana.engines.tokens import Words, load
from torana.message import Reply, Request
from torana.services.ports import Missing

SETTINGS = """
[providers]
open = { type = "openai", base_url = "{up}" }
plain = { type = "custom", base_url = "{up}" }
claude = { type = "anthropic", base_url = "{up}" }
google = { type = "gemini", base_url = "{origin}/v1beta" }
vertex = { type = "vertex", base_url = "{origin}/vertex" }
aws = { type = "bedrock", base_url = "{origin}", api_key = "k" }
[models]
open = { targets = [{ provider = "open", model = "gpt" }] }
plain = { targets = [{ provider = "plain", model = "llama" }] }
claude = { targets = [{ provider = "claude", model = "claude-up" }] }
google = { targets = [{ provider = "google", model = "gemini-up" }] }
vertex = { targets = [{ provider = "vertex", model = "gemini-up" }] }
aws = { targets = [{ provider = "aws", model = "amazon.nova-v1:0" }] }
[keys.dev]
secret = "sk-dev"
"""
SAY: Any = [{"role": "user", "content": "Say hello"}]
TOOL: Any = {"name": "weather", "input_schema": {"type": "object"}}
COUNTERS = {
    "/v1/messages/count_tokens": {"input_tokens": 11},
    "/v1beta/models/gemini-up:countTokens": {"totalTokens": 12},
    "/vertex/models/gemini-up:countTokens": {"totalTokens": 13, "totalBillableCharacters": 9},
    "/model/amazon.nova-v1%3A0/count-tokens": {"inputTokens": 14},
    "/v1/responses/input_tokens": {"object": "response.input_tokens", "input_tokens": 15},
}


class Counted(Struct):
    count: int


async def engines(capability: str, items: Sequence[Any], timeout: float) -> list[Counted]:
    """A token a word."""
    assert capability == "tokens"
    return [Counted(len(each.text.split())) for each in items]


def provider(request: Request, body: dict[str, Any]) -> Reply:
    return d.answer(COUNTERS[request.target])


@pytest.fixture
async def running() -> AsyncGenerator[d.Running]:
    async with d.gateway(provider, SETTINGS, None, engines) as found:
        yield found


@pytest.fixture
async def anthropic(running: d.Running) -> AsyncGenerator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=running.url, api_key="sk-dev", max_retries=0) as client:
        yield client


@pytest.mark.parametrize(
    ("model", "tokens", "within"),
    [
        ("claude", 11, "messages"),
        ("google", 12, "generateContentRequest"),
        ("vertex", 13, "contents"),
        ("aws", 14, "input"),
    ],
)
async def test_a_providers_own_counter_counts(
    running: d.Running, anthropic: AsyncAnthropic, model: str, tokens: int, within: str
) -> None:
    counted = await anthropic.messages.count_tokens(
        model=model, messages=SAY, system="Be kind.", tools=[TOOL]
    )
    assert counted.input_tokens == tokens
    assert within in running.double.asked[0][2]
    assert "max_tokens" not in str(running.double.asked[0][2])
    assert [(each.input, each.usd) for each in running.spent] == [(0, None)]


async def test_every_client_can_ask_every_counter(running: d.Running) -> None:
    google = genai.Client(api_key="sk-dev", http_options={"base_url": running.url})
    async with google.aio as gemini:
        counted = await gemini.models.count_tokens(model="claude", contents="Say hello")
    google.close()
    assert counted.total_tokens == 11
    assert running.double.asked[0][2] == {
        "model": "claude-up",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello"}]}],
    }
    bedrock: Any = boto3.client(
        "bedrock-runtime",
        endpoint_url=running.url,
        region_name="us-east-1",
        aws_access_key_id="sk-dev",
        aws_secret_access_key="-",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with closing(bedrock):
        said = [{"role": "user", "content": [{"text": "Say hello"}]}]
        asked = {"converse": {"messages": said}}
        counted = await d.beside(bedrock.count_tokens, modelId="google", input=asked)
        native = await d.beside(bedrock.count_tokens, modelId="aws", input=asked)
    assert (counted["inputTokens"], native["inputTokens"]) == (12, 14)
    async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-dev") as openai:
        native = await openai.responses.input_tokens.count(model="open", input="Say hello")
        counted = await openai.responses.input_tokens.count(model="claude", input="Say hello")
    assert (native.input_tokens, counted.input_tokens) == (15, 11)


async def test_an_estimate_says_so_and_asks_nobody(
    running: d.Running, anthropic: AsyncAnthropic
) -> None:
    asked: Any = {"model": "plain", "messages": SAY, "system": "Be kind."}
    raw = await anthropic.messages.with_raw_response.count_tokens(**asked)
    counted = await raw.parse()
    assert counted.input_tokens == 4 + 2 * 4
    assert raw.headers["x-torana-estimate"] == "o200k_base"
    assert running.double.asked == []
    picture: Any = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    shown: Any = [{"role": "user", "content": [{"type": "image", "source": picture}]}]
    with pytest.raises(BadRequestError, match="only words can be estimated"):
        await anthropic.messages.count_tokens(model="plain", messages=shown)


async def missing(capability: str, items: Sequence[Any], timeout: float) -> list[Counted]:
    raise Missing("pip install 'torana[tokens]'")


async def test_without_a_vocabulary_nothing_is_made_up() -> None:
    async with (
        d.gateway(provider, SETTINGS, None, missing) as running,
        httpx.AsyncClient() as http,
    ):
        done = await http.post(
            f"{running.url}/v1/messages/count_tokens",
            json={"model": "plain", "messages": SAY},
            headers={"x-api-key": "sk-dev"},
        )
    assert (done.status_code, done.json()["error"]["type"]) == (400, "invalid_request_error")
    assert "torana[tokens]" in done.text


def test_the_engine_counts_in_openais_vocabulary() -> None:
    """Source of the counts: tiktoken's o200k_base."""
    counted = load().run([Words("hello world"), Words("antidisestablishmentarianism"), Words("")])
    assert [each.count for each in counted] == [2, 6, 0]
