"""CORS: preflights are answered here, and every reply says who may read it.

Source: Developer Guide, "Configure CORS for HTTP APIs": what a backend says of it is ignored.
"""

import msgspec

from torana.cors import Cors
from torana.gateway.contract import Context, Finish, Gate
from torana.gateway.http_api.compiled import HttpCompiled
from torana.message import Headers, Reply

_PREFIX = "access-control-"


def settings(to: HttpCompiled) -> Cors | None:
    """What the API says of it, compiled once for all routes."""
    given = to.http.cors_configuration
    if given is None:
        return None
    found = to.shared.get("cors")
    if found is None:
        found = to.shared["cors"] = Cors(msgspec.to_builtins(given), 204)
    return found


def preflight(to: HttpCompiled) -> Gate | None:
    """A gate for APIs with CORS, behind the route's authorizer."""
    cors = settings(to)
    if cors is None:
        return None
    return lambda ctx: cors.preflight(ctx.request)


def dress(to: HttpCompiled) -> Finish | None:
    """A step for APIs with CORS."""
    cors = settings(to)
    if cors is None:
        return None

    def dress(ctx: Context, reply: Reply) -> Reply:
        if ctx.integration_started:
            items = reply.headers.items
            kept = [item for item in items if not item[0].lower().startswith(_PREFIX)]
            if len(kept) != len(items):
                reply.headers = Headers(kept)
        cors.dress(ctx.request, reply)
        return reply

    return dress
