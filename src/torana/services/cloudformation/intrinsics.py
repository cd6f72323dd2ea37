"""Intrinsic functions, evaluated.

Source: AWS CloudFormation Template Reference, "Intrinsic functions", "Pseudo parameters" and
"Rules".
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from msgspec import Struct

from torana.services.cloudformation.faults import BadTemplate

Json = dict[str, Any]


class _Nothing:
    """What `AWS::NoValue` stands for."""


NO_VALUE = _Nothing()


class Unknown(Struct, frozen=True):
    """A value that is known only once resources are made."""

    of: str = ""
    attribute: str = ""


def _no_exports(name: str) -> Any:
    raise BadTemplate(f"No export named {name} found.")


class Scope(Struct):
    """Where names lead."""

    values: Mapping[str, Any]
    """Parameters and pseudo parameters."""
    ref: Callable[[str], Any]
    """A resource's. Raises `KeyError`."""
    attribute: Callable[[str, str], Any]
    """A resource's. Raises `KeyError`."""
    conditions: Mapping[str, bool] = {}
    mappings: Mapping[str, Any] = {}
    export: Callable[[str], Any] = _no_exports
    extended: bool = False
    """Whether `AWS::LanguageExtensions` is declared."""


Function = Callable[[Any, Scope], Any]


def evaluate(value: Any, scope: Scope) -> Any:
    """The value that a piece of a template stands for. Raises `BadTemplate`."""
    if isinstance(value, dict):
        given = cast(Json, value)
        if len(given) == 1:
            ((name, argument),) = given.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](argument, scope)
            if name.startswith("Fn::"):
                raise BadTemplate(f"Template error: {name} is not supported here")
        made = {key: evaluate(each, scope) for key, each in given.items()}
        return {key: each for key, each in made.items() if each is not NO_VALUE}
    if isinstance(value, list):
        several = [evaluate(each, scope) for each in cast(list[Any], value)]
        return [each for each in several if each is not NO_VALUE]
    return value


def has_unknown(value: Any) -> bool:
    """Whether a part of it is known only later."""
    if isinstance(value, dict):
        return any(has_unknown(each) for each in cast(Json, value).values())
    if isinstance(value, list):
        return any(has_unknown(each) for each in cast(list[Any], value))
    return isinstance(value, Unknown)


def _text(value: Any, function: str) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str | Unknown):
        return value
    raise BadTemplate(f"Template error: {function} must be given strings")


def _arguments(argument: Any, function: str, *counts: int) -> list[Any]:
    if not isinstance(argument, list) or len(cast(list[Any], argument)) not in counts:
        wanted = " or ".join(map(str, counts))
        raise BadTemplate(
            f"Template error: every {function} object requires {wanted} parameters in a list"
        )
    return cast(list[Any], argument)


def _ref(argument: Any, scope: Scope) -> Any:
    name = evaluate(argument, scope) if scope.extended else argument
    if not isinstance(name, str):
        raise BadTemplate("Template error: every Ref object must have a single String value.")
    if name == "AWS::NoValue":
        return NO_VALUE
    if name in scope.values:
        return scope.values[name]
    try:
        return scope.ref(name)
    except KeyError:
        raise BadTemplate(
            f"Template format error: Unresolved resource dependencies [{name}] in the Resources "
            "block of the template"
        ) from None


def _get_att(argument: Any, scope: Scope) -> Any:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    name, attribute = _arguments(argument, "Fn::GetAtt", 2)
    return _attribute(str(name), evaluate(attribute, scope), scope)


def _attribute(name: str, attribute: Any, scope: Scope) -> Any:
    try:
        return scope.attribute(name, str(attribute))
    except KeyError:
        raise BadTemplate(
            f"Template error: resource {name} does not support attribute type {attribute} in "
            "Fn::GetAtt"
        ) from None


_PLACE = re.compile(r"\$\{([^}]*)\}")


def placeholders(text: str) -> list[str]:
    """The names in a `Fn::Sub` text; `${!literal}` is none."""
    return [each.strip() for each in _PLACE.findall(text) if not each.startswith("!")]


