"""The router with a backend for every service, from the settings."""

from collections.abc import Callable, Mapping
from functools import partial

from torana.auth.signer import SigningCredentials
from torana.message import Reply, Request
from torana.net.client import Client, Timeouts
from torana.services.authority import Authority
from torana.services.credentials import outgoing_credentials
from torana.services.embedded import Embedded, Note, unnoted
from torana.services.forward import Forward, Identity, aws_endpoint
from torana.services.ports import Backend, Credential, Credentials
from torana.services.registry import SERVICES, SOCKETS, Parts
from torana.services.roles import Roles
from torana.services.router import Door, Heard, Router, nobody_asks, nobody_hears
from torana.settings import BadSettings, Service, Settings
from torana.wire.catalog import Catalog
from torana.wire.model import UnknownService, load_metadata

_STS_TIMEOUTS = Timeouts(5.0, 10.0, 10.0, 10.0)


def router(
    settings: Settings,
    parts: Parts,
    credentials: Credentials,
    client: Client,
    environment: Mapping[str, str],
    note: Note = unnoted,
    elsewhere: Mapping[str, Backend] = {},
    authority: Authority | None = None,
    used: Callable[[Credential, str, str], None] = nobody_asks,
    told: Callable[[Heard], None] = nobody_hears,
) -> Router:
    """Every embedded service, whose operations are told to `note`, and those that the settings
    forward.

    `elsewhere`: what answers for embedded services that another process of the node has.

    Raises `BadSettings` and `BadCredentials`, before anything is served.
    """
    names = dict.fromkeys([*SERVICES, *settings.services])
    try:
        catalog = Catalog(names)
    except UnknownService as error:
        raise BadSettings(f"services: {error}") from None
    backends: dict[str, Backend] = {}
    for name in names:
        wanted = settings.services.get(name, Service())
        if wanted.engine == "embedded":
            if name not in SERVICES:
                raise BadSettings(
                    f'services.{name}: is not embedded; set engine = "aws" or "http". '
                    f"Embedded are: {', '.join(SERVICES)}"
                )
            backends[name] = elsewhere.get(name) or Embedded(_maker(name, parts), note)
        else:
            backends[name] = _forward(name, wanted, catalog, client, environment)
    made = Router(
        catalog,
        backends,
        credentials,
        account=settings.account,
        region=settings.region,
        authority=authority,
        used=used,
        told=told,
        sockets={place: Door(action, make(parts)) for place, (action, make) in SOCKETS.items()},
    )
    parts.reach.bind(made.dispatch, client, settings.region)
    return made


def _maker(name: str, parts: Parts) -> Callable[[], object]:
    return lambda: SERVICES[name](parts)


def _forward(
    name: str, wanted: Service, catalog: Catalog, client: Client, environment: Mapping[str, str]
) -> Forward:
    if wanted.engine == "http" and wanted.url is None:
        raise BadSettings(f'services.{name}: engine = "http" needs a url')
    if wanted.engine == "http" and wanted.profile is None:
        own = None
    else:
        own = outgoing_credentials(wanted.profile, environment)
        if own is None:
            raise BadSettings(
                f"services.{name}: there are no credentials to sign with; set profile, or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
    try:
        return Forward(
            catalog.metadata(name),
            client,
            identity(own, client, wanted.region or "us-east-1", real=wanted.url is None),
            url=wanted.url,
            region=wanted.region,
            timeout=wanted.timeout,
        )
    except ValueError as error:
        raise BadSettings(f"services.{name}.url: {error}") from None


def identity(
    own: SigningCredentials | None, client: Client, region: str, *, real: bool
) -> Identity:
    """Signs as `own`; toward real AWS (`real`), as the role that is asked for, assumed with it."""
    if own is None or not real:
        return partial(_always, own)
    endpoint = aws_endpoint(load_metadata("sts"), region)

    async def send(request: Request) -> Reply:
        origin = client.origin(endpoint.scheme, endpoint.host, endpoint.port)
        return await origin.send(request, _STS_TIMEOUTS)

    roles = Roles(own, send, host=endpoint.authority(), region=endpoint.region)

    async def assumed(role: str | None) -> SigningCredentials | None:
        return await roles.credentials(role) if role and ":role/" in role else own

    return assumed


async def _always(own: SigningCredentials | None, role: str | None) -> SigningCredentials | None:
    del role
    return own
