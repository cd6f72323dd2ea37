"""The node's time series: what is kept, for how long, and in how much room."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from torana.telemetry.distribution import Distribution, of
from torana.telemetry.recorder import Point, Series
from torana.telemetry.timeseries import DAY, TimeSeries

SERIES = Series("N", "m")
NOW = 1_800_000_000 // 3600 * 3600


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(
    folder: Path, clock: Clock | None = None, most_bytes: int = 1 << 30, most_series: int = 1000
) -> AsyncGenerator[TimeSeries]:
    series = TimeSeries(folder / "m.db", most_bytes, most_series, clock or Clock())
    await series.open()
    try:
        yield series
    finally:
        await series.close()


def point(at: int, *values: float, span: int = 60, series: Series = SERIES) -> Point:
    return Point(series, at, of(values), span)


async def sums(series: TimeSeries, start: int, end: int, period: int = 60) -> dict[int, float]:
    found = await series.read([SERIES], start, end, period)
    return {at: each.total for at, each in found.items()}


async def test_a_batch_that_is_sent_twice_counts_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as series:
        for number in (1, 2, 2, 1):
            await series.keep([point(NOW, 1.0)], "worker", number)
        await series.keep([point(NOW, 1.0)], "another", 1)
        assert await sums(series, NOW, NOW + 60) == {NOW: 3}


async def test_old_minutes_become_five_minutes_and_then_hours(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as series:
        await series.keep([point(NOW + 60 * each, float(each)) for each in range(60)])
        for days, step, points in ((1, 60, 60), (16, 300, 12), (64, 3600, 1)):
            clock.now = NOW + days * DAY
            await series.tidy()
            found = await sums(series, NOW, NOW + 3600)
            assert (sum(found.values()), len(found)) == (sum(range(60)), points), step
        clock.now = NOW + 456 * DAY
        await series.tidy()
        assert await sums(series, NOW, NOW + 3600) == {}
        assert series.find("N", "m") == []


async def test_percentiles_outlive_their_minutes(tmp_path: Path) -> None:
    clock, random = Clock(), Random(1)
    values = sorted(random.expovariate(1) for _ in range(6000))
    async with opened(tmp_path, clock) as series:
        await series.keep([point(NOW + 60 * minute, *values[minute::60]) for minute in range(60)])
        clock.now = NOW + 64 * DAY
        await series.tidy()
        [found] = (await series.read([SERIES], NOW, NOW + 3600, 3600)).values()
        seen, middle = 0.0, 0.0
        for value, times in found.values():
            seen += times
            if seen >= 3000:
                middle = value
                break
        assert abs(middle - values[2999]) / values[2999] < 0.011
        assert (found.count, found.high) == (6000, values[-1])


async def test_late_values_go_where_their_age_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as series:
        await series.keep([point(NOW - 20 * DAY + 60, 1.0), point(NOW - 20 * DAY + 120, 2.0)])
        assert await sums(series, NOW - 20 * DAY, NOW) == {NOW - 20 * DAY: 3}


async def test_seconds_are_kept_for_three_hours(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as series:
        await series.keep([point(NOW + each, 1.0, span=1) for each in range(60)])
        assert len(await sums(series, NOW, NOW + 60, 1)) == 60
        clock.now += 4 * 3600
        await series.tidy()
        assert await sums(series, NOW, NOW + 60, 1) == {NOW: 60}


async def test_a_full_file_keeps_less_of_the_past_and_all_of_the_present(tmp_path: Path) -> None:
    random, most = Random(1), 1 << 20
    async with opened(tmp_path, most_bytes=most) as series:
        for minute in range(600):
            values = [random.lognormvariate(0, 3) for _ in range(200)]
            await series.keep([point(NOW - 60 * (600 - minute), *values)])
        before = await sums(series, NOW - 600 * 60, NOW)
        await series.tidy()
        after = await sums(series, NOW - 600 * 60, NOW)
        assert sum(after.values()) == sum(before.values()) or len(after) < len(before)
        assert after[NOW - 60] == before[NOW - 60]
        assert (tmp_path / "m.db").stat().st_size < 2 * most


async def test_there_are_only_so_many_series(tmp_path: Path) -> None:
    async with opened(tmp_path, most_series=3) as series:
        await series.keep([point(NOW, 1.0, series=Series("N", f"m{each}")) for each in range(5)])
        assert (len(series.find("N", None)), series.refused) == (3, 2)


def test_distributions_merge_into_what_all_values_would_have_made() -> None:
    random = Random(3)
    values = [random.gauss(0, 100) for _ in range(5000)]
    whole, merged = of(values), Distribution()
    for start in range(0, 5000, 500):
        merged.merge(of(values[start : start + 500]))
    assert merged.count == whole.count == 5000
    assert abs(merged.total - sum(values)) < 1e-6
    assert (merged.low, merged.high) == (min(values), max(values))
    assert len(merged.values()) < 2000
