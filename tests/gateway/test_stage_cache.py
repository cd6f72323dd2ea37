import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.builders import api, ask, door, mock, ports, proxy, serving
from torana.gateway.contract import Context
from torana.gateway.errors import InvalidApi
from torana.gateway.plan import compile
from torana.gateway.serve import serve
from torana.gateway.stage_cache import Caches, Entry, Seal, StageCache
from torana.message import Headers, Reply, Request, Sent
from torana.model.rest import CanarySettings, Method, MethodSettings, Stage
from torana.net.client import HttpClient


class Backend:
    """Counts, and answers with the count."""

    def __init__(self, size: int = 0, status: int = 200) -> None:
        self.asked, self._size, self._status = 0, size, status
        self.go, self.reached = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def __call__(self, request: Request) -> Reply:
        self.asked += 1
        count = self.asked
        self.reached.set()
        await self.go.wait()
        body = str(count).encode() + b"x" * self._size
        return Reply(self._status, Headers([("Content-Type", "text/plain")]), body)


def stage(key: str = "*/*", **settings: Any) -> Stage:
    settings.setdefault("require_authorization_for_cache_control", False)
    made = MethodSettings(caching_enabled=True, **settings)
    return Stage("prod", method_settings={key: made}, cache_cluster_enabled=True)


async def asked(
    requests: list[Request],
    of_stage: Stage | None = None,
    backend: Backend | None = None,
    seen: list[Context] | None = None,
    policy: dict[str, Any] | None = None,
    verb: str = "GET",
    **fields: Any,
) -> list[Reply]:
    """The replies to some requests, one after the other."""
    backend = backend or Backend()
    async with serving(backend) as upstream:
        client = HttpClient()
        method = proxy("/pets", f"http://127.0.0.1:{upstream.port}/", verb, **fields)
        served = door(api(method, policy=policy), of_stage or stage(), ports(client, seen=seen))
        replies = [await served(request) for request in requests]
        await client.aclose()
    for reply in replies:
        assert isinstance(reply.body, bytes)
    return replies


def bodies(replies: list[Reply]) -> list[Any]:
    return [reply.body for reply in replies]


async def test_a_second_request_is_answered_from_the_cache() -> None:
    replies = await asked([ask("/pets"), ask("/pets")])
    assert bodies(replies) == [b"1", b"1"]
    assert replies[1].headers.get("content-type") == "text/plain"
    assert "x-amzn-trace-id" not in replies[1].headers


async def test_a_method_without_a_cache_has_no_step_for_it() -> None:
    found = door(api(mock())).table.stages["abc", "prod"].plan.find("/pets", "GET")
    assert found is not None
    assert "cache" not in str(found[0])


async def test_parameters_that_are_no_cache_key_do_not_matter() -> None:
    replies = await asked([ask("/pets?a=1"), ask("/pets?a=2")])
    assert bodies(replies) == [b"1", b"1"]


@pytest.mark.parametrize(
    ("parameters", "mapped"),
    [
        (("method.request.querystring.a",), {}),
        (
            ("integration.request.querystring.b",),
            {"integration.request.querystring.b": "method.request.querystring.a"},
        ),
    ],
)
async def test_cache_key_parameters_tell_answers_apart(
    parameters: tuple[str, ...], mapped: dict[str, str]
) -> None:
    requests = [ask("/pets?a=1"), ask("/pets?a=2"), ask("/pets?a=1"), ask("/pets")]
    replies = await asked(requests, cache_key_parameters=parameters, request_parameters=mapped)
    assert bodies(replies) == [b"1", b"2", b"1", b"3"]


async def test_resources_of_one_namespace_share_their_answers() -> None:
    backend = Backend()
    async with serving(backend) as upstream:
        client, uri = HttpClient(), f"http://127.0.0.1:{upstream.port}/"
        methods = [proxy(path, uri, "GET", cache_namespace="one") for path in ("/a", "/b")]
        served = door(api(*methods), stage(), ports(client))
        replies = [await served(ask("/a")), await served(ask("/b"))]
        await client.aclose()
    assert bodies(replies) == [b"1", b"1"]


async def test_only_get_is_kept_by_the_stages_default() -> None:
    requests = [ask("/pets", "POST"), ask("/pets", "POST"), ask("/pets"), ask("/pets")]
    assert bodies(await asked(requests, verb="ANY")) == [b"1", b"2", b"3", b"3"]


async def test_another_verb_is_kept_when_its_own_settings_say_so() -> None:
    requests = [ask("/pets", "POST"), ask("/pets", "POST")]
    assert bodies(await asked(requests, stage("~1pets/POST"), verb="POST")) == [b"1", b"1"]


