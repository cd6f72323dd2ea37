import asyncio

import pytest

from torana.deadline import Deadline
from torana.net.tasks import spawn


async def test_what_is_done_in_time_is_left_alone() -> None:
    with Deadline(60.0):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_takes_longer_ends_with_a_timeout_in_its_task() -> None:
    with pytest.raises(TimeoutError), Deadline(0.01):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_time_that_is_over_already_ends_the_first_wait() -> None:
    with pytest.raises(TimeoutError), Deadline(-1.0):
        await asyncio.Event().wait()


async def test_an_outer_deadline_passes_through_inner_ones() -> None:
    inner: list[type[BaseException]] = []
    with pytest.raises(TimeoutError), Deadline(0.01):
        try:
            with Deadline(60.0):
                await asyncio.Event().wait()
        except BaseException as error:
            inner.append(type(error))
            raise
    assert inner == [asyncio.CancelledError]


async def test_a_task_that_is_cancelled_stays_cancelled() -> None:
    async def waits() -> None:
        with Deadline(60.0):
            await asyncio.Event().wait()

    task = spawn(waits(), "a test")
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_outweighs_a_deadline_that_passes_with_it() -> None:
    async def waits() -> None:
        with Deadline(0.0):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                # Whoever else cancels does so before the first one was answered.
                task.cancel()
                raise

    task = spawn(waits(), "a test")
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_other_errors_are_not_covered() -> None:
    with pytest.raises(ValueError, match="own"), Deadline(60.0):
        raise ValueError("own")
