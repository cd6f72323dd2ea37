"""The upstream client seam."""

from typing import Protocol

from msgspec import Struct

from torana.message import Reply, Request


class Timeouts(Struct, frozen=True):
    """Deadlines of one exchange, in seconds."""

    connect: float = 5.0
    head: float = 29.0
    """From sending to the end of the reply's head."""
    idle: float = 30.0
    """Between two pieces of a streamed reply."""
    total: float | None = None


class Origin(Protocol):
    """One upstream address with its pool of kept-alive connections."""

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """Sends `request.target` as it is. The reply's body is whole when it arrived whole.

        Raises `TimeoutError` or `ConnectionError`, nothing else; cancelling drops the connection.
        """
        ...


class Tls(Struct, frozen=True):
    """How to speak TLS to an origin."""

    verify: bool = True
    verify_host: bool = True
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


class Client(Protocol):
    """Every origin. Asking for one is a dictionary look-up: plans keep what they got."""

    def origin(self, scheme: str, host: str, port: int, tls: Tls | None = None) -> Origin:
        """`scheme` is http, https or unix (`host` is then the socket's path)."""
        ...
