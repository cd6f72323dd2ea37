"""Mapping templates in the plan: compiled once, rendered in the scope of a request."""

from collections.abc import Callable, Mapping

from torana.gateway.contract import Context
from torana.gateway.errors import InvalidApi
from torana.gateway.variables import variables
from torana.vtl import Input, Template, TemplateError, Util, compile

_UTIL = Util()
_VARIABLES: dict[str, Callable[[Context], object]] = {
    "context": variables,
    "stageVariables": lambda ctx: ctx.to.stage.variables,
    "util": lambda ctx: _UTIL,
}


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
    scope: dict[str, object] = {"input": Input(body, ctx.parameters)}
    for name in template.names:
        scope[name] = _VARIABLES[name](ctx)
    return template.render(scope).encode()
