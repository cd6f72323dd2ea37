"""Filter policies: which messages a subscription wants.

Source: Amazon SNS Developer Guide, "Subscription filter policies" and "Filter policy constraints".
"""

import ipaddress
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, cast

import msgspec

from torana.services.sns.faults import invalid

Json = dict[str, Any]
Match = Callable[[Json], bool]
"""Whether a body, or attributes by name, fit. Attributes hold a list of values each."""
_ABSENT = object()
_MOST = 150
"""Combinations of values. Source: the service's quota."""


def compile_policy(text: str) -> Match:
    """A policy. Raises the service's error."""
    try:
        policy = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise invalid("FilterPolicy: failed to parse JSON.") from None
    if not isinstance(policy, dict):
        raise invalid("FilterPolicy: must be an object.")
    return _object(cast(Json, policy), 0)


def _object(policy: Json, depth: int) -> Match:
    if depth > 5:
        raise invalid("FilterPolicy: nested too deeply.")
    needed: list[Match] = []
    for name, wanted in policy.items():
        if name == "$or" and isinstance(wanted, list):
            options = [_object(cast(Json, each), depth + 1) for each in cast(list[Any], wanted)]
            needed.append(lambda body, options=options: any(each(body) for each in options))
        elif isinstance(wanted, dict):
            inner = _object(cast(Json, wanted), depth + 1)
            needed.append(lambda body, name=name, inner=inner: _inside(body.get(name), inner))
        elif isinstance(wanted, list):
            rules = cast(list[Any], wanted)
            if not rules or len(rules) > _MOST:
                raise invalid(f"FilterPolicy: {name} must have 1 to {_MOST} values.")
            tests = [_rule(name, each) for each in rules]
            needed.append(lambda body, name=name, tests=tests: _any(body, name, tests))
        else:
            raise invalid(f'FilterPolicy: "{name}" must be an object or an array')
    return lambda body: all(each(body) for each in needed)


def _inside(value: Any, inner: Match) -> bool:
    if isinstance(value, list):
        return any(_inside(each, inner) for each in cast(list[Any], value))
    return isinstance(value, dict) and inner(cast(Json, value))


Test = Callable[[Any], bool]


def _any(body: Json, name: str, tests: list[Test]) -> bool:
    value = body.get(name, _ABSENT)
    values = cast(list[Any], value) if isinstance(value, list) else [value]
    return any(test(each) for test in tests for each in values)


def _rule(name: str, rule: Any) -> Test:
    if not isinstance(rule, dict):
        return lambda value: (
            (value is not _ABSENT and type(value) is type(rule) and value == rule)
            or (_number(value) and _number(rule) and value == rule)
        )
    rule = cast(Json, rule)
    if len(rule) != 1:
        raise invalid(f"FilterPolicy: {name}: a rule must have one key.")
    [(kind, given)] = rule.items()
    make = _RULES.get(kind)
    if make is None:
        raise invalid(f"FilterPolicy: Unrecognized match type {kind}")
    return make(name, given)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(name: str, given: Any) -> str:
    if not isinstance(given, str):
        raise invalid(f"FilterPolicy: {name}: the match pattern must be a string")
    return given


def _prefix(name: str, given: Any) -> Test:
    text = _text(name, given)
    return lambda value: isinstance(value, str) and value.startswith(text)


def _suffix(name: str, given: Any) -> Test:
    text = _text(name, given)
    return lambda value: isinstance(value, str) and value.endswith(text)


def _wildcard(name: str, given: Any) -> Test:
    pattern = _text(name, given).replace("[", "[[]").replace("?", "[?]")
    return lambda value: isinstance(value, str) and fnmatchcase(value, pattern)


def _same(name: str, given: Any) -> Test:
    text = _text(name, given).casefold()
    return lambda value: isinstance(value, str) and value.casefold() == text


def _exists(name: str, given: Any) -> Test:
    if not isinstance(given, bool):
        raise invalid(f"FilterPolicy: {name}: exists must be true or false.")
    return lambda value: (value is not _ABSENT) == given


def _but(name: str, given: Any) -> Test:
    if isinstance(given, dict):
        inner = _rule(name, given)
        return lambda value: value is not _ABSENT and not inner(value)
    values = cast(list[Any], given) if isinstance(given, list) else [given]
    return lambda value: value is not _ABSENT and value not in values


def _cidr(name: str, given: Any) -> Test:
    try:
        network = ipaddress.ip_network(_text(name, given), strict=False)
    except ValueError:
        raise invalid(f"FilterPolicy: {name}: {given} is no network.") from None

    def test(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _numeric(name: str, given: Any) -> Test:
    parts = cast(list[Any], given) if isinstance(given, list) else []
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    fits = len(parts) in (2, 4) and all(sign in _COMPARE and _number(v) for sign, v in pairs)
    if not fits:
        raise invalid(f"FilterPolicy: {name}: numeric needs an operator and a number, or two.")
    return lambda value: _number(value) and all(_COMPARE[sign](value, v) for sign, v in pairs)


_RULES: dict[str, Callable[[str, Any], Test]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
    "equals-ignore-case": _same,
    "exists": _exists,
    "anything-but": _but,
    "cidr": _cidr,
    "numeric": _numeric,
}


def wants(policy: str, scope: str, message: str, attributes: dict[str, dict[str, Any]]) -> bool:
    """Whether a message fits a policy; an empty one wants everything."""
    if not policy:
        return True
    match = compile_policy(policy)
    if scope != "MessageBody":
        return match({name: _values(each) for name, each in attributes.items()})
    try:
        body = msgspec.json.decode(message)
    except msgspec.DecodeError:
        return False
    return isinstance(body, dict) and match(cast(Json, body))


def _values(attribute: dict[str, Any]) -> list[Any]:
    kind, value = attribute["Type"], attribute["Value"]
    try:
        if kind == "Number" or kind.startswith("Number."):
            return [float(value)]
        if kind == "String.Array":
            found = msgspec.json.decode(value)
            return cast(list[Any], found) if isinstance(found, list) else [found]
    except (ValueError, msgspec.DecodeError):
        return []
    return [value] if kind != "Binary" else []
