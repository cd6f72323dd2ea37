"""Patch operations: `op`, `path` (with `~1` for a slash) and `value` on documents of the service.

What may be patched is data: a tuple of rules for each kind of document. Source: API Gateway API
reference, "Patch operations".
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from torana.services.apigateway.faults import bad

Json = dict[str, Any]
Convert = Callable[[str], Any]


class Rule(Struct, frozen=True):
    """A path that may be patched, `*` for any name, and what its value becomes."""

    path: str
    ops: tuple[str, ...] = ("replace",)
    convert: Convert = str
    into: tuple[str, ...] = ()
    """Where it is kept, when not under the path's own names."""
    listed: bool = False
    """The place is a list, and the path's last name (or the value) one of its members."""


def boolean(text: str) -> bool:
    """`true` or `false`."""
    if text.lower() not in ("true", "false"):
        raise bad(f"Invalid boolean value: {text}")
    return text.lower() == "true"


def integer(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise bad(f"Invalid integer value: {text}") from None


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise bad(f"Invalid number value: {text}") from None


EDIT = ("add", "replace", "remove")


def split(path: str) -> list[str]:
    """`/a~1b/c` as `["a/b", "c"]`."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def patch(document: Json, operations: Sequence[Json] | None, rules: Sequence[Rule]) -> None:
    """Change a document in place. Raises the service's error for what may not be done."""
    for operation in operations or ():
        _one(document, operation, rules)


def _one(document: Json, operation: Json, rules: Sequence[Rule]) -> None:
    op, path = operation.get("op", "replace"), operation.get("path")
    if not path:
        raise bad("Invalid patch path null")
    parts = split(path)
    rule = _find(parts, rules)
    if rule is None or op not in rule.ops:
        raise bad(_wrong(path, op, rule, rules))
    names = list(rule.into) or parts
    if rule.listed:
        _listed(document, names, parts, op, operation.get("value"), rule)
    elif op == "remove":
        _remove(document, names)
    else:
        value = operation.get("value")
        if value is None:
            raise bad(f"Invalid null value for patch path {path}")
        place = document
        for name in names[:-1]:
            place = place.setdefault(name, {})
        place[names[-1]] = rule.convert(value)


def _find(parts: list[str], rules: Sequence[Rule]) -> Rule | None:
    for rule in rules:
        wanted = split(rule.path)
        if len(wanted) == len(parts) and all(
            want in ("*", part) for want, part in zip(wanted, parts, strict=True)
        ):
            return rule
    return None


def _wrong(path: str, op: str, rule: Rule | None, rules: Sequence[Rule]) -> str:
    allowed = [each.path for each in rules if op in each.ops]
    if rule is not None or not allowed:
        return (
            f"Invalid patch path  '{path}' specified for op '{op}'. "
            "Please choose supported operations"
        )
    return (
        f"Invalid patch path  '{path}' specified for op '{op}'. "
        f"Must be one of: [{', '.join(allowed)}]"
    )


def _listed(
    document: Json, names: list[str], parts: list[str], op: str, value: Any, rule: Rule
) -> None:
    """A member of a list: named by the path's last part, or by the value."""
    owner = document
    at = names if rule.into else parts
    inner = len(split(rule.path)) > len(at) or rule.path.endswith("/*")
    member = rule.convert(parts[-1] if inner else str(value))
    where = at if rule.into else (parts[:-1] if inner else parts)
    for name in where[:-1]:
        owner = owner.setdefault(name, {})
    kept: list[Any] = owner.setdefault(where[-1], [])
    if op == "replace" and inner and value is not None:
        kept[:] = [rule.convert(str(value)) if each == member else each for each in kept]
    elif op == "replace":
        kept[:] = [member]
    elif op == "remove":
        kept[:] = [each for each in kept if each != member]
    elif member not in kept:
        kept.append(member)


def _remove(document: Json, names: list[str]) -> None:
    place: Json | None = document
    for name in names[:-1]:
        place = place.get(name)
        if place is None:
            return
    place.pop(names[-1], None)