def _sub(argument: Any, scope: Scope) -> Any:
    own: Json = {}
    if isinstance(argument, list):
        argument, own = _arguments(argument, "Fn::Sub", 2)
    if not isinstance(argument, str):
        raise BadTemplate(
            "Template error: One or more Fn::Sub intrinsic functions don't specify expected "
            "arguments. Specify a string as first argument, and an optional second argument to "
            "specify a mapping of values to replace in the string"
        )
    unknown: list[Unknown] = []

    def one(found: re.Match[str]) -> str:
        name = found[1].strip()
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        value: Any
        if name in own:
            value = evaluate(own[name], scope)
        elif "." in name:
            head, _, rest = name.partition(".")
            value = _attribute(head, rest, scope)
        else:
            value = _ref(name, scope)
        if isinstance(value, list):
            value = ",".join(map(str, cast(list[Any], value)))
        value = _text(value, "Fn::Sub")
        if isinstance(value, Unknown):
            unknown.append(value)
        return str(value)

    text = _PLACE.sub(one, argument)
    return unknown[0] if unknown else text


def _join(argument: Any, scope: Scope) -> Any:
    delimiter, values = _arguments(argument, "Fn::Join", 2)
    pieces = evaluate(values, scope)
    if isinstance(pieces, Unknown):
        return pieces
    if not isinstance(delimiter, str) or not isinstance(pieces, list):
        raise BadTemplate(
            "Template error: every Fn::Join object requires two parameters, (1) a string "
            "delimiter and (2) a list of strings to be joined"
        )
    texts = [_text(each, "Fn::Join") for each in cast(list[Any], pieces)]
    later = [each for each in texts if isinstance(each, Unknown)]
    return later[0] if later else delimiter.join(texts)


def _split(argument: Any, scope: Scope) -> Any:
    delimiter, value = _arguments(argument, "Fn::Split", 2)
    text = _text(evaluate(value, scope), "Fn::Split")
    return text if isinstance(text, Unknown) else text.split(delimiter)


def _select(argument: Any, scope: Scope) -> Any:
    index, values = _arguments(argument, "Fn::Select", 2)
    found, at = evaluate(values, scope), evaluate(index, scope)
    if isinstance(found, Unknown):
        return found
    if isinstance(found, str):
        found = found.split(",")
    try:
        return cast(list[Any], found)[int(at)]
    except (IndexError, ValueError, TypeError):
        raise BadTemplate(
            f"Template error: Fn::Select cannot select nonexistent value at index {at}"
        ) from None


def _find_in_map(argument: Any, scope: Scope) -> Any:
    given = _arguments(argument, "Fn::FindInMap", 3, 4)
    name, first, second = (evaluate(each, scope) for each in given[:3])
    try:
        return evaluate(scope.mappings[name][first][second], scope)
    except (KeyError, TypeError):
        default: Any = given[3] if len(given) > 3 else {}
        if isinstance(default, dict) and "DefaultValue" in default:
            return evaluate(default["DefaultValue"], scope)
        raise BadTemplate(
            f"Template error: Unable to get mapping for {name}::{first}::{second}"
        ) from None


def _base64(argument: Any, scope: Scope) -> Any:
    text = _text(evaluate(argument, scope), "Fn::Base64")
    return text if isinstance(text, Unknown) else base64.b64encode(text.encode()).decode()


def _import(argument: Any, scope: Scope) -> Any:
    return scope.export(str(evaluate(argument, scope)))


def _zones(argument: Any, scope: Scope) -> Any:
    region = evaluate(argument, scope) or scope.values["AWS::Region"]
    return [f"{region}{zone}" for zone in "abc"]


def _cidr(argument: Any, scope: Scope) -> Any:
    given = evaluate(_arguments(argument, "Fn::Cidr", 2, 3), scope)
    if has_unknown(given):
        return Unknown()
    try:
        block = ipaddress.ip_network(given[0], strict=False)
        bits = int(given[2]) if len(given) > 2 else 8
        several = block.subnets(new_prefix=block.max_prefixlen - bits)
        return [str(next(several)) for _ in range(int(given[1]))]
    except (ValueError, StopIteration):
        raise BadTemplate(
            f"Template error: Fn::Cidr cannot divide {given[0]} into {given[1]} blocks"
        ) from None


