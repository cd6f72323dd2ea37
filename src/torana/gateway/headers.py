"""Which headers pass, by the service's tables.

Source: Developer Guide, "Amazon API Gateway important notes", the table of headers for REST APIs.
"""

from torana.message import Headers
from torana.net.heads import renamed
from torana.net.names import Spelled

# Never reach an integration: hop-by-hop fields, and fields that speak of this connection's framing.
DROPPED = frozenset(
    {
        "connection",
        "content-length",
        "content-md5",
        "expect",
        "host",
        "keep-alive",
        "max-forwards",
        "proxy-authenticate",
        "proxy-connection",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "www-authenticate",
        "x-amzn-apigateway-api-id",
        "x-amzn-trace-id",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
    }
)

# A proxied reply's own values of these come back under another name: the gateway sets its own.
REMAPPED = frozenset(
    {
        "connection",
        "content-length",
        "content-md5",
        "date",
        "expect",
        "host",
        "max-forwards",
        "proxy-authenticate",
        "server",
        "te",
        "trailer",
        "upgrade",
        "user-agent",
        "www-authenticate",
        "x-amzn-requestid",
    }
)
_HOP_BY_HOP = frozenset({"keep-alive", "proxy-connection", "transfer-encoding"})
REMAPPED_PREFIX = "x-amzn-Remapped-"

# A mapping to one of these is refused: the gateway owns them.
NOT_MAPPABLE = frozenset(
    {"content-length", "transfer-encoding", "x-amzn-trace-id", "x-amzn-apigateway-api-id"}
)
NOT_MAPPABLE_TO_AWS = NOT_MAPPABLE | {
    "authorization",
    "connection",
    "expect",
    "proxy-authenticate",
    "te",
}


# Under which name a field passes; empty: it does not.


def _on(name: str) -> str:
    return "" if name.lower() in DROPPED else name


def _back(name: str) -> str:
    lower = name.lower()
    if lower in REMAPPED:
        return REMAPPED_PREFIX + name
    return "" if lower in _HOP_BY_HOP else name


_ON, _BACK = Spelled(_on), Spelled(_back)


def passed_on(headers: Headers) -> Headers:
    """A client's headers as a proxy integration's backend gets them."""
    connection = headers.get("connection")
    if connection is None or connection.lower() in ("keep-alive", "close"):
        return Headers(renamed(headers.items, _ON))
    dropped = DROPPED | {name.strip().lower() for name in connection.split(",")}
    return Headers([item for item in headers.items if item[0].lower() not in dropped])


def passed_back(headers: Headers) -> Headers:
    """A proxied backend's headers as the client gets them."""
    return Headers(renamed(headers.items, _BACK))
