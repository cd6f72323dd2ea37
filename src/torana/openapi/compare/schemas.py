"""Whether a schema takes less or more than another.

What a client sends must still be taken (a request must not become narrower); what it gets must be
what it knows (an answer must not become wider). By convention, properties that are added are no
harm, unless the old schema says that there are no others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any, Literal

from msgspec import Struct

from torana.openapi.compare.document import At, Tree
from torana.openapi.compare.shape import EVERY, UNIONS, Shape, canonical, shape_of

Direction = Literal["request", "answer"]
Effect = Literal["narrower", "wider", "other", "neither", "words"]
"""`other`: neither takes all that the other takes. `neither`: no client notices."""

HARMS: Mapping[Direction, frozenset[Effect]] = {
    "request": frozenset(("narrower", "other")),
    "answer": frozenset(("wider", "other")),
}
_HIDDEN: Mapping[Direction, str] = {"request": "readOnly", "answer": "writeOnly"}

_WORDS = frozenset(("title", "description", "example", "examples", "externalDocs", "deprecated"))
_PASSED_OVER = frozenset(
    ("$comment", "xml", "discriminator", "$schema", "$id", "$defs", "definitions", "type")
) | {"nullable", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
     "readOnly", "writeOnly", "name", "in", "required", "collectionFormat", "allowEmptyValue",
     "style", "explode", "schema", "content", "allowReserved", "prefixItems", "items",
     "headers"}  # fmt: skip
"""Compared elsewhere, or of no weight; some are of parameters of Swagger 2.0, which are schemas."""
_LOWER = {
    "minLength": "length",
    "minItems": "number of items",
    "minProperties": "number of members",
}
_UPPER = {
    "maxLength": "length",
    "maxItems": "number of items",
    "maxProperties": "number of members",
}
_WIDER_FORMATS = {("int32", "int64"), ("float", "double")}


class Finding(Struct, frozen=True):
    """A difference of two schemas."""

    effect: Effect
    rule: str
    path: tuple[str, ...]
    """Names of properties; `[]` for an element."""
    text: str
    pointer: str


class Schemas:
    """Compares the schemas of two documents."""

    def __init__(self, old: Tree, new: Tree, direction: Direction) -> None:
        self._old, self._new, self._hidden = old, new, _HIDDEN[direction]
        self._known: dict[tuple[str, str, str], tuple[Finding, ...]] = {}

    def compare(self, old: At, new: At) -> tuple[Finding, ...]:
        """Every difference."""
        old, new = self._old.follow(old), self._new.follow(new)
        made = canonical([old.value, new.value]) if old.made or new.made else ""
        key = old.pointer, new.pointer, made
        if key not in self._known:
            # A schema that holds itself is compared once.
            self._known[key] = ()
            one = shape_of(self._old, old, self._hidden)
            other = shape_of(self._new, new, self._hidden)
            self._known[key] = tuple(self._differences(one, other))
        return self._known[key]

    def _differences(self, old: Shape, new: Shape) -> Iterator[Finding]:
        pointer = new.at.pointer
        for effect, rule, text in _of_words(old, new):
            yield Finding(effect, rule, (), text, pointer)
        yield from _required(old, new)
        yield from self._properties(old, new)
        for keyword, step in (("items", "[]"), ("additionalProperties", "*")):
            yield from self._part(old, new, keyword, step)
        yield from self._tuple(old, new)
        for keyword in UNIONS:
            yield from self._unions(old, new, keyword)

    def _below(self, step: str, old: At, new: At) -> Iterator[Finding]:
        for each in self.compare(old, new):
            yield Finding(each.effect, each.rule, (step, *each.path), each.text, each.pointer)

    def _properties(self, old: Shape, new: Shape) -> Iterator[Finding]:
        for name in [
            *old.properties,
            *(each for each in new.properties if each not in old.properties),
        ]:
            one, other = old.properties.get(name), new.properties.get(name)
            if one is not None and other is not None:
                yield from self._below(name, one, other)
            elif other is not None:
                effect: Effect = "wider" if old.closed() else "neither"
                text = f"the property {name!r} was added"
                yield Finding(effect, "property-added", (), text, other.pointer)
            elif one is not None:
                effect = "narrower" if new.closed() else "neither"
                text = f"the property {name!r} was removed"
                yield Finding(effect, "property-removed", (), text, one.pointer)

    def _part(self, old: Shape, new: Shape, keyword: str, step: str) -> Iterator[Finding]:
        if keyword not in old.parts and keyword not in new.parts:
            return
        usual = At(True, f"{new.at.pointer}/{keyword}")
        one, other = old.parts.get(keyword, usual), new.parts.get(keyword, usual)
        if keyword == "additionalProperties" and (old.closed() or new.closed()):
            if old.closed() != new.closed():
                yield Finding(
                    "wider" if old.closed() else "narrower",
                    "additional-properties",
                    (),
                    "further properties " + ("may be there" if old.closed() else "are refused"),
                    new.at.pointer,
                )
            return
        yield from self._below(step, one, other)

    def _tuple(self, old: Shape, new: Shape) -> Iterator[Finding]:
        pointer = new.at.pointer
        usual = [each.parts.get("items", At(True, pointer)) for each in (old, new)]
        for index in range(max(len(old.positions), len(new.positions))):
            one, other = (
                of.positions[index] if index < len(of.positions) else rest
                for of, rest in zip((old, new), usual, strict=True)
            )
            yield from self._below(f"[{index}]", one, other)

    def _unions(self, old: Shape, new: Shape, keyword: str) -> Iterator[Finding]:
        """A value has to fit each of them."""

        def same(one: At, other: At) -> bool:
            return _harmless(self._union(one, other, keyword))

        left, added = _unmatched(old.unions.get(keyword, []), new.unions.get(keyword, []), same)
        if len(left) == 1 and len(added) == 1:
            yield from self._union(left[0], added[0], keyword)
            return
        for _ in left:
            said = f"the value may now have any form ({keyword})"
            yield Finding("wider", "union", (), said, new.at.pointer)
        for each in added:
            said = f"the value now has to be of certain forms ({keyword})"
            yield Finding("narrower", "union", (), said, each.pointer)

    def _union(self, old: At, new: At, keyword: str) -> Iterator[Finding]:
        """Branches that are the same are matched first; what is left is compared when it is one on
        each side."""

        def same(one: At, other: At) -> bool:
            return _harmless(self.compare(one, other))

        left, added = _unmatched(list(old.elements()), list(new.elements()), same)
        if len(left) == 1 and len(added) == 1:
            yield from self.compare(left[0], added[0])
            return
        for each in left:
            yield Finding("narrower", "union", (), f"a form was removed ({keyword})", each.pointer)
        for each in added:
            yield Finding("wider", "union", (), f"a form was added ({keyword})", each.pointer)


def _unmatched(
    old: list[At], new: list[At], same: Callable[[At, At], bool]
) -> tuple[list[At], list[At]]:
    """What is left of both when each was matched with the first that is the same."""
    left: list[At] = []
    added = list(new)
    for each in old:
        found = next((index for index, other in enumerate(added) if same(each, other)), None)
        if found is None:
            left.append(each)
        else:
            del added[found]
    return left, added


def _harmless(found: Iterable[Finding]) -> bool:
    return all(each.effect in ("words", "neither") for each in found)


Difference = tuple[Effect, str, str]
"""Effect, rule and words."""


def _of_words(old: Shape, new: Shape) -> Iterator[Difference]:
    yield from _types(old, new)
    yield from _values(old, new)
    yield from _bounds(old, new)
    seen = dict.fromkeys([*old.words, *new.words])
    for keyword in seen:
        unsaid = False if keyword == "uniqueItems" else None
        one, other = (each.words.get(keyword, unsaid) for each in (old, new))
        if keyword in _PASSED_OVER or keyword.startswith("x-") or one == other:
            continue
        if keyword in _WORDS:
            yield "words", "words", f"{keyword} was changed"
        elif keyword in _LOWER or keyword in _UPPER:
            yield from _limit(keyword, one, other)
        else:
            yield _KEYWORDS.get(keyword, _unknown)(keyword, one, other)


def _types(old: Shape, new: Shape) -> Iterator[Difference]:
    one, other = old.types(), new.types()
    if one == other:
        return
    effect: Effect = "narrower" if other < one else "wider" if other > one else "other"
    yield effect, "type", f"the type changed from {_named(one)} to {_named(other)}"


def _named(types: frozenset[str]) -> str:
    if types == EVERY:
        return "any"
    shown = types - {"integer"} if "number" in types else types
    return " or ".join(sorted(shown)) or "none"


def _values(old: Shape, new: Shape) -> Iterator[Difference]:
    one, other = old.values(), new.values()
    if one == other:
        return
    if one is None or other is None:
        effect: Effect = "narrower" if one is None else "wider"
        said = "only certain values are left" if one is None else "any value may be there"
        yield effect, "enum", said
        return
    if one - other:
        yield "narrower", "enum", f"the values {', '.join(sorted(one - other))} were removed"
    if other - one:
        yield "wider", "enum", f"the values {', '.join(sorted(other - one))} were added"


def _bounds(old: Shape, new: Shape) -> Iterator[Difference]:
    for rule, one, other, sign in (
        ("minimum", old.lowest(), new.lowest(), 1),
        ("maximum", old.highest(), new.highest(), -1),
    ):
        if one == other:
            continue
        tighter = other is not None and (
            one is None or (sign * other[0], other[1]) > (sign * one[0], one[1])
        )
        effect: Effect = "narrower" if tighter else "wider"
        yield effect, rule, f"the {rule} changed from {_bound(one)} to {_bound(other)}"


def _bound(bound: tuple[float, bool] | None) -> str:
    if bound is None:
        return "none"
    return f"{bound[0]} (exclusive)" if bound[1] else str(bound[0])


def _limit(keyword: str, one: Any, other: Any) -> Iterator[Difference]:
    lower = keyword in _LOWER
    least, most = (_number(each, 0.0 if lower else inf) for each in (one, other))
    if least == most:
        return
    narrower = most > least if lower else most < least
    what = (_LOWER if lower else _UPPER)[keyword]
    side = "least" if lower else "most"
    yield (
        "narrower" if narrower else "wider",
        keyword.lower(),
        f"the {side} {what} changed from {'none' if one is None else one} to "
        f"{'none' if other is None else other}",
    )


def _number(given: Any, usual: float) -> float:
    return given if isinstance(given, int | float) else usual


def _required(old: Shape, new: Shape) -> Iterator[Finding]:
    for name in sorted(new.required - old.required):
        at = new.properties.get(name, new.at)
        text = f"the property {name!r} became required"
        yield Finding("narrower", "required", (), text, at.pointer)
    for name in sorted(old.required - new.required):
        at = new.properties.get(name, new.at)
        text = f"the property {name!r} is not always there any more"
        yield Finding("wider", "required", (), text, at.pointer)


def _unknown(keyword: str, one: Any, other: Any) -> Difference:
    del one, other
    return "other", "schema", f"{keyword} was changed, whose effect is not judged"


def _only_tightens(keyword: str, one: Any, other: Any) -> Difference:
    """A keyword of which only presence can be compared."""
    if one is None:
        return "narrower", keyword.lower(), f"{keyword} {canonical(other)} was added"
    if other is None:
        return "wider", keyword.lower(), f"{keyword} {canonical(one)} was removed"
    text = f"{keyword} changed from {canonical(one)} to {canonical(other)}"
    return "other", keyword.lower(), text


def _format(keyword: str, one: Any, other: Any) -> Difference:
    effect, rule, text = _only_tightens(keyword, one, other)
    if (one, other) in _WIDER_FORMATS:
        effect = "wider"
    elif (other, one) in _WIDER_FORMATS:
        effect = "narrower"
    return effect, rule, text


def _multiple(keyword: str, one: Any, other: Any) -> Difference:
    effect, rule, text = _only_tightens(keyword, one, other)
    if effect == "other" and isinstance(one, int) and isinstance(other, int) and one and other:
        effect = "narrower" if other % one == 0 else "wider" if one % other == 0 else "other"
    return effect, rule, text


def _unique(keyword: str, one: Any, other: Any) -> Difference:
    del one
    said = "have to differ" if other else "may be the same"
    return ("narrower" if other else "wider"), keyword.lower(), f"items {said}"


def _default(keyword: str, one: Any, other: Any) -> Difference:
    del keyword
    return "neither", "default", f"the default changed from {canonical(one)} to {canonical(other)}"


_KEYWORDS: Mapping[str, Callable[[str, Any, Any], Difference]] = {
    "pattern": _only_tightens,
    "format": _format,
    "multipleOf": _multiple,
    "uniqueItems": _unique,
    "default": _default,
}
