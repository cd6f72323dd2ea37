"""Values as a template sees them: Java's types, their text and their equality.

Maps are dicts and texts are str. A list that came from JSON is a plain `list` and prints as JSON,
as the service's parser has it; one that a template made is a `JavaList` and prints as Java's do.
"""
# A template's values are of any type by nature; the conformance cases check this file instead.
# pyright: basic

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from torana.vtl.budget import MOST_TEXT, Budget
from torana.vtl.errors import TemplateLimit

_DEEPEST = 100


class Callable_:
    """Marks the classes whose public methods templates may call (`$input`, `$util`)."""

    METHODS: frozenset[str] = frozenset()


class JavaList(list[Any]):
    """A list made by a template or by a method."""

    __slots__ = ()


class Entry:
    """An entry of a map."""

    __slots__ = ("key", "map", "value")

    def __init__(self, key: Any, value: Any, of: Any) -> None:
        self.key, self.value, self.map = key, value, of


class Lazy:
    """A value whose text is made when it is printed (`#define`)."""

    def text(self) -> str:
        """The text."""
        raise NotImplementedError


def text(value: Any, budget: Budget) -> str:
    """As Java prints it."""
    kind = type(value)
    if kind is str:
        return value
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return scalar(value)
    parts: list[str] = []
    _write(value, parts, budget, 0)
    return budget.made("".join(parts))


def _write(value: Any, parts: list[str], budget: Budget, depth: int) -> None:
    budget.spend(1)
    if depth > _DEEPEST:
        raise TemplateLimit("a value is nested too deeply to print")
    if isinstance(value, JavaList):
        _several(value, parts, budget, depth)
    elif isinstance(value, list):
        parts.append(json_text(value, budget))
    elif isinstance(value, Mapping):
        _entries(value, parts, budget, depth)
    elif isinstance(value, Entry):
        _one(value.key, parts, budget, depth)
        parts.append("=")
        _one(value.value, parts, budget, depth)
    else:
        one = value.text() if isinstance(value, Lazy) else _scalar(value)
        budget.text -= len(one)
        budget.makes(len(one))
        parts.append(one)


def _one(value: Any, parts: list[str], budget: Budget, depth: int) -> None:
    _write(value, parts, budget, depth + 1)


def _several(items: Any, parts: list[str], budget: Budget, depth: int) -> None:
    separator = "["
    for item in items:
        parts.append(separator)
        separator = ", "
        if item is items:
            parts.append("(this Collection)")
        else:
            _one(item, parts, budget, depth)
    parts.append("]" if items else "[]")


def _entries(entries: Mapping[Any, Any], parts: list[str], budget: Budget, depth: int) -> None:
    separator = "{"
    for key, value in entries.items():
        parts.append(separator)
        separator = ", "
        _one(key, parts, budget, depth)
        parts.append("=")
        if value is entries:
            parts.append("(this Map)")
        else:
            _one(value, parts, budget, depth)
    parts.append("}" if separator == ", " else "{}")


def json_text(value: Any, budget: Budget) -> str:
    """A value as JSON, if it is not too large."""
    _measure(value, budget, 0)
    return budget.made(_ENCODE_ALL(value).decode())


def _measure(value: Any, budget: Budget, depth: int) -> None:
    """Walks a value first: a small one that holds itself many times is large when it is written."""
    budget.spend(1)
    if depth > _DEEPEST:
        raise TemplateLimit("a value is nested too deeply to print")
    if isinstance(value, str):
        budget.text -= len(value)
        budget.makes(len(value))
    elif isinstance(value, list):
        for item in value:
            _measure(item, budget, depth + 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _measure(key, budget, depth + 1)
            _measure(item, budget, depth + 1)
    elif isinstance(value, Entry):
        _measure(value.value, budget, depth + 1)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Lazy):
        return value.text()
    return {value.key: value.value} if isinstance(value, Entry) else ""


ENCODE = msgspec.json.Encoder().encode
"""JSON of JSON's own types."""
_ENCODE_ALL = msgspec.json.Encoder(enc_hook=_plain).encode


def _scalar(value: Any) -> str:
    writer = _SCALARS.get(type(value))
    return str(value) if isinstance(value, str) else writer(value) if writer else ""


def _java_double(value: float) -> str:
    """`Double.toString`: plain between 0.001 and ten million, else with an exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    size = abs(value)
    if not size or 1e-3 <= size < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    figures = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) - 1 + int(exponent)
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


_SCALARS: dict[type, Any] = {
    str: str,
    int: str,
    bool: lambda value: "true" if value else "false",
    float: _java_double,
    type(None): lambda value: "null",
}


def same(a: Any, b: Any, budget: Budget) -> bool:
    """Java's `equals`: by type and value; lists and maps by what they hold."""
    if a is b:
        return True
    if isinstance(a, list) and isinstance(b, list):
        budget.spend(1 + len(a))
        return len(a) == len(b) and all(same(x, y, budget) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        budget.spend(1 + len(a))
        return a.keys() == b.keys() and all(same(x, b[key], budget) for key, x in a.items())
    if type(a) is not type(b) or isinstance(a, list | dict):
        return False
    if isinstance(a, str):
        budget.spend(1 + len(a) // 4096)
    return bool(a == b)


def map_key(value: Any) -> Any:
    """A value as a map's key: those that Python cannot hash by their type's name."""
    return value if isinstance(value, str | int | float | None) else f"[{type(value).__name__}]"


def prop(value: Any, name: str) -> Any:
    """`$value.name`."""
    if type(value) is dict:
        return value.get(name)
    if isinstance(value, Mapping):
        return value.get(name, None)
    table = PROPERTIES.get(type(value))
    if table is None:
        return None
    get = table.get(name)
    return None if get is None else get(value)


def index(value: Any, key: Any) -> Any:
    """`$value[key]`; a negative one counts from the end."""
    if isinstance(value, list) and type(key) is int:
        if -len(value) <= key < len(value):
            return value[key]
        raise IndexError(f"index {key} of a list of {len(value)}")
    if isinstance(value, Mapping):
        return value.get(map_key(key))
    return None


def put(value: Any, key: Any, new: Any) -> None:
    """`#set($value.key = new)`."""
    if isinstance(value, dict):
        value[map_key(key)] = new
    elif isinstance(value, list) and type(key) is int:
        if not -len(value) <= key < len(value):
            raise IndexError(f"index {key} of a list of {len(value)}")
        value[key] = new


PROPERTIES: dict[type, dict[str, Any]] = {
    str: {"empty": lambda value: not value},
    list: {"empty": lambda value: not value},
    JavaList: {"empty": lambda value: not value},
    Entry: {"key": lambda value: value.key, "value": lambda value: value.value},
}
"""Bean properties by exact type; `$foreach` adds its own."""

__all__ = ["ENCODE", "MOST_TEXT", "PROPERTIES", "Callable_", "Entry", "JavaList", "Lazy"]
__all__ += ["index", "json_text", "map_key", "prop", "put", "same", "text"]
