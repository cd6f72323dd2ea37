"""What limits and commits cost. Prints markdown; ratios are to a plain Python counter.

Run: `python bench/state.py` (about half a minute; PostgreSQL and Redis where they are running).
"""

import asyncio
import os
import socket
import sys
import tempfile
import timeit
import uuid
from time import monotonic, process_time

from torana.state import open_counters, open_store
from torana.state.bucket import LocalBucket
from torana.state.hub import Hub
from torana.state.memory import MemoryStore
from torana.state.store import Change

SECONDS = 2.0
SERVICES = {"postgresql": 5432, "redis": 6379}


class Plain:
    """The least a limit in Python can cost: one attribute, one comparison."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = 1e18

    def take(self, n: float = 1) -> bool:
        self.left -= n
        return self.left >= 0


def nanoseconds(take: object) -> float:
    number = 200_000
    return (
        min(timeit.repeat("take()", globals={"take": take}, number=number, repeat=7)) / number * 1e9
    )


async def takes() -> None:
    print("\n## Taking, one process\n\n| what | ns a take | to the plain counter |\n|---|---|---|")
    store = MemoryStore(1000)
    counters = await open_counters("local:", store)
    quota = counters.quota("q", 1e12, "MONTH")
    await quota.ask()
    quota.give(1e9)
    full, empty = LocalBucket(1e9, 1e9), LocalBucket(1e-9, 0)
    rows = {
        "plain counter": nanoseconds(Plain().take),
        "bucket, admits": nanoseconds(full.take),
        "bucket, refuses": nanoseconds(empty.take),
        "shared bucket or quota, held ahead": nanoseconds(quota.take),
    }
    for name, cost in rows.items():
        print(f"| {name} | {cost:.0f} | {cost / rows['plain counter']:.1f} |")
    await counters.close()


async def worker(url: str, rate: str, burst: str) -> None:
    """Take ten times, let the loop turn, again; every request is one admit."""
    counters = await open_counters(url, MemoryStore(1000))
    bucket = counters.bucket("b", float(rate), float(burst))
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    began, taken, admitted, slow = monotonic(), 0, 0, []
    while monotonic() < began + SECONDS:
        for _ in range(10):
            taken += 1
            answer = bucket.take()
            if answer is None:
                asked = monotonic()
                answer = await bucket.ask()
                slow.append(monotonic() - asked)
            admitted += answer
        await asyncio.sleep(0.0005)
    asks, slow = len(slow), sorted(slow) or [0.0]
    print(taken, admitted, asks, slow[len(slow) // 2], slow[int(len(slow) * 0.99)])
    print(began, monotonic())
    await counters.close()


async def shared(kind: str, url: str, count: int, rate: float, burst: float) -> None:
    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, __file__, "worker", url, str(rate), str(burst)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(count)
    ]
    for one in workers:
        await one.stdout.readline()
    cpu = process_time()
    outputs = await asyncio.gather(*(one.communicate(b"\n") for one in workers))
    cpu = process_time() - cpu
    rows = [[float(word) for word in output.split()] for output, _ in outputs]
    taken, admitted, asked = (sum(row[i] for row in rows) for i in range(3))
    bound = burst + rate * (max(row[6] for row in rows) - min(row[5] for row in rows))
    print(
        f"| {kind} | {count} | {rate:,.0f} | {burst:,.0f} | {taken / SECONDS:,.0f} "
        f"| {admitted / bound:.1%} | {asked / taken:.2%} | {rows[0][3] * 1e6:.0f} "
        f"| {rows[0][4] * 1e6:.0f} | {cpu / SECONDS:.1%} |"
    )


async def leases(directory: str) -> None:
    print(
        "\n## Shared buckets\n\n| authority | workers | rate | burst | takes/s | admitted, of what"
        " is allowed | had to ask | median ask, µs | 99 %, µs | hub's CPU |\n|" + "---|" * 10
    )
    hub = Hub()
    await hub.serve(f"{directory}/hub.sock")
    urls = {"hub": f"node:{directory}/hub.sock"}
    if running("redis"):
        urls["Redis"] = f"redis://127.0.0.1:6379/0?prefix=bench-{uuid.uuid4().hex}"
    for kind, url in urls.items():
        for count, rate, burst in ((2, 100_000, 10_000), (4, 100_000, 10_000), (4, 1000, 100)):
            await shared(kind, url, count, rate, burst)
    await hub.close()


async def commits(directory: str) -> None:
    print("\n## Commits of 1 KB\n\n| store | at once | commits/s | ms each |\n|---|---|---|---|")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{directory}/bench.db"}
    if running("postgresql"):
        urls["postgresql"] = "postgresql://postgres@127.0.0.1:5432/test?schema=torana_bench"
    for kind, url in urls.items():
        for at_once in (1, 16, 128):
            rate = await commit_for_a_second(url, at_once)
            print(f"| {kind} | {at_once} | {rate:,.0f} | {at_once / rate * 1000:.2f} |")


async def commit_for_a_second(url: str, at_once: int) -> float:
    store, body, until, done = await open_store(url), os.urandom(1024), monotonic() + 1, 0

    async def write() -> None:
        nonlocal done
        while monotonic() < until:
            await store.commit([Change("bench", uuid.uuid4().hex, 0, body)])
            done += 1

    await asyncio.gather(*(write() for _ in range(at_once)))
    written = [document async for document in store.scan("bench")]
    for start in range(0, len(written), 500):
        page = written[start : start + 500]
        await store.commit([Change("bench", one.id, one.version, None) for one in page])
    await store.close()
    return done


def running(service: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", SERVICES[service]), 1).close()
    except OSError:
        return False
    return True


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        await takes()
        await leases(directory)
        await commits(directory)


if __name__ == "__main__":
    asyncio.run(worker(*sys.argv[2:]) if sys.argv[1:2] == ["worker"] else main())
