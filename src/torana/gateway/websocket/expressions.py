"""Selection expressions, compiled: `$request.body.action`, `${context.stage}/x`, `\\$default`.

Source: Developer Guide, "WebSocket selection expressions in API Gateway".
"""

import re
from collections.abc import Callable

from torana.gateway.contract import Context
from torana.gateway.errors import InvalidApi
from torana.gateway.variables import getter, text
from torana.message import Reply
from torana.vtl import BodyNotJson, TemplateFailure, json_path

Select = Callable[[Context], str]
"""Empty where something that it names is not there."""
SelectReply = Callable[[Context, Reply], str]

_PIECE = re.compile(r"\\\$|\$\{(?P<braced>[^{}]+)\}|\$(?P<plain>[A-Za-z][\w.\[\]'\"@-]*)")


def request_expression(expression: str) -> Select:
    """What is chosen by a message. Raises `InvalidApi`."""
    literals, names = _pieces(expression)
    sources = [_request_source(name) for name in names]
    if len(sources) == 1 and literals == ["", ""]:
        return sources[0]

    def select(ctx: Context) -> str:
        return _joined(literals, [source(ctx) for source in sources])

    return select


def reply_expression(expression: str) -> SelectReply:
    """What is chosen by a backend's answer. Raises `InvalidApi`."""
    literals, names = _pieces(expression)
    sources = [_reply_source(name) for name in names]

    def select(ctx: Context, reply: Reply) -> str:
        return _joined(literals, [source(ctx, reply) for source in sources])

    return select


def _pieces(expression: str) -> tuple[list[str], list[str]]:
    """What stands between the variables, and their names."""
    literals, names, at = [""], list[str](), 0
    for found in _PIECE.finditer(expression):
        literals[-1] += expression[at : found.start()]
        at = found.end()
        name = found["braced"] or found["plain"]
        if name is None or name in ("default", "connect", "disconnect"):
            literals[-1] += found[0].removeprefix("\\")
        else:
            names.append(name)
            literals.append("")
    literals[-1] += expression[at:]
    return literals, names


def _joined(literals: list[str], values: list[str]) -> str:
    return literals[0] + "".join(
        value + literal for value, literal in zip(values, literals[1:], strict=True)
    )


def _request_source(name: str) -> Select:
    place, _, rest = name.partition(".")
    if place == "request":
        kind, _, field = rest.partition(".")
        if kind == "body":
            return _body(name, field)
        if kind == "header" and field:
            lower = field.lower()
            return lambda ctx: ctx.request.headers.get(lower) or ""
        if kind == "querystring" and field:
            return lambda ctx: (ctx.query().get(field) or [""])[-1]
    return _anywhere(name)


def _reply_source(name: str) -> SelectReply:
    place, _, rest = name.partition(".response.")
    if place == "integration":
        kind, _, field = rest.partition(".")
        if kind == "statuscode":
            return lambda ctx, reply: str(reply.status)
        if kind == "header" and field:
            lower = field.lower()
            return lambda ctx, reply: reply.headers.get(lower) or ""
        if kind == "body":
            read = _json(name, field)
            return lambda ctx, reply: read(reply.body if isinstance(reply.body, bytes) else b"")
    source = _request_source(name)
    return lambda ctx, reply: source(ctx)


def _anywhere(name: str) -> Select:
    place, _, rest = name.partition(".")
    if place == "context" and rest:
        get = getter(rest)
        return lambda ctx: text(get(ctx))
    if place == "stageVariables" and rest:
        return lambda ctx: ctx.to.stage.variables.get(rest, "")
    raise InvalidApi(f"selection expression: ${name} is none that the service knows")


def _body(name: str, path: str) -> Select:
    read = _json(name, path)
    return lambda ctx: read(ctx.whole_body())


def _json(name: str, path: str) -> Callable[[bytes], str]:
    """The text at a path of a JSON body; empty where there is none. Raises `InvalidApi`."""
    if not path:
        return lambda body: body.decode("utf-8", "replace")
    try:
        find = json_path(path if path.startswith("$") else f"$.{path}")
    except TemplateFailure as error:
        raise InvalidApi(f"selection expression: ${name}: {error}") from error

    def read(body: bytes) -> str:
        try:
            return text(find(body))
        except (BodyNotJson, TemplateFailure):
            return ""

    return read