async def test_a_stage_without_a_cluster_keeps_nothing() -> None:
    without = Stage("prod", method_settings={"*/*": MethodSettings(caching_enabled=True)})
    assert bodies(await asked([ask("/pets"), ask("/pets")], without)) == [b"1", b"2"]


async def test_a_ttl_of_zero_keeps_nothing() -> None:
    replies = await asked([ask("/pets"), ask("/pets")], stage(cache_ttl_in_seconds=0))
    assert bodies(replies) == [b"1", b"2"]


async def test_errors_of_the_backend_are_kept_too() -> None:
    replies = await asked([ask("/pets"), ask("/pets")], backend=Backend(status=404))
    assert [(reply.status, reply.body) for reply in replies] == [(404, b"1"), (404, b"1")]


async def test_an_answer_over_the_limit_is_not_kept() -> None:
    replies = await asked([ask("/pets"), ask("/pets")], backend=Backend(size=1_048_576))
    assert [bytes(reply.body)[:1] for reply in replies] == [b"1", b"2"]  # type: ignore[arg-type]


async def test_max_age_zero_makes_an_entry_anew() -> None:
    requests = [ask("/pets"), ask("/pets", Cache_Control="max-age=0"), ask("/pets")]
    assert bodies(await asked(requests)) == [b"1", b"2", b"2"]


ANEW = [ask("/pets"), ask("/pets", Cache_Control="max-age=0")]


@pytest.mark.parametrize(
    ("strategy", "status", "warned"),
    [
        ("FAIL_WITH_403", 403, False),
        ("SUCCEED_WITH_RESPONSE_HEADER", 200, True),
        ("SUCCEED_WITHOUT_RESPONSE_HEADER", 200, False),
    ],
)
async def test_who_may_not_renew_is_treated_as_the_stage_says(
    strategy: Any, status: int, warned: bool
) -> None:
    guarded = stage(
        require_authorization_for_cache_control=True,
        unauthorized_cache_control_header_strategy=strategy,
    )
    _, reply = await asked([ask("/pets"), ask("/pets", Cache_Control="max-age=0")], guarded)
    assert (reply.status, "warning" in reply.headers) == (status, warned)
    assert reply.body == b"1" or status == 403


async def test_a_policy_may_let_callers_renew() -> None:
    guarded = stage(require_authorization_for_cache_control=True)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["execute-api:Invoke", "execute-api:InvalidateCache"],
        "Resource": "execute-api:/prod/GET/pets",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    requests = [ask("/pets"), ask("/pets", Cache_Control="no-store, max-age=0")]
    assert bodies(await asked(requests, guarded, policy=policy)) == [b"1", b"2"]


async def test_encrypted_entries_answer_all_the_same() -> None:
    replies = await asked([ask("/pets"), ask("/pets")], stage(cache_data_encrypted=True))
    assert bodies(replies) == [b"1", b"1"]
    assert replies[1].headers.get("content-type") == "text/plain"


def test_a_sealed_entry_shows_nothing_and_cannot_be_changed() -> None:
    seal = Seal()
    entry = Entry(200, (("X-Secret", "hidden"),), b"hidden", 1.0)
    closed = seal.close(entry)
    assert b"hidden" not in closed.body
    assert closed.fields == ()
    assert seal.open(closed) == entry
    assert seal.open(Entry(200, (), closed.body[:-1] + b"!", 1.0, sealed=True)) is None


async def test_concurrent_misses_ask_the_backend_once() -> None:
    backend = Backend()
    backend.go.clear()
    async with serving(backend) as upstream:
        client = HttpClient()
        method = proxy("/pets", f"http://127.0.0.1:{upstream.port}/", "GET")
        served = door(api(method), stage(), ports(client))
        waiting = [asyncio.ensure_future(served(ask("/pets"))) for _ in range(20)]
        await backend.reached.wait()
        backend.go.set()
        replies = await asyncio.gather(*waiting)
        await client.aclose()
    assert (backend.asked, set(bodies(list(replies)))) == (1, {b"1"})


async def test_those_who_wait_go_on_when_the_first_one_leaves() -> None:
    backend = Backend()
    backend.go.clear()
    async with serving(backend) as upstream:
        client = HttpClient()
        served = door(
            api(proxy("/pets", f"http://127.0.0.1:{upstream.port}/", "GET")), stage(), ports(client)
        )
        first = asyncio.ensure_future(served(ask("/pets")))
        await backend.reached.wait()
        second = asyncio.ensure_future(served(ask("/pets")))
        await asyncio.sleep(0)
        first.cancel()
        backend.go.set()
        reply = await second
        third = await served(ask("/pets"))
        await client.aclose()
    assert (reply.status, reply.body, third.body) == (200, b"2", b"2")


