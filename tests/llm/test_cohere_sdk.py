"""The official Cohere client against the gateway: documents by how well they answer a query."""
# Its types are made at run time.
# pyright: basic

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from cohere import AsyncClient, AsyncClientV2
from cohere.errors import UnauthorizedError
from msgspec import Struct

from tests.llm import double as d
from torana.message import Reply, Request

SETTINGS = """
[providers.up]
type = "cohere-rerank"
base_url = "{origin}/v2"
api_key = "up-key"
[providers.own]
type = "torana"
[models.far]
targets = [{ provider = "up", model = "rerank-v3.5" }]
[models.own]
targets = [{ provider = "own", model = "multilingual-e5-small" }]
[keys.dev]
secret = "sk-dev"
"""
RANKED = {
    "id": "r",
    "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
    "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
}
PETS = ["dogs bark", "cats purr", "fish swim"]


class Row(Struct):
    values: list[float]
    tokens: int = 2


async def engines(capability: str, items: Sequence[Any], timeout: float) -> list[Row]:
    """Cats lie near cats."""
    return [Row([1.0, 0.0] if "cat" in each.text else [0.5, 0.1]) for each in items]


def provider(request: Request, body: dict[str, Any]) -> Reply:
    return d.answer(RANKED)


@pytest.mark.parametrize("client", [AsyncClient, AsyncClientV2])
async def test_documents_are_ranked_by_cohere(client: Any) -> None:
    async with (
        d.gateway(provider, SETTINGS, None, engines) as running,
        httpx.AsyncClient() as http,
    ):
        cohere = client(api_key="sk-dev", base_url=running.url, httpx_client=http)
        done = await cohere.rerank(model="far", query="Who purrs?", documents=PETS[:2], top_n=2)
        assert [(each.index, each.relevance_score) for each in done.results] == [(1, 0.9), (0, 0.1)]
        path, headers, body = running.double.asked[0]
        assert (path, headers.get("authorization")) == ("/v2/rerank", "Bearer up-key")
        assert (body["model"], body["documents"]) == ("rerank-v3.5", PETS[:2])


async def test_documents_are_ranked_by_the_embedded_engine() -> None:
    async with (
        d.gateway(provider, SETTINGS, None, engines) as running,
        httpx.AsyncClient() as http,
    ):
        cohere = AsyncClientV2(api_key="sk-dev", base_url=running.url, httpx_client=http)
        done = await cohere.rerank(model="own", query="a cat", documents=PETS, top_n=2)
        assert [each.index for each in done.results] == [1, 0]
        assert [(each.input, each.estimated) for each in running.spent] == [(8, False)]


async def test_a_wrong_key_is_told() -> None:
    async with (
        d.gateway(provider, SETTINGS, None, engines) as running,
        httpx.AsyncClient() as http,
    ):
        cohere = AsyncClientV2(api_key="sk-no", base_url=running.url, httpx_client=http)
        with pytest.raises(UnauthorizedError):
            await cohere.rerank(model="far", query="x", documents=PETS)
