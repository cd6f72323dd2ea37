"""What the control plane asks of the data plane."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

from msgspec import Struct

from torana.message import Reply, Request
from torana.model.lifecycle import Lifecycle
from torana.model.rest import RestApi, Stage
from torana.services.apigateway.book import Json
from torana.services.apigateway.client_certificates import Seal
from torana.services.promises import Policy

Check = Callable[[RestApi, Stage, RestApi | None], Awaitable[str | None]]
"""Says why a stage, with the API of its canary if it has one, cannot be served, or None."""
Try = Callable[[RestApi, Stage, Request], Awaitable[tuple[Reply, list[str]]]]
"""Serves one request from an API that is deployed nowhere, and logs its steps.
Raises `ValueError`: it cannot be."""


async def _anything(api: RestApi, stage: Stage, canary: RestApi | None) -> str | None:
    return None


async def _nothing(api: RestApi, stage: Stage, request: Request) -> tuple[Reply, list[str]]:
    raise ValueError("there is no data plane here")


class Authorized(Struct, frozen=True):
    """What an authorizer said of a request."""

    status: int
    principal: str = ""
    policy: str = ""
    """As the function gave it, JSON."""
    claims: dict[str, str] = {}
    log: tuple[str, ...] = ()


Authorize = Callable[[RestApi, Stage, str, Request], Awaitable[Authorized]]
"""Asks the authorizer of a name about a request. Raises `ValueError`: it cannot be asked."""


async def _nobody(api: RestApi, stage: Stage, authorizer: str, request: Request) -> Authorized:
    raise ValueError("there is no data plane here")


Deploy = Callable[[Json, Json], Awaitable[str | None]]
"""Says why a stage, of a snapshot of an API of `apigatewayv2`, cannot be served, or None."""


async def _any_deployment(api: Json, stage: Json) -> str | None:
    return None


Endpoint = Callable[[str, str], str]
"""Where clients find an API of `apigatewayv2`: its id, and `http` or `ws`."""


Trust = Callable[[str], Awaitable[str | None]]
"""Says why clients' certificates cannot be judged by the trust store at an address, or None."""


async def _no_trust(uri: str) -> str | None:
    return "Mutual TLS needs a front door with TLS: set [tls]"


class Version(Struct, frozen=True):
    """A stage that is served, of a REST or an HTTP API."""

    api_id: str
    stage: str
    name: str
    version: str
    protocol: Literal["REST", "HTTP"]
    path: str
    """Where it is reached with no domain name."""
    declared: Lifecycle | None
    """By its definition."""


class DataPlane(Struct, frozen=True):
    """The data plane of this process, or none."""

    cannot_serve: Check = _anything
    serve_once: Try = _nothing
    leads: Callable[[Json], bool] = lambda link: False
    """Whether it is known where a VPC link leads."""
    seal: Seal | None = None
    """For the private keys of client certificates."""
    authorize_once: Authorize = _nobody
    cannot_deploy: Deploy = _any_deployment
    cannot_trust: Trust = _no_trust
    endpoint: Endpoint = lambda api_id, scheme: f"{scheme}://{api_id}.execute-api"
    versions: Callable[[], Iterable[Version]] = tuple
    portal: Callable[[str], str] = lambda id: f"{id}.portal.localhost"
    """The default domain name of a developer portal, by its id."""
    source: Callable[[str, str], str | None] = lambda api_id, stage: None
    """The text of the file that defines a stage."""
    breaking: Policy = "allow"
    currency: str = "USD"
    """Of prices in developer portals."""
