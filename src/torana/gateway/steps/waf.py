"""Web ACLs: every request of the stage is judged before anything else looks at it.

Source: Developer Guide, "Use AWS WAF to protect your REST APIs in API Gateway"; a rule's own
response wins over the API's gateway response WAF_FILTERED.
"""

import time

from torana.gateway.contract import Compiled, Context, Gate
from torana.gateway.errors import GatewayError, InvalidApi
from torana.message import Headers, Reply
from torana.waf.inspected import Inspected


def build(to: Compiled) -> Gate | None:
    """A gate for stages with a web ACL. Raises `InvalidApi` for one that there is not."""
    arn = to.stage.web_acl_arn
    if not arn:
        return None
    wall = to.ports.wall(arn)
    if wall is None:
        raise InvalidApi(f"there is no web ACL {arn!r}")

    source = f"{to.ports.account}:{to.api.id}:{to.stage.stage_name}"

    def waf(ctx: Context) -> Reply | None:
        acl, request = wall.acl, ctx.request
        seen = Inspected(
            request.method,
            ctx.full_path,
            ctx.raw_query,
            request.headers,
            ctx.whole_body(),
            request.peer.address,
            acl.body_limit,
            now=time.monotonic(),
        )
        verdict = acl.judge(seen)
        if verdict.inserts:
            request.headers = Headers([*request.headers.items, *verdict.inserts])
        blocked = verdict.action.kind == "Block"
        ctx.web_acl = (arn, "WAF_BLOCK" if blocked else "WAF_ALLOW")
        wall.note(seen, verdict, source, ctx.request_id)
        if not blocked:
            return None
        own = verdict.action.reply()
        if own is None:
            raise GatewayError("WAF_FILTERED")
        return own

    return waf
