"""What is particular to counters in Redis."""

import asyncio
import uuid
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.state.conftest import need_service
from tests.state.proxies import Cut
from torana.state.allowance import Draw
from torana.state.counters import CountersUnavailable, admit
from torana.state.ledger import BucketLedger
from torana.state.memory import MemoryStore
from torana.state.redis import RedisCounters
from torana.state.redis import open as open_redis

AMOUNT = st.integers(0, 8).map(float)


async def connect(port: int = 6379, prefix: str = "") -> RedisCounters:
    need_service("Redis", 6379)
    prefix = prefix or f"test-{uuid.uuid4().hex}"
    return await open_redis(f"redis://127.0.0.1:{port}/0?prefix={prefix}", MemoryStore(100))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rate=st.floats(0, 50),
    burst=st.integers(0, 20),
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), AMOUNT, AMOUNT, st.floats(0, 0.4), st.booleans()),
        min_size=1,
        max_size=20,
    ),
)
def test_the_script_is_the_ledger(
    rate: float, burst: int, steps: list[tuple[str, float, float, float, bool]]
) -> None:
    """The same draws at the same moments get the same grants from both."""

    async def compare() -> None:
        counters = await connect()
        ledger, now = BucketLedger(rate, float(burst), 1000.0), 1000.0
        held = {"a": 0.0, "b": 0.0, "c": 0.0}
        for holder, need, ahead, passed, returns in steps:
            now += passed
            mine = held[holder]
            draw = Draw(need, min(need, 1.0), ahead, mine)
            if returns:
                draw, mine = Draw(back=mine), 0.0
            expected = ledger.draw(holder, draw, now)
            grant, _ = await counters.draw(holder, "b", rate, float(burst), True, draw, now)
            assert grant.granted == expected.granted
            assert grant.ahead == expected.ahead
            assert grant.retry == pytest.approx(expected.retry)
            assert grant.remaining == pytest.approx(expected.remaining)
            held[holder] = mine + grant.ahead
        await counters.close()

    asyncio.run(compare())


async def test_a_holder_that_fell_silent_holds_nothing_after_a_while() -> None:
    counters = await connect()
    await counters.draw("dead", "b", 1, 10, True, Draw(ahead=10), 100.0)
    still, _ = await counters.draw("me", "b", 1, 10, True, Draw(need=10, least=10), 103.0)
    later, _ = await counters.draw("me", "b", 1, 10, True, Draw(need=10, least=10), 120.0)
    await counters.close()
    assert (still.granted, later.granted) == (0, 10)


async def test_no_redis_is_said_at_the_start() -> None:
    cut = Cut(6379)
    await cut.join()
    await cut.cut()
    with pytest.raises(CountersUnavailable, match="Redis"):
        await connect(cut.port)


async def test_while_redis_is_away_limits_go_on_locally_with_an_alarm() -> None:
    cut = Cut(6379)
    await cut.join()
    prefix = f"test-{uuid.uuid4().hex}"
    counters, other = await connect(cut.port, prefix), await connect(cut.port, prefix)
    await asyncio.sleep(1.1)
    bucket, inbox = counters.bucket("b", 100, 20), counters.subscribe("t")
    assert await admit(bucket)
    await cut.cut()
    await asyncio.sleep(0.01)
    taken = Counter([await admit(bucket) for _ in range(40)])
    assert taken[True] <= 20
    assert counters.alarm
    await asyncio.sleep(0.12)
    with pytest.raises(CountersUnavailable):
        await counters.publish("t", b"")
    shared_rate = [await admit(bucket) for _ in range(20)]
    assert 4 <= sum(shared_rate) <= 10
    await cut.join()
    assert await asyncio.wait_for(anext(inbox), 3) is None
    await asyncio.sleep(1.3)
    assert await admit(bucket)
    assert counters.alarm == ""
    await counters.close()
    await other.close()
    await cut.cut()
