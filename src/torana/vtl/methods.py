"""The methods templates may call, by the value's type. Nothing is looked up on Python objects.

Source: Java's String, List, Map, Map.Entry, Iterator and Number.
"""
# A template's values are of any type by nature; the conformance cases check this file instead.
# pyright: basic

from collections.abc import Callable, Mapping
from typing import Any

from torana.vtl import patterns
from torana.vtl.budget import Budget, grown
from torana.vtl.errors import TemplateFailure
from torana.vtl.formats import java_format
from torana.vtl.values import Callable_, Entry, JavaList, map_key, same, text

Method = Callable[..., Any]
_MISSING = object()
_VOID = ""
"""What Velocity makes of a method without a result."""


class JavaIterator:
    """What `iterator()` answers."""

    __slots__ = ("at", "items")

    def __init__(self, items: list[Any]) -> None:
        self.items, self.at = items, 0

    def next(self) -> Any:
        """The next item. Raises IndexError at the end."""
        self.at += 1
        return self.items[self.at - 1]


def call(budget: Budget, value: Any, name: str, *args: Any) -> Any:
    """`$value.name(args)`. A method that a type does not have gives null, as an unknown reference
    does."""
    table = _METHODS.get(value.__class__)
    if table is None:
        if isinstance(value, Callable_):
            return _own(budget, value, name, args)
        table = _READ if isinstance(value, Mapping) else {} if value is None else _ANY
    method = table.get(name)
    if method is None:
        return None
    try:
        found = method(budget, value, *args)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise TemplateFailure(f"{name}: {error}") from error
    if found.__class__ is str and len(found) > 256:
        budget.made(found)
    return found


def _own(budget: Budget, value: Callable_, name: str, args: tuple[Any, ...]) -> Any:
    if name not in value.METHODS:
        return None
    try:
        found = getattr(value, name)(budget, *args)
    except (TypeError, ValueError, AttributeError) as error:
        raise TemplateFailure(f"{name}: wrong arguments") from error
    return budget.made(found) if type(found) is str else found


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is needed")
    return value


def _cut(s: str, start: int, end: int | None) -> str:
    stop = len(s) if end is None else end
    if not 0 <= start <= stop <= len(s):
        raise IndexError(f"begin {start}, end {stop}, length {len(s)}")
    return s[start:stop]


