"""Resource policies: who may call the API at all, and from where.

Source: Developer Guide, "API Gateway resource policies": without an identity, a request passes only
when a statement allows it and none denies it.
"""

from datetime import UTC, datetime
from urllib.parse import unquote

from torana.auth.policy import (
    ANYONE,
    MalformedPolicy,
    Question,
    evaluate,
    execute_api_resource,
    parse,
)
from torana.gateway.contract import Compiled, Context, Gate
from torana.gateway.errors import GatewayError, InvalidApi

_ACTION = "execute-api:Invoke"


def build(to: Compiled) -> Gate | None:
    """A gate for APIs with a policy. Raises `InvalidApi` for one that is not of the grammar."""
    if to.api.policy is None:
        return None
    region, account, api_id = to.ports.region, to.ports.account, to.api.id

    def whole(resource: str) -> str:
        return execute_api_resource(resource, region=region, account=account, api_id=api_id)

    try:
        policies = (parse(to.api.policy, "resource", whole),)
    except MalformedPolicy as error:
        raise InvalidApi(f"x-amazon-apigateway-policy: {error}") from error
    stage = f"arn:aws:execute-api:{region}:{account}:{api_id}/{to.stage.stage_name}"
    shown = f"arn:aws:execute-api:{region}:********{account[-4:]}:{api_id}/{to.stage.stage_name}"

    def resource_policy(ctx: Context) -> None:
        for path in _spellings(ctx.path):
            place = f"/{ctx.request.method}{path}"
            question = Question(_ACTION, stage + place, ANYONE, _conditions(ctx))
            decision = evaluate(policies, question)
            if decision.allowed:
                continue
            explicit = " with an explicit deny" if decision.effect == "deny" else ""
            raise GatewayError(
                "ACCESS_DENIED",
                f"User: anonymous is not authorized to perform: {_ACTION} on resource: "
                f"{shown}{place}{explicit}",
            )

    return resource_policy


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
