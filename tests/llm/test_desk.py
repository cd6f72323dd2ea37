"""Keys made at run time, by whole processes: made at one door, used at the other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, RateLimitError

from tests.app.test_serve_command import Running
from tests.app.test_serve_command import gateway as process
from tests.llm import double as d
from torana.message import Reply, Request
from torana.net.server import listen

SETTINGS = """
workers = 2
[llm.providers.up]
type = "custom"
base_url = "{up}"
[llm.models.fast]
targets = [{ provider = "up", model = "up" }]
[llm.models.slow]
targets = [{ provider = "up", model = "unpriced" }]
[llm.teams.blue]
requests_per_minute = 100
[llm.prices.up]
input = 1
output = 1
"""
ASKED: Any = {"model": "fast", "messages": [{"role": "user", "content": "x"}]}


async def provider(request: Request) -> Reply:
    return d.answer(d.OPENAI)


@asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[Running]:
    up = await listen(provider)
    config = folder / "torana.toml"
    config.write_text(SETTINGS.replace("{up}", f"http://127.0.0.1:{up.port}/v1"))
    with process(folder / "data", "--config", str(config), ready=False) as running:
        await asyncio.to_thread(running.wait)
        yield running
    await up.close()


def desk(running: Running) -> httpx.AsyncClient:
    url = f"http://127.0.0.1:{running.run['management_port']}/llm/v1"
    return httpx.AsyncClient(base_url=url, auth=running.credentials(), timeout=20)


async def until(running: Running, secret: str, status: int) -> None:
    """Every worker answers so, within a few seconds."""
    url = f"http://127.0.0.1:{running.run['port']}/v1/chat/completions"
    fields = {"Authorization": f"Bearer {secret}", "Connection": "close"}
    row = 0
    async with asyncio.timeout(30), httpx.AsyncClient(timeout=20, verify=False) as client:
        while row < 8:
            found = await client.post(url, json=ASKED, headers=fields)
            row = row + 1 if found.status_code == status else 0
            await asyncio.sleep(0.02)


@pytest.mark.timeout(120)
async def test_a_key_is_made_used_changed_and_deleted(tmp_path: Path) -> None:
    async with serving(tmp_path) as running, desk(running) as client:
        made = await client.post("/keys", json={"name": "ann", "models": ["fast"], "team": "blue"})
        assert made.status_code == 201, made.text
        secret = made.json()["secret"]
        await until(running, secret, 200)

        shown = (await client.get("/keys")).json()["keys"]
        assert [(each["name"], each["hint"], each["team"]) for each in shown] == [
            ("ann", secret[-4:], "blue")
        ]
        assert secret not in (await client.get("/keys/ann")).text
        kept = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("torana.db*"))
        assert secret.encode() not in kept

        report = await client.get("/usage", params={"by": "key,model"})
        [total] = report.json()["totals"]
        assert total["group"] == {"key": "ann", "model": "fast"}
        assert total["requests"] >= 8
        assert (total["input"], total["output"]) == (20 * total["requests"], 10 * total["requests"])
        assert total["usd"] == pytest.approx(30e-6 * total["requests"])

        assert (await client.patch("/keys/ann", json={"enabled": False})).status_code == 200
        await until(running, secret, 401)
        assert (await client.patch("/keys/ann", json={"enabled": True})).status_code == 200
        await until(running, secret, 200)
        assert (await client.delete("/keys/ann")).json() == {"name": "ann", "deleted": True}
        await until(running, secret, 401)
        assert (await client.get("/keys/ann")).status_code == 404


@pytest.mark.timeout(120)
async def test_the_desk_refuses_strangers_and_what_does_not_fit(tmp_path: Path) -> None:
    async with serving(tmp_path) as running, desk(running) as client:
        strangers = httpx.AsyncClient(base_url=client.base_url)
        async with strangers:
            assert (await strangers.get("/keys")).status_code == 401
        for given, named in (
            ({"name": "a/b"}, "name"),
            ({"name": "x", "models": ["gone"]}, "gone"),
            ({"name": "x", "team": "red"}, "red"),
            ({"name": "x", "secret": "mine"}, "secret"),
            ({"name": "x", "rpm": 3}, "rpm"),
            ({"name": "x", "budget": {"usd": 1}}, "unpriced"),
        ):
            refused = await client.post("/keys", json=given)
            assert refused.status_code == 400
            assert named in refused.json()["message"]
        assert (await client.post("/keys", json={"name": "x"})).status_code == 201
        assert (await client.post("/keys", json={"name": "x"})).status_code == 409
        assert (await client.get("/usage", params={"by": "secret"})).status_code == 400


async def test_a_team_spends_from_limits_of_its_own() -> None:
    settings = """
[providers.up]
type = "custom"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "up" }]
[prices.up]
input = 0
output = 100000
[teams.blue]
budget = { usd = 2, period = "day" }
[keys.ann]
secret = "sk-ann"
team = "blue"
tokens_per_minute = 1000
[keys.bob]
secret = "sk-bob"
team = "blue"
"""
    async with d.gateway(lambda request, body: d.answer(d.OPENAI), settings) as running:
        url = f"{running.url}/v1"
        ann = AsyncOpenAI(base_url=url, api_key="sk-ann", max_retries=0)
        bob = AsyncOpenAI(base_url=url, api_key="sk-bob", max_retries=0)
        async with ann, bob:
            for client in (ann, bob):
                await client.chat.completions.create(**ASKED, max_tokens=10)
            with pytest.raises(RateLimitError, match="budget of blue"):
                await ann.chat.completions.create(**ASKED, max_tokens=10)
        key = next(each for each in running.api.plan.keys.values() if each.name == "ann")
        assert key.tokens is not None
        assert key.tokens.take(960), "the refused request gave its tokens back"
