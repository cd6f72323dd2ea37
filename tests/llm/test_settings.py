"""What does not fit together in `[llm]` is named before anything is served."""

from typing import Any

import msgspec
import pytest

from torana.app.llm import build, vendors
from torana.llm.dialects import DIALECTS
from torana.llm_settings import Llm
from torana.net.client import HttpClient
from torana.settings import BadSettings
from torana.state import open_counters, open_store

WRONG: Any = {
    "providers": {
        "a": {"type": "nobody"},
        "b": {"type": "custom"},
        "up": {"type": "openai", "api_key": "k"},
    },
    "models": {
        "m": {"targets": [{"provider": "gone", "model": "x"}], "fallbacks": ["n"]},
        "empty": {"targets": []},
        "free": {"targets": [{"provider": "up", "model": "unpriced", "weight": 0}]},
    },
    "keys": {
        "k": {"secret": "s", "models": ["free", "no"], "budget": {"usd": 1, "period": "day"}},
    },
}


async def test_every_mistake_is_named_at_once() -> None:
    counters = await open_counters("local:", await open_store("memory:"))
    with pytest.raises(BadSettings) as caught:
        build(msgspec.convert(WRONG, Llm), {}, HttpClient(), counters)
    for mistake in (
        "llm.providers.a.type: 'nobody' is none of openai",
        "llm.providers.b.base_url: must be an http:// or https:// address",
        "llm.models.m.targets: no provider 'gone'",
        "llm.models.m.fallbacks: no model 'n'",
        "llm.models.empty.targets: needs at least one",
        "llm.models.free.targets: needs at least one with a weight",
        "llm.keys.k.models: no model 'no'",
        "llm.keys.k.budget: no price is known of 'unpriced'",
    ):
        assert mistake in str(caught.value)


def test_every_vendor_speaks_a_dialect_that_exists() -> None:
    assert {vendor.dialect for vendor in vendors().values()} <= set(DIALECTS)


async def test_a_secret_that_is_not_there_is_named() -> None:
    counters = await open_counters("local:", await open_store("memory:"))
    given = msgspec.convert(
        {"providers": {"up": {"type": "openai", "api_key": "env:NO_SUCH"}}}, Llm
    )
    with pytest.raises(BadSettings, match="NO_SUCH"):
        build(given, {}, HttpClient(), counters)
