"""What is written of a request once it was answered."""

import asyncio

import pytest

from tests.builders import api, ask, door, mock
from torana.gateway.contract import Context
from torana.gateway.observe import together

COMPILED = door(api(mock())).table.stages["abc", "prod"].plan.to


def contexts(number: int) -> list[Context]:
    return [Context(ask("/pets"), COMPILED, str(each), "/", "", {}, {}) for each in range(number)]


async def test_requests_of_one_turn_are_observed_in_order_after_it() -> None:
    seen: list[str] = []

    def note(ctx: Context) -> None:
        seen.append(ctx.request_id)

    observe = together(lambda to: note)(COMPILED)
    for ctx in contexts(3):
        observe(ctx)
    assert seen == []
    await asyncio.sleep(0)
    assert seen == ["0", "1", "2"]


async def test_a_request_that_cannot_be_observed_hides_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[str] = []

    def fails_once(ctx: Context) -> None:
        if ctx.request_id == "0":
            raise ValueError("broken")
        seen.append(ctx.request_id)

    observe = together(lambda to: fails_once)(COMPILED)
    for ctx in contexts(2):
        observe(ctx)
    await asyncio.sleep(0)
    assert seen == ["1"] and "was not observed" in caplog.text