async def test_what_was_on_its_way_when_the_cache_was_flushed_is_not_kept() -> None:
    backend = Backend()
    backend.go.clear()
    async with serving(backend) as upstream:
        client = HttpClient()
        of = ports(client)
        served = door(api(proxy("/pets", f"http://127.0.0.1:{upstream.port}/", "GET")), stage(), of)
        first = asyncio.ensure_future(served(ask("/pets")))
        await backend.reached.wait()
        of.caches.flush_all()
        backend.go.set()
        replies = [await first, await served(ask("/pets")), await served(ask("/pets"))]
        await client.aclose()
    assert bodies(replies) == [b"1", b"2", b"2"]


async def test_a_slower_answer_does_not_replace_one_made_anew() -> None:
    backend = Backend()
    backend.go.clear()
    async with serving(backend) as upstream:
        client = HttpClient()
        served = door(
            api(proxy("/pets", f"http://127.0.0.1:{upstream.port}/", "GET")), stage(), ports(client)
        )
        first = asyncio.ensure_future(served(ask("/pets")))
        await backend.reached.wait()
        backend.reached.clear()
        second = asyncio.ensure_future(served(ask("/pets", Cache_Control="max-age=0")))
        await backend.reached.wait()
        backend.go.set()
        fetched = [await first, await second]
        third = await served(ask("/pets"))
        await client.aclose()
    assert bodies([*fetched, third]) == [b"1", b"2", b"2"]


async def test_hits_and_misses_are_told_to_the_observer() -> None:
    seen: list[Context] = []
    for reply in await asked([ask("/pets"), ask("/pets")], seen=seen):
        assert reply.sent is not None
        reply.sent(Sent(1, whole=True))
    assert [ctx.ticket and ctx.ticket.hit for ctx in seen] == [False, True]


def test_a_cache_drops_what_was_used_longest_ago() -> None:
    entry = Entry(200, (), b"x" * 600, 10.0)
    cache = StageCache(entry.size(("a",)) * 2)
    cache.keep(("a",), entry)
    cache.keep(("b",), entry)
    assert cache.find(("a",), 0.0) is entry
    cache.keep(("c",), entry)
    assert [cache.find((name,), 0.0) is not None for name in "abc"] == [True, False, True]
    assert cache.size <= cache.capacity


def test_an_entry_past_its_time_is_gone() -> None:
    cache = StageCache(10_000)
    cache.keep(("a",), Entry(200, (), b"x", 10.0))
    assert cache.find(("a",), 10.0) is None
    assert cache.size == 0


def test_a_deployment_keeps_the_cache_and_another_size_does_not() -> None:
    caches = Caches()
    first = caches.of("abc/prod", 1000)
    assert caches.of("abc/prod", 1000) is first
    assert caches.of("abc/prod", 2000) is not first


async def test_what_one_process_renews_the_others_drop() -> None:
    messages: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def publish(topic: str, message: bytes) -> None:
        await messages.put(message)

    here, there = Caches(publish), Caches()
    for caches in (here, there):
        caches.of("n", 1000).keep(("a",), Entry(200, (), b"x", 10.0))
    here.renewed("n", ("a",))
    message = await messages.get()

    async def once() -> AsyncGenerator[bytes | None]:
        yield message

    await here.follow(once())
    await there.follow(once())
    assert (len(here.of("n", 1000)), len(there.of("n", 1000))) == (1, 0)


@pytest.mark.parametrize("own", [True, False])
async def test_a_canary_has_a_cache_of_its_own_unless_it_uses_the_stages(own: bool) -> None:
    backend = Backend()
    async with serving(backend) as upstream:
        client = HttpClient()
        of = api(proxy("/pets", f"http://127.0.0.1:{upstream.port}/", "GET"))
        settings = CanarySettings(use_stage_cache=not own)
        base = stage()
        tried = Stage(
            "prod",
            method_settings=base.method_settings,
            cache_cluster_enabled=True,
            canary_settings=settings,
        )
        shared = ports(client)
        plans = [compile(of, tried, shared, canary=canary) for canary in (False, True)]
        replies = [await serve(plan, ask("/pets"), "/pets", "", "/prod/pets") for plan in plans]
        await client.aclose()
    assert bodies(replies) == ([b"1", b"2"] if own else [b"1", b"1"])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (stage(cache_ttl_in_seconds=3601), "cacheTtlInSeconds"),
        (
            Stage(
                "prod",
                cache_cluster_enabled=True,
                cache_cluster_size="7",
                method_settings=stage().method_settings,
            ),
            "cacheClusterSize",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused(made: Stage, said: str) -> None:
    method: Method = mock()
    with pytest.raises(InvalidApi, match=said):
        door(api(method), made)
