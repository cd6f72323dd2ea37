"""Parameter mapping of HTTP APIs, compiled: `overwrite:header.X` to `$request.querystring.y`.

Source: Developer Guide, "Transform API requests and responses for HTTP APIs".
"""

import re
from collections.abc import Callable
from typing import Literal, cast

from msgspec import Struct

from torana.gateway.contract import Context
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.variables import getter, text
from torana.message import Reply
from torana.vtl import BodyNotJson, TemplateFailure, json_path

Source = Callable[[Context, Reply | None], str | None]
"""What a mapping reads of a request and, in a response mapping, of the reply."""
Action = Literal["append", "overwrite", "remove"]
Place = Literal["header", "querystring", "path", "statuscode"]

_VARIABLE = re.compile(
    r"\$\{([^{}]+)\}|\$((?:request|response|context|stageVariables)(?:\.[A-Za-z0-9_\-\[\]*]+)+)"
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-location",
        "forwarded",
        "keep-alive",
        "origin",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    }
)
_RESERVED_PREFIXES = ("access-control-", "apigw-", "x-amz-", "x-amzn-")


class Target(Struct, frozen=True):
    """What a mapping changes."""

    action: Action
    place: Place
    name: str = ""


class Mapping(Struct, frozen=True):
    """A target and what goes there; nothing for what is taken away."""

    target: Target
    source: Source


def mappings(parameters: dict[str, str], *, reply: bool) -> tuple[Mapping, ...]:
    """The mappings of a request, or of a `reply`. Raises `InvalidApi`."""
    return tuple(
        Mapping(target(key, reply=reply), source(value, reply=reply))
        for key, value in parameters.items()
    )


def target(key: str, *, reply: bool) -> Target:
    """`append:header.NAME` and the like. Raises `InvalidApi`."""
    action, _, place = key.partition(":")
    kind, _, name = place.partition(".")
    whole = "statuscode" if reply else "path"
    if place == whole:
        if action != "overwrite":
            raise InvalidApi(f"parameter mapping {key!r}: only overwrite:{whole} is supported")
        return Target("overwrite", cast(Place, whole))
    kinds = ("header",) if reply else ("header", "querystring")
    if action not in ("append", "overwrite", "remove") or kind not in kinds or not name:
        raise InvalidApi(f"parameter mapping {key!r} is none that the service knows")
    if kind == "header" and not _TOKEN.fullmatch(name):
        raise InvalidApi(f"parameter mapping {key!r}: a header cannot be called that")
    if kind == "header" and is_reserved(name):
        raise InvalidApi(f"parameter mapping {key!r}: operations on header {name} are restricted")
    return Target(action, cast(Place, kind), name)


def is_reserved(name: str) -> bool:
    """Whether a header is the gateway's own."""
    lower = name.lower()
    return lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES)


def source(expression: str, *, reply: bool) -> Source:
    """One variable, `$request.path.id`; a text with several, `/v1/${request.path.id}`; or a
    constant. Raises `InvalidApi`."""
    if expression.startswith(("$request.body.", "$response.body.")):
        return _variable(expression[1:], reply=reply)
    pieces = _VARIABLE.split(expression)
    if len(pieces) == 1:
        if expression.startswith("$"):
            raise InvalidApi(f"parameter mapping value {expression} is none that the service knows")
        constant = expression[1:-1] if re.fullmatch(r"'.*'", expression) else expression
        return lambda ctx, got: constant
    literals = pieces[::3]
    gets = [
        _variable(braced or bare, reply=reply)
        for braced, bare in zip(pieces[1::3], pieces[2::3], strict=True)
    ]
    if literals == ["", ""]:
        return gets[0]

    def joined(ctx: Context, got: Reply | None) -> str:
        out = [literals[0]]
        for get, literal in zip(gets, literals[1:], strict=True):
            out += (get(ctx, got) or "", literal)
        return "".join(out)

    return joined


def _variable(name: str, *, reply: bool) -> Source:
    first, _, rest = name.partition(".")
    if first == "context" and rest:
        get = getter(rest)
        return lambda ctx, got: text(get(ctx)) or None
    if first == "stageVariables" and rest:
        return lambda ctx, got: ctx.to.stage.variables.get(rest)
    place, _, key = rest.partition(".")
    found = None
    if first == "request":
        found = _of_request(place, key)
    elif first == "response" and reply:
        found = _of_reply(place, key)
    if found is None:
        raise InvalidApi(f"parameter mapping value ${name} is none that the service knows")
    return found


def _of_request(place: str, key: str) -> Source | None:
    lower = key.lower()
    if place == "header" and key:
        return lambda ctx, got: ",".join(ctx.request.headers.all(lower)) or None
    if place == "querystring" and key:
        return lambda ctx, got: ",".join(ctx.query().get(key, ())) or None
    if place == "path":
        if key:
            return lambda ctx, got: ctx.path_parameters.get(key)
        return lambda ctx, got: ctx.path
    if place == "body":
        if not key:
            return lambda ctx, got: ctx.whole_body().decode("utf-8", "replace")
        read = _json(key)
        return lambda ctx, got: read(ctx.whole_body())
    return None


def _of_reply(place: str, key: str) -> Source | None:
    lower = key.lower()
    if place == "header" and key:
        return lambda ctx, got: got and (",".join(got.headers.all(lower)) or None)
    if place == "body":
        read = _json(key) if key else _whole

        def body(ctx: Context, got: Reply | None) -> str | None:
            try:
                return read(got.body) if got and isinstance(got.body, bytes) else None
            except GatewayError:
                return None

        return body
    return None


def _whole(body: bytes) -> str | None:
    return body.decode("utf-8", "replace")


def _json(path: str) -> Callable[[bytes], str | None]:
    """A JSONPath without recursion and filters. Raises `InvalidApi`."""
    if ".." in f".{path}" or "?(" in path:
        raise InvalidApi(f"parameter mapping: body.{path}: no recursion and no filters")
    try:
        read = json_path(path)
    except TemplateFailure as error:
        raise InvalidApi(f"parameter mapping: {error}") from error

    def found(body: bytes) -> str | None:
        try:
            value = read(body or b"{}")
        except BodyNotJson:
            raise GatewayError("BAD_REQUEST_BODY") from None
        return None if value is None else text(value)

    return found


def reads_body(parameters: dict[str, str]) -> bool:
    """Whether a request's mappings look into its body."""
    return any("request.body" in value for value in parameters.values())
