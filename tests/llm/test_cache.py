"""Answers that are kept: whose, how long, and what they cost."""

from typing import Any

import pytest
from openai import AsyncOpenAI, RateLimitError

from tests.llm import double as d
from torana.llm.cache import Cache
from torana.llm.keys import LEVELS, Key, Owners
from torana.message import Headers, Reply, Request

SETTINGS = """
[providers.up]
type = "custom"
base_url = "{up}"
[models.fast]
targets = [{ provider = "up", model = "up" }]
cache_seconds = 60
retries = 0
[models.brief]
targets = [{ provider = "up", model = "up" }]
cache_seconds = 1e-9
[models.common]
targets = [{ provider = "up", model = "up" }]
cache_seconds = 60
cache_for = "organization"
[models.fresh]
targets = [{ provider = "up", model = "up" }]
[prices.up]
input = 1000000
output = 1000000
[organizations.acme]
[organizations.other]
[teams.blue]
organization = "acme"
[teams.red]
organization = "acme"
[teams.far]
organization = "other"
[keys.blue]
secret = "sk-blue"
team = "blue"
[keys.red]
secret = "sk-red"
team = "red"
[keys.far]
secret = "sk-far"
team = "far"
[keys.ann]
secret = "sk-ann"
[keys.bob]
secret = "sk-bob"
requests_per_minute = 2
"""
HELLO: Any = [{"role": "user", "content": "Say hello"}]


def provider(request: Request, body: dict[str, Any]) -> Reply:
    return d.stream(*d.OPENAI_STREAM) if body.get("stream") else d.answer(d.OPENAI)


def client(running: d.Running, key: str = "sk-ann") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)


async def ask(openai: AsyncOpenAI, model: str = "fast", **more: Any) -> str:
    chat: Any = openai.chat.completions
    done = await chat.create(model=model, messages=HELLO, **more)
    return done.choices[0].message.content or ""


async def streamed(openai: AsyncOpenAI) -> str:
    stream = await openai.chat.completions.create(model="fast", messages=HELLO, stream=True)
    return "".join([each.choices[0].delta.content or "" async for each in stream])


async def test_the_same_question_is_answered_once_and_saves_money() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        raw = openai.chat.completions.with_raw_response
        first = await raw.create(model="fast", messages=HELLO)
        again = await raw.create(model="fast", messages=HELLO)
        assert first.content == again.content
        assert first.headers.get("x-torana-cache") is None
        assert again.headers["x-torana-cache"] == "hit"
        assert first.headers["x-request-id"] != again.headers["x-request-id"]
        assert len(again.headers.get_list("x-request-id")) == 1
        assert len(running.double.asked) == 1
        assert [(each.hit, each.usd, each.saved) for each in running.spent] == [
            (False, 30.0, None),
            (True, 0.0, 30.0),
        ]


async def test_a_stream_is_replayed_as_one() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        assert [await streamed(openai), await streamed(openai)] == ["Hello there."] * 2
        assert await ask(openai) == "Hello there."
        assert len(running.double.asked) == 2
        assert [each.hit for each in running.spent] == [False, True, False]


async def test_half_a_stream_is_not_kept() -> None:
    replies = iter([d.stream(*d.OPENAI_STREAM[:2]), d.stream(*d.OPENAI_STREAM)])
    async with (
        d.gateway(lambda r, b: next(replies), SETTINGS) as running,
        client(running) as openai,
    ):
        with pytest.raises(Exception, match="broke off"):
            await streamed(openai)
        assert await streamed(openai) == "Hello there."


async def test_a_stream_that_reports_an_error_and_ends_in_peace_is_not_kept() -> None:
    error = b'data: {"error": {"message": "out of memory", "code": 500}}\n\n'
    broken = d.stream(*d.OPENAI_STREAM[:2], error, d.OPENAI_STREAM[-1])
    replies = iter([broken, d.stream(*d.OPENAI_STREAM)])
    async with (
        d.gateway(lambda r, b: next(replies), SETTINGS) as running,
        client(running) as openai,
    ):
        with pytest.raises(Exception, match="out of memory"):
            await streamed(openai)
        assert await streamed(openai) == "Hello there."


async def test_an_error_is_not_kept() -> None:
    replies = iter([d.answer({"error": {"message": "x"}}, 400), d.answer(d.OPENAI)])
    async with (
        d.gateway(lambda r, b: next(replies), SETTINGS) as running,
        client(running) as openai,
    ):
        with pytest.raises(Exception, match="400"):
            await ask(openai)
        assert await ask(openai) == "Hello there."


async def test_keys_questions_and_models_are_kept_apart() -> None:
    async with d.gateway(provider, SETTINGS) as running:
        async with client(running) as ann, client(running, "sk-bob") as bob:
            await ask(ann)
            await ask(bob)
            await ask(ann, temperature=0.5)
            await ask(ann, "fresh")
            await ask(ann, "fresh")
            await ask(ann, "brief")
            await ask(ann, "brief")
        assert len(running.double.asked) == 7


async def test_an_organization_may_share_what_is_kept_and_no_other_sees_it() -> None:
    async with d.gateway(provider, SETTINGS) as running:
        for key in ("blue", "red", "far", "ann", "bob", "ann"):
            async with client(running, f"sk-{key}") as openai:
                await ask(openai, "common")
        assert [(each.key, each.hit) for each in running.spent] == [
            ("blue", False),
            ("red", True),
            ("far", False),
            ("ann", False),
            ("bob", False),
            ("ann", True),
        ]
        assert running.spent[1].saved == 30.0


def test_who_moves_to_another_team_leaves_what_was_shared_behind() -> None:
    blue = Key("ann", frozenset(), owners=Owners("acme", "blue", "ann"))
    red = Key("ann", frozenset(), owners=Owners("acme", "red", "ann"))
    assert blue.tenant("organization") == red.tenant("organization")
    for level in LEVELS[1:]:
        assert blue.tenant(level) != red.tenant(level)


async def test_a_client_may_want_a_fresh_answer() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running) as openai:
        await ask(openai)
        await ask(openai, extra_headers={"Cache-Control": "no-cache"})
        assert len(running.double.asked) == 2


async def test_a_kept_answer_is_a_request_all_the_same() -> None:
    async with d.gateway(provider, SETTINGS) as running, client(running, "sk-bob") as openai:
        await ask(openai)
        await ask(openai)
        with pytest.raises(RateLimitError):
            await ask(openai)


def test_the_least_recently_used_leaves_first_and_large_ones_never_come() -> None:
    cache = Cache(most=25)
    for letter in (b"a", b"b"):
        cache.put(letter, Headers(), letter * 10, None, 60)
    assert cache.get(b"a") is not None
    cache.put(b"c", Headers(), b"c" * 10, None, 60)
    assert [cache.get(each) is not None for each in (b"a", b"b", b"c")] == [True, False, True]
    cache.put(b"d", Headers(), b"d" * 2_000_000, None, 60)
    assert cache.get(b"d") is None
