"""Values of the built-in slot types, found in words: numbers, dates, times and the like.

Microsoft's Recognizers-Text reads numbers, dates and times of English, Spanish and French; names of
people and places come from spaCy's entities (English), or are a whole short answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from importlib import import_module
from io import StringIO
from typing import Any
from warnings import catch_warnings, simplefilter

from msgspec import Struct

from torana.engines.engine import EngineMissing

_EXTRA = "lex"
_CULTURES = {"en": "en-us", "es": "es-es", "fr": "fr-fr"}
NAMES = frozenset({"City", "Country", "State", "StreetName", "FirstName", "LastName"})
_ENTITY = {"FirstName": "PERSON", "LastName": "PERSON", "StreetName": "LOCATION"}
_INTRODUCTION = re.compile(
    r"^(?:(?:hi|hello)[, ]+)?(?:my (?:first |last |sur)?name(?: is|'s)|it(?: is|'s)|this is|i am|"
    r"i'm|call me|in|to|from|at|the city of|we live in|i live in)\s+",
    re.IGNORECASE,
)
_AND = ("", "and", "y", "et")
_SHORT_ANSWER = re.compile(r"[^\W\d_](?:[^\W\d_]|['\u2019.\- ])*")


class Found(Struct, frozen=True):
    """A value, and where it stands in the text."""

    begin: int
    end: int
    value: str
    others: tuple[str, ...] = ()


def need(name: str) -> Any:
    """A module of the extra. Raises `EngineMissing`."""
    try:
        with catch_warnings():
            simplefilter("ignore")
            return import_module(name)
    except ImportError as error:
        raise EngineMissing(
            f"intent recognition needs the package {error.name!r}: pip install 'torana[{_EXTRA}]'"
        ) from error


def known(language: str) -> frozenset[str]:
    """The built-in types that are understood in a language, without `AMAZON.`."""
    anywhere = {"AlphaNumeric", "FreeFormInput", "EmailAddress"}
    if language in _CULTURES:
        anywhere |= {"Number", "Date", "Time", "Duration", "Percentage", "PhoneNumber"}
    if language == "en":
        anywhere |= {*NAMES, "Confirmation"}
    return frozenset(anywhere)


Entities = Callable[[str], list[tuple[str, int, int]]]
"""A text's entities: type, begin, end."""


class BuiltIns:
    """The types in one language. `entities` is asked only for names."""

    def __init__(self, language: str, entities: Entities) -> None:
        self._culture = _CULTURES.get(language, "")
        self._entities = entities
        self._language = language

    def find(self, kind: str, text: str, now: datetime) -> list[Found]:
        """Every value of a type in a text, where it stands."""
        if kind in NAMES:
            return self._names(kind, text)
        finder = _FINDERS.get(kind)
        return list(finder(text, self._culture, now)) if finder else []

    def answer(self, kind: str, text: str, now: datetime) -> Found | None:
        """The value that a whole answer gives."""
        text = text.rstrip(" .!?")
        if kind in ("AlphaNumeric", "FreeFormInput"):
            bare = text.strip()
            whole = kind == "FreeFormInput" or not re.search(r"\s", bare)
            return Found(0, len(text), bare) if bare and whole else _joined(text)
        found = self.find(kind, text, now)
        if found:
            return max(found, key=lambda each: each.end - each.begin)
        if kind not in NAMES:
            return None
        begin = match.end() if (match := _INTRODUCTION.match(text)) else 0
        rest = text[begin:]
        if len(rest.split()) <= 4 and _SHORT_ANSWER.fullmatch(rest):
            value = rest.title() if rest.islower() else rest
            return Found(begin, len(text), value)
        return None

    def _names(self, kind: str, text: str) -> list[Found]:
        wanted, found = _ENTITY.get(kind, "LOCATION"), list[Found]()
        for type_, begin, end in self._entities(text):
            if type_ != wanted:
                continue
            name = text[begin:end]
            if kind in ("FirstName", "LastName") and " " in name:
                first, _, last = name.partition(" ")
                if kind == "FirstName":
                    end = begin + len(first)
                else:
                    begin = end - len(last)
            found.append(Found(begin, end, text[begin:end]))
        return found


def _joined(text: str) -> Found | None:
    """Letters and digits that are spelled one by one: `a b 1 2`."""
    parts = text.split()
    if parts and all(len(part) <= 2 or part.isdigit() for part in parts):
        return Found(0, len(text), "".join(parts))
    return None


def _models(module: str, name: str, text: str, culture: str, *more: Any) -> list[Any]:
    if not culture:
        return []
    with redirect_stdout(StringIO()), catch_warnings():
        simplefilter("ignore")
        return getattr(need(module), name)(text, culture, *more)


def _resolved(found: Any, name: str) -> Any:
    return found.resolution.get(name) if found.resolution else None


