"""Quotas: periods, blocks, restarts, and a store that is away."""

import asyncio
import sys
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torana.state import open_store
from torana.state.allowance import Allowance, Draw, Grant, Manner
from torana.state.bucket import Ration
from torana.state.counters import CountersUnavailable, Period, admit
from torana.state.memory import MemoryStore
from torana.state.quotas import (
    QuotaBook,
    Quotas,
    Record,
    Terms,
    left_of,
    period_end,
    period_start,
    settle,
)

MONDAY = date(2026, 11, 23)
TAKER = Path(__file__).with_name("quota_taker.py")


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("DAY", date(2026, 11, 23), date(2026, 11, 24)),
        ("WEEK", date(2026, 11, 22), date(2026, 11, 29)),
        ("MONTH", date(2026, 11, 1), date(2026, 12, 1)),
    ],
)
def test_periods_are_days_weeks_from_sunday_and_months(
    period: Period, start: date, end: date
) -> None:
    assert (period_start(period, MONDAY), period_end(period, MONDAY)) == (start, end)


def test_a_sunday_begins_its_week() -> None:
    assert period_start("WEEK", date(2026, 11, 22)) == date(2026, 11, 22)


def test_december_ends_with_the_year() -> None:
    assert period_end("MONTH", date(2026, 12, 31)) == date(2027, 1, 1)


def test_the_offset_counts_in_the_first_period_only() -> None:
    terms = Terms(100, "WEEK", offset=40)
    record = Record("2026-11-23", {})
    assert left_of(record, terms, MONDAY) == 60
    assert left_of(record, terms, date(2026, 11, 29)) == 100


def test_use_of_earlier_periods_does_not_count() -> None:
    record = Record("2026-10-01", {"2026-10-31": 50, "2026-11-01": 7, "2026-11-23": 3})
    assert left_of(record, Terms(100, "MONTH"), MONDAY) == 90
    assert left_of(record, Terms(100, "DAY"), MONDAY) == 97


@given(
    limit=st.integers(0, 200),
    draws=st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 50), st.floats(0, 1), st.integers(0, 2)),
        max_size=60,
    ),
)
def test_grants_less_returns_never_exceed_the_limit(
    limit: int, draws: list[tuple[int, int, float, int]]
) -> None:
    record, out, day = Record("2026-11-01"), 0.0, MONDAY
    for need, ahead, part, later in draws:
        day = min(date(2026, 11, 30), date.fromordinal(day.toordinal() + later))
        back = float(int(out * part))
        draw = Draw(need=need, least=1, ahead=ahead, back=back)
        record, granted, ahead = settle(record, Terms(limit, "MONTH"), draw, day)
        out += granted + ahead - back
        assert 0 <= out <= limit
        assert left_of(record, Terms(limit, "MONTH"), day) == limit - out


async def test_a_quota_admits_its_limit_to_the_last_and_no_more(store_url: str) -> None:
    store = await open_store(store_url)
    quotas = Quotas(QuotaBook(store))
    quota = quotas.get("q", 50, "MONTH", 0)
    assert Counter([await admit(quota) for _ in range(60)]) == {True: 50, False: 10}
    await quotas.close()
    await store.close()


async def test_most_takes_need_no_asking() -> None:
    quotas = Quotas(QuotaBook(MemoryStore(100)))
    quota = quotas.get("q", 100_000, "MONTH", 0)
    await quota.ask()
    asked = 0
    for _ in range(2000):
        if quota.take() is None:
            asked += 1
            await quota.ask()
        await asyncio.sleep(0)
    assert asked < 20
    await quotas.close()


async def test_use_survives_a_restart_exactly(store_url: str) -> None:
    store = await open_store(store_url)
    for _ in range(3):
        quotas = Quotas(QuotaBook(store))
        quota = quotas.get("q", 1000, "MONTH", 0)
        assert [await admit(quota) for _ in range(5)] == [True] * 5
        await quotas.close()
    assert sum((await QuotaBook(store).usage("q")).values()) == 15
    await store.close()


