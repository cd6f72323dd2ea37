"""Cross-origin requests of a function URL, answered by its own settings.

Source: Lambda Developer Guide, "Cross-origin resource sharing (CORS)" of function URLs.
"""

from collections.abc import Mapping
from typing import Any

from torana.message import Headers, Reply, Request


class Cors:
    """Compiled settings."""

    __slots__ = ("_common", "_exposed", "_origins", "_preflight")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._origins: frozenset[str] = frozenset(given.get("AllowOrigins") or ())
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
        return Reply(200, Headers([*own, *self._preflight] if own else []))

    def dress(self, request: Request, reply: Reply) -> None:
        """Put the fields on an answer, in place of the function's own."""
        for name, value in (*(own := self._for(request)), *(self._exposed if own else ())):
            reply.headers.set(name, value)

    def _for(self, request: Request) -> list[tuple[str, str]]:
        origin = request.headers.get("origin")
        if origin is None:
            return []
        if origin in self._origins:
            allowed = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        elif "*" in self._origins:
            allowed = [("Access-Control-Allow-Origin", "*")]
        else:
            return []
        return [*allowed, *self._common]


def _listed(given: Mapping[str, Any], member: str, name: str) -> list[tuple[str, str]]:
    values = given.get(member)
    return [(name, ",".join(values))] if values else []
