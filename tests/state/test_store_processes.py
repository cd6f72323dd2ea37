"""What a store promises to several processes, and to one that is killed."""

import asyncio
import sys
import time
from pathlib import Path

from torana.state import open_store
from torana.state.store import Change, Document

WRITER = Path(__file__).with_name("store_writer.py")


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(WRITER), *arguments, stdout=asyncio.subprocess.PIPE
    )


async def test_acknowledged_commits_survive_kill_9(shared_store_url: str) -> None:
    writer = await start("acknowledge", shared_store_url)
    assert writer.stdout is not None
    await writer.stdout.readline()
    await asyncio.sleep(0.4)
    writer.kill()
    acknowledged = (await writer.stdout.read()).decode().split()
    await writer.wait()
    store = await open_store(shared_store_url)
    held = {row.id: row.body async for row in store.scan("row")}
    await store.close()
    assert len(acknowledged) > 20
    assert [name for name in acknowledged if held.get(name) != name.encode() * 50] == []


async def test_writers_in_several_processes_lose_nothing(shared_store_url: str) -> None:
    writers = await asyncio.gather(*(start("add", shared_store_url, "25") for _ in range(3)))
    assert [await writer.wait() for writer in writers] == [0, 0, 0]
    store = await open_store(shared_store_url)
    total = await store.get("count", "n")
    await store.close()
    assert total is not None
    assert total.body == b"75"


async def test_commits_of_another_process_are_news_within_250_ms(shared_store_url: str) -> None:
    store, other = await open_store(shared_store_url), await open_store(shared_store_url)
    delays: list[float] = []
    watch = store.watch(0)
    for n in range(4):
        waiting = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(0.13)
        revision = await other.commit([Change("api", f"{n}", 0, b"")])
        committed = time.monotonic()
        news = await asyncio.wait_for(waiting, 5)
        delays.append(time.monotonic() - committed)
        assert news.events == (Document("api", f"{n}", revision, b""),)
    await store.close()
    await other.close()
    assert max(delays) < 0.25
