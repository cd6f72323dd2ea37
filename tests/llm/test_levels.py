"""What is above a key: organizations, teams and users, whose limits hold as well."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from openai import AsyncOpenAI, AuthenticationError, PermissionDeniedError, RateLimitError

from tests.llm import double as d
from torana.app.llm import mistakes
from torana.llm_settings import Llm, LlmBudget, LlmKey, LlmModel, LlmTarget, LlmTeam, LlmUser
from torana.state.counters import admit

SETTINGS = """
end_user = "user"
[providers.up]
type = "custom"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "up" }]
cache_seconds = 60
[models.slow]
targets = [{ provider = "up", model = "up" }]
[models.old]
targets = [{ provider = "up", model = "up" }]
[prices.up]
input = 0
output = 100000                     # ten tokens of output are a dollar
[organizations.acme]
models = ["fast", "slow"]
budget = [{ usd = 3, period = "day" }, { tokens = 100000 }]
[organizations.gone]
enabled = false
[teams.blue]
organization = "acme"
[teams.red]
organization = "acme"
models = ["fast", "old"]
budget = { usd = 100 }
[teams.lost]
organization = "gone"
[users.ann]
team = "blue"
requests_per_minute = 3
[users.bob]
team = "red"
budget = { tokens = 100, period = "week" }
[users.old]
team = "blue"
expires = 2020-01-01T00:00:00Z
[keys.ann-1]
secret = "sk-ann-1"
user = "ann"
tags = ["lab"]
[keys.ann-2]
secret = "sk-ann-2"
user = "ann"
[keys.bob]
secret = "sk-bob"
user = "bob"
tokens_per_minute = 1000
[keys.lost]
secret = "sk-lost"
team = "lost"
[keys.old]
secret = "sk-old"
user = "old"
"""


@pytest.fixture
async def running() -> AsyncGenerator[d.Running]:
    async with d.gateway(lambda request, body: d.answer(d.OPENAI), SETTINGS) as running:
        yield running


async def ask(running: d.Running, key: str, text: str = "x", **more: Any) -> None:
    client = AsyncOpenAI(base_url=f"{running.url}/v1", api_key=f"sk-{key}", max_retries=0)
    messages = [{"role": "user", "content": text}]
    asked: Any = {"model": "fast", "messages": messages, "max_tokens": 10, **more}
    async with client:
        await client.chat.completions.create(**asked)


async def test_keys_of_all_teams_spend_the_money_of_their_organization(running: d.Running) -> None:
    await ask(running, "ann-1")
    await ask(running, "ann-2", model="slow")
    await ask(running, "bob")
    with pytest.raises(RateLimitError, match="budget of the organization acme"):
        await ask(running, "bob", "y")
    bob = next(each for each in running.api.plan.keys.values() if each.name == "bob")
    assert bob.tokens is not None
    assert bob.tokens.take(960), "the refused request gave its tokens back"
    assert bob.above is not None
    assert await admit(bob.above.budgets[0].quota, 70), "of each level"


async def test_keys_of_a_user_share_its_rate(running: d.Running) -> None:
    for key in ("ann-1", "ann-2", "ann-1"):
        await ask(running, key, max_tokens=1)
    with pytest.raises(RateLimitError, match="requests per minute of the user ann"):
        await ask(running, "ann-2", "y", max_tokens=1)


async def test_a_budget_may_be_of_tokens(running: d.Running) -> None:
    with pytest.raises(RateLimitError, match="budget of the user bob"):
        await ask(running, "bob", max_tokens=101)
    await ask(running, "bob")


async def test_a_key_may_call_what_all_above_it_may(running: d.Running) -> None:
    async with AsyncOpenAI(base_url=f"{running.url}/v1", api_key="sk-bob") as bob:
        assert [each.id async for each in bob.models.list()] == ["fast"]
    for key, model in (("bob", "slow"), ("bob", "old"), ("ann-1", "old")):
        with pytest.raises(PermissionDeniedError):
            await ask(running, key, model=model)


async def test_what_is_blocked_or_over_ends_every_key_below_it(running: d.Running) -> None:
    with pytest.raises(AuthenticationError, match="organization of this API key is blocked"):
        await ask(running, "lost")
    with pytest.raises(AuthenticationError, match="expired"):
        await ask(running, "old")


async def test_a_request_is_reported_under_all_that_it_is_of(running: d.Running) -> None:
    await ask(running, "ann-1", user="u-7", extra_headers={"x-torana-tags": "beta, lab,beta"})
    await ask(running, "ann-1", user="u-7", extra_headers={"x-torana-tags": "beta"})
    for spent, hit in zip(running.spent, (False, True), strict=True):
        assert (spent.organization, spent.team, spent.user, spent.key, spent.hit) == (
            *("acme", "blue", "ann", "ann-1"),
            hit,
        )
        assert (spent.end_user, spent.tags) == ("u-7", ("lab", "beta"))


def test_settings_that_do_not_fit_are_named() -> None:
    settings = Llm(
        models={"fast": LlmModel((LlmTarget("up", "m"),))},
        teams={"a": LlmTeam(organization="none")},
        users={"b": LlmUser(team="none", budget=LlmBudget(usd=-1))},
        keys={"c": LlmKey(secret="x", user="none", models=("gone",), budget=LlmBudget())},
        end_user="body",
    )
    found = "\n".join(mistakes(settings))
    for named in (
        "llm.teams.a.organization: no organization 'none'",
        "llm.users.b.team: no team 'none'",
        "llm.users.b.budget: must not be below 0",
        "llm.users.b.budget: no price is known of 'm'",
        "llm.keys.c.user: no user 'none'",
        "llm.keys.c.models: no model 'gone'",
        "llm.keys.c.budget: needs usd, tokens or both",
        "llm.end_user: must be user or header:NAME",
    ):
        assert named in found
