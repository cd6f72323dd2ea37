"""Keeps what the backend answered, as it was mapped, and hands it to those who wait for it.

Source: Developer Guide, "Cache settings for REST APIs in API Gateway".
"""

import asyncio
import time

from torana.gateway.cache_settings import Caching, caching
from torana.gateway.contract import Compiled, Context, Finish, Ticket
from torana.gateway.stage_cache import Entry, kept
from torana.message import Reply

WARNING = "199 Cache-control headers were ignored because the caller was unauthorized."


def build(to: Compiled) -> Finish | None:
    """A step for methods whose answers are kept."""
    found = caching(to)
    if found is None:
        return None
    caches = to.ports.caches

    def cache_keep(ctx: Context, reply: Reply) -> Reply:
        ticket = ctx.ticket
        if ticket is None:
            return reply
        if not ticket.hit:
            entry = None
            if ctx.error is None:
                entry = kept(reply, time.monotonic() + found.seconds)
            may = _land(found, ticket, entry)
            if entry is not None and may:
                found.cache.keep(ticket.key, caches.seal.close(entry) if found.sealed else entry)
                if ticket.renews:
                    caches.renewed(found.name, ticket.key)
        if ticket.warns:
            reply.headers.set("Warning", WARNING)
        return reply

    return cache_keep


def _land(found: Caching, ticket: Ticket, entry: Entry | None) -> bool:
    task = asyncio.current_task()
    if task is not None and ticket.ended is not None:
        task.remove_done_callback(ticket.ended)
    return found.cache.land(ticket.key, ticket.flight, entry)
