"""Requests against the constraints of their shapes, with the services' own sentences.

Source of the sentences: what the services answer, e.g. "1 validation error detected: Value '' at
'text' failed to satisfy constraint: Member must have length greater than or equal to 1".
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torana.wire.model import Ref, Shape

Violations = list[str]
Check = Callable[[Any, str, Violations], None]
"""Value, path, and where to add what is wrong with it."""

_NOT_NULL = "Member must not be null"
_LONGEST_MATCHED = 16384
"""Characters: a pattern is not tried on more, whatever the model allows."""
_REDACTED = "***Sensitive Data Redacted***"
_QUANTIFIER = re.compile(r"(?<!\\)[+*?{]")


def message(violations: Violations) -> str:
    """All of them as one sentence."""
    count = len(violations)
    return f"{count} validation error{'s' * (count > 1)} detected: {'; '.join(violations)}"


class Validators:
    """The checks of one service's shapes, made as they are needed."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._made: dict[str, Check | None] = {}

    def of(self, shape_name: str) -> Check | None:
        """The check of a shape; None where there is nothing to check."""
        if shape_name in self._made:
            return self._made[shape_name]

        def later(value: Any, path: str, out: Violations) -> None:
            check = self._made[shape_name]
            if check is not None and check is not later:
                check(value, path, out)

        self._made[shape_name] = later
        made = self._made[shape_name] = self._make(self._shapes[shape_name])
        return made

    def of_input(self, shape_name: str, body: str) -> Check | None:
        """The check of an operation's input, where members of the body go by `body` and their name,
        those of the address and of fields by their name alone."""
        key = f"{shape_name} {body}"
        if key not in self._made:
            self._made[key] = self._structure(self._shapes[shape_name], body)
        return self._made[key]

    def _make(self, shape: Shape) -> Check | None:
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list" and shape.member is not None:
            return self._list(shape, shape.member)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            return self._map(shape, shape.key, shape.value)
        rules = scalar_rules(shape)
        if not rules:
            return None

        def check(value: Any, path: str, out: Violations) -> None:
            for rule, broken in rules:
                if broken(value):
                    out.append(_sentence(value, path, rule, shape.sensitive))

        return check

    def _structure(self, shape: Shape, body: str = "") -> Check | None:
        checks = {name: self.of(ref.shape) for name, ref in shape.members.items()}
        required = frozenset(shape.required)
        inside = {name: "" if ref.location else body for name, ref in shape.members.items()}
        members = [
            (name, inside[name] + name[:1].lower() + name[1:], check, name in required)
            for name, check in checks.items()
            if check is not None or name in required
        ]
        if not members:
            return None

        def structure(value: Any, path: str, out: Violations) -> None:
            for name, shown, check, is_required in members:
                item = value.get(name)
                if item is None:
                    if is_required:
                        out.append(_sentence(None, path + shown, _NOT_NULL, False))
                elif check is not None:
                    check(item, path + shown, out)

        def nested(value: Any, path: str, out: Violations) -> None:
            structure(value, path + "." if path else "", out)

        return nested

    def _list(self, shape: Shape, member: Ref) -> Check:
        size = _size_rules(shape)
        item_shape = self._shapes[member.shape]
        item_check = self.of(member.shape)
        scalars = scalar_rules(item_shape)
        nested = item_shape.type in ("structure", "list", "map")
        hidden = shape.sensitive or item_shape.sensitive
        sparse = shape.sparse

        def check(value: Any, path: str, out: Violations) -> None:
            for rule, broken in size:
                if broken(value):
                    out.append(_sentence(value, path, rule, hidden))
            nulls = not sparse and None in value
            if nulls or (scalars and any(_breaks(item, scalars) for item in value)):
                rules = [rule for rule, _ in scalars]
                rule = f"Member must satisfy constraint: [{', '.join([*rules, _NOT_NULL])}]"
                out.append(_sentence(value, path, rule, hidden))
            elif nested and item_check is not None:
                for index, item in enumerate(value, 1):
                    if item is not None:
                        item_check(item, f"{path}.{index}.member", out)

        return check

    def _map(self, shape: Shape, key: Ref, value: Ref) -> Check | None:
        size = _size_rules(shape)
        key_rules = scalar_rules(self._shapes[key.shape])
        item_shape = self._shapes[value.shape]
        item_rules = scalar_rules(item_shape)
        item_check = self.of(value.shape)
        nested = item_shape.type in ("structure", "list", "map") and item_check is not None
        if not (size or key_rules or item_rules or nested):
            return None
        hidden = shape.sensitive or item_shape.sensitive

        def check(entries: Any, path: str, out: Violations) -> None:
            for rule, broken in size:
                if broken(entries):
                    out.append(_sentence(entries, path, rule, hidden))
            if key_rules and any(_breaks(name, key_rules) for name in entries):
                rule = f"Map keys must satisfy constraint: [{_all(key_rules)}]"
                out.append(_sentence(entries, path, rule, hidden))
            if item_rules and any(_breaks(item, item_rules) for item in entries.values()):
                rule = f"Map value must satisfy constraint: [{_all(item_rules)}]"
                out.append(_sentence(entries, path, rule, hidden))
            if nested and item_check is not None:
                for name, item in entries.items():
                    if item is not None:
                        item_check(item, f"{path}.{name}.member", out)

        return check


