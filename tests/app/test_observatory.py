"""Metrics on their way from the processes of a node to the one that keeps them."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from torana.app.observatory import Observatory
from torana.net.client import HttpClient
from torana.settings import Settings
from torana.state import open_counters
from torana.state.memory import MemoryStore
from torana.telemetry.journal import Journal
from torana.telemetry.recorder import Series

SERIES = Series("N", "m")


@asynccontextmanager
async def node(folder: Path) -> AsyncGenerator[tuple[Observatory, Observatory]]:
    """The keeper and a worker, with nothing sent but by hand."""
    (folder / "run").mkdir(exist_ok=True)
    client = HttpClient()
    counters = await open_counters("local:", MemoryStore(100))
    settings = Settings(data=str(folder))
    keeper, worker = (
        Observatory(settings, client, counters, Journal(), owner=own) for own in (True, False)
    )
    assert keeper.series is not None and keeper.book is not None
    await keeper.series.open()
    await keeper.book.open()
    await keeper.listen()
    try:
        yield keeper, worker
    finally:
        await keeper.aclose()
        await client.aclose()
        await counters.close()


async def test_each_node_knows_the_numbers_of_all(tmp_path: Path) -> None:
    client = HttpClient()
    counters = await open_counters("local:", MemoryStore(100))
    nodes: list[Observatory] = []
    for name in ("a", "b"):
        settings = Settings(data=str(tmp_path / name), shared="redis://both")
        nodes.append(Observatory(settings, client, counters, Journal(), owner=True))
        await nodes[-1].open()
    nodes[0].recorder.add(SERIES, 1.0)
    nodes[1].recorder.add(SERIES, 1.0)
    end = time.monotonic() + 10
    while [await kept(node) for node in nodes] != [2, 2]:
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    for node in nodes:
        await node.aclose()
    await client.aclose()
    await counters.close()


async def kept(keeper: Observatory) -> float:
    assert keeper.series is not None
    found = await keeper.series.read([SERIES], 0, 1 << 40, 1 << 40)
    return sum(each.count for each in found.values())


async def test_a_worker_that_stops_leaves_its_last_numbers(tmp_path: Path) -> None:
    async with node(tmp_path) as (keeper, worker):
        worker.recorder.add(SERIES, 1.0)
        await worker.aclose()
        assert await kept(keeper) == 1


async def test_numbers_wait_for_a_keeper_that_is_away_and_count_once(tmp_path: Path) -> None:
    async with node(tmp_path) as (_, worker):
        pass
    for _ in range(2):
        worker.recorder.add(SERIES, 1.0)
        await worker.flush()
    async with node(tmp_path) as (keeper, _):
        worker.recorder.add(SERIES, 1.0)
        await worker.aclose()
        assert await kept(keeper) == 3
