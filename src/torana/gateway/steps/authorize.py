"""Authorization. A method is never served more openly than its definition says: what cannot be
checked is refused when the API is compiled."""

from torana.gateway.authorizers import AUTHORIZERS
from torana.gateway.contract import Authorizer, Compiled, Context, Gate
from torana.gateway.errors import InvalidApi


def build(to: Compiled) -> Gate | None:
    """A gate for methods with an authorization type. Raises `InvalidApi` for an unknown one."""
    kind = to.method.authorization_type
    if kind == "NONE":
        return None
    if kind not in AUTHORIZERS:
        raise InvalidApi(
            f"authorization type {kind} is not checked yet, so the method is not served; "
            "use NONE, with apiKeyRequired, or take the method out"
        )
    check: Authorizer = AUTHORIZERS[kind](to)

    async def authorize(ctx: Context) -> None:
        ctx.principal = await check(ctx)

    return authorize
