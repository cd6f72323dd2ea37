"""Personal data in a text, by shape, check digit or an announcing word."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from msgspec import Struct

from torana.personal.patterns import PATTERNS

TYPES = frozenset(pattern.type for pattern in PATTERNS)
"""What is found without an engine."""
ALL = "ALL"

Find = Callable[[str], "list[Personal]"]


class Personal(Struct, frozen=True):
    """A piece of personal data and where it stands."""

    type: str
    """One of Amazon Comprehend's PII entity types."""
    begin: int
    """Code points from the start of the text."""
    end: int
    score: float
    """For names and dates the share of readings that agree; else fixed by the kind of evidence:
    0.99 a check digit or fixed prefix, 0.9 the shape, 0.8 an announcing word."""


def by_pattern(text: str, types: Collection[str] = TYPES) -> Iterator[Personal]:
    """Everything of these types that a pattern finds; findings may overlap."""
    for pattern in PATTERNS:
        if pattern.type not in types:
            continue
        for match in pattern.shape.finditer(text):
            group = "x" if "x" in pattern.shape.groupindex else 0
            if pattern.holds(match[group]):
                yield Personal(pattern.type, match.start(group), match.end(group), pattern.score)


def surest(personal: Personal) -> tuple[float, int]:
    """The order of those that overlap."""
    return -personal.score, personal.begin - personal.end


def without_overlaps(*found: Iterable[Personal]) -> list[Personal]:
    """The first of those that overlap, in the order of the text."""
    kept = list[Personal]()
    for each in chain(*found):
        at = bisect_left(kept, each.begin, key=_begin)
        free = (at == 0 or kept[at - 1].end <= each.begin) and (
            at == len(kept) or each.end <= kept[at].begin
        )
        if free:
            kept.insert(at, each)
    return kept


def _begin(personal: Personal) -> int:
    return personal.begin


def finder(types: Collection[str]) -> Find:
    """Finds these types, `ALL` of them."""
    wanted = TYPES if ALL in types else frozenset(types)
    return lambda text: without_overlaps(sorted(by_pattern(text, wanted), key=surest))


def hider(types: Collection[str]) -> Callable[[str], str] | None:
    """Puts the type in the place of what is found; None where nothing is to be."""
    if not types:
        return None
    find = finder(types)

    def hide(text: str) -> str:
        found = find(text)
        return put(text, ((each, f"[{each.type}]") for each in found)) if found else text

    return hide


def put(text: str, found: Iterable[tuple[Personal, str]]) -> str:
    """A text with others in the place of what was found, in order."""
    parts, end = list[str](), 0
    for each, other in found:
        parts += [text[end : each.begin], other]
        end = each.end
    return "".join([*parts, text[end:]])
