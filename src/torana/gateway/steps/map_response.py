"""From the integration response to the method response: chosen by status or error message.

Source: Developer Guide, "Set up an integration response in API Gateway".
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

import msgspec

from torana.gateway.content import binary, response_template
from torana.gateway.contract import Compiled, Context, Finish
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.mapping import response_source
from torana.gateway.template import compile_templates, render
from torana.message import Headers, Reply
from torana.model.rest import IntegrationResponse
from torana.vtl import TemplateFailure

Make = Callable[[Context, Reply], Reply]


def build(to: Compiled) -> Finish | None:
    """A step for every integration that maps."""
    integration = to.method.integration
    if integration.type in ("HTTP_PROXY", "AWS_PROXY"):
        return None
    patterns = [
        (_pattern(response.selection_pattern), _maker(to, response))
        for response in integration.responses
        if response.selection_pattern
    ]
    defaults = [_maker(to, r) for r in integration.responses if not r.selection_pattern]
    default = defaults[0] if defaults else None
    by_message = ":lambda:path/" in integration.uri

    if by_message:
        return lambda ctx, reply: chosen(patterns, default, _error_message(reply))(ctx, reply)
    by_status: dict[int, Make] = {}

    def map_response(ctx: Context, reply: Reply) -> Reply:
        status = reply.status
        make = by_status.get(status)
        if make is None:
            make = by_status[status] = chosen(patterns, default, str(status))
        return make(ctx, reply)

    return map_response


def chosen(
    patterns: list[tuple[re.Pattern[str], Make]], default: Make | None, selector: str
) -> Make:
    """The first response whose pattern fits. Raises `GatewayError`."""
    for pattern, make in patterns:
        if pattern.fullmatch(selector):
            return make
    if default is None:
        raise GatewayError(
            "API_CONFIGURATION_ERROR",
            detail=f"no integration response for {selector!r} and no default",
        )
    return default


def _pattern(source: str) -> re.Pattern[str]:
    try:
        return re.compile(source, re.DOTALL)
    except re.error as error:
        raise InvalidApi(f"selection pattern {source!r}: {error}") from error


def _error_message(reply: Reply) -> str:
    """A function's `errorMessage`; empty when it did not fail."""
    try:
        answer = msgspec.json.decode(reply.body if isinstance(reply.body, bytes) else b"")
    except msgspec.DecodeError:
        return ""
    found = answer.get("errorMessage") if isinstance(answer, dict) else None  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
    return found if isinstance(found, str) else ""


def _maker(to: Compiled, response: IntegrationResponse) -> Make:
    """Everything of one integration response, resolved."""
    status = _status(response.status_code)
    choose = response_template(compile_templates(response.response_templates, "response"))
    fields = [
        (_header(target), response_source(source))
        for target, source in response.response_parameters.items()
    ]
    convert = _converter(to, response)

    def make(ctx: Context, reply: Reply) -> Reply:
        body = _bytes(reply) if convert is None else convert(ctx, reply)
        found = choose(ctx.request.headers)
        if found is None:
            kind = reply.headers.get("content-type") or "application/json"
        else:
            kind, template = found
            try:
                body = render(template, ctx, body)
            except TemplateFailure as error:
                raise GatewayError("API_CONFIGURATION_ERROR", detail=str(error)) from None
        made = Reply(status, Headers([("Content-Type", kind)]), body)
        for name, source in fields:
            value = source(ctx, reply)
            if value is not None:
                made.headers.set(name, value)
        if ctx.response_override is not None:
            _override(ctx.response_override, made)
        return made

    return make


def _status(text: str) -> int:
    if not re.fullmatch(r"[1-5]\d\d", text):
        raise InvalidApi(f"integration response status code {text!r} must match [1-5]\\d\\d")
    return int(text)


def _header(target: str) -> str:
    prefix = "method.response.header."
    if not target.startswith(prefix):
        raise InvalidApi(f"response mapping {target!r} must begin with {prefix!r}")
    return target[len(prefix) :]


def _override(override: dict[str, Any], reply: Reply) -> None:
    """`$context.responseOverride`: an impossible status is ignored, as the service does."""
    status = override.get("status")
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    if isinstance(status, int) and 100 <= status < 600:
        reply.status = status
    for name, value in override["header"].items():
        reply.headers.set(name, str(value))


def _converter(
    to: Compiled, response: IntegrationResponse
) -> Callable[[Context, Reply], bytes] | None:
    """None: the bytes as they are."""
    handling = response.content_handling
    if not to.api.binary_media_types and handling is None:
        return None
    is_binary = binary(to.api.binary_media_types)

    def convert(ctx: Context, reply: Reply) -> bytes:
        body = _bytes(reply)
        if is_binary(reply.headers.get("content-type")):
            wanted = is_binary(ctx.request.headers.get("accept"))
            if handling == "CONVERT_TO_TEXT" or (handling is None and not wanted):
                return base64.b64encode(body)
            return body
        if handling == "CONVERT_TO_BINARY":
            try:
                return base64.b64decode(body, validate=True)
            except binascii.Error:
                raise GatewayError(
                    "API_CONFIGURATION_ERROR", detail="the backend's body is not base64"
                ) from None
        return body

    return convert


def _bytes(reply: Reply) -> bytes:
    return reply.body if isinstance(reply.body, bytes) else b""
