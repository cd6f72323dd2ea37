"""User pools of a node: their messages' way out, and the functions that they ask."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from torana.message import Headers, Reply, Request
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.hosted import PoolDoor
from torana.services.cognito_idp.published import Registry
from torana.services.outlets import Outbox, Outlet, Smtp
from torana.services.router import Invocation
from torana.services.seal import KeyFile
from torana.settings import BadSettings, Settings, secret
from torana.state.store import Store


def build(
    settings: Settings,
    environment: Mapping[str, str],
    store: Store,
    dispatch: Callable[[Invocation], Awaitable[Reply]],
) -> CognitoIdp:
    """`dispatch` reaches the other services. Raises `BadSettings`."""

    async def run(arn: str, event: bytes, timeout: float) -> Reply:
        path = f"/2015-03-31/functions/{quote(arn, safe='')}/invocations"
        fields = [("Content-Type", "application/json"), ("Host", "lambda")]
        request = Request("POST", path, Headers(fields), event)
        return await dispatch(Invocation("lambda", settings.region, "", request, None, timeout))

    seal = KeyFile(settings.folder() / "user-pools.key")
    return CognitoIdp(store, seal, run, _outlet(settings, environment))


class PoolDoors:
    """What this process serves of user pools."""

    def __init__(self, store: Store) -> None:
        self.registry = Registry(store)

    def door(
        self, idp: CognitoIdp, settings: Settings, api: Callable[[Request], Awaitable[Reply]]
    ) -> PoolDoor:
        """For the front door; `api` answers the operations that nobody signs."""
        return PoolDoor(idp, self.registry, settings.domain_suffix, settings.account, api)

    def keys(self, path: str) -> bytes | None:
        """A pool's public keys by their path, for the management listener, where the service's own
        address is."""
        id, _, document = path[1:].partition("/.well-known/")
        pool = self.registry.pool(id) if document == "jwks.json" else None
        return pool and pool.jwks


def _outlet(settings: Settings, environment: Mapping[str, str]) -> Outlet:
    outbox = Outbox(settings.folder() / "outbox.jsonl")
    if settings.mail is None:
        return outbox
    try:
        return Smtp(secret(settings.mail.smtp, environment), settings.mail.sender, outbox)
    except ValueError as error:
        raise BadSettings(f"mail.smtp: {error}") from None
