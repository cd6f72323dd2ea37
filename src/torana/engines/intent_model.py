"""A trained bot: what is kept of it, and how values of its slot types are found in words.

The file holds arrays and JSON only: reading it runs nothing.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import msgspec

from torana.engines.builtin_slots import BuiltIns, Entities, need
from torana.engines.slot_filling import Span, Token, open_spans, tokens
from torana.model.bot import Grammar, Intent, Slot, SlotType, Value

_re2: Any = need("re2")
_ALIKE = 0.82
"""How like a listed value an answer must be to be taken for it, for slips of the pen."""
_PLACE = re.compile(r"\{(\w+(?:[-.]\w+)*)\}")
OPEN = ("AlphaNumeric", "FreeFormInput")
"""Built-in types that take any words."""


def plain(text: str) -> str:
    """A text as it is compared: its words in lower case."""
    return " ".join(token.text for token in tokens(text) if token.text[:1].isalnum())


class Model:
    """`weights` of the intents over embeddings less `mean`, and `slots`' for each intent."""

    def __init__(
        self,
        grammar: Grammar,
        mean: Any,
        weights: Any,
        bias: Any,
        slots: dict[str, dict[str, float]],
    ) -> None:
        self.grammar, self.mean, self.weights, self.bias = grammar, mean, weights, bias
        self.slots = slots
        self.exact = {
            plain(text): intent.name
            for intent in grammar.intents
            for text in intent.utterances
            if "{" not in text
        }
        self.intents = {intent.name: intent for intent in grammar.intents}

    def scores(self, rows: Any) -> Any:
        """A row of embeddings to a probability for each intent, each by itself."""
        numpy = need("numpy")
        centred = centred_rows(rows, self.mean)
        return 1 / (1 + numpy.exp(-(centred @ self.weights.T + self.bias)))

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        told = msgspec.json.encode({"grammar": self.grammar, "slots": self.slots}).decode()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            need("numpy").savez(
                file, told=told, mean=self.mean, weights=self.weights, bias=self.bias
            )
        fresh.replace(path)


class _Told(msgspec.Struct):
    grammar: Grammar
    slots: dict[str, dict[str, float]]


def read(path: Path) -> Model:
    """A model's file. Raises `OSError` and `ValueError`."""
    with need("numpy").load(path, allow_pickle=False) as file:
        told = msgspec.json.decode(str(file["told"]), type=_Told)
        return Model(told.grammar, file["mean"], file["weights"], file["bias"], told.slots)


def centred_rows(rows: Any, mean: Any) -> Any:
    """Embeddings, seen from the middle of everyday talk: there they lie further apart."""
    numpy = need("numpy")
    moved = numpy.asarray(rows, "float32") - mean
    return moved / numpy.maximum(numpy.linalg.norm(moved, axis=1, keepdims=True), 1e-6)