def _replace(b: Budget, s: str, old: str, new: str) -> str:
    b.spend(1 + len(s) // 1024)
    b.makes(len(s) + s.count(old) * max(0, len(new) - len(old)))
    return s.replace(old, new)


def _repeat(b: Budget, s: str, times: int) -> str:
    if times < 0:
        raise ValueError("count is negative")
    b.makes(len(s) * times)
    return s * times


def _compare(a: Any, o: Any) -> int:
    if isinstance(a, str):
        for x, y in zip(a, _as_text(o), strict=False):
            if x != y:
                return ord(x) - ord(y)
        return len(a) - len(o)
    return (a > o) - (a < o)


def _hash(b: Budget, s: str) -> int:
    b.spend(1 + len(s))
    number = 0
    for char in s:
        number = (number * 31 + ord(char)) & 0xFFFFFFFF
    return number - (1 << 32) if number & 0x80000000 else number


def _whole(s: Any) -> int:
    if isinstance(s, str) and s.lstrip("+-").isdecimal() and len(s) < 40:
        return int(s)
    raise ValueError(f"for input {s!r}")


def _joined(b: Budget, s: str, separator: str, *items: Any) -> str:
    several = items[0] if len(items) == 1 and isinstance(items[0], list) else items
    b.spend(len(several))
    parts = [text(item, b) for item in several]
    b.makes(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _charged(read: Callable[[str], str]) -> Method:
    def made(b: Budget, s: str) -> str:
        b.spend(1 + len(s) // 1024)
        return read(s)

    return made


_SPACES = "".join(map(chr, range(33)))
_STRING: dict[str, Method] = {
    "charAt": lambda b, s, i: _cut(s, i, i + 1),
    "codePointAt": lambda b, s, i: ord(_cut(s, i, i + 1)),
    "compareTo": lambda b, s, o: _compare(s, o),
    "compareToIgnoreCase": lambda b, s, o: _compare(s.lower(), o.lower()),
    "concat": lambda b, s, o: s + _as_text(o),
    "contains": lambda b, s, o: _as_text(o) in s,
    "contentEquals": lambda b, s, o: s == o,
    "endsWith": lambda b, s, o: s.endswith(_as_text(o)),
    "equalsIgnoreCase": lambda b, s, o: isinstance(o, str) and s.lower() == o.lower(),
    "format": java_format,
    "hashCode": _hash,
    "indexOf": lambda b, s, o, start=0: s.find(_as_text(o), max(start, 0)),
    "isBlank": lambda b, s: not s.strip(),
    "isEmpty": lambda b, s: not s,
    "join": _joined,
    "lastIndexOf": lambda b, s, o: s.rfind(_as_text(o)),
    "length": lambda b, s: len(s),
    "matches": patterns.matches,
    "parseBoolean": lambda b, s, o: _as_text(o).lower() == "true",
    "repeat": _repeat,
    "replace": _replace,
    "replaceAll": patterns.replace_all,
    "replaceFirst": patterns.replace_first,
    "split": lambda b, s, p, limit=0: JavaList(patterns.split(b, s, p, limit)),
    "startsWith": lambda b, s, o, at=0: s.startswith(_as_text(o), at),
    "strip": _charged(str.strip),
    "stripLeading": _charged(str.lstrip),
    "stripTrailing": _charged(str.rstrip),
    "subSequence": lambda b, s, i, j: _cut(s, i, j),
    "substring": lambda b, s, i, j=None: _cut(s, i, j),
    "toCharArray": lambda b, s: b.spend(len(s)) or JavaList(s),
    "toLowerCase": _charged(str.lower),
    "toUpperCase": _charged(str.upper),
    "trim": _charged(lambda s: s.strip(_SPACES)),
    "valueOf": lambda b, s, o: text(o, b),
}


def _add(b: Budget, items: list[Any], *args: Any) -> Any:
    grown(len(items) + 1)
    if len(args) == 1:
        items.append(args[0])
        return True
    place, item = args
    if not 0 <= place <= len(items):
        raise IndexError(f"Index: {place}, Size: {len(items)}")
    b.spend(len(items) // 64)
    items.insert(place, item)
    return _VOID


def _add_all(b: Budget, items: list[Any], *args: Any) -> bool:
    more = list(_items(args[-1]))
    b.spend(len(more))
    grown(len(items) + len(more))
    at = args[0] if len(args) == 2 else len(items)
    items[at:at] = more
    return bool(more)


def _items(value: Any) -> Any:
    if not isinstance(value, list):
        raise TypeError("a list is needed")
    return value


def _place(b: Budget, items: list[Any], item: Any) -> int:
    for place, each in enumerate(items):
        b.spend(1)
        if same(each, item, b):
            return place
    return -1


def _last_place(b: Budget, items: list[Any], item: Any) -> int:
    for place in range(len(items) - 1, -1, -1):
        b.spend(1)
        if same(items[place], item, b):
            return place
    return -1


def _at(items: list[Any], place: Any) -> Any:
    if type(place) is not int:
        raise TypeError("a whole number is needed")
    if not 0 <= place < len(items):
        raise IndexError(f"Index: {place}, Size: {len(items)}")
    return items[place]


def _remove(b: Budget, items: list[Any], which: Any) -> Any:
    b.spend(len(items) // 64)
    if type(which) is int:
        _at(items, which)
        return items.pop(which)
    place = _place(b, items, which)
    if place >= 0:
        items.pop(place)
    return place >= 0


def _keep(b: Budget, items: list[Any], others: list[Any], inside: bool) -> bool:
    kept = [item for item in items if (_place(b, _items(others), item) >= 0) is inside]
    changed = len(kept) != len(items)
    items[:] = kept
    return changed


def _set(items: list[Any], place: int, item: Any) -> Any:
    before = _at(items, place)
    items[place] = item
    return before


def _part(b: Budget, items: list[Any], start: int, end: int) -> JavaList:
    if not 0 <= start <= end <= len(items):
        raise IndexError(f"fromIndex: {start}, toIndex: {end}, size: {len(items)}")
    b.spend(end - start)
    return JavaList(items[start:end])


def _copied(b: Budget, items: Any) -> JavaList:
    b.spend(1 + len(items))
    return JavaList(items)


_LIST: dict[str, Method] = {
    "add": _add,
    "addAll": _add_all,
    "clear": lambda b, v: v.clear() or _VOID,
    "contains": lambda b, v, o: _place(b, v, o) >= 0,
    "containsAll": lambda b, v, o: all(_place(b, v, item) >= 0 for item in _items(o)),
    "get": lambda b, v, i: _at(v, i),
    "indexOf": _place,
    "isEmpty": lambda b, v: not v,
    "iterator": lambda b, v: JavaIterator(_copied(b, v)),
    "lastIndexOf": _last_place,
    "remove": _remove,
    "removeAll": lambda b, v, o: _keep(b, v, o, False),
    "retainAll": lambda b, v, o: _keep(b, v, o, True),
    "set": lambda b, v, i, o: _set(v, i, o),
    "size": lambda b, v: len(v),
    "subList": _part,
    "toArray": _copied,
}


def _put(b: Budget, entries: dict[Any, Any], key: Any, value: Any) -> Any:
    grown(len(entries) + 1)
    key = map_key(key)
    before = entries.get(key)
    entries[key] = value
    return before


def _put_all(b: Budget, entries: dict[Any, Any], more: Mapping[Any, Any]) -> str:
    b.spend(len(more))
    grown(len(entries) + len(more))
    entries.update(more)
    return _VOID


def _put_new(b: Budget, entries: dict[Any, Any], key: Any, value: Any) -> Any:
    before = entries.get(map_key(key))
    if before is None:
        _put(b, entries, key, value)
    return before


def _entries(b: Budget, v: Mapping[Any, Any]) -> JavaList:
    b.spend(1 + len(v))
    return JavaList(Entry(key, item, v) for key, item in v.items())


def _or_default(v: Mapping[Any, Any], key: Any, default: Any) -> Any:
    found = v.get(map_key(key), _MISSING)
    return default if found is _MISSING else found


_ANY: dict[str, Method] = {
    "equals": lambda b, v, o: same(v, o, b),
    "toString": lambda b, v: text(v, b),
}
_READ: dict[str, Method] = {
    **_ANY,
    "containsKey": lambda b, v, k: map_key(k) in v,
    "containsValue": lambda b, v, o: _place(b, _copied(b, v.values()), o) >= 0,
    "entrySet": _entries,
    "get": lambda b, v, k: v.get(k if k.__class__ is str else map_key(k)),
    "getOrDefault": lambda b, v, k, d: _or_default(v, k, d),
    "isEmpty": lambda b, v: not v,
    "keySet": lambda b, v: _copied(b, v.keys()),
    "size": lambda b, v: len(v),
    "values": lambda b, v: _copied(b, v.values()),
}
_MAP: dict[str, Method] = {
    **_READ,
    "clear": lambda b, v: v.clear() or _VOID,
    "put": _put,
    "putAll": _put_all,
    "putIfAbsent": _put_new,
    "remove": lambda b, v, k: v.pop(map_key(k), None),
}


def _set_value(entry: Entry, value: Any) -> Any:
    before, entry.value = entry.value, value
    if isinstance(entry.map, dict):
        entry.map[entry.key] = value
    return before


_ENTRY: dict[str, Method] = {
    "getKey": lambda b, v: v.key,
    "getValue": lambda b, v: v.value,
    "setValue": lambda b, v, o: _set_value(v, o),
}
_ITERATOR: dict[str, Method] = {
    "hasNext": lambda b, v: v.at < len(v.items),
    "next": lambda b, v: v.next(),
}
_NUMBER: dict[str, Method] = {
    "byteValue": lambda b, v: (int(v) + 128) % 256 - 128,
    "compareTo": lambda b, v, o: _compare(v, o),
    "doubleValue": lambda b, v: float(v),
    "floatValue": lambda b, v: float(v),
    "intValue": lambda b, v: int(v),
    "longValue": lambda b, v: int(v),
    "shortValue": lambda b, v: (int(v) + 32768) % 65536 - 32768,
    "parseInt": lambda b, v, s: _whole(s),
    "parseLong": lambda b, v, s: _whole(s),
    "parseDouble": lambda b, v, s: float(_as_text(s)),
    "parseFloat": lambda b, v, s: float(_as_text(s)),
    "valueOf": lambda b, v, s: _whole(s) if isinstance(v, int) else float(_as_text(s)),
    "max": lambda b, v, x, y: max(x, y),
    "min": lambda b, v, x, y: min(x, y),
    "sum": lambda b, v, x, y: x + y,
}
_FLOAT: dict[str, Method] = {
    **_NUMBER,
    "isNaN": lambda b, v: v != v,
    "isInfinite": lambda b, v: v in (float("inf"), float("-inf")),
}
_BOOLEAN: dict[str, Method] = {
    "booleanValue": lambda b, v: v,
    "compareTo": lambda b, v, o: _compare(v, o),
    "parseBoolean": lambda b, v, s: _as_text(s).lower() == "true",
}
_TABLES: dict[type, dict[str, Method]] = {
    str: _STRING,
    list: _LIST,
    JavaList: _LIST,
    dict: _MAP,
    bool: _BOOLEAN,
    int: _NUMBER,
    float: _FLOAT,
    Entry: _ENTRY,
    JavaIterator: _ITERATOR,
}
CHANGING = frozenset(
    {
        *("add", "addAll", "clear", "put", "putAll", "putIfAbsent", "remove", "removeAll"),
        *("retainAll", "set", "setValue"),
    }
)
"""The methods that change what they are called on."""
_METHODS = {kind: {**_ANY, **table} for kind, table in _TABLES.items()}
