"""Values as a template sees them: Java's text forms and the methods that may be called.

Nothing is looked up on Python objects: members are mapping keys, and methods come from the tables
below, by the value's type.
"""
# A template's values are of any type by nature; the tables are checked by the tests instead.
# pyright: basic

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from torana.vtl.errors import TemplateFailure, TemplateLimit

MOST_ITEMS = 100_000
MOST_TEXT = 10_000_000
"""Characters of any one text."""


class Callable_:
    """Marks the classes whose public methods templates may call (`$input`, `$util`)."""

    METHODS: frozenset[str] = frozenset()


def text(value: Any) -> str:
    """As Java prints it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{text(k)}={text(v)}" for k, v in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(text(item) for item in value) + "]"
    if isinstance(value, float):
        return _java_double(value)
    return str(value)


def _java_double(value: float) -> str:
    """`Double.toString`: plain between 0.001 and ten million, else with an exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    size = abs(value)
    if not size or 1e-3 <= size < 1e7:
        return repr(value)
    mantissa, exponent = f"{Decimal(repr(value)):e}".lower().split("e")
    mantissa = mantissa.rstrip("0") if "." in mantissa else mantissa + "."
    return f"{mantissa}{'0' if mantissa.endswith('.') else ''}E{int(exponent)}"


def prop(value: Any, name: str) -> Any:
    """`$value.name`."""
    if isinstance(value, Mapping):
        return value.get(name) if name in value else _empty(value, name)
    return None


def _empty(value: Any, name: str) -> Any:
    return len(value) == 0 if name == "empty" else None


def index(value: Any, key: Any) -> Any:
    """`$value[key]`."""
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if -len(value) <= key < len(value) else None
    if isinstance(value, Mapping):
        return value.get(key) if isinstance(key, str | int | float | bool) else None
    return None


def put(value: Any, key: Any, new: Any) -> None:
    """`#set($value.key = new)`."""
    fits = isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value)
    if isinstance(value, dict) or fits:
        value[key] = new


def call(value: Any, name: str, args: list[Any]) -> Any:
    """`$value.name(args)`. A method that a type does not have gives null, as an unknown reference
    does."""
    if isinstance(value, Callable_):
        if name not in value.METHODS:
            return None
        method = getattr(value, name)
        try:
            return method(*args)
        except TypeError as error:
            raise TemplateFailure(f"{name}: wrong arguments") from error
    method = _find(value, name)
    if method is None:
        return None
    try:
        found = method(value, *args)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        raise TemplateFailure(f"{name}: {error}") from error
    if isinstance(found, str) and len(found) > MOST_TEXT:
        raise TemplateLimit("a text grew too long")
    return found


def _find(value: Any, name: str) -> Callable[..., Any] | None:
    for kind, table in _METHODS:
        if isinstance(value, kind):
            return table.get(name) or _ANY.get(name)
    return _ANY.get(name) if value is not None else None


def _substring(s: str, start: int, end: int | None = None) -> str:
    stop = len(s) if end is None else end
    if not 0 <= start <= stop <= len(s):
        raise IndexError("index out of range")
    return s[start:stop]


def _regex(pattern: str) -> re.Pattern[str]:
    """Patterns with more than one repetition can take exponential time and are refused."""
    if len(pattern) > 200 or sum(pattern.count(mark) for mark in "*+{") > 3 or ")+" in pattern:
        raise TemplateLimit("the pattern is too complex")
    if ")*" in pattern or "){" in pattern:
        raise TemplateLimit("the pattern is too complex")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise TemplateFailure(f"bad pattern: {error}") from error


def _replace(s: str, old: str, new: str) -> str:
    if len(s) + s.count(old) * (len(new) - len(old)) > MOST_TEXT:
        raise TemplateLimit("a text grew too long")
    return s.replace(old, new)


def _replace_all(s: str, pattern: str, new: str) -> str:
    replacement = re.sub(r"\$(\d)", r"\\g<\1>", new.replace("\\", "\\\\"))
    return _regex(pattern).sub(replacement, _bounded(s))


