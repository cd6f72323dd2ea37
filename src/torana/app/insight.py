"""What a process shows of itself to who runs it: the ports of the console."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from torana.gateway.locate import Table
from torana.message import Reply, Request
from torana.services.ports import Credential
from torana.settings import Settings
from torana.state.store import Store
from torana.telemetry.metrics import Snapshot


class LlmAccess(Struct, frozen=True):
    """The LLM API, for those who are signed in."""

    ask: Callable[[Request, str], Awaitable[Reply]]
    """A request of the LLM API, in the name of somebody."""
    desk: Callable[[Request], Awaitable[Reply]]
    """Keys and reports, by `/llm/v1/…`."""


class Insight(Struct, frozen=True):
    """Made once for a process that has a management listener."""

    settings: Settings
    store: Store
    find: Callable[[str], Awaitable[Credential | None]]
    """Whose an access key is."""
    services: Callable[[Request], Awaitable[Reply]]
    """A signed request of an AWS client, as the management listener takes it."""
    names: Callable[[], tuple[str, ...]]
    """The services that answer, by botocore's names."""
    snapshots: Callable[[], Awaitable[list[Snapshot]]]
    """The numbers of this process and of its workers."""
    front: Callable[[], str]
    """The front door's address."""
    served: Callable[[], list[Mapping[str, Any]]]
    """The stages that are served, whoever described them."""
    definition: Callable[[str, str | None], Awaitable[str | None]]
    """A REST API (id) as OpenAPI, of a deployment (id) or as it is now. Raises `ServiceError`."""
    anonymous: Callable[[Request, str], Awaitable[Reply]]
    """A request of user or identity pools' API by somebody without credentials."""
    ask: Callable[[Request], Awaitable[Reply]]
    """A request to the front door."""
    table: Callable[[], Table]
    """What the front door serves."""
    llm: LlmAccess | None = None
    heard: Callable[[Request, Reply, str, str], None] = lambda request, reply, service, arn: None
    """Told of what is done through the console, but for calls of services: of what, and by whom."""


class PortalSite(Protocol):
    """The developer portals."""

    def owns(self, host: str) -> bool:
        """Whether nothing else is served under a name."""
        ...

    def find(self, host: str, path: str) -> Callable[[Request], Awaitable[Reply]] | None:
        """What serves a request to the front door, or None."""
        ...

    def never(self, host: str, path: str) -> bool:
        """Whether none is found there, for good."""
        ...

    async def __call__(self, request: Request, /) -> Reply: ...

    async def keep_house(self) -> None:
        """What is to be done now and then, by one process of a node."""
        ...


class Site(Protocol):
    """What is served beside the services, below `/console`."""

    async def __call__(self, request: Request, /) -> Reply: ...

    async def aclose(self) -> None:
        """End what goes on, so that the listener can drain."""
        ...