class Types:
    """The slot types of a grammar: which words are values."""

    def __init__(self, grammar: Grammar, entities: Entities) -> None:
        self._types = grammar.types
        self._builtins = BuiltIns(grammar.language, entities)
        self._listed = {name: _listed(kind) for name, kind in grammar.types.items()}

    def warm(self) -> None:
        """Have the grammars of the built-in types ready: their first use is slow."""
        for kind in self._types.values():
            name = kind.builtin.removeprefix("AMAZON.")
            if name and name not in OPEN:
                self._builtins.find(name, "one", datetime(2024, 1, 1))

    def spans(
        self, words: Sequence[Token], text: str, intent: Intent, seen: frozenset[str], now: datetime
    ) -> dict[Span, Value]:
        """Everything in an utterance that might fill a slot. `seen`: slots of sample utterances."""
        found: dict[Span, Value] = {}
        for slot in intent.slots:
            fit = "value" if slot.name in seen else "unseen"
            for begin, end, value in self._known(slot.type, words):
                found[Span(begin, end, slot.name, fit)] = value
        builtin: dict[str, list[tuple[int, int, Value]]] = {}
        for slot in intent.slots:
            name = self._types[slot.type].builtin.removeprefix("AMAZON.")
            if slot.name not in seen:
                continue
            if name and name not in OPEN:
                if name not in builtin:
                    builtin[name] = self._found(name, words, text, now)
                for begin, end, value in builtin[name]:
                    found[Span(begin, end, slot.name, "builtin")] = value
            elif self._types[slot.type].open:
                self._open(slot, words, text, found)
        return found

    def _open(
        self, slot: Slot, words: Sequence[Token], text: str, found: dict[Span, Value]
    ) -> None:
        """Adds what a slot that takes any words might be filled with."""
        for span in open_spans(words, slot.name):
            said = text[words[span.begin].begin : words[span.end - 1].end]
            known = Span(span.begin, span.end, slot.name, "value")
            if known not in found and _matches(self._types[slot.type], said):
                found[span] = Value(said, said, (said,))

    def _found(
        self, name: str, words: Sequence[Token], text: str, now: datetime
    ) -> list[tuple[int, int, Value]]:
        found: list[tuple[int, int, Value]] = []
        for each in self._builtins.find(name, text, now):
            inside = [at for at, w in enumerate(words) if w.begin < each.end and w.end > each.begin]
            if inside:
                value = Value(text[each.begin : each.end], each.value, each.others or (each.value,))
                found.append((inside[0], inside[-1] + 1, value))
        return found

    def _known(self, type: str, words: Sequence[Token]) -> list[tuple[int, int, Value]]:
        listed, kind = self._listed[type], self._types[type]
        longest = max((len(key.split()) for key in listed), default=0)
        found: list[tuple[int, int, Value]] = []
        for begin in range(len(words)):
            for end in range(begin + 1, min(begin + longest, len(words)) + 1):
                said = " ".join(word.text for word in words[begin:end])
                if said in listed:
                    found.append((begin, end, _listed_value(kind, said, listed[said])))
        return found

    def answer(self, slot: Slot, text: str, now: datetime) -> tuple[Value, ...]:
        """The values that a whole answer gives a slot; none if it gives none."""
        text = _inner(text, slot)
        if slot.many:
            parts = re.split(r"\s*(?:,|;|\band\b|\by\b|\bet\b|\bund\b)\s*", text)
            found = [self._one(slot, part, now) for part in parts if part]
            return tuple(value for value in found if value is not None)
        one = self._one(slot, text, now)
        return () if one is None else (one,)

    def _one(self, slot: Slot, text: str, now: datetime) -> Value | None:
        kind = self._types[slot.type]
        name = kind.builtin.removeprefix("AMAZON.")
        if name:
            found = self._builtins.answer(name, text, now)
            if found is None or not _matches(kind, found.value):
                return None
            said = text[found.begin : found.end]
            return Value(said, found.value, found.others or (found.value,))
        words, listed = tokens(text), self._listed[slot.type]
        known = self._known(slot.type, words)
        if known:
            begin, end, value = max(known, key=lambda each: each[1] - each[0])
            said = text[words[begin].begin : words[end - 1].end]
            return Value(said, said if kind.open else value.value, value.others)
        whole = " ".join(word.text for word in words)
        near = max(listed, key=lambda key: _likeness(key, whole), default="")
        if near and _likeness(near, whole) >= _ALIKE:
            return _listed_value(kind, text.strip(), listed[near])
        bare = text.strip().rstrip(".!?")
        if kind.open and bare and _matches(kind, bare):
            return Value(bare, bare)
        return None


def _listed(kind: SlotType) -> Mapping[str, str]:
    """The words of values and synonyms, to the value."""
    found: dict[str, str] = {}
    for value, synonyms in kind.values:
        for each in (value, *synonyms):
            found.setdefault(" ".join(token.text for token in tokens(each)), value)
    found.pop("", None)
    return found


def _listed_value(kind: SlotType, said: str, value: str) -> Value:
    return Value(said, said if kind.open else value, (value,))


def _matches(kind: SlotType, said: str) -> bool:
    return not kind.pattern or _re2.fullmatch(kind.pattern, said) is not None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _inner(text: str, slot: Slot) -> str:
    """The part of an answer that stands for the value, by the slot's sample utterances."""
    for utterance in slot.utterances:
        before, place, behind = utterance.partition("{" + slot.name + "}")
        if not place:
            continue
        form = re.escape(before.strip()) + r"\W*(.+?)\W*" + re.escape(behind.strip())
        match = re.fullmatch(form, text.strip().rstrip(".!?"), re.IGNORECASE)
        if match:
            return match[1]
    return text


def places(utterance: str) -> list[str]:
    """The slots that an utterance names."""
    return [match[1] for match in _PLACE.finditer(utterance)]


def filled(utterance: str, values: Mapping[str, str]) -> str:
    """An utterance with values in its slots."""
    return _PLACE.sub(lambda match: values.get(match[1], match[1]), utterance)
