"""User pools of a node: their messages' way out, and the functions that they ask."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote
from uuid import uuid4

import msgspec

from torana.auth.policy import Caller
from torana.message import Headers, Reply, Request
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.hosted import PoolDoor
from torana.services.outlets import Outbox, Outlet, Smtp
from torana.services.ports import Call, Principal
from torana.services.router import Invocation
from torana.services.seal import KeyFile
from torana.settings import BadSettings, Settings, secret
from torana.state.store import Store
from torana.wire.faults import ServiceError

_SERVICE = "cognito-idp.amazonaws.com"


def build(
    settings: Settings,
    environment: Mapping[str, str],
    store: Store,
    dispatch: Callable[[Invocation], Awaitable[Reply]],
) -> CognitoIdp:
    """`dispatch` reaches the other services. Raises `BadSettings`."""

    account = settings.account
    service = Principal(account, _SERVICE, _SERVICE, caller=Caller(service=_SERVICE))

    async def run(arn: str, pool: str, event: bytes, timeout: float) -> Reply:
        path = f"/2015-03-31/functions/{quote(arn, safe='')}/invocations"
        fields = [("Content-Type", "application/json"), ("Host", "lambda")]
        request = Request("POST", path, Headers(fields), event)
        # A function's own policy says which pools may ask it; one of the configuration file has
        # none, and is the operator's, for all.
        own = arn.rpartition(":function:")[2].partition(":")[0] in settings.functions
        return await dispatch(
            Invocation(
                "lambda",
                settings.region,
                "",
                request,
                None,
                timeout,
                principal=None if own else service,
                source={"aws:sourcearn": pool, "aws:sourceaccount": account},
            )
        )

    seal = KeyFile(settings.folder() / "user-pools.key")
    return CognitoIdp(store, seal, run, _outlet(settings, environment))


def door(
    idp: CognitoIdp, settings: Settings, api: Callable[[Request, str], Awaitable[Reply]]
) -> PoolDoor:
    """For the front door; `api` answers the operations of a service that nobody signs."""
    return PoolDoor(idp, settings.domain_suffix, settings.account, api)


def public_keys(idp: CognitoIdp) -> Callable[[str], bytes | None]:
    """A pool's public keys by their path, for the management listener, where the service's own
    address is."""

    def find(path: str) -> bytes | None:
        id, _, document = path[1:].partition("/.well-known/")
        pool = idp.registry.pool(id) if document == "jwks.json" else None
        return pool and pool.jwks

    return find


def key_desk(idp: CognitoIdp, settings: Settings) -> Callable[[Request], Awaitable[Reply]]:
    """`POST /user-pools/v1/{pool}/keys`: another signing key; with `?revoke=true` the only one."""
    account = settings.account
    root = Principal(account, f"arn:aws:iam::{account}:root", account)

    async def handle(request: Request) -> Reply:
        path, _, query = request.target.partition("?")
        parts = path.split("/")
        if request.method != "POST" or len(parts) != 5 or parts[4] != "keys":
            return _json(404, {"message": "Not Found"})
        call = Call("RotateKeys", root, settings.region, str(uuid4()), 30.0, request)
        try:
            pool = await idp.signing.rotate(call, parts[3], revoke=query == "revoke=true")
        except ServiceError as error:
            return _json(404, {"message": error.message})
        return _json(200, {"kid": pool["keys"][0]["kid"]})

    return handle


def _json(status: int, value: dict[str, str]) -> Reply:
    fields = [("Content-Type", "application/json")]
    return Reply(status, Headers(fields), msgspec.json.encode(value))


def _outlet(settings: Settings, environment: Mapping[str, str]) -> Outlet:
    outbox = Outbox(settings.folder() / "outbox.jsonl")
    if settings.mail is None:
        return outbox
    try:
        return Smtp(secret(settings.mail.smtp, environment), settings.mail.sender, outbox)
    except ValueError as error:
        raise BadSettings(f"mail.smtp: {error}") from None
