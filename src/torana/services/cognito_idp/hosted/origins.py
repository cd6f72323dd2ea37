"""Answers that apps in browsers may read, whatever site they are of: nothing here goes by cookies.

Source: Fetch Standard, "CORS protocol".
"""

from torana.message import Headers, Reply, Request

_DAY = "86400"


def for_any_origin(reply: Reply) -> Reply:
    """The same reply, for any site."""
    reply.headers.set("Access-Control-Allow-Origin", "*")
    shown = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage"
    reply.headers.set("Access-Control-Expose-Headers", shown)
    return reply


def allowed(request: Request) -> Reply:
    """The answer to a preflight."""
    fields = [
        ("Access-Control-Allow-Methods", "GET, POST"),
        (
            "Access-Control-Allow-Headers",
            request.headers.get("access-control-request-headers") or "*",
        ),
        ("Access-Control-Max-Age", _DAY),
    ]
    return for_any_origin(Reply(200, Headers(fields)))