def _bounded(s: str) -> str:
    if len(s) > MOST_ITEMS:
        raise TemplateLimit("the text is too long for a pattern")
    return s


def _split(s: str, pattern: str, limit: int = 0) -> list[str]:
    parts = _regex(pattern).split(_bounded(s), max(limit - 1, 0))
    if limit == 0:
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
    return parts


def _add(items: list[Any], item: Any) -> bool:
    if len(items) >= MOST_ITEMS:
        raise TemplateLimit("a list grew too long")
    items.append(item)
    return True


def _add_all(items: list[Any], more: list[Any]) -> bool:
    for item in list(more):
        _add(items, item)
    return bool(more)


def _put(entries: dict[Any, Any], key: Any, value: Any) -> Any:
    if len(entries) >= MOST_ITEMS:
        raise TemplateLimit("a map grew too large")
    before = entries.get(key)
    entries[key] = value
    return before


def _entries(value: Mapping[Any, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": item} for key, item in value.items()]


_STRING: dict[str, Callable[..., Any]] = {
    "charAt": lambda s, i: s[i],
    "concat": lambda s, o: s + text(o),
    "contains": lambda s, o: text(o) in s,
    "endsWith": lambda s, o: s.endswith(o),
    "equalsIgnoreCase": lambda s, o: isinstance(o, str) and s.lower() == o.lower(),
    "indexOf": lambda s, o, start=0: s.find(o, start),
    "isEmpty": lambda s: not s,
    "lastIndexOf": lambda s, o: s.rfind(o),
    "length": len,
    "matches": lambda s, p: _regex(p).fullmatch(_bounded(s)) is not None,
    "replace": _replace,
    "replaceAll": _replace_all,
    "split": _split,
    "startsWith": lambda s, o: s.startswith(o),
    "substring": _substring,
    "toLowerCase": lambda s: s.lower(),
    "toUpperCase": lambda s: s.upper(),
    "trim": lambda s: s.strip(),
}
_LIST: dict[str, Callable[..., Any]] = {
    "add": _add,
    "addAll": _add_all,
    "contains": lambda v, o: o in v,
    "get": lambda v, i: v[i],
    "indexOf": lambda v, o: v.index(o) if o in v else -1,
    "isEmpty": lambda v: not v,
    "remove": lambda v, i: v.pop(i),
    "set": lambda v, i, o: v.__setitem__(i, o),
    "size": len,
}
_READ: dict[str, Callable[..., Any]] = {
    "containsKey": lambda v, k: k in v,
    "containsValue": lambda v, o: o in list(v.values()),
    "entrySet": _entries,
    "get": lambda v, k: v.get(k),
    "getOrDefault": lambda v, k, d: v.get(k, d),
    "isEmpty": lambda v: not v,
    "keySet": lambda v: list(v.keys()),
    "size": len,
    "values": lambda v: list(v.values()),
}
_MAP: dict[str, Callable[..., Any]] = {
    **_READ,
    "put": _put,
    "putAll": lambda v, o: [_put(v, k, x) for k, x in o.items()] and None,
    "remove": lambda v, k: v.pop(k, None),
}
# An entry of `entrySet` is a map, so its getters are a map's.
_MAP["getKey"] = lambda v: v["key"]
_MAP["getValue"] = lambda v: v["value"]
_NUMBER: dict[str, Callable[..., Any]] = {
    "doubleValue": float,
    "floatValue": float,
    "intValue": int,
    "longValue": int,
    "parseInt": lambda v, s: int(s),
    "compareTo": lambda v, o: (v > o) - (v < o),
}
_ANY: dict[str, Callable[..., Any]] = {
    "equals": lambda v, o: v == o,
    "toString": text,
}
_METHODS: tuple[tuple[type, dict[str, Callable[..., Any]]], ...] = (
    (str, _STRING),
    (list, _LIST),
    (dict, _MAP),
    (Mapping, _READ),
    (bool, {}),
    (int, _NUMBER),
    (float, _NUMBER),
)
