"""Names that are reached through their own TLS only: where a client must show a certificate, a
request on another name's connection, or on a plain one, is not let in by its Host field.

Source: Developer Guide, "How to turn on mutual TLS authentication for your REST APIs".
"""

from collections.abc import Awaitable, Callable, Set

from torana.message import Reply, Request

Answer = Callable[[Request], Awaitable[Reply]]


def guarded(handler: Answer, refuse: Answer, names: Callable[[], Set[str]]) -> Answer:
    """`names` gives those of the moment; what is asked of them otherwise, `refuse` answers."""

    def check(request: Request) -> Awaitable[Reply]:
        closed = names()
        if closed:
            host = (request.headers.get("host") or "").partition(":")[0].lower()
            if host in closed and request.peer.server_name != host:
                return refuse(request)
        return handler(request)

    return check
