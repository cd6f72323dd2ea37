"""A schema with its references followed and its `allOf` merged: the keywords that hold."""

from collections.abc import Callable, Iterator, Mapping
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
    positions: list[At] = []
    """Elements of a list that have schemas of their own."""
    required: set[str] = set()
    unions: dict[str, list[At]] = {}
    """Under `anyOf` and `oneOf`: lists of forms, of each of which a value has to have one."""

    def types(self) -> frozenset[str]:
        """Those that a value may have."""
        given = self.words.get("type")
        if given is None:
            return EVERY
        null = {"null"} if self.words.get("nullable") is True else set[str]()
        return frozenset(cast(list[str], given)) | null

    def values(self) -> frozenset[str] | None:
        """Those of an enumeration, as JSON; None: any."""
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
    found = [(words[each], each == exclusive) for each in (exclusive, usual) if each in words]
    found = [each for each in found if _is_number(each[0])]
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
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    **dict.fromkeys(("type", "enum"), _common),
    "uniqueItems": lambda one, other: bool(one or other),
    "nullable": lambda one, other: bool(one and other),
}
"""What holds where two parts of an `allOf` say something under one keyword."""

UNIONS = ("oneOf", "anyOf")
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_ELSEWHERE = frozenset(("allOf", "$ref", "properties", "prefixItems", "additionalProperties"))


class _Members(Struct, frozen=True):
    """What one part says of the members of an object or the elements of a list."""

    named: dict[str | int, At]
    more: At | None
    """Of those without a name of their own here."""
    patterned: bool = False
    """Whether a pattern may speak of them too."""

    def of(self, name: str | int) -> At | None:
        """What holds of one of them."""
        return self.named.get(name, None if self.patterned else self.more)


def shape_of(tree: Tree, at: At, hidden: str = "") -> Shape:
    """`hidden`: properties with this keyword set are not there (`readOnly` of requests)."""
    found = Shape(tree.follow(at), {}, {}, {}, [], set(), {})
    waiting, left, parts = [found.at], _MOST_PARTS, list[At]()
    while waiting and left:
        left -= 1
        parts.append(tree.follow(waiting.pop(0)))
        waiting += parts[-1].part("allOf").elements()
    for part in parts:
        _take(found, part)
    found.properties = {str(n): at for n, at in _merged(found, parts, _properties).items()}
    found.positions = list(_merged(found, parts, _elements).values())
    if hidden:
        gone = {name for name, at in found.properties.items() if _is_hidden(tree, at, hidden)}
        found.properties = {n: each for n, each in found.properties.items() if n not in gone}
        found.required -= gone
    return found


def _is_hidden(tree: Tree, at: At, keyword: str) -> bool:
    followed = tree.follow(at)
    if followed.part(keyword).value is True:
        return True
    return at.made and any(_is_hidden(tree, e, keyword) for e in at.part("allOf").elements())


def _properties(part: At) -> tuple[str, _Members]:
    named: dict[str | int, At] = dict(part.part("properties").members())
    more = part.part("additionalProperties")
    patterned = part.part("patternProperties").value is not None
    return "additionalProperties", _Members(named, _given(more), patterned)


def _elements(part: At) -> tuple[str, _Members]:
    """`items` may be a list in older drafts."""
    first, more = part.part("prefixItems"), part.part("items")
    if more.is_list:
        first, more = more, part.part("additionalItems")
    return "items", _Members(dict(enumerate(first.elements())), _given(more))


def _given(at: At) -> At | None:
    return None if at.value is None else at


def _merged(
    found: Shape, parts: list[At], members_of: Callable[[At], tuple[str, _Members]]
) -> dict[str | int, At]:
    """What holds of each member that a part names: what all parts say of it."""
    layers: list[_Members] = []
    for part in parts:
        keyword, members = members_of(part)
        layers.append(members)
        if members.more is not None:
            there = found.parts.get(keyword)
            found.parts[keyword] = _all_of(there, members.more)
    merged: dict[str | int, At] = {}
    for name in dict.fromkeys(name for layer in layers for name in layer.named):
        for layer in layers:
            at = layer.of(name)
            if at is not None:
                merged[name] = _all_of(merged.get(name), at)
    return merged


def _take(found: Shape, part: At) -> None:
    """Add what one part says of the value itself."""
    if part.value is False:
        found.words["type"] = []
    for keyword, each in _said(part):
        if keyword == "required" and each.is_list:
            found.required |= {str(name.value) for name in each.elements()}
        elif keyword in UNIONS and each.is_list:
            if each.value:
                found.unions.setdefault(keyword, []).append(each)
        elif keyword in found.words and found.words[keyword] != each.value:
            found.words[keyword] = _joined(keyword, found.words[keyword], each.value)
        else:
            found.words[keyword] = each.value


def _said(part: At) -> Iterator[tuple[str, At]]:
    """What one part says, each keyword so that it has its meaning without those beside it."""
    for keyword, each in part.members():
        if keyword == "type":
            yield keyword, At(_types(each.value, part.part("nullable").value), each.pointer)
        elif keyword == "const":
            yield "enum", At([each.value], each.pointer)
        elif keyword in _EXCLUSIVE and isinstance(each.value, bool):
            # As in OpenAPI 3.0, where it is a word about the bound beside it.
            beside = part.part(_EXCLUSIVE[keyword])
            if each.value and beside.value is not None:
                yield keyword, beside
        elif keyword not in _ELSEWHERE and not (
            keyword == "nullable" and part.part("type").value is not None
        ):
            yield keyword, each


def _types(given: Any, nullable: Any) -> list[str]:
    named = {str(each) for each in _listed(given)}
    if nullable is True:
        named.add("null")
    return sorted(named | ({"integer"} if "number" in named else set()))


def _joined(keyword: str, one: Any, other: Any) -> Any:
    both = _BOTH.get(keyword)
    try:
        return both(one, other) if both is not None else [one, other]
    except TypeError:
        return [one, other]


def _all_of(one: At | None, other: At) -> At:
    """Both; the one that says it alone where there is such a one."""
    if one is None or other.value is False or one.value is True or one.value == {}:
        return other
    if one.value is False or other.value is True or other.value == {}:
        return one
    return At({"allOf": [one.value, other.value]}, one.pointer, made=True)
