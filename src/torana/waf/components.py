"""Fields to match: which parts of a request a statement looks at.

Source: WAF Developer Guide, "Request components in AWS WAF" and "Oversize web request components".
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from torana.waf.faults import BadRule
from torana.waf.inspected import Inspected, within

Json = dict[str, Any]
Values = list[bytes] | bool
"""What is looked at; True or False where the statement's answer does not depend on it."""
Component = Callable[[Inspected], Values]

_OVERSIZE: Mapping[str, bool | None] = {"CONTINUE": None, "MATCH": True, "NO_MATCH": False}


def component(field: Json) -> tuple[str, Component]:
    """A FieldToMatch: a name that tells it from others, and how to get it. Raises `BadRule`."""
    if len(field) != 1:
        raise BadRule("FIELD_TO_MATCH", str(sorted(field)), "Exactly one component is needed.")
    ((kind, asked),) = field.items()
    make = COMPONENTS.get(kind)
    if make is None:
        raise BadRule("FIELD_TO_MATCH", kind, "This component is not inspected here.")
    return f"{kind}:{msgspec.json.encode(asked, order='deterministic').decode()}", make(asked)


def _text(value: str) -> bytes:
    return value.encode("latin-1", "replace")


def _method(asked: Json) -> Component:
    return lambda request: [_text(request.method)]


def _path(asked: Json) -> Component:
    return lambda request: [_text(request.path)]


def _query(asked: Json) -> Component:
    return lambda request: [_text(request.query)]


def _header(asked: Json) -> Component:
    name = asked["Name"].lower()
    return lambda request: [_text(value) for value in request.headers.all(name)]


def _argument(asked: Json) -> Component:
    name = asked["Name"].lower()
    return lambda request: [
        _text(value) for own, value in request.arguments() if own.lower() == name
    ]


def _arguments(asked: Json) -> Component:
    return lambda request: [_text(value) for _, value in request.arguments()]


def _body(asked: Json) -> Component:
    oversize = _OVERSIZE[asked.get("OversizeHandling", "CONTINUE")]

    def body(request: Inspected) -> Values:
        if len(request.body) <= request.body_limit:
            return [request.body] if request.body else []
        return [request.body[: request.body_limit]] if oversize is None else oversize

    return body


def _scoped(pairs: list[tuple[str, str]], scope: str) -> list[bytes]:
    found: list[bytes] = []
    for name, value in pairs:
        if scope != "VALUE":
            found.append(_text(name))
        if scope != "KEY":
            found.append(_text(value))
    return found


def _named(pattern: Json, included: str, excluded: str) -> Callable[[str], bool]:
    if included in pattern:
        names = {name.lower() for name in pattern[included]}
        return lambda name: name.lower() in names
    if excluded in pattern:
        names = {name.lower() for name in pattern[excluded]}
        return lambda name: name.lower() not in names
    return lambda name: True


def _headers(asked: Json) -> Component:
    wanted = _named(asked["MatchPattern"], "IncludedHeaders", "ExcludedHeaders")
    scope, oversize = asked["MatchScope"], _OVERSIZE[asked["OversizeHandling"]]

    def headers(request: Inspected) -> Values:
        pairs, more = within(request.headers.items)
        if more and oversize is not None:
            return oversize
        return _scoped([pair for pair in pairs if wanted(pair[0])], scope)

    return headers


def _cookies(asked: Json) -> Component:
    wanted = _named(asked["MatchPattern"], "IncludedCookies", "ExcludedCookies")
    scope, oversize = asked["MatchScope"], _OVERSIZE[asked["OversizeHandling"]]

    def cookies(request: Inspected) -> Values:
        pairs, more = within(request.cookies())
        if more and oversize is not None:
            return oversize
        return _scoped([pair for pair in pairs if wanted(pair[0])], scope)

    return cookies


def _header_order(asked: Json) -> Component:
    oversize = _OVERSIZE[asked["OversizeHandling"]]

    def order(request: Inspected) -> Values:
        pairs, more = within(request.headers.items)
        if more and oversize is not None:
            return oversize
        return [_text(":".join(name.lower() for name, _ in pairs))]

    return order


_BROKEN = object()


def _json(request: Inspected) -> Any:
    def parse() -> Any:
        try:
            return msgspec.json.decode(request.body[: request.body_limit])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _BROKEN

    return request.once("json", parse)


def _json_body(asked: Json) -> Component:
    scope = asked["MatchScope"]
    pattern: Json = asked["MatchPattern"]
    paths = [path.strip("/").split("/") for path in pattern.get("IncludedPaths", ())]
    fallback = asked.get("InvalidFallbackBehavior", "EVALUATE_AS_STRING")
    oversize = _OVERSIZE[asked.get("OversizeHandling", "CONTINUE")]

    def json_body(request: Inspected) -> Values:
        if not request.body:
            return []
        if len(request.body) > request.body_limit and oversize is not None:
            return oversize
        value = _json(request)
        if value is _BROKEN:
            if fallback == "EVALUATE_AS_STRING":
                return [request.body[: request.body_limit]]
            return fallback == "MATCH"
        found: list[bytes] = []
        for part in [value] if "All" in pattern else [_at(value, path) for path in paths]:
            _leaves(part, scope, found)
        return found

    return json_body


def _at(value: Any, path: list[str]) -> Any:
    """What a JSON pointer leads to, or nothing."""
    for name in path:
        plain = name.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(plain, {})  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        elif isinstance(value, list) and plain.isdigit() and int(plain) < len(value):  # pyright: ignore[reportUnknownArgumentType]
            value = value[int(plain)]  # pyright: ignore[reportUnknownVariableType]
        else:
            return {}
    return value  # pyright: ignore[reportUnknownVariableType]


def _leaves(value: Any, scope: str, found: list[bytes]) -> None:
    waiting: list[Any] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if scope != "VALUE":
                found += [str(name).encode() for name in each]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            waiting += list(each.values())  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(each, list):
            waiting += each
        elif scope != "KEY":
            plain = each if isinstance(each, str) else msgspec.json.encode(each).decode()
            found.append(plain.encode("utf-8", "replace"))


def _fragment(asked: Json) -> Component:
    """Clients do not send it."""
    fallback = asked.get("FallbackBehavior", "NO_MATCH") == "MATCH"
    return lambda request: fallback


COMPONENTS: Mapping[str, Callable[[Json], Component]] = {
    "AllQueryArguments": _arguments,
    "Body": _body,
    "Cookies": _cookies,
    "HeaderOrder": _header_order,
    "Headers": _headers,
    "JsonBody": _json_body,
    "Method": _method,
    "QueryString": _query,
    "SingleHeader": _header,
    "SingleQueryArgument": _argument,
    "UriFragment": _fragment,
    "UriPath": _path,
}
"""By the service's name. The fingerprints of TLS handshakes are not here: Python's TLS does not
show the handshake."""