def _numbers(text: str, culture: str, now: datetime) -> Iterator[Found]:
    for each in _models("recognizers_number", "recognize_number", text, culture):
        value = _resolved(each, "value")
        if value:
            yield Found(each.start, each.end + 1, str(value))


def _percentages(text: str, culture: str, now: datetime) -> Iterator[Found]:
    for each in _models("recognizers_number", "recognize_percentage", text, culture):
        value = str(_resolved(each, "value") or "")
        if value:
            yield Found(each.start, each.end + 1, value.rstrip("%"))


def _moments(text: str, culture: str, now: datetime) -> Iterator[tuple[Any, str, list[Any]]]:
    name = "recognize_datetime"
    for each in _models("recognizers_date_time", name, text, culture, 0, now):
        values = _resolved(each, "values")
        yield each, each.type_name.rpartition(".")[2], values or []


def _dates(text: str, culture: str, now: datetime) -> Iterator[Found]:
    for each, kind, values in _moments(text, culture, now):
        found = [date for value in values if (date := _date(kind, value, now))]
        if found:
            ahead = [date for date in found if date >= now.date().isoformat()]
            first = ahead[0] if ahead else found[-1]
            begin, end = each.start, each.end + 1
            yield Found(begin, end, first, tuple(dict.fromkeys([first, *found])))


def _date(kind: str, value: Mapping[str, str], now: datetime) -> str:
    if kind in ("date", "datetime") and "value" in value:
        return value["value"][:10]
    if kind == "datetimerange" and "start" in value:
        return value["start"][:10]
    if kind == "daterange" and value.get("timex", "").startswith("(") and "end" in value:
        # "In two weeks" comes as the week that ends then.
        last = datetime.fromisoformat(value["end"]) - timedelta(days=1)
        return last.date().isoformat()
    return ""


def _times(text: str, culture: str, now: datetime) -> Iterator[Found]:
    for each, kind, values in _moments(text, culture, now):
        if kind in ("time", "datetime"):
            found = [value["value"][-8:][:5] for value in values if "value" in value]
            if found:
                yield Found(each.start, each.end + 1, found[0], tuple(dict.fromkeys(found)))


def _durations(text: str, culture: str, now: datetime) -> Iterator[Found]:
    parts = [
        (each, values[0]["timex"])
        for each, kind, values in _moments(text, culture, now)
        if kind == "duration" and values
    ]
    at = 0
    while at < len(parts):
        each, value = parts[at]
        begin, end = each.start, each.end + 1
        at += 1
        while at < len(parts) and text[end : parts[at][0].start].strip(" ,") in (
            "",
            "and",
            "y",
            "et",
        ):
            value = _sum(value, parts[at][1])
            end = parts[at][0].end + 1
            at += 1
        yield Found(begin, end, value)


def _sum(one: str, other: str) -> str:
    """Two durations as one: `PT2H` and `PT10M` are `PT2H10M`."""
    if "T" in one and other.startswith("PT"):
        return one + other[2:]
    return one + (other[1:] if other.startswith("P") else other)


def _sequence(name: str) -> Callable[[str, str, datetime], Iterator[Found]]:
    def find(text: str, culture: str, now: datetime) -> Iterator[Found]:
        for each in _models("recognizers_sequence", name, text, culture or "en-us"):
            yield Found(each.start, each.end + 1, each.text)

    return find


_YES = re.compile(
    r"(?:yes|yeah|yep|yup|sure|ok(?:ay)?|correct|right|exactly|of course|please do|go ahead|"
    r"that(?:'s| is) (?:right|correct|fine|it)|sounds good|absolutely|definitely|affirmative|"
    r"s[ií]|claro|vale|oui|d'accord|bien s[uû]r|ja|genau|richtig|sim|sì|certo|"
    r"はい|是的?|好的?|对|네|예|हाँ|نعم)(?!\w)",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:no(?:pe| thanks| thank you)?|nah|not? (?:really|that|right|correct)|never ?mind|cancel|"
    r"don't|do not|wrong|incorrect|that(?:'s| is) (?:wrong|not)|negative|"
    r"non|nein|falsch|não|いいえ|不是?|不要|아니요?|नहीं|لا)(?!\w)",
    re.IGNORECASE,
)


def agreed(text: str) -> bool | None:
    """Whether an answer says yes or no; None: neither."""
    text = text.strip()
    if _NO.match(text):
        return False
    return True if _YES.match(text) else None


def _confirmations(text: str, culture: str, now: datetime) -> Iterator[Found]:
    said = agreed(text)
    if said is not None:
        yield Found(0, len(text), "Yes" if said else "No")


_FINDERS: Mapping[str, Callable[[str, str, datetime], Iterator[Found]]] = {
    "Number": _numbers,
    "Percentage": _percentages,
    "Date": _dates,
    "Time": _times,
    "Duration": _durations,
    "EmailAddress": _sequence("recognize_email"),
    "PhoneNumber": _sequence("recognize_phone_number"),
    "Confirmation": _confirmations,
}
