"""Parameters of a template, and the values given to them.

Source: AWS CloudFormation User Guide, "Parameters" and "Rules".
"""

import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, cast

from torana.services.cloudformation.faults import BadTemplate
from torana.services.cloudformation.intrinsics import Scope, evaluate

Json = dict[str, Any]

_re2: Any = import_module("re2")
_SSM = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_PLAIN = ("String", "Number", "CommaDelimitedList", "List<Number>", "List<String>")
_NAME = "AWS::SSM::Parameter::Name"
MASK = "****"


def stored(kind: str) -> str | None:
    """What a parameter's type is once it is read from Parameter Store; None: it is no such."""
    found = _SSM.fullmatch(kind)
    return found[1] if found else None


def given(
    declared: Mapping[str, Json], asked: Iterable[Json], before: Mapping[str, str]
) -> dict[str, str]:
    """The values by name, as text, of a request (or the defaults). Raises `BadTemplate`.

    `before`: the values that `UsePreviousValue` means.
    """
    found: dict[str, str] = {}
    unknown: list[str] = []
    for each in asked:
        name = each.get("ParameterKey") or ""
        if name not in declared:
            unknown.append(name)
        elif not each.get("UsePreviousValue"):
            found[name] = each.get("ParameterValue") or ""
        elif name in before:
            found[name] = before[name]
    if unknown:
        raise BadTemplate(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    for name, about in declared.items():
        if name not in found and "Default" in about:
            found[name] = _text(about["Default"])
    missing = [name for name in declared if name not in found]
    if missing:
        raise BadTemplate(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in found.items():
        _check(name, value, declared[name])
    return {name: found[name] for name in declared}


def value(text: str, kind: str) -> Any:
    """What `Ref` gives. `kind`: the parameter's type."""
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [each.strip() for each in text.split(",")] if text else []
    return text


def shown(declared: Mapping[str, Json], values: Mapping[str, str]) -> dict[str, str]:
    """The values, but for those that are not to be seen."""
    return {name: MASK if secret(declared.get(name, {})) else each for name, each in values.items()}


def secret(about: Json) -> bool:
    """Whether a parameter is not to be shown."""
    return str(about.get("NoEcho", "")).lower() == "true"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(_text, cast(list[Any], value)))
    return str(value)


def _check(name: str, text: str, about: Json) -> None:
    kind = str(about.get("Type") or "")
    inner = stored(kind) or kind
    if inner not in _PLAIN and kind != _NAME:
        raise BadTemplate(
            f"Template format error: Unrecognized parameter type: {kind}, which is not supported "
            "here"
        )
    items = value(text, inner) if stored(kind) is None else text
    for each in cast(list[str], items) if isinstance(items, list) else [text]:
        _check_one(name, each, about, number="Number" in kind and stored(kind) is None)


def _check_one(name: str, text: str, about: Json, *, number: bool) -> None:
    said = about.get("ConstraintDescription")

    def failed(usual: str) -> BadTemplate:
        if said:
            return BadTemplate(f"Parameter {name} failed to satisfy constraint: {said}")
        return BadTemplate(f"Parameter '{name}' {usual}")

    if number:
        _check_number(text, about, failed)
    allowed: Any = about.get("AllowedValues")
    if allowed is not None and text not in map(_text, allowed):
        raise failed(f"must be one of AllowedValues: [{', '.join(map(_text, allowed))}]")
    pattern = about.get("AllowedPattern")
    if pattern is not None and not _matches(str(pattern), text):
        raise failed(f"must match pattern {pattern}")
    if len(text) < int(about.get("MinLength", 0)):
        raise failed(f"must contain at least {about['MinLength']} characters")
    if len(text) > int(about.get("MaxLength", len(text))):
        raise failed(f"must contain at most {about['MaxLength']} characters")


def _matches(pattern: str, text: str) -> bool:
    try:
        return _re2.fullmatch(pattern, text) is not None
    except _re2.error:
        raise BadTemplate(f"Template error: the pattern {pattern} is not supported here") from None


def _check_number(text: str, about: Json, failed: Any) -> None:
    try:
        amount = float(text)
    except ValueError:
        raise failed(f"must be a number. {text} is not one") from None
    if "MinValue" in about and amount < float(about["MinValue"]):
        raise failed(f"must be a number not less than {about['MinValue']}")
    if "MaxValue" in about and amount > float(about["MaxValue"]):
        raise failed(f"must be a number not greater than {about['MaxValue']}")


def conditions(declared: Mapping[str, Any], scope: Scope) -> dict[str, bool]:
    """All conditions, evaluated. Raises `BadTemplate`."""
    done: dict[str, bool] = {}
    under_way: list[str] = []

    class _Lazy(dict[str, bool]):
        def __contains__(self, key: object) -> bool:
            return key in declared

        def __getitem__(self, key: str) -> bool:
            return one(key)

    lazy = Scope(scope.values, scope.ref, scope.attribute, _Lazy(), scope.mappings)
    lazy.extended = scope.extended

    def one(name: str) -> bool:
        if name in done:
            return done[name]
        if name in under_way:
            raise BadTemplate(f"Template format error: Circular condition dependency on {name}")
        under_way.append(name)
        found = evaluate(declared[name], lazy)
        if not isinstance(found, bool):
            raise BadTemplate(
                f"Template format error: Every Conditions member must contain a string or "
                f"a condition function: {name}"
            )
        under_way.pop()
        done[name] = found
        return found

    return {name: one(name) for name in declared}


def check_rules(rules: Mapping[str, Any], scope: Scope) -> None:
    """Raises `BadTemplate` for values that break a rule of the template."""
    for name, rule in rules.items():
        applies = "RuleCondition" not in rule or evaluate(rule["RuleCondition"], scope)
        for each in rule.get("Assertions") or () if applies else ():
            if not evaluate(each["Assert"], scope):
                said = each.get("AssertDescription") or f"Rule {name} failed"
                raise BadTemplate(f"Template validation error: {said}")
