"""Patch operations: `op`, `path` (with `~1` for a slash) and `value` on documents of the service.

What may be patched is data: a tuple of rules for each kind of document. Source: API Gateway API
reference, "Patch operations".
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from torana.services.apigateway.faults import bad, not_found

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
    wrong_op: str = ""
    """What is said of an operation that the path does not take, where that is not the usual."""
    absent: str = ""
    """What is said when something is to be replaced or removed that is not there."""
    null: str = ""
    """What is said of no value; `clear`: nothing, it takes the value away."""


CLEAR = "clear"


def boolean(text: str) -> bool:
    """Whatever is not `true` is false, as the service has it."""
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


def patch(
    document: Json,
    operations: Sequence[Json] | None,
    rules: Sequence[Rule],
    *,
    lists_paths: bool = False,
) -> None:
    """Change a document in place. Raises the service's error for what may not be done, which for
    some kinds of documents lists the paths that there are."""
    for operation in operations or ():
        _one(document, operation, rules, lists_paths)


def _one(document: Json, operation: Json, rules: Sequence[Rule], lists_paths: bool) -> None:
    op, path = operation.get("op", "replace"), operation.get("path")
    if not path:
        raise bad("Invalid patch path null")
    parts = split(path)
    rule = _find(parts, rules)
    if rule is None or op not in rule.ops:
        raise bad(_listing(path, op, rule, rules) if lists_paths else _wrong(path, rule))
    names = list(rule.into) or parts
    value = operation.get("value")
    if rule.listed:
        _listed(document, names, parts, op, value, rule)
        return
    if op != "remove" and not value and (value is None or rule.null):
        value = _blank(path, rule)
    if rule.absent and op != "add" and _value(document, names) is None:
        raise not_found(rule.absent)
    if op == "remove" or value is None:
        _remove(document, names)
    else:
        place = document
        for name in names[:-1]:
            place = place.setdefault(name, {})
        place[names[-1]] = rule.convert(value)


def _blank(path: str, rule: Rule) -> str | None:
    """What no value stands for. Raises the service's error where it stands for nothing."""
    if rule.convert is boolean:
        return "false"
    if rule.null != CLEAR:
        raise bad(rule.null or f"Invalid null value for patch path {path}")
    return None


def _value(document: Json, names: list[str]) -> Any:
    place: Any = document
    for name in names:
        place = place.get(name) if isinstance(place, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return place  # pyright: ignore[reportUnknownVariableType]


def _find(parts: list[str], rules: Sequence[Rule]) -> Rule | None:
    for rule in rules:
        wanted = split(rule.path)
        if len(wanted) == len(parts) and all(
            want in ("*", part) for want, part in zip(wanted, parts, strict=True)
        ):
            return rule
    return None


def _wrong(path: str, rule: Rule | None) -> str:
    if rule is None:
        return f"Invalid patch path {path}"
    usual = f"Invalid patch operation specified. Must be one of: [{', '.join(rule.ops)}]"
    return rule.wrong_op.format(path=path) or usual


def _listing(path: str, op: str, rule: Rule | None, rules: Sequence[Rule]) -> str:
    allowed = [each.path for each in rules if op in each.ops]
    choice = f"Must be one of: [{', '.join(allowed)}]"
    if rule is not None or not allowed:
        choice = "Please choose supported operations"
    return f"Invalid patch path  '{path}' specified for op '{op}'. {choice}"


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
    """Take a member out, and what holds nothing then."""
    place = document
    above: list[tuple[Json, str]] = []
    for name in names[:-1]:
        inner = place.get(name)
        if inner is None:
            return
        above.append((place, name))
        place = inner
    place.pop(names[-1], None)
    for owner, name in reversed(above):
        if not owner[name]:
            del owner[name]
