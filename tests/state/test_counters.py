"""What counters promise, wherever the authority is."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.state.conftest import need_service
from torana.state import open_counters, open_store
from torana.state.counters import Counters, Subscription, admit
from torana.state.hub import Hub


@asynccontextmanager
async def opened(kind: str, tmp_path: Path, workers: int = 1) -> AsyncGenerator[list[Counters]]:
    """Counters of some workers that share what they count."""
    hub = Hub()
    url = "local:"
    if kind == "node":
        url = f"node:{tmp_path}/hub.sock"
        await hub.serve(f"{tmp_path}/hub.sock")
    elif kind == "redis":
        need_service("Redis", 6379)
        url = f"redis://127.0.0.1:6379/0?prefix=test-{uuid.uuid4().hex}"
    store = await open_store("memory:")
    counters = [await open_counters(url, store) for _ in range(workers)]
    try:
        yield counters
    finally:
        for one in counters:
            await one.close()
        await hub.close()
        await store.close()


async def next_message(subscription: Subscription) -> bytes | None:
    return await asyncio.wait_for(anext(aiter(subscription)), 2)


everywhere = pytest.mark.parametrize("kind", ["local", "node", "redis"])
shared = pytest.mark.parametrize("kind", ["node", "redis"])


@everywhere
async def test_a_bucket_admits_its_burst(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        bucket = counters.bucket("b", 0.001, 5)
        assert Counter([await admit(bucket) for _ in range(8)]) == {True: 5, False: 3}


@everywhere
async def test_a_bucket_fills_at_its_rate(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        bucket = counters.bucket("b", 50, 5)
        assert await admit(bucket, 5)
        assert not await admit(bucket, 5)
        await asyncio.sleep(0.12)
        assert await admit(bucket, 5)


@everywhere
async def test_more_than_the_burst_is_never_admitted(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        assert not await admit(counters.bucket("b", 1000, 5), 6)
        assert not await admit(counters.bucket("zero", 0, 0))


@everywhere
async def test_the_same_name_is_the_same_bucket(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        bucket = counters.bucket("b", 0.001, 5)
        assert await admit(bucket, 5)
        assert counters.bucket("b", 0.001, 9) is bucket
        assert not await admit(bucket, 5)


@everywhere
async def test_a_debt_is_paid_first(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        bucket = counters.bucket("b", 20, 5)
        assert await admit(bucket)
        bucket.charge(6)
        await asyncio.sleep(0.01)
        assert not await admit(bucket)
        await asyncio.sleep(0.3)
        assert await admit(bucket)


@everywhere
async def test_many_at_once_are_admitted_up_to_the_burst(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        bucket = counters.bucket("b", 0.001, 50)
        answers = await asyncio.gather(*(admit(bucket) for _ in range(80)))
        assert Counter(answers) == {True: 50, False: 30}


@shared
async def test_workers_share_a_burst_to_the_last_token(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, 4) as counters:
        buckets = [one.bucket("b", 0.001, 30) for one in counters]
        answers = [await admit(buckets[turn % 4]) for turn in range(50)]
        assert Counter(answers) == {True: 30, False: 20}


@shared
async def test_one_worker_can_have_what_another_holds_ahead(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, 2) as [mine, other]:
        burst = 100
        bucket, elsewhere = mine.bucket("b", 0.001, burst), other.bucket("b", 0.001, burst)
        taken = 0
        for _ in range(30):
            taken += await admit(elsewhere)
            await asyncio.sleep(0.001)
        while await admit(bucket):
            taken += 1
        assert taken == burst


@shared
async def test_a_low_rate_serves_workers_in_turn(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, 4) as counters:
        buckets = [one.bucket("b", 40, 1) for one in counters]
        answers: list[bool] = []
        for turn in range(16):
            answers.append(await admit(buckets[turn % 4]))
            await asyncio.sleep(0.03)
        assert answers == [True] * 16


@shared
async def test_at_a_high_rate_most_takes_need_no_asking(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        bucket = counters.bucket("b", 100_000, 100_000)
        asked = 0
        for turn in range(4000):
            if bucket.take() is None:
                asked += 1
                assert await bucket.ask()
            if turn % 10 == 0:
                await asyncio.sleep(0.0005)
        assert asked < 200


@shared
async def test_a_flood_does_not_ask_for_every_refusal(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        bucket = counters.bucket("b", 10, 1)
        answers = [bucket.take() for _ in range(1)]
        await bucket.ask()
        await bucket.ask()
        answers = [bucket.take() for _ in range(1000)]
        assert answers == [False] * 1000


@everywhere
async def test_a_quota_counts_what_was_taken(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        quota = counters.quota("q", 20, "MONTH", offset=5)
        assert Counter([await admit(quota) for _ in range(20)]) == {True: 15, False: 5}
        assert quota.remaining == 0
        assert sum((await counters.usage("q")).values()) == 15


@shared
async def test_workers_share_a_quota_to_the_last(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, 3) as counters:
        quotas = [one.quota("q", 300, "MONTH") for one in counters]
        taken = sum([await admit(quotas[0]) for _ in range(20)])
        taken += sum([await admit(quotas[1]) for _ in range(20)])
        while await admit(quotas[2]):
            taken += 1
        assert taken == 300


@everywhere
async def test_a_lock_is_held_by_one(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        lock = await counters.lock("l", 5)
        assert lock is not None
        assert await counters.lock("l", 5) is None
        assert await counters.lock("other", 5) is not None
        await lock.release()
        later = await counters.lock("l", 5)
        assert later is not None
        assert later.token > lock.token


@everywhere
async def test_a_lock_lapses_unless_it_is_renewed(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        kept, lapsing = await counters.lock("kept", 0.1), await counters.lock("lapsing", 0.1)
        assert kept is not None
        assert lapsing is not None
        assert await kept.renew(5)
        await asyncio.sleep(0.15)
        assert await counters.lock("kept", 5) is None
        assert await counters.lock("lapsing", 5) is not None
        assert not await lapsing.renew(5)
        await lapsing.release()
        assert await counters.lock("lapsing", 5) is None


@everywhere
async def test_what_is_published_reaches_every_process_in_order(kind: str, tmp_path: Path) -> None:
    workers = 1 if kind == "local" else 3
    async with opened(kind, tmp_path, workers) as counters:
        inboxes = [one.subscribe("t") for one in counters]
        others = counters[0].subscribe("other")
        await asyncio.sleep(0.05)
        await counters[0].publish("t", b"1\0\xff")
        await counters[0].publish("t", b"2")
        await counters[0].publish("other", b"3")
        for inbox in inboxes:
            assert [await next_message(inbox), await next_message(inbox)] == [b"1\0\xff", b"2"]
        assert await next_message(others) == b"3"


@everywhere
async def test_a_closed_subscription_ends(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as [counters]:
        inbox = counters.subscribe("t")
        inbox.close()
        assert [message async for message in inbox] == []


async def test_a_listener_that_falls_behind_is_told(tmp_path: Path) -> None:
    async with opened("local", tmp_path) as [counters]:
        inbox = counters.subscribe("t")
        for n in range(1001):
            await counters.publish("t", b"%d" % n)
        assert [await next_message(inbox), await next_message(inbox)] == [None, b"1000"]


async def test_a_scheme_nobody_serves_is_refused() -> None:
    with pytest.raises(ValueError, match="known: local, node, redis"):
        await open_counters("etcd://somewhere", await open_store("memory:"))
