"""Live figures: what was served, counted once, as it comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from tests.console.opening import Opened, opened
from torana.console.live import difference, totals
from torana.telemetry.metrics import Metrics, read_snapshot

MOCK = """
openapi: 3.0.1
info: {title: Words, version: '1'}
x-torana-id: words
paths:
  /say:
    get:
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: '200'}}
"""


async def events(reply: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in reply.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


async def ask(console: Opened, times: int) -> None:
    async with httpx.AsyncClient(base_url=console.running.door) as client:
        for _ in range(times):
            await client.get("/restapis/words/prod/_user_request_/say")
        await client.get("/restapis/words/prod/_user_request_/nothere")


async def test_every_request_is_seen_once_as_it_is_served(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    file.write_text(MOCK)
    async with opened(tmp_path / "data", apis=(str(file),)) as console:
        await console.sign_in()
        async with asyncio.timeout(15), console.browser.stream("GET", "/console/live") as reply:
            assert reply.headers["content-type"] == "text/event-stream"
            told = events(reply)
            name, first = await anext(told)
            assert (name, first["samples"]) == ("history", [])
            await told.__anext__()
            await ask(console, 5)
            counted = failed = 0
            while counted < 6:
                _, sample = await anext(told)
                for api, stage, count, client_errors, *_ in sample["rows"]:
                    assert (api, stage) == ("words", "prod")
                    counted, failed = counted + count, failed + client_errors
    assert (counted, failed) == (6, 1)


async def test_a_stream_does_not_keep_the_gateway_from_stopping(tmp_path: Path) -> None:
    async with asyncio.timeout(10), opened(tmp_path) as console:
        await console.sign_in()
        request = console.browser.build_request("GET", "/console/live")
        reply = await console.browser.send(request, stream=True)
        await anext(events(reply))


def test_a_worker_that_began_anew_counts_from_nothing() -> None:
    metrics = Metrics()
    series = metrics.series("api", "prod", "GET", "/")
    for _ in range(3):
        series.count(200, 0.01, 0.005, 10)
    before = totals([read_snapshot(metrics.snapshot())])["api", "prod"]
    fresh = Metrics()
    fresh.series("api", "prod", "GET", "/").count(500, 0.01, -1, 10)
    after = totals([read_snapshot(fresh.snapshot())])["api", "prod"]
    since = difference(before, after)
    assert (since.count, since.server_errors) == (1, 1)
    assert difference(before, before).count == 0
