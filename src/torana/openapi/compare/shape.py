"""A schema with its references followed and its `allOf` merged: the keywords that hold."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
from msgspec import Struct

from torana.openapi.compare.document import At, Tree

EVERY = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
Bound = tuple[float, bool]
"""A number, and whether it is left out itself."""
_MOST_PARTS = 200
"""Parts of one `allOf`, all levels together."""


class Shape(Struct):
    """What holds of a value."""

    at: At
    words: dict[str, Any] = {}
    """Keywords, but for those that have members of their own here."""
    parts: dict[str, At] = {}
    """Keywords that hold schemas, to be followed."""
    properties: dict[str, At] = {}
    required: set[str] = set()
    unions: dict[str, list[At]] = {}
    """Under `anyOf` and `oneOf`: lists of forms, of each of which a value has to have one."""

    def types(self) -> frozenset[str]:
        """Those that a value may have."""
        given = self.words.get("type")
        if given is None:
            return EVERY
        named = {str(each) for each in _listed(given)}
        if self.words.get("nullable") is True:
            named.add("null")
        return frozenset(named | ({"integer"} if "number" in named else set()))

    def values(self) -> frozenset[str] | None:
        """Those of an enumeration, as JSON; None: any."""
        if "const" in self.words:
            return frozenset((canonical(self.words["const"]),))
        given = self.words.get("enum")
        if not isinstance(given, list):
            return None
        return frozenset(canonical(each) for each in cast(list[Any], given))

    def lowest(self) -> Bound | None:
        """The lower bound of a number."""
        return _bound(self.words, "minimum", "exclusiveMinimum", max)

    def highest(self) -> Bound | None:
        """The upper bound of a number."""
        return _bound(self.words, "maximum", "exclusiveMaximum", min)

    def closed(self) -> bool:
        """Whether there can be no further properties."""
        found = self.parts.get("additionalProperties")
        return found is not None and found.value is False


def canonical(value: Any) -> str:
    """The same text for the same JSON value."""
    return msgspec.json.encode(value, order="deterministic").decode()


def _bound(
    words: Mapping[str, Any], usual: str, exclusive: str, tighter: Callable[..., Bound]
) -> Bound | None:
    found: list[Bound] = []
    if _is_number(words.get(usual)):
        found.append((words[usual], words.get(exclusive) is True))
    if _is_number(words.get(exclusive)):
        found.append((words[exclusive], True))
    if len(found) == 2 and found[0][0] == found[1][0]:
        return found[1]
    return tighter(found, key=_first) if found else None


def _first(bound: Bound) -> float:
    return bound[0]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _common(one: Any, other: Any) -> Any:
    kept = {canonical(each) for each in _listed(other)}
    return [each for each in _listed(one) if canonical(each) in kept]


def _listed(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else [value]


_BOTH: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "maxLength", "maxItems", "maxProperties"), min),
    **dict.fromkeys(("type", "enum"), _common),
    "uniqueItems": lambda one, other: bool(one or other),
    "nullable": lambda one, other: bool(one and other),
}
"""What holds where two parts of an `allOf` say something under one keyword."""

_SCHEMAS = frozenset(("additionalProperties", "items"))
UNIONS = ("oneOf", "anyOf")


def shape_of(tree: Tree, at: At, hidden: str = "") -> Shape:
    """`hidden`: properties with this keyword set are not there (`readOnly` of requests)."""
    found = Shape(tree.follow(at), {}, {}, {}, set(), {})
    waiting, left = [found.at], _MOST_PARTS
    while waiting and left:
        left -= 1
        part = tree.follow(waiting.pop(0))
        waiting += part.part("allOf").elements()
        _take(found, part)
    if hidden:
        gone = {
            name
            for name, each in found.properties.items()
            if tree.follow(each).part(hidden).value is True
        }
        found.properties = {n: each for n, each in found.properties.items() if n not in gone}
        found.required -= gone
    return found


def _take(found: Shape, part: At) -> None:
    """Add what one part says."""
    if part.value is False:
        found.words["type"] = []
    for keyword, each in part.members():
        if keyword == "properties":
            for name, schema in each.members():
                there = found.properties.get(name)
                found.properties[name] = schema if there is None else _all_of(there, schema)
        elif keyword == "required" and each.is_list:
            found.required |= {str(name.value) for name in each.elements()}
        elif keyword in _SCHEMAS and not each.is_list:
            there = found.parts.get(keyword)
            found.parts[keyword] = each if there is None else _all_of(there, each)
        elif keyword not in ("allOf", "$ref"):
            _say(found, keyword, each)


def _say(found: Shape, keyword: str, each: At) -> None:
    """Add what a keyword says that has no members of its own here."""
    if keyword in UNIONS and each.is_list:
        if each.value:
            found.unions.setdefault(keyword, []).append(each)
    elif keyword in found.words and found.words[keyword] != each.value:
        found.words[keyword] = _joined(keyword, found.words[keyword], each.value)
    else:
        found.words[keyword] = each.value


def _joined(keyword: str, one: Any, other: Any) -> Any:
    both = _BOTH.get(keyword)
    try:
        return both(one, other) if both is not None else [one, other]
    except TypeError:
        return [one, other]


def _all_of(one: At, other: At) -> At:
    return At({"allOf": [one.value, other.value]}, one.pointer, made=True)
