"""The filters of a JSONPath: `[?(@.price < 10 && @.kind in ['a', 'b'])]`."""
# JSON is of any type by nature.
# pyright: basic

import re
from collections.abc import Callable
from typing import Any

import msgspec

from torana.vtl.budget import Budget
from torana.vtl.cursor import Cursor
from torana.vtl.patterns import contains, matches

Filter = Callable[[Any, Any, Budget], bool]
"""Whether an item (of a document) holds."""
Operand = Callable[[Any, Any, Budget], Any]
_UNDEFINED = object()

_OPERATOR = re.compile(
    r"\s*(==|!=|<=|>=|=~|<|>|(?:in|nin|size|empty|contains|anyof|noneof|subsetof)\b)\s*", re.I
)
_STRING = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
_LITERAL = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true\b|false\b|null\b")
_REGEX = re.compile(r"/((?:[^/\\]|\\.)*)/([a-zA-Z]*)")
_FLAGS = {"i": "i", "m": "m", "s": "s", "u": "", "d": "", "x": ""}


def filter_expression(cursor: Cursor, read_path: Callable[[Cursor], Any]) -> Filter:
    """Alternatives of conjunctions. Raises `TemplateError`."""
    cursor.deeper()
    several = [_conjunction(cursor, read_path)]
    while _connective(cursor, "||"):
        several.append(_conjunction(cursor, read_path))
    cursor.depth -= 1
    if len(several) == 1:
        return several[0]
    return lambda item, root, budget: any(holds(item, root, budget) for holds in several)


def _connective(cursor: Cursor, sign: str) -> bool:
    cursor.space()
    return cursor.take(sign)


def _conjunction(cursor: Cursor, read_path: Callable[[Cursor], Any]) -> Filter:
    several = [_term(cursor, read_path)]
    while _connective(cursor, "&&"):
        several.append(_term(cursor, read_path))
    if len(several) == 1:
        return several[0]
    return lambda item, root, budget: all(holds(item, root, budget) for holds in several)


def _term(cursor: Cursor, read_path: Callable[[Cursor], Any]) -> Filter:
    cursor.space()
    if cursor.take("!"):
        cursor.deeper()
        inner = _term(cursor, read_path)
        cursor.depth -= 1
        return lambda item, root, budget: not inner(item, root, budget)
    if cursor.take("("):
        found = filter_expression(cursor, read_path)
        cursor.space()
        cursor.need(")")
        return found
    left = _operand(cursor, read_path)
    sign = cursor.match(_OPERATOR)
    if sign is None:
        return lambda item, root, budget: left(item, root, budget) is not _UNDEFINED
    right = _operand(cursor, read_path)
    holds = _HOLDS[sign[1].lower()]

    def compared(item: Any, root: Any, budget: Budget) -> bool:
        budget.spend(1)
        return holds(left(item, root, budget), right(item, root, budget), budget)

    return compared


def _operand(cursor: Cursor, read_path: Callable[[Cursor], Any]) -> Operand:
    cursor.space()
    if cursor.sees("@") or cursor.sees("$"):
        return _path(cursor, read_path)
    if (string := cursor.match(_STRING)) is not None:
        text = re.sub(r"\\(.)", r"\1", string[1] if string[1] is not None else string[2])
        return lambda item, root, budget: text
    if (literal := cursor.match(_LITERAL)) is not None:
        value = msgspec.json.decode(literal[0])
        return lambda item, root, budget: value
    if (regex := cursor.match(_REGEX)) is not None:
        flags = "".join(_FLAGS[flag] for flag in regex[2] if flag in _FLAGS)
        pattern = f"(?{flags}){regex[1]}" if flags else regex[1]
        return lambda item, root, budget: pattern
    if cursor.take("["):
        return _list(cursor, read_path)
    raise cursor.fail("expected a value")


def _path(cursor: Cursor, read_path: Callable[[Cursor], Any]) -> Operand:
    of_item = cursor.take("@")
    if not of_item:
        cursor.need("$")
    cursor.deeper()
    inner = read_path(cursor)
    cursor.depth -= 1

    def read(item: Any, root: Any, budget: Budget) -> Any:
        found = inner.read(item if of_item else root, root, budget)
        return _UNDEFINED if type(found).__name__ == "Missing" else found

    return read


def _list(cursor: Cursor, read_path: Callable[[Cursor], Any]) -> Operand:
    items: list[Operand] = []
    cursor.space()
    while not cursor.take("]"):
        items.append(_operand(cursor, read_path))
        cursor.space()
        if not cursor.take(","):
            cursor.need("]")
            break
        cursor.space()
    return lambda item, root, budget: [each(item, root, budget) for each in items]


def _number(value: Any) -> float | None:
    if type(value) in (int, float):
        return value
    return None


def _equal(a: Any, b: Any, budget: Budget) -> bool:
    if type(a) is type(b) or (_number(a) is not None and _number(b) is not None):
        budget.spend(len(a) if isinstance(a, list | dict) else 1)
        return bool(a == b)
    if {type(a), type(b)} in ({int, str}, {float, str}):
        return _text(a) == _text(b)
    return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _order(a: Any, b: Any) -> int | None:
    if isinstance(a, str) and isinstance(b, str):
        return (a > b) - (a < b)
    first, second = _number(a), _number(b)
    if first is None or second is None:
        return None
    return (first > second) - (first < second)


def _ordered(*wanted: int) -> Callable[[Any, Any, Budget], bool]:
    return lambda a, b, budget: _order(a, b) in wanted


def _among(a: Any, b: Any, budget: Budget) -> bool:
    return isinstance(b, list) and any(_equal(a, each, budget) for each in b)


def _some(a: Any, b: Any, budget: Budget) -> bool:
    return isinstance(a, list) and any(_among(each, b, budget) for each in a)


def _size(value: Any) -> int | None:
    return len(value) if isinstance(value, list | str | dict) else None


_HOLDS: dict[str, Callable[[Any, Any, Budget], bool]] = {
    "==": _equal,
    "!=": lambda a, b, budget: not _equal(a, b, budget),
    "<": _ordered(-1),
    "<=": _ordered(-1, 0),
    ">": _ordered(1),
    ">=": _ordered(1, 0),
    "=~": lambda a, b, budget: isinstance(a, str) and matches(budget, a, b),
    "in": _among,
    "nin": lambda a, b, budget: not _among(a, b, budget),
    "anyof": _some,
    "noneof": lambda a, b, budget: isinstance(a, list) and not _some(a, b, budget),
    "subsetof": lambda a, b, budget: (
        isinstance(a, list) and all(_among(each, b, budget) for each in a)
    ),
    "contains": lambda a, b, budget: contains(a, b) or _among(b, a, budget),
    "size": lambda a, b, budget: _size(a) is not None and _size(a) == b,
    "empty": lambda a, b, budget: _size(a) is not None and (_size(a) == 0) is b,
}
