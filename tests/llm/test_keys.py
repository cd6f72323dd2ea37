"""What is reserved for a request."""

import asyncio

import pytest

from torana.llm.keys import Budget, Key, reserve
from torana.state import open_counters, open_store


async def test_a_client_that_leaves_while_a_budget_is_asked_for_gives_its_tokens_back() -> None:
    store = await open_store("memory:")
    counters = await open_counters("local:", store)
    tokens = counters.bucket("tokens", 0.001, 1000)
    budgets = (Budget(counters.quota("first", 9000, "DAY"), tokens=True),)
    key = Key("k", frozenset(), tokens=tokens, most_tokens=1000, budgets=budgets)
    asking = asyncio.ensure_future(reserve(key, 0, 800, None))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert tokens.take(1000)
    await counters.close()
    await store.close()
