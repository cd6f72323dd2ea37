"""What a service reaches beyond itself: other services of the process, and addresses on the web."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from torana.message import Headers, Reply, Request
from torana.net.client import Client, Timeouts
from torana.services.ports import Principal
from torana.services.router import Invocation

_TIMEOUTS = Timeouts(5.0, 15.0, 15.0, 15.0)


class Reach:
    """Bound once the services are there."""

    def __init__(self) -> None:
        self._dispatch: Callable[[Invocation], Awaitable[Reply]] | None = None
        self._client: Client | None = None
        self.region = "us-east-1"

    def bind(
        self, dispatch: Callable[[Invocation], Awaitable[Reply]], client: Client, region: str
    ) -> None:
        """From now on it can be used."""
        self._dispatch, self._client, self.region = dispatch, client, region

    async def call(
        self,
        service: str,
        request: Request,
        timeout: float = 30.0,
        principal: Principal | None = None,
        region: str = "",
    ) -> Reply:
        """A request of a service's API, as a client of it would send it.

        `principal`: whose permissions count; None: the account's own. Raises `ConnectionError`
        and `TimeoutError`.
        """
        if self._dispatch is None:
            raise ConnectionError("no services are served yet")
        return await self._dispatch(
            Invocation(
                service, region or self.region, "", request, None, timeout, principal=principal
            )
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post to an address. Raises `ConnectionError`, `TimeoutError` and `ValueError`."""
        if self._client is None:
            raise ConnectionError("no client is there yet")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an http:// or https:// address")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        origin = self._client.origin(parts.scheme, parts.hostname, port)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = [("Host", parts.netloc.rpartition("@")[2]), *headers.items()]
        return await origin.send(Request("POST", target, Headers(fields), body), _TIMEOUTS)


def form(**fields: str) -> Request:
    """A request of a service that takes forms."""
    kind = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
    return Request("POST", "/", Headers([kind]), urlencode(fields).encode())


def confirmation(request: Request) -> Request:
    """What a visited SubscribeURL asks for, and nothing else of it."""
    given = dict(parse_qsl(request.target.partition("?")[2]))
    fields = {name: given.get(name, "") for name in ("TopicArn", "Token")}
    return form(Action="ConfirmSubscription", Version="2010-03-31", **fields)
