"""Keeps a logged request's reply as it was mapped, before it is compressed."""

from torana.gateway.contract import Compiled, Context, Finish
from torana.gateway.execution_log import logged
from torana.message import Reply


def build(to: Compiled) -> Finish | None:
    """A step for methods whose stage logs them."""
    if logged(to) is None:
        return None

    def trace_reply(ctx: Context, reply: Reply) -> Reply:
        if ctx.trace is not None:
            ctx.trace.body, ctx.trace.fields = reply.body, list(reply.headers.items)
        return reply

    return trace_reply
