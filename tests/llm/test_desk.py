"""Keys made at run time, by whole processes: made at one door, used at the other."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

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
        await reports(client, total["requests"])

        assert (await client.patch("/keys/ann", json={"enabled": False})).status_code == 200
        await until(running, secret, 401)
        assert (await client.patch("/keys/ann", json={"enabled": True})).status_code == 200
        await until(running, secret, 200)
        await levels(running, client, secret)
        assert (await client.delete("/keys/ann")).json() == {"name": "ann", "deleted": True}
        assert (await client.get("/keys/ann")).status_code == 404


async def reports(client: httpx.AsyncClient, requests: int) -> None:
    """The same requests as tables, as an invoice, one by one, and foretold."""
    table = await client.get("/usage", params={"by": "day,team", "format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(table.text))
    assert (row["team"], int(row["requests"])) == ("blue", requests)
    none = await client.get("/usage", params={"team": "red"})
    assert none.json() == {"totals": []}

    [invoice] = (await client.get("/invoices")).json()["invoices"]
    assert (invoice["team"], invoice["requests"]) == ("blue", requests)
    assert [line["model"] for line in invoice["lines"]] == ["fast"]
    assert invoice["usd"] == pytest.approx(30e-6 * requests)
    assert "blue,fast,up,up," in (await client.get("/invoices", params={"format": "csv"})).text

    lines = (await client.get("/usage/requests", params={"key": "ann"})).text.splitlines()
    assert [json.loads(line)["team"] for line in lines] == ["blue"] * requests
    [foretold] = (await client.get("/forecast")).json()["forecasts"]
    assert foretold == {
        "group": {"team": "blue"},
        "spent": pytest.approx(30e-6 * requests),
        "mean": None,
        "low": None,
        "high": None,
    }


async def levels(running: Running, client: httpx.AsyncClient, secret: str) -> None:
    """An organization, a team and a user are made, given to the key, and blocked."""
    for kind, given in (
        (
            "organizations",
            {"name": "acme", "models": ["fast"], "budget": {"usd": 5, "tokens": 9000}},
        ),
        ("teams", {"name": "red", "organization": "acme"}),
        ("users", {"name": "bob@acme.com", "team": "red"}),
    ):
        assert (await client.post(f"/{kind}", json=given)).status_code == 201
    changed = await client.patch("/keys/ann", json={"user": "bob@acme.com", "team": None})
    assert (changed.status_code, changed.json()["team"]) == (200, "")
    assert (await client.delete("/teams/red")).status_code == 409
    assert [each["name"] for each in (await client.get("/teams")).json()["teams"]] == [
        "blue",
        "red",
    ]
    await client.patch("/organizations/acme", json={"enabled": False})
    await until(running, secret, 401)
    await client.patch("/organizations/acme", json={"enabled": True})
    await until(running, secret, 200)
    used = (await client.get("/organizations/acme")).json()["used"]
    assert [(each["unit"], each["limit"]) for each in used] == [("usd", 5), ("tokens", 9000)]
    assert used[1]["used"] >= 8 * 30
    renewed = (await client.post("/keys/ann/secret")).json()["secret"]
    await until(running, secret, 401)
    await until(running, renewed, 200)
    owners = {"by": "organization,team,user", "user": "bob@acme.com"}
    [total] = (await client.get("/usage", params=owners)).json()["totals"]
    assert total["group"] == {"organization": "acme", "team": "red", "user": "bob@acme.com"}
    await until(running, renewed, 200)
    await client.patch("/keys/ann", json={"expires": "2020-01-01T00:00:00Z"})
    await until(running, renewed, 401)


@pytest.mark.timeout(120)
async def test_the_desk_refuses_strangers_and_what_does_not_fit(tmp_path: Path) -> None:
    async with serving(tmp_path) as running, desk(running) as client:
        strangers = httpx.AsyncClient(base_url=client.base_url)
        async with strangers:
            assert (await strangers.get("/keys")).status_code == 401
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"name": "a/b"}, "name"),
            ({"name": "x", "models": ["gone"]}, "gone"),
            ({"name": "x", "team": "red"}, "red"),
            ({"name": "x", "secret": "mine"}, "secret"),
            ({"name": "x", "rpm": 3}, "rpm"),
            ({"name": "x", "budget": {"usd": 1}}, "unpriced"),
            ({"name": "x", "budget": {}}, "usd, tokens or both"),
        ]
        for given, named in wrong:
            refused = await client.post("/keys", json=given)
            assert refused.status_code == 400
            assert named in refused.json()["message"]
        assert (await client.post("/keys", json={"name": "x"})).status_code == 201
        assert (await client.post("/keys", json={"name": "x"})).status_code == 409
        assert (await client.get("/usage", params={"by": "secret"})).status_code == 400
