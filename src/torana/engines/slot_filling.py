"""Which words of an utterance fill which slot: a segment model with learned weights.

An utterance is cut into single words and segments that fill slots; every cut has a score, the sum
of weights of what is seen at its segments (the words before, behind and inside, and whether the
slot's type knows the words), and the best cut is found by dynamic programming. The weights are an
averaged perceptron's, learned from the sample utterances with example values in their slots
(Sarawagi and Cohen, "Semi-Markov Conditional Random Fields", with Collins' perceptron).
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+(?:['\u2019.\-/:@]\w+)*|[^\w\s]")
_LONGEST = 6
"""Words of a value that no type knows."""
_ROUNDS = 8
_MOST_WORDS = 80
UNSEEN = 0.5
"""The score of a listed value whose slot no sample utterance names."""

Weights = dict[str, float]


class Token(Struct, frozen=True):
    """A word in lower case, and where it stands."""

    text: str
    begin: int
    end: int


class Span(Struct, frozen=True):
    """Words `begin` to `end` fill a slot; `fit`: how its type knows them."""

    begin: int
    end: int
    slot: str
    fit: str


class Example(Struct, frozen=True):
    """A text and what fills its slots; `spans` are all that might."""

    tokens: tuple[Token, ...]
    truth: frozenset[tuple[int, int, str]]
    spans: tuple[Span, ...]


def tokens(text: str) -> list[Token]:
    """Its words."""
    return [
        Token(match[0].casefold(), match.start(), match.end()) for match in _TOKEN.finditer(text)
    ][:_MOST_WORDS]


def open_spans(words: Sequence[Token], slot: str) -> Iterable[Span]:
    """Every stretch of words, for a type that takes any."""
    for begin in range(len(words)):
        for end in range(begin + 1, min(begin + _LONGEST, len(words)) + 1):
            last = words[end - 1].text
            if not (last[:1].isalnum() or last[:1].isalpha()):
                break
            yield Span(begin, end, slot, "open")


def _features(words: Sequence[Token], span: Span) -> list[str]:
    before = words[span.begin - 1].text if span.begin else "^"
    further = words[span.begin - 2].text if span.begin > 1 else "^"
    behind = words[span.end].text if span.end < len(words) else "$"
    name = span.slot
    found = [
        f"{name} fit {span.fit}",
        f"{name} before {before}",
        f"{name} before {further} {before}",
        f"{name} behind {behind}",
        f"{name} words {min(span.end - span.begin, 4)} {span.fit}",
    ]
    if span.fit == "open":
        found += [f"{name} in {words[at].text}" for at in range(span.begin, span.end)]
    return found


def decode(
    words: Sequence[Token], spans: Iterable[Span], weights: Mapping[str, float]
) -> list[Span]:
    """The best cut's segments."""
    ending: dict[int, list[tuple[Span, float]]] = defaultdict(list)
    for span in spans:
        score = sum(weights.get(each, 0.0) for each in _features(words, span))
        if span.fit == "unseen":
            score += UNSEEN
        ending[span.end].append((span, score))
    best, chosen = [0.0], list[Span | None]([None])
    for end in range(1, len(words) + 1):
        top = best[end - 1] + weights.get(f"- {words[end - 1].text}", 0.0)
        pick: Span | None = None
        for span, score in ending[end]:
            if best[span.begin] + score > top:
                top, pick = best[span.begin] + score, span
        best.append(top)
        chosen.append(pick)
    found, at = list[Span](), len(words)
    while at:
        pick = chosen[at]
        if pick is not None:
            found.append(pick)
        at = pick.begin if pick is not None else at - 1
    return found[::-1]


def learn(examples: Sequence[Example]) -> Weights:
    """The weights that cut the examples rightly."""
    weights, summed = defaultdict[str, float](float), defaultdict[str, float](float)
    order, step = list(examples), 0
    for each in range(_ROUNDS):
        random.Random(each).shuffle(order)  # noqa: S311  nothing secret
        wrong = 0
        for example in order:
            step += 1
            cut = decode(example.tokens, example.spans, weights)
            said = frozenset((span.begin, span.end, span.slot) for span in cut)
            if said == example.truth:
                continue
            wrong += 1
            _update(example, said, weights, summed, step)
        if not wrong:
            break
    return {name: weights[name] - summed[name] / max(step, 1) for name in weights if weights[name]}


def _update(
    example: Example,
    said: frozenset[tuple[int, int, str]],
    weights: Weights,
    summed: Weights,
    step: int,
) -> None:
    for sign, cut in ((1.0, example.truth), (-1.0, said)):
        inside = {at for begin, end, _ in cut for at in range(begin, end)}
        seen = [f"- {w.text}" for at, w in enumerate(example.tokens) if at not in inside]
        for span in example.spans:
            if (span.begin, span.end, span.slot) in cut:
                seen += _features(example.tokens, span)
        for name in seen:
            weights[name] += sign
            summed[name] += sign * step
