"""From the method request to the integration request: parameters, template, overrides.

Source: Developer Guide, "Request and response data mapping reference" and "Use a mapping template
to override an API's request and response parameters".
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from torana.gateway.content import binary, request_template
from torana.gateway.contract import Compiled, Context, Gate, Outgoing
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.headers import NOT_MAPPABLE, NOT_MAPPABLE_TO_AWS
from torana.gateway.mapping import Source, Target, request_source
from torana.gateway.template import compile_templates, render
from torana.message import Headers
from torana.vtl import BodyNotJson, Template, TemplateFailure


def build(to: Compiled) -> Gate | None:
    """A gate for every integration that maps; pass-through ones compose their own request."""
    integration = to.method.integration
    if integration.type in ("HTTP_PROXY", "AWS_PROXY"):
        return None
    choose = request_template(
        compile_templates(integration.request_templates, "request"),
        integration.passthrough_behavior,
    )
    parameters = [
        (target_of(target, integration.type), request_source(source))
        for target, source in integration.request_parameters.items()
    ]
    convert = _converter(to)

    def map_request(ctx: Context) -> None:
        content_type = ctx.request.headers.get("content-type")
        template = choose(content_type)
        body = ctx.whole_body()
        if convert is not None:
            body = convert(content_type, body)
        if template is not None:
            body = rendered(template, ctx, body)
        headers = Headers()
        outgoing = Outgoing(headers, {}, {}, body)
        if parameters:
            apply(parameters, ctx, outgoing)
        if ctx.request_override is not None:
            override(ctx.request_override, outgoing)
        if content_type is not None and not (headers.items and "content-type" in headers):
            headers.add("Content-Type", content_type)
        ctx.outgoing = outgoing

    return map_request


def target_of(expression: str, kind: str) -> Target:
    """Where a mapped value goes, of a kind of integration. Raises `InvalidApi`."""
    target = Target(expression, "integration.request.")
    refused = NOT_MAPPABLE_TO_AWS if kind == "AWS" else NOT_MAPPABLE
    if target.location == "header" and target.name.lower() in refused:
        raise InvalidApi(f"{expression!r}: the gateway sets this header itself")
    return target


def rendered(template: Template, ctx: Context, body: bytes) -> bytes:
    """A template's output. Raises `GatewayError`.

    The gateway's own word is for a body that the template reads as JSON. "Could not parse request
    body into json" is Lambda's, about what a template made: see `services/lambda_/invoke.py`.
    """
    try:
        return render(template, ctx, body)
    except BodyNotJson:
        raise GatewayError("BAD_REQUEST_BODY", "Invalid JSON in request body") from None
    except TemplateFailure as error:
        raise GatewayError("API_CONFIGURATION_ERROR", detail=str(error)) from None


def apply(parameters: list[tuple[Target, Source]], ctx: Context, outgoing: Outgoing) -> None:
    """Put mapped values where they go."""
    for target, source in parameters:
        value = source(ctx)
        if value is None:
            continue
        if target.location == "querystring":
            outgoing.query[target.name] = [value] if isinstance(value, str) else list(value)
        elif target.location == "header":
            outgoing.headers.set(target.name, value if isinstance(value, str) else ",".join(value))
        else:
            outgoing.path[target.name] = value if isinstance(value, str) else ",".join(value)


def override(wanted: Mapping[str, Any], outgoing: Outgoing) -> None:
    """What a template set in `$context.requestOverride` wins over the mapped parameters."""
    for name, value in wanted["header"].items():
        if name.lower() not in NOT_MAPPABLE:
            outgoing.headers.set(name, str(value))
    for name, value in wanted["querystring"].items():
        values = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
        outgoing.query[name] = [str(item) for item in values]  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    for name, value in wanted["path"].items():
        outgoing.path[name] = str(value)


def _converter(to: Compiled) -> Callable[[str | None, bytes], bytes] | None:
    """Binary bodies to text and back, as `contentHandling` says."""
    handling = to.method.integration.content_handling
    if handling is None:
        return None
    is_binary = binary(to.api.binary_media_types)

    def convert(content_type: str | None, body: bytes) -> bytes:
        if handling == "CONVERT_TO_TEXT":
            return base64.b64encode(body) if is_binary(content_type) else body
        if is_binary(content_type):
            return body
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error:
            raise GatewayError("API_CONFIGURATION_ERROR", detail="the body is not base64") from None

    return convert
