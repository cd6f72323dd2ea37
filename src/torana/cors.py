"""Cross-origin requests of function URLs and HTTP APIs, answered by their own settings.

Source: the Fetch standard, "CORS protocol"; Lambda Developer Guide, "Cross-origin resource sharing
(CORS)" of function URLs; API Gateway Developer Guide, "Configure CORS for HTTP APIs".
"""

from collections.abc import Mapping
from typing import Any

from torana.message import Headers, Reply, Request


class Cors:
    """Compiled settings."""

    __slots__ = ("_common", "_exposed", "_origins", "_preflight", "_schemes", "_status")

    def __init__(self, given: Mapping[str, Any], status: int = 200) -> None:
        """`given` has the members of the services' models; `status` is that of a preflight's
        answer. An origin may be a scheme with any host: `https://*`."""
        origins: tuple[str, ...] = tuple(given.get("AllowOrigins") or ())
        self._status = status
        self._origins: frozenset[str] = frozenset(origins)
        self._schemes = tuple(each[:-1] for each in origins if each.endswith("://*"))
        credentials = [("Access-Control-Allow-Credentials", "true")]
        self._common = credentials if given.get("AllowCredentials") else []
        self._exposed = _listed(given, "ExposeHeaders", "Access-Control-Expose-Headers")
        self._preflight = [
            *_listed(given, "AllowMethods", "Access-Control-Allow-Methods"),
            *_listed(given, "AllowHeaders", "Access-Control-Allow-Headers"),
        ]
        if given.get("MaxAge") is not None:
            self._preflight.append(("Access-Control-Max-Age", str(given["MaxAge"])))

    def preflight(self, request: Request) -> Reply | None:
        """The answer to a preflight; None: it is none. The function is not asked."""
        if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
            return None
        own = self._for(request)
        return Reply(self._status, Headers([*own, *self._preflight] if own else []))

    def dress(self, request: Request, reply: Reply) -> None:
        """Put the fields on an answer, in place of the function's own."""
        for name, value in (*(own := self._for(request)), *(self._exposed if own else ())):
            reply.headers.set(name, value)

    def _for(self, request: Request) -> list[tuple[str, str]]:
        origin = request.headers.get("origin")
        if origin is None:
            return []
        if origin in self._origins or (self._schemes and origin.startswith(self._schemes)):
            allowed = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        elif "*" in self._origins:
            allowed = [("Access-Control-Allow-Origin", "*")]
        else:
            return []
        return [*allowed, *self._common]


def _listed(given: Mapping[str, Any], member: str, name: str) -> list[tuple[str, str]]:
    values = given.get(member)
    return [(name, ",".join(values))] if values else []