Rule = tuple[str, Callable[[Any], bool]]
"""The sentence's end, and whether a value breaks it."""


def _all(rules: list[Rule]) -> str:
    return ", ".join(rule for rule, _ in rules)


def _breaks(value: Any, rules: list[Rule]) -> bool:
    return value is not None and any(broken(value) for _, broken in rules)


def scalar_rules(shape: Shape) -> list[Rule]:
    """What a text, blob or number must satisfy."""
    return list(_scalar_rules(shape))


def _scalar_rules(shape: Shape) -> Iterator[Rule]:
    if shape.type in ("string", "blob"):
        yield from _size_rules(shape)
        if shape.enum:
            allowed = frozenset(shape.enum)
            yield (
                f"Member must satisfy enum value set: [{', '.join(shape.enum)}]",
                lambda value: value not in allowed,
            )
        matches = matcher(shape.pattern) if shape.pattern else None
        if matches is not None:
            longest = shape.max if shape.max is not None else _LONGEST_MATCHED
            yield (
                f"Member must satisfy regular expression pattern: {shape.pattern}",
                lambda value: len(value) <= longest and not matches(value),
            )
    elif shape.type in ("integer", "long", "short", "byte", "float", "double", "bigdecimal"):
        low, high = shape.min, shape.max
        if low is not None:
            yield (
                f"Member must have value greater than or equal to {_number(low)}",
                lambda value: value < low,
            )
        if high is not None:
            yield (
                f"Member must have value less than or equal to {_number(high)}",
                lambda value: value > high,
            )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _size_rules(shape: Shape) -> list[Rule]:
    rules: list[Rule] = []
    low, high = shape.min, shape.max
    if low is not None and low > 0:
        rules.append(
            (
                f"Member must have length greater than or equal to {_number(low)}",
                lambda value: len(value) < low,
            )
        )
    if high is not None:
        rules.append(
            (
                f"Member must have length less than or equal to {_number(high)}",
                lambda value: len(value) > high,
            )
        )
    return rules


def matcher(pattern: str) -> Callable[[str], bool] | None:
    """Whether a text matches a model's (Java) pattern; None for one that Python cannot read.

    Anchored patterns are searched for; others must match the whole text, as the services do it,
    unless they name a single character, which is then looked for anywhere.
    """
    # One model of botocore's (bedrock-agent) says /d where the service has \d.
    pattern = pattern.replace("/d{12}", r"\d{12}").replace(":/d+", r":\d+")
    anchored = pattern.startswith("^") or pattern.endswith("$")
    source = pattern[:-1] + r"\Z" if pattern.endswith("$") and pattern[-2:-1] != "\\" else pattern
    try:
        with warnings.catch_warnings():
            # Sets within sets: Java reads them otherwise than Python.
            warnings.simplefilter("error", FutureWarning)
            compiled = re.compile(source)
    except (re.error, OverflowError, FutureWarning):
        return None
    if anchored or not _QUANTIFIER.search(pattern):
        return lambda value: compiled.search(value) is not None
    return lambda value: compiled.fullmatch(value) is not None


def _sentence(value: Any, path: str, rule: str, hidden: bool) -> str:
    shown = "null" if value is None else f"'{_REDACTED if hidden and value else show(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {rule}"


def show(value: Any) -> str:
    """A value as the services print it: lists in brackets, maps as `{a=b}`."""
    if isinstance(value, list):
        return f"[{', '.join(show(item) for item in _iterate(value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k}={show(v)}' for k, v in _iterate(value.items()))}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _iterate(values: Any) -> Iterator[Any]:
    return iter(values)
