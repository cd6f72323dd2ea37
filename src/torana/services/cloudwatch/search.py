"""SEARCH: the metrics that an expression finds.

Source: CloudWatch User Guide, "CloudWatch search expression syntax".
"""

import re
from collections.abc import Callable, Iterable

from torana.services.cloudwatch.faults import validation
from torana.telemetry.recorder import Dimensions, Series

Match = Callable[[Series], bool]

_SCHEMA = re.compile(r"\s*\{([^{}]*)\}\s*(.*)", re.DOTALL)
_PIECE = re.compile(
    r'\s*(?:(?P<open>\()|(?P<close>\))|(?P<word>(?:[\w:.]+|"[^"]*")\s*=\s*(?:"[^"]*"|[^\s()"]+|\()'
    r'|"[^"]*"|[^\s()"]+))'
)
_WORDS = re.compile(r"[a-z]+|[0-9]+")
MOST = 500
"""Metrics of one search. Source: CloudWatch quotas."""


def compile_search(text: str) -> Match:
    """What a metric must be. Raises the service's error."""
    found = _SCHEMA.match(text)
    schema: list[str] | None = None
    if found:
        schema = [part.strip().strip('"') for part in _commas(found[1])]
        text = found[2]
    condition = _Reader(text).read()

    def match(series: Series) -> bool:
        if schema and series.namespace != schema[0]:
            return False
        if schema and {name for name, _ in series.dimensions} != {*schema[1:]}:
            return False
        return condition(series)

    return match


def find(match: Match, series: Iterable[Series]) -> dict[tuple[str, str, Dimensions], list[Series]]:
    """The metrics that match, with their series (one for each unit)."""
    metrics: dict[tuple[str, str, Dimensions], list[Series]] = {}
    for each in series:
        if match(each):
            metrics.setdefault((each.namespace, each.name, each.dimensions), []).append(each)
    return dict(sorted(metrics.items())[:MOST])


def _commas(text: str) -> list[str]:
    return re.findall(r'"[^"]*"|[^,]+', text)


class _Reader:
    """Terms side by side must all match; AND, OR, NOT and parentheses say otherwise."""

    def __init__(self, text: str) -> None:
        self._pieces: list[str] = []
        place = 0
        text = text.strip()
        while place < len(text):
            found = _PIECE.match(text, place)
            if found is None:
                raise validation(f"Error in the search expression at {text[place:][:20]!r}")
            piece = found[0].strip()
            if piece.endswith("=(") or re.fullmatch(r".*=\s*\(", piece):
                self._pieces += [piece[:-1].strip(), "("]
            else:
                self._pieces.append(piece)
            place = found.end()
        self._at = 0

    def read(self) -> Match:
        if not self._pieces:
            return lambda series: True
        found = self._any("")
        if self._at < len(self._pieces):
            raise validation(f"Error in the search expression: unexpected {self._peek()!r}")
        return found

    def _peek(self) -> str:
        return self._pieces[self._at] if self._at < len(self._pieces) else ""

    def _any(self, field: str) -> Match:
        options = [self._all(field)]
        while self._peek() == "OR":
            self._at += 1
            options.append(self._all(field))
        return lambda series: any(option(series) for option in options)

    def _all(self, field: str) -> Match:
        needed = [self._one(field)]
        while self._peek() not in ("", ")", "OR"):
            if self._peek() == "AND":
                self._at += 1
            needed.append(self._one(field))
        return lambda series: all(each(series) for each in needed)

    def _one(self, field: str) -> Match:
        piece = self._peek()
        self._at += 1
        if piece == "NOT":
            inner = self._one(field)
            return lambda series: not inner(series)
        if piece == "(":
            inner = self._any(field)
            if self._peek() != ")":
                raise validation("Error in the search expression: a ')' is missing")
            self._at += 1
            return inner
        if piece in ("", ")", "AND", "OR"):
            raise validation("Error in the search expression: a term is missing")
        if piece.endswith("="):
            return self._one(piece[:-1].strip().strip('"'))
        own, equals, value = _split(piece)
        return _term(own if equals else field, value)


def _split(piece: str) -> tuple[str, str, str]:
    found = re.fullmatch(r'([\w:.]+|"[^"]*")\s*(=)\s*(.*)', piece, re.DOTALL)
    return (found[1].strip('"'), "=", found[3]) if found else ("", "", piece)


def _term(field: str, value: str) -> Match:
    """Quoted: the whole value; else every word of it, whatever its case."""
    exact = value.startswith('"')
    wanted = value.strip('"')
    words = _words(wanted)

    def match(series: Series) -> bool:
        texts = _texts(series, field)
        if exact:
            return wanted in texts
        return any(words <= _words(text) for text in texts)

    return match


def _texts(series: Series, field: str) -> list[str]:
    if field == "MetricName":
        return [series.name]
    if field == "Namespace":
        return [series.namespace]
    if field:
        return [value for name, value in series.dimensions if name == field.split(".")[-1]]
    own = [part for pair in series.dimensions for part in pair]
    return [series.namespace, series.name, *own]


def _words(text: str) -> set[str]:
    """Lower-case words; a change of case parts words, too."""
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return {*_WORDS.findall(parted.lower()), *_WORDS.findall(text.lower())} if text else set()
