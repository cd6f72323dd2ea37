"""What policies are asked about a request of the data plane.

Source: Developer Guide, "How API Gateway resource policies affect authorization workflow".
"""

from datetime import UTC, datetime
from urllib.parse import unquote

from torana.auth.grants import Grants, Verdict, decide
from torana.auth.policy import (
    Caller,
    MalformedPolicy,
    Policy,
    Question,
    execute_api_resource,
    parse,
)
from torana.gateway.contract import Compiled, Context
from torana.gateway.errors import GatewayError, InvalidApi

INVOKE = "execute-api:Invoke"
INVALIDATE = "execute-api:InvalidateCache"


def compile_policy(to: Compiled) -> tuple[Policy, ...]:
    """The API's own policy, if it has one. Raises `InvalidApi` for one that is malformed."""
    if to.api.policy is None:
        return ()
    region, account, api_id = to.ports.region, to.ports.account, to.api.id

    def whole(resource: str) -> str:
        return execute_api_resource(resource, region=region, account=account, api_id=api_id)

    try:
        return (parse(to.api.policy, "resource", whole),)
    except MalformedPolicy as error:
        raise InvalidApi(f"x-amazon-apigateway-policy: {error}") from error


class Asking:
    """Asks policies about the requests of one method."""

    def __init__(self, to: Compiled) -> None:
        region, account = to.ports.region, to.ports.account
        stage = f"{to.api.id}/{to.stage.stage_name}"
        self._stage = f"arn:aws:execute-api:{region}:{account}:{stage}"
        self._shown = f"arn:aws:execute-api:{region}:********{account[-4:]}:{stage}"

    def decide(
        self,
        grants: Grants,
        own: tuple[Policy, ...],
        ctx: Context,
        caller: Caller,
        action: str = INVOKE,
    ) -> list[Verdict]:
        """What the caller's policies and the API's `own` say of every spelling of the path."""
        conditions = _conditions(ctx)
        return [
            decide(grants, Question(action, self._stage + place, caller, conditions), own)
            for place in self._places(ctx)
        ]

    def denial(
        self, ctx: Context, who: str, action: str = INVOKE, *, explicit: bool
    ) -> GatewayError:
        """The service's words for a request that may not pass."""
        place = self._places(ctx)[0]
        how = " with an explicit deny" if explicit else ""
        return GatewayError(
            "ACCESS_DENIED",
            f"User: {who} is not authorized to perform: {action} on resource: "
            f"{self._shown}{place}{how}",
        )

    def _places(self, ctx: Context) -> list[str]:
        if ctx.socket is not None:
            return [f"/{ctx.socket.route_key}"]
        return [f"/{ctx.request.method}{path}" for path in _spellings(ctx.path)]


def _spellings(path: str) -> tuple[str, ...]:
    """As on the wire and decoded: both must be allowed, so that no escape slips past a statement.
    A trailing slash is not significant, to the routes as here."""
    plain = path.rstrip("/") or "/"
    decoded = unquote(plain)
    return (plain,) if decoded == plain else (plain, decoded)


def _conditions(ctx: Context) -> dict[str, str]:
    """The condition keys of a request. A VPC endpoint never carries one here."""
    now = datetime.now(UTC)
    found = {
        "aws:sourceip": ctx.request.peer.address,
        "aws:securetransport": "true" if ctx.request.peer.scheme == "https" else "false",
        "aws:currenttime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(now.timestamp())),
    }
    for key, header in (("aws:useragent", "user-agent"), ("aws:referer", "referer")):
        value = ctx.request.headers.get(header)
        if value is not None:
            found[key] = value
    return found
