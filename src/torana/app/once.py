"""Serving one request from an API that is deployed nowhere, or asking one of its authorizers, with
the execution log."""

from typing import Any, cast

import msgspec

from torana.app.definitions import live
from torana.gateway.contract import AwsCall, Compiled, Context, Observe, Ports
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.execution_log import asked, steps
from torana.gateway.locate import normalise
from torana.gateway.serve import serve
from torana.message import Reply, Request, Sent, read
from torana.model.rest import Integration, Method, MethodSettings, RestApi, Stage
from torana.services.apigateway.plane import Authorized

_LOGGED = {"*/*": MethodSettings(logging_level="INFO", data_trace_enabled=True)}


async def once(
    api: RestApi, stage: Stage, request: Request, ports: Ports
) -> tuple[Reply, list[str]]:
    """The reply, and what was done. Raises `ValueError`: the API cannot be served."""
    seen: list[Context] = []

    def observe(to: Compiled) -> Observe:
        return seen.append

    alone = msgspec.structs.replace(ports, observe=observe)
    traced = msgspec.structs.replace(stage, method_settings=_LOGGED)
    try:
        found = live(api, traced, alone)
    except InvalidApi as error:
        raise ValueError(str(error)) from error
    path, _, query = request.target.partition("?")
    reply = await serve(found.plan, request, normalise(path), query, path)
    if reply.sent is not None:
        reply.sent(Sent(0, whole=True))
    return reply, [line for ctx in seen for line in steps(ctx, path, data=True)]


_LIMIT = 256 * 1024
_NOWHERE = Integration("MOCK", request_templates={"application/json": '{"statusCode": 200}'})


async def authorize_once(
    api: RestApi, stage: Stage, authorizer: str, request: Request, ports: Ports
) -> Authorized:
    """What an authorizer says of a request. Raises `ValueError`: it cannot be asked."""
    settings = api.authorizers.get(authorizer)
    if settings is None:
        raise ValueError(f"there is no authorizer {authorizer!r}")
    kind = "COGNITO_USER_POOLS" if settings.type == "COGNITO_USER_POOLS" else "CUSTOM"
    methods = tuple(
        Method("ANY", path, _NOWHERE, authorization_type=kind, authorizer=authorizer)
        for path in ("/", "/{proxy+}")
    )
    answers: list[bytes] = []

    async def aws(call: AwsCall) -> Reply:
        reply = await ports.aws(call)
        reply.body = await read(reply.body, _LIMIT)
        answers.append(reply.body)
        return reply

    seen: list[Context] = []

    def observe(to: Compiled) -> Observe:
        return seen.append

    alone = msgspec.structs.replace(ports, aws=aws, observe=observe)
    traced = msgspec.structs.replace(stage, method_settings=_LOGGED)
    bare = msgspec.structs.replace(api, methods=methods, policy=None)
    try:
        found = live(bare, traced, alone)
    except InvalidApi as error:
        raise ValueError(str(error)) from error
    path, _, query = request.target.partition("?")
    reply = await serve(found.plan, request, normalise(path), query, path)
    if reply.sent is not None:
        reply.sent(Sent(0, whole=True))
    return _authorized(seen[-1], answers[-1] if answers else b"")


def _authorized(ctx: Context, answer: bytes) -> Authorized:
    """A policy that denies is an answer like any other."""
    error = ctx.error
    log = tuple(asked(ctx, answer))
    # Whatever follows the authorizer (the method goes nowhere) is not what was asked about.
    failed = isinstance(error, GatewayError) and (
        error.type == "UNAUTHORIZED" or error.type.startswith("AUTHORIZER_")
    )
    if failed:
        return Authorized(ctx.status, log=log)
    said = _object(answer)
    policy: Any = said.get("policyDocument")
    claims: Any = ctx.principal.context.get("claims") or {}
    return Authorized(
        200,
        str(said.get("principalId") or ctx.principal.id),
        msgspec.json.encode(policy).decode() if policy is not None else "",
        {name: str(value) for name, value in cast(dict[str, Any], claims).items()},
        log,
    )


def _object(answer: bytes) -> dict[str, Any]:
    try:
        found: Any = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}
