"""YAML to plain values with the core schema of YAML 1.2, and the line of every part.

`yes`, `on` and dates stay text, keys are always text (`200:` is "200"), tags beyond the core are
refused by name. Built from the parser's events, so depth and aliases are bounded as they come.
Source: yaml.org/spec/1.2.2, chapter 10.3.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol, cast

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from torana.openapi.core_schema import BASED, BEYOND, BOOL, FLOAT, INT, NULL, TAG
from torana.openapi.spot import Mark, Spot, SyntaxMistake

_LONGEST_NUMBER = 400


class _Open:
    """A collection whose end has not come yet."""

    __slots__ = ("anchor", "key", "key_spot", "mark", "merges", "merges_here", "value")

    def __init__(self, value: dict[str, Any] | list[Any], mark: Mark, anchor: str | None) -> None:
        self.value = value
        self.mark = mark
        self.anchor = anchor
        self.key: str | None = None
        self.key_spot = mark.spot
        self.merges_here = False
        """Whether the last key was a plain `<<`."""
        self.merges: list[tuple[Any, Mark]] = []


def load(text: str, deepest: int) -> tuple[Any, Mark]:
    """The only document in the text. Raises `SyntaxMistake`."""
    builder = _Builder(deepest)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = Spot(mark.line + 1, mark.column + 1) if mark else Spot(1, 1)
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise SyntaxMistake(spot, f"no YAML: {said}") from None
    except yaml.YAMLError as error:
        first = str(error).splitlines()[0] if str(error) else "unreadable"
        raise SyntaxMistake(Spot(1, 1), f"no YAML: {first}") from None
    if builder.root is None:
        return None, Mark(Spot(1, 1))
    return builder.root


class _Parser(Protocol):
    def check_event(self, *kinds: type[Event]) -> bool: ...
    def get_event(self) -> Event: ...
    def dispose(self) -> None: ...


def _events(text: str) -> "list[Event] | Any":
    parser = cast(Callable[[str], _Parser], yaml.CLoader)(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


class _Builder:
    """Takes the parser's events one by one."""

    def __init__(self, deepest: int) -> None:
        self.root: tuple[Any, Mark] | None = None
        self._deepest = deepest
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, Mark]] = {}
        self._documents = 0

    def take(self, event: Event) -> None:
        spot = _spot_of(event)
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise SyntaxMistake(spot, "a second YAML document begins; a file holds one")
        elif isinstance(event, AliasEvent):
            self._put(*self._aliased(event, spot))
        elif isinstance(event, ScalarEvent):
            key = bool(self._open) and self._wants_key(self._open[-1])
            if key:
                self._open[-1].merges_here = event.value == "<<" and event.implicit[0]
            value = event.value if key else _scalar(event, spot)
            mark = Mark(spot)
            self._remember(event, value, mark)
            self._put(value, mark)
        elif isinstance(event, CollectionStartEvent):
            self._begin(event, spot)
        elif isinstance(event, CollectionEndEvent):
            self._end()

    def _aliased(self, event: AliasEvent, spot: Spot) -> tuple[Any, Mark]:
        found = self._anchors.get(event.anchor or "")
        if found is None:
            raise SyntaxMistake(spot, f"the alias *{event.anchor} has no finished anchor before it")
        return found

    def _remember(self, event: NodeEvent, value: Any, mark: Mark) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = value, mark

    def _begin(self, event: CollectionStartEvent, spot: Spot) -> None:
        is_mapping = isinstance(event, MappingStartEvent)
        known = (None, "!", TAG + ("map" if is_mapping else "seq"))
        if event.tag not in known:
            raise SyntaxMistake(spot, _unknown_tag(event.tag))
        if self._open and self._wants_key(self._open[-1]):
            raise SyntaxMistake(spot, "a key must be text")
        if len(self._open) >= self._deepest:
            raise SyntaxMistake(spot, f"the document is nested deeper than {self._deepest} levels")
        value: dict[str, Any] | list[Any] = {} if is_mapping else []
        self._open.append(_Open(value, Mark(spot, {}), event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        for source, mark in done.merges:
            _merge(done, source, mark)
        if done.anchor is not None:
            self._anchors[done.anchor] = done.value, done.mark
        self._put(done.value, done.mark)

    def _wants_key(self, opened: _Open) -> bool:
        return isinstance(opened.value, dict) and opened.key is None

    def _put(self, value: Any, mark: Mark) -> None:
        if not self._open:
            self.root = value, mark
            return
        opened = self._open[-1]
        if isinstance(opened.value, list):
            opened.mark.parts[len(opened.value)] = mark
            opened.value.append(value)
        elif opened.key is None:
            self._key(opened, value, mark)
        else:
            self._member(opened, opened.value, opened.key, value, mark)

    def _key(self, opened: _Open, value: Any, mark: Mark) -> None:
        if not isinstance(value, str):
            raise SyntaxMistake(mark.spot, "a key must be text")
        if value in opened.value:
            raise SyntaxMistake(mark.spot, f"the key {value!r} stands twice")
        opened.key, opened.key_spot = value, mark.spot

    def _member(
        self, opened: _Open, into: dict[str, Any], key: str, value: Any, mark: Mark
    ) -> None:
        opened.key = None
        if opened.merges_here:
            opened.merges.append((value, mark))
            return
        into[key] = value
        opened.mark.parts[key] = Mark(opened.key_spot, mark.parts)


def _merge(done: _Open, source: Any, mark: Mark) -> None:
    """`<<: *anchor`: keys that the mapping does not have itself."""
    sources = cast(list[Any], source) if isinstance(source, list) else [source]
    for place, item in enumerate(sources):
        if not isinstance(item, dict) or not isinstance(done.value, dict):
            raise SyntaxMistake(mark.spot, "<< takes a mapping or a list of mappings")
        parts = mark.parts.get(place, mark).parts if sources is source else mark.parts
        for key, value in cast(dict[str, Any], item).items():
            if key not in done.value:
                done.value[key] = value
                done.mark.parts[key] = parts.get(key, mark)


def _scalar(event: ScalarEvent, spot: Spot) -> Any:
    text = str(event.value)
    tag = event.tag
    if tag is None or tag == "!":
        plain = event.implicit[0] if event.implicit else False
        return _resolve(text, spot) if plain and tag is None else text
    if tag == TAG + "str":
        return text
    value = _resolve(text, spot)
    kinds: dict[str, tuple[type, ...]] = {
        "null": (type(None),),
        "bool": (bool,),
        "int": (int,),
        "float": (int, float),
    }
    if tag.removeprefix(TAG) not in kinds:
        raise SyntaxMistake(spot, _unknown_tag(tag))
    if not isinstance(value, kinds[tag.removeprefix(TAG)]):
        raise SyntaxMistake(spot, f"{text[:40]!r} is no {tag.removeprefix(TAG)}")
    return value


def _resolve(text: str, spot: Spot) -> Any:
    """A plain scalar after the core schema."""
    if text in NULL:
        return None
    if text in BOOL:
        return BOOL[text]
    if BEYOND.fullmatch(text):
        raise SyntaxMistake(spot, f"{text} is no JSON number")
    if len(text) > _LONGEST_NUMBER:
        return text
    if INT.fullmatch(text):
        return int(text)
    if BASED.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise SyntaxMistake(spot, f"the number {text[:40]} is too large")
        return number
    return text


def _unknown_tag(tag: str) -> str:
    return (
        f"the tag {tag} means nothing here; functions of CloudFormation are not evaluated, "
        "write the value itself"
    )


def _spot_of(event: Event) -> Spot:
    mark = cast(Any, event.start_mark)
    return Spot(mark.line + 1, mark.column + 1) if mark else Spot(1, 1)
