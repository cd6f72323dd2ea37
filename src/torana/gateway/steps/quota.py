"""Quotas: how many requests a key may make in a period, by its usage plan.

Source: Developer Guide, "Usage plans and API keys for REST APIs".
"""

from collections.abc import Awaitable

from torana.gateway.contract import Bucket, Compiled, Context, Gate
from torana.gateway.errors import GatewayError
from torana.message import Reply


def build(to: Compiled) -> Gate | None:
    """A gate for methods that require a key; plans without a quota pass."""
    if not to.method.api_key_required:
        return None
    find = to.ports.quota

    def quota(ctx: Context) -> Awaitable[Reply | None] | None:
        plan = ctx.usage_plan
        if plan is None or plan.quota is None:
            return None
        left = find(f"{plan.id}/{ctx.api_key_id}", plan.quota)
        taken = left.take()
        if taken is None:
            return _ask(left)
        if not taken:
            raise GatewayError("QUOTA_EXCEEDED")
        return None

    return quota


async def _ask(left: Bucket) -> Reply | None:
    if not await left.ask():
        raise GatewayError("QUOTA_EXCEEDED")
    return None
