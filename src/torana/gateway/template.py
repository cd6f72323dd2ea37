"""Mapping templates in the plan: compiled once, rendered in the scope of a request."""

from collections.abc import Mapping

from torana.gateway.contract import Context
from torana.gateway.errors import InvalidApi
from torana.gateway.variables import variables
from torana.vtl import Input, Template, TemplateError, Util, compile

_UTIL = Util()


def compile_templates(sources: Mapping[str, str], what: str) -> dict[str, Template]:
    """By content type. Raises `InvalidApi` naming the template, line and column."""
    compiled: dict[str, Template] = {}
    for content_type, source in sources.items():
        try:
            compiled[content_type] = compile(source, f"{what} template {content_type}")
        except TemplateError as error:
            raise InvalidApi(f"{what} template for {content_type}: {error}") from error
    return compiled


def render(template: Template, ctx: Context, body: bytes) -> bytes:
    """A template's output for a body, with `$input`, `$context`, `$stageVariables` and `$util` as
    far as it names them. Raises `TemplateFailure`."""
    names = template.names
    scope: dict[str, object] = {"input": Input(body, ctx.parameters)} if "input" in names else {}
    if "context" in names:
        scope["context"] = variables(ctx)
    if "stageVariables" in names:
        scope["stageVariables"] = ctx.to.stage.variables
    if "util" in names:
        scope["util"] = _UTIL
    return template.render(scope).encode()
