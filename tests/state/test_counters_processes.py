"""Limits shared by real processes: exact, not starving, and going on when the authority is gone."""

import asyncio
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest

from tests.state.conftest import need_service
from torana.state import open_counters
from torana.state.counters import CountersUnavailable, admit
from torana.state.hub import Hub
from torana.state.memory import MemoryStore

TAKER = Path(__file__).with_name("bucket_taker.py")


async def take_in_processes(url: str, count: int, *arguments: str) -> tuple[float, list[int]]:
    """How long the takers ran, from the first to the last, and what each of them was granted."""
    takers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            str(TAKER),
            url,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(count)
    ]
    for taker in takers:
        assert taker.stdout is not None
        assert await taker.stdout.readline() == b"ready\n"
    results = await asyncio.gather(*(taker.communicate(b"go\n") for taker in takers))
    rows = [[float(word) for word in output.split()] for output, _ in results]
    lasted = max(row[1] for row in rows) - min(row[0] for row in rows)
    return lasted, [int(row[2]) for row in rows]


@pytest.mark.parametrize(
    ("kind", "rate", "burst", "pause", "least"),
    [
        ("node", 1, 1, 0.02, 2),
        ("node", 20, 5, 0.005, 25),
        ("node", 2000, 100, 0.0, 1500),
        ("node", 5000, 1000, 0.001, 1000),
        ("redis", 20, 5, 0.005, 25),
        ("redis", 2000, 100, 0.0, 1500),
    ],
)
async def test_processes_together_are_admitted_what_one_would_be(
    kind: str, rate: int, burst: int, pause: float, least: int, tmp_path: Path
) -> None:
    hub = Hub()
    url = f"node:{tmp_path}/hub.sock"
    await hub.serve(f"{tmp_path}/hub.sock")
    if kind == "redis":
        need_service("Redis", 6379)
        url = f"redis://127.0.0.1:6379/0?prefix=test-{uuid.uuid4().hex}"
    lasted, admitted = await take_in_processes(url, 4, str(rate), str(burst), "1.2", str(pause))
    await hub.close()
    assert sum(admitted) <= burst + rate * lasted + 1e-6
    assert sum(admitted) >= least


async def test_without_a_hub_a_worker_says_so_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(CountersUnavailable, match=r"hub\.sock"):
        await open_counters(f"node:{tmp_path}/hub.sock", MemoryStore(100))
    with pytest.raises(ValueError, match="node:/path"):
        await open_counters("node:", MemoryStore(100))


async def test_the_socket_is_for_this_user_only(tmp_path: Path) -> None:
    hub = Hub()
    await hub.serve(f"{tmp_path}/hub.sock")
    assert (tmp_path / "hub.sock").stat().st_mode & 0o777 == 0o600
    await hub.close()


async def test_while_the_hub_is_away_workers_keep_to_their_share(tmp_path: Path) -> None:
    url, path = f"node:{tmp_path}/hub.sock", f"{tmp_path}/hub.sock"
    hub = Hub()
    await hub.serve(path)
    workers = [await open_counters(url, MemoryStore(100)) for _ in range(2)]
    buckets = [worker.bucket("b", 100, 20) for worker in workers]
    inbox = workers[0].subscribe("t")
    assert await admit(buckets[0])
    await hub.close()
    await asyncio.sleep(0.01)
    assert [bool(worker.alarm) for worker in workers] == [True, True]
    taken = Counter([await admit(bucket) for bucket in buckets for _ in range(30)])
    assert taken[True] <= 19
    await asyncio.sleep(0.1)
    refilled = Counter([await admit(bucket) for bucket in buckets for _ in range(30)])
    assert 6 <= refilled[True] <= 20
    with pytest.raises(CountersUnavailable):
        await workers[0].lock("l", 5)
    hub = Hub()
    await hub.serve(path)
    assert await asyncio.wait_for(anext(aiter(inbox)), 3) is None
    await asyncio.sleep(1.2)
    assert [worker.alarm for worker in workers] == ["", ""]
    assert await admit(buckets[0], 5)
    for worker in workers:
        await worker.close()
    await hub.close()


async def test_a_new_hub_does_not_grant_the_burst_again(tmp_path: Path) -> None:
    url, path = f"node:{tmp_path}/hub.sock", f"{tmp_path}/hub.sock"
    hub = Hub()
    await hub.serve(path)
    worker = await open_counters(url, MemoryStore(100))
    bucket = worker.bucket("b", 0.001, 50)
    assert await admit(bucket, 50)
    await hub.close()
    await asyncio.sleep(0.01)
    hub = Hub()
    await hub.serve(path)
    await asyncio.sleep(0.5)
    assert not await admit(bucket)
    await worker.close()
    await hub.close()


async def test_a_bucket_that_the_hub_forgot_is_full(tmp_path: Path) -> None:
    hub = Hub(sweep=0.02)
    await hub.serve(f"{tmp_path}/hub.sock")
    worker = await open_counters(f"node:{tmp_path}/hub.sock", MemoryStore(100))
    bucket = worker.bucket("b", 20, 1)
    for _ in range(3):
        assert await admit(bucket)
        await asyncio.sleep(0.15)
    await worker.close()
    await hub.close()


async def test_a_bucket_fills_while_a_new_hub_is_not_asked_for_it(tmp_path: Path) -> None:
    url, path = f"node:{tmp_path}/hub.sock", f"{tmp_path}/hub.sock"
    hub = Hub(sweep=0.02)
    await hub.serve(path)
    worker = await open_counters(url, MemoryStore(100))
    bucket = worker.bucket("b", 10, 1)
    assert await admit(bucket)
    await hub.close()
    await asyncio.sleep(0.01)
    hub = Hub(sweep=0.02)
    await hub.serve(path)
    await asyncio.sleep(0.5)
    assert await admit(bucket)
    await worker.close()
    await hub.close()


async def test_nonsense_on_the_socket_ends_that_connection_only(tmp_path: Path) -> None:
    url, path = f"node:{tmp_path}/hub.sock", f"{tmp_path}/hub.sock"
    hub = Hub(sweep=0.02)
    await hub.serve(path)
    worker = await open_counters(url, MemoryStore(100))
    for nonsense in (b"\xff\xff\xff\xff", b"\0\0\0\x03abc", b"\0\0\0\x01\x90"):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(nonsense)
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                await reader.readexactly(1)
        writer.close()
    assert await admit(worker.bucket("b", 1, 1))
    await worker.close()
    await hub.close()


async def test_the_hubs_own_process_hears_what_workers_publish(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []
    hub = Hub(lambda topic, body: heard.append((topic, body)))
    await hub.serve(str(tmp_path / "hub.sock"))
    worker = await open_counters(f"node:{tmp_path / 'hub.sock'}", MemoryStore(100))
    await worker.publish("t", b"1")
    async with asyncio.timeout(5):
        while not heard:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert heard == [("t", b"1")]
    await worker.close()
    await hub.close()