async def test_a_killed_process_never_lets_a_quota_be_exceeded(shared_store_url: str) -> None:
    """Whatever it admitted is written down; what it held besides is lost, and is little."""
    taker = await asyncio.create_subprocess_exec(
        sys.executable, str(TAKER), shared_store_url, "1000000", stdout=asyncio.subprocess.PIPE
    )
    assert taker.stdout is not None
    await taker.stdout.readline()
    await asyncio.sleep(0.5)
    taker.kill()
    admitted = 1 + (await taker.stdout.read()).count(b"\n")
    await taker.wait()
    store = await open_store(shared_store_url)
    written = sum((await QuotaBook(store).usage("q")).values())
    await store.close()
    assert admitted > 100
    assert admitted <= written <= admitted + 1_000_000 / 16


async def test_processes_that_share_a_store_admit_the_limit_exactly(shared_store_url: str) -> None:
    takers = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(TAKER), shared_store_url, "400", stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    outputs = [(await taker.communicate())[0] for taker in takers]
    assert sum(output.count(b"\n") for output in outputs) == 400


async def test_a_new_period_starts_afresh() -> None:
    clock = Clock(datetime(2026, 11, 23, 23, 59, 59, 900_000, UTC))
    quotas = Quotas(QuotaBook(MemoryStore(100), clock))
    quota = quotas.get("q", 5, "DAY", 0)
    assert [await admit(quota) for _ in range(6)] == [True] * 5 + [False]
    clock.now = datetime(2026, 11, 24, 0, 0, 0, 1000, UTC)
    await asyncio.sleep(0.11)
    assert [await admit(quota) for _ in range(6)] == [True] * 5 + [False]
    assert await quotas.usage("q") == {"2026-11-23": 5, "2026-11-24": 5}
    await quotas.close()


async def test_a_raised_limit_counts_at_once() -> None:
    quotas = Quotas(QuotaBook(MemoryStore(100)))
    quota = quotas.get("q", 2, "DAY", 0)
    assert [await admit(quota) for _ in range(3)] == [True, True, False]
    assert quotas.get("q", 3, "DAY", 0) is quota
    assert [await admit(quota) for _ in range(2)] == [True, False]
    await quotas.close()


async def test_money_is_counted_in_parts() -> None:
    store = MemoryStore(100)
    quotas = Quotas(QuotaBook(store))
    quota = quotas.get("q", 1, "DAY", 0)
    assert await admit(quota, 0.3)
    quota.charge(0.45)
    quota.give(0.05)
    await quotas.close()
    assert sum((await QuotaBook(store).usage("q")).values()) == pytest.approx(0.7)


async def test_overspending_is_written_down_and_refuses_what_follows() -> None:
    store = MemoryStore(100)
    quotas = Quotas(QuotaBook(store))
    quota = quotas.get("q", 10, "DAY", 0)
    assert await admit(quota)
    quota.charge(30)
    assert not await admit(quota)
    await quotas.close()
    assert sum((await QuotaBook(store).usage("q")).values()) == 31


async def test_without_the_store_a_quota_goes_on_and_is_settled_later(tmp_path: Path) -> None:
    away = False

    class Book(QuotaBook):
        async def draw(self, *arguments: object, **named: object):
            if away:
                raise CountersUnavailable("away for the test")
            return await super().draw(*arguments, **named)  # pyright: ignore[reportArgumentType]

    store = MemoryStore(100)
    quotas = Quotas(Book(store))
    quota = quotas.get("q", 40, "DAY", 0)
    assert await admit(quota)
    away = True
    taken = Counter([await admit(quota) for _ in range(60)])
    assert (taken[True], quotas.away) == (39, True)
    away = False
    await asyncio.sleep(1.2)
    assert not quotas.away
    assert not await admit(quota)
    await quotas.close()
    assert sum((await QuotaBook(store).usage("q")).values()) == 40


async def test_who_leaves_as_the_answer_comes_has_taken_nothing() -> None:
    loop = asyncio.get_running_loop()

    async def draw(draw: Draw) -> Grant:
        # After the answer is given and before it is heard.
        loop.call_soon(asking.cancel)
        return Grant(draw.need)

    manner = Manner(lookahead=1.0, portion=0.1, idle=5.0, keeps=True, deadline=1.0)
    limit = Allowance(1, manner, draw, lambda held, remaining: Ration(held))
    asking = asyncio.ensure_future(limit.ask())
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert limit.take()
