"""Money over several workers, and over their sudden end: whole processes, as a user starts them."""

import asyncio
import os
import random
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.test_serve_command import Running
from tests.app.test_serve_command import gateway as process
from tests.llm import double as d
from torana.llm.spend import Spent, read
from torana.message import Reply, Request
from torana.net.server import listen

SETTINGS = """
workers = 2
[llm.providers.up]
type = "custom"
base_url = "{up}"
[llm.models.dear]
targets = [{ provider = "up", model = "up" }]
[llm.organizations.acme]               # whose money all of them spend
budget = { usd = {usd}, tokens = 1e6, period = "month" }
[llm.teams.blue]
organization = "acme"
budget = { usd = 1000 }
[llm.users.ann]
team = "blue"
budget = { tokens = 1e6, period = "day" }
[llm.keys.rich]
secret = "sk-rich"
user = "ann"
[llm.keys.other]
secret = "sk-other"
team = "blue"
[llm.prices.up]                        # ten tokens of output are a dollar
input = 0
output = 100000
"""


async def provider(request: Request) -> Reply:
    await asyncio.sleep(0.01)
    return d.answer(d.OPENAI)


@contextmanager
def serving(folder: Path, up: int, usd: int) -> Generator[Running]:
    config = folder / "torana.toml"
    text = SETTINGS.replace("{up}", f"http://127.0.0.1:{up}/v1").replace("{usd}", str(usd))
    config.write_text(text)
    (folder / "data" / "run.json").unlink(missing_ok=True)
    with process(folder / "data", "--config", str(config), ready=False) as running:
        yield running


async def chat(client: httpx.AsyncClient, running: Running) -> int:
    """The status, or 0 when there was no answer."""
    url = f"http://127.0.0.1:{running.run['port']}/v1/chat/completions"
    body: Any = {"model": "dear", "max_tokens": 10, "messages": [{"role": "user", "content": "x"}]}
    key = random.choice(("sk-rich", "sk-other"))
    try:
        done = await client.post(url, json=body, headers={"Authorization": f"Bearer {key}"})
        return done.status_code if done.content.endswith(b"}") else 0
    except httpx.HTTPError:
        return 0


def ledger(folder: Path) -> list[Spent]:
    return [each for each in read(folder / "data" / "usage") if each.status == 200]


def end(running: Running) -> None:
    """Kill the gateway and its workers at once."""
    pid = running.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    for each in (pid, *map(int, children)):
        os.kill(each, signal.SIGKILL)
    running.process.wait(10)


@pytest.mark.timeout(120)
async def test_workers_together_spend_a_budget_exactly(tmp_path: Path) -> None:
    up = await listen(provider)
    with serving(tmp_path, up.port, usd=25) as running:
        await asyncio.to_thread(running.wait)
        async with httpx.AsyncClient(timeout=30) as client:
            found = await asyncio.gather(*(chat(client, running) for _ in range(60)))
            # What one worker holds, the other may have to ask back for.
            for _ in range(20):
                await asyncio.sleep(0.3)
                found.append(await chat(client, running))
    await up.close()
    assert set(found) == {200, 429}
    assert found.count(200) == 25
    assert len(ledger(tmp_path)) == 25
    assert {each.organization for each in ledger(tmp_path)} == {"acme"}
    assert sum(each.usd or 0 for each in ledger(tmp_path)) == pytest.approx(25)


@pytest.mark.timeout(120)
async def test_a_killed_gateway_forgets_no_spending(tmp_path: Path) -> None:
    up = await listen(provider)
    with serving(tmp_path, up.port, usd=60) as running:
        await asyncio.to_thread(running.wait)
        async with httpx.AsyncClient(timeout=30) as client:
            calls = [asyncio.ensure_future(chat(client, running)) for _ in range(50)]
            for _, first in zip(range(15), asyncio.as_completed(calls), strict=False):
                await first
            end(running)
            before = (await asyncio.gather(*calls)).count(200)
    statuses = [call.result() for call in calls]
    assert 0 < before <= len(ledger(tmp_path)), statuses
    with serving(tmp_path, up.port, usd=60) as running:
        await asyncio.to_thread(running.wait)
        async with httpx.AsyncClient(timeout=30) as client:
            after = await asyncio.gather(*(chat(client, running) for _ in range(70)))
    await up.close()
    assert after.count(429) + after.count(200) == 70
    assert len(ledger(tmp_path)) <= 60