def _length(argument: Any, scope: Scope) -> Any:
    _extension("Fn::Length", scope)
    found = evaluate(argument, scope)
    if isinstance(found, Unknown):
        return found
    if not isinstance(found, list):
        raise BadTemplate("Template error: Fn::Length needs a list")
    return len(cast(list[Any], found))


def _to_json(argument: Any, scope: Scope) -> Any:
    _extension("Fn::ToJsonString", scope)
    found = evaluate(argument, scope)
    return Unknown() if has_unknown(found) else json.dumps(found, separators=(",", ":"))


def _extension(name: str, scope: Scope) -> None:
    if not scope.extended:
        raise BadTemplate(f"Template error: {name} needs the transform AWS::LanguageExtensions")


def _if(argument: Any, scope: Scope) -> Any:
    name, then, otherwise = _arguments(argument, "Fn::If", 3)
    return evaluate(then if condition(name, scope) else otherwise, scope)


def condition(name: Any, scope: Scope) -> bool:
    """A condition by its name. Raises `BadTemplate`."""
    if not isinstance(name, str) or name not in scope.conditions:
        raise BadTemplate(f"Template format error: Unresolved condition dependency {name}")
    return scope.conditions[name]


def _equals(argument: Any, scope: Scope) -> Any:
    left, right = (evaluate(each, scope) for each in _arguments(argument, "Fn::Equals", 2))
    if isinstance(left, str | int | float) and isinstance(right, str | int | float):
        return _text(left, "Fn::Equals") == _text(right, "Fn::Equals")
    return left == right


def _truths(argument: Any, scope: Scope, function: str, low: int, high: int) -> list[bool]:
    given = cast(list[Any], argument) if isinstance(argument, list) else []
    if not low <= len(given) <= high:
        raise BadTemplate(
            f"Template error: every {function} object requires a list of {low} to {high} boolean "
            "parameters."
        )
    found = [evaluate(each, scope) for each in given]
    if not all(isinstance(each, bool) for each in found):
        raise BadTemplate(f"Template error: {function} must be given conditions")
    return found


def _and(argument: Any, scope: Scope) -> bool:
    return all(_truths(argument, scope, "Fn::And", 2, 10))


def _or(argument: Any, scope: Scope) -> bool:
    return any(_truths(argument, scope, "Fn::Or", 2, 10))


def _not(argument: Any, scope: Scope) -> bool:
    return not _truths(argument, scope, "Fn::Not", 1, 1)[0]


def _condition(argument: Any, scope: Scope) -> Any:
    # `Condition` is also a plain property, such as an IAM statement's.
    if isinstance(argument, str) and argument in scope.conditions:
        return scope.conditions[argument]
    return {"Condition": evaluate(argument, scope)}


def _contains(argument: Any, scope: Scope) -> bool:
    values, wanted = _arguments(argument, "Fn::Contains", 2)
    return evaluate(wanted, scope) in evaluate(values, scope)


def _each_equals(argument: Any, scope: Scope) -> bool:
    values, wanted = _arguments(argument, "Fn::EachMemberEquals", 2)
    sought = evaluate(wanted, scope)
    return all(each == sought for each in evaluate(values, scope))


def _each_in(argument: Any, scope: Scope) -> bool:
    values, wanted = _arguments(argument, "Fn::EachMemberIn", 2)
    among = evaluate(wanted, scope)
    return all(each in among for each in evaluate(values, scope))


_FUNCTIONS: Mapping[str, Function] = {
    "Ref": _ref,
    "Condition": _condition,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::Base64": _base64,
    "Fn::ImportValue": _import,
    "Fn::GetAZs": _zones,
    "Fn::Cidr": _cidr,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    "Fn::If": _if,
    "Fn::Equals": _equals,
    "Fn::And": _and,
    "Fn::Or": _or,
    "Fn::Not": _not,
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_equals,
    "Fn::EachMemberIn": _each_in,
}
