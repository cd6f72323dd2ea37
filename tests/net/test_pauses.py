"""Long work lets others have their turn."""

import asyncio
import gc
from collections.abc import Generator
from time import perf_counter

import pytest

from torana.net.pauses import at_once, with_pauses
from torana.net.tasks import spawn


def spin(seconds: float) -> Generator[None, None, str]:
    end = perf_counter() + seconds
    while perf_counter() < end:
        yield
    return "done"


def fails() -> Generator[None, None, str]:
    yield
    raise ValueError("no")


def test_work_without_a_pause_gives_its_result() -> None:
    assert at_once(spin(0)) == "done"
    assert gc.isenabled()


async def test_others_have_a_turn_while_work_goes_on() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = spawn(other(), "others")
    assert await with_pauses(spin(0.1)) == "done"
    task.cancel()
    assert turns >= 5


async def test_a_failure_is_the_callers_and_the_collector_works_again() -> None:
    with pytest.raises(ValueError, match="no"):
        await with_pauses(fails())
    with pytest.raises(ValueError, match="no"):
        at_once(fails())
    assert gc.isenabled()
