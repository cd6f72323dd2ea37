"""Authorization. A route is never served more openly than its definition says."""

from collections.abc import Callable

from torana.gateway.authorizers import aws_iam
from torana.gateway.contract import Authorizer, Context, Gate
from torana.gateway.errors import InvalidApi
from torana.gateway.http_api import jwt, request_authorizer
from torana.gateway.http_api.compiled import HttpCompiled

AUTHORIZERS: dict[str, Callable[[HttpCompiled], Authorizer]] = {
    "AWS_IAM": aws_iam.build,
    "CUSTOM": request_authorizer.build,
    "JWT": jwt.build,
}


def build(to: HttpCompiled) -> Gate | None:
    """A gate for routes with an authorization type. Raises `InvalidApi`."""
    kind = to.route.authorization_type
    if kind == "NONE":
        return None
    if kind not in AUTHORIZERS:
        raise InvalidApi(f"there is no authorization type {kind!r}")
    check = AUTHORIZERS[kind](to)

    async def authorize(ctx: Context) -> None:
        ctx.principal = await check(ctx)

    return authorize
