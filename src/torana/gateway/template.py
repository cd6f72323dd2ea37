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


def template_scope(ctx: Context, body: bytes) -> dict[str, object]:
    """The variables of a template: `$input`, `$context`, `$stageVariables`, `$util`."""
    return {
        "input": Input(
            body,
            path=ctx.path_parameters,
            querystring=ctx.query(),
            headers=ctx.request.headers,
        ),
        "context": variables(ctx),
        "stageVariables": ctx.to.stage.variables,
        "util": _UTIL,
    }
