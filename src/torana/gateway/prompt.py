"""Prompts as backends: `arn:aws:apigateway:{region}:torana:path/prompts/{name}/{version}`.

`AWS` maps both ways: the mapped body is an object of the prompt's variables. `AWS_PROXY` takes the
variables from the request itself: its path, its query and its JSON body, in that order.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import unquote

import msgspec

from torana.gateway.address import with_stage_variables
from torana.gateway.aws_uri import parse
from torana.gateway.cache_settings import caching
from torana.gateway.contract import Compiled, Context, Integration
from torana.gateway.errors import GatewayError, InvalidApi
from torana.message import Headers, Reply
from torana.model.rest import RestApi, Stage

SERVICE = "torana"
_EVENTS = "text/event-stream"
_FORM = "arn:aws:apigateway:{region}:torana:path/prompts/{name}/{version}"


def is_prompt(uri: str) -> bool:
    """Whether an integration's address is a prompt's."""
    return f":{SERVICE}:path/prompts/" in uri


def named(uri: str, variables: dict[str, str]) -> tuple[str, str]:
    """Name and version. Raises `InvalidApi`."""
    parts = parse(with_stage_variables(uri, variables)).target.strip("/").split("/")
    if len(parts) != 3 or parts[0] != "prompts" or not all(parts):
        raise InvalidApi(f"{uri!r} must be {_FORM}")
    return unquote(parts[1]), unquote(parts[2])


def prompts_of(api: RestApi, stage: Stage) -> Iterator[tuple[str, str]]:
    """Every prompt that a stage calls. Raises `InvalidApi`."""
    for method in api.methods:
        if is_prompt(method.integration.uri):
            yield named(method.integration.uri, stage.variables)


def mapped(to: Compiled) -> Integration:
    """The integration of a method that maps. Raises `InvalidApi`."""

    def variables(ctx: Context) -> dict[str, Any]:
        assert ctx.outgoing is not None
        return _object(ctx.outgoing.body)

    return _integration(to, variables)


def proxied(to: Compiled) -> Integration:
    """The integration of a method that passes on: with `responseTransferMode` STREAM the events of
    an answer as it comes, as for clients that accept them. Raises `InvalidApi`."""

    def variables(ctx: Context) -> dict[str, Any]:
        query = {name: values[-1] for name, values in ctx.query().items()}
        return {**ctx.path_parameters, **query, **_object(ctx.whole_body())}

    always = to.method.integration.response_transfer_mode == "STREAM"
    # Answers that a stage keeps are kept whole.
    asked = always or caching(to) is None

    def events(ctx: Context) -> bool:
        return always or (asked and _EVENTS in (ctx.request.headers.get("accept") or "").lower())

    return _integration(to, variables, events)


def _integration(
    to: Compiled, variables: Any, events: Callable[[Context], bool] | None = None
) -> Integration:
    name, version = named(to.method.integration.uri, to.stage.variables)
    ask = to.ports.prompt
    timeout = to.method.integration.timeout_in_millis / 1000

    async def prompt(ctx: Context) -> Reply:
        given = variables(ctx)
        headers = Headers(
            [("Cache-Control", value) for value in ctx.request.headers.all("cache-control")]
        )
        if events is not None and events(ctx):
            headers.add("Accept", _EVENTS)
        try:
            async with asyncio.timeout(timeout):
                reply = await ask(name, version, given, headers)
        except TimeoutError as error:
            raise GatewayError("INTEGRATION_TIMEOUT", detail=str(error)) from error
        if reply is None:
            raise GatewayError(
                "API_CONFIGURATION_ERROR", detail=f"there is no prompt {name}/{version}"
            )
        ctx.integration_status = reply.status
        if ctx.trace is not None:
            ctx.trace.address, ctx.trace.got = f"prompt {name}/{version}", reply
        return reply

    return prompt


def _object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise GatewayError("BAD_REQUEST_BODY", detail="the body is no JSON") from None
    if not isinstance(value, dict):
        raise GatewayError("BAD_REQUEST_BODY", detail="the body is no JSON object")
    return cast(dict[str, Any], value)
