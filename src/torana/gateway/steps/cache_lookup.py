"""Answers from the stage's cache. Who misses first asks the backend; the others wait for that.

Source: Developer Guide, "Cache settings for REST APIs in API Gateway".
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from torana.gateway.cache_settings import Caching, caching
from torana.gateway.contract import Compiled, Context, Gate, Ticket
from torana.gateway.errors import GatewayError
from torana.gateway.mapping import Source
from torana.gateway.policies import INVALIDATE, Asking, compile_policy
from torana.gateway.stage_cache import Caches, Entry, Flight, Key, StageCache, given
from torana.message import Reply

_PATIENCE = 30.0
"""Seconds to wait for another's answer before asking for one's own."""


def build(to: Compiled) -> Gate | None:
    """A gate for methods whose answers are kept. Raises `InvalidApi`."""
    found = caching(to)
    if found is None:
        return None
    cache, caches = found.cache, to.ports.caches
    namespace, sources, only_get = found.namespace, found.sources, found.only_get
    renew = _renewal(to, found)

    def cache_lookup(ctx: Context) -> Reply | None | Awaitable[Reply | None]:
        verb = ctx.request.method
        if only_get and verb != "GET":
            return None
        key = (namespace, verb, *[_value(source, ctx) for source in sources])
        ticket = ctx.ticket = Ticket(key)
        control = ctx.request.headers.get("cache-control")
        if control is not None and _wants_anew(control) and renew(ctx, ticket):
            ticket.renews = True
            _lead(cache, ticket)
            return None
        entry = _find(cache, caches, key)
        if entry is not None:
            ticket.hit = True
            return given(entry)
        flight = cache.flights.get(key)
        if flight is None:
            _lead(cache, ticket)
            return None
        return _follow(flight, ticket)

    return cache_lookup


def _value(source: Source, ctx: Context) -> str | None:
    value = source(ctx)
    return ",".join(value) if isinstance(value, list) else value


def _find(cache: StageCache, caches: Caches, key: Key) -> Entry | None:
    entry = cache.find(key, time.monotonic())
    return caches.seal.open(entry) if entry is not None and entry.sealed else entry


def _lead(cache: StageCache, ticket: Ticket) -> None:
    """This request fetches. Should its client leave, those who wait are let go."""
    flight = Flight(asyncio.get_running_loop().create_future())
    ticket.flight = cache.flights[ticket.key] = flight
    task = asyncio.current_task()
    if task is not None:

        def ended(_: asyncio.Task[object]) -> None:
            cache.land(ticket.key, flight, None)

        ticket.ended = ended
        task.add_done_callback(ended)


async def _follow(flight: Flight, ticket: Ticket) -> Reply | None:
    """What the first one fetches; None: fetch it oneself."""
    try:
        entry = await asyncio.wait_for(asyncio.shield(flight.landed), _PATIENCE)
    except TimeoutError:
        return None
    ticket.hit = entry is not None
    return None if entry is None else given(entry)


def _wants_anew(control: str) -> bool:
    return any(each.replace(" ", "").lower() == "max-age=0" for each in control.split(","))


def _renewal(to: Compiled, found: Caching) -> Callable[[Context, Ticket], bool]:
    """Whether a caller may have an entry made anew; what happens when not."""
    if not found.authorized:
        return lambda ctx, ticket: True
    own, asking, strategy = compile_policy(to), Asking(to), found.strategy

    def renew(ctx: Context, ticket: Ticket) -> bool:
        who = ctx.principal
        if all(v.allowed for v in asking.decide(who.grants, own, ctx, who.caller, INVALIDATE)):
            return True
        if strategy == "FAIL_WITH_403":
            raise GatewayError("ACCESS_DENIED")
        ticket.warns = strategy == "SUCCEED_WITH_RESPONSE_HEADER"
        return False

    return renew
