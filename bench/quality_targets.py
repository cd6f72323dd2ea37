"""Which things are felt about how, and which words mean the same."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

Run = Callable[[Sequence[Any]], Awaitable[list[Any]]]
Table = Callable[[Sequence[str], Iterable[Sequence[object]]], None]
_FEELINGS = {"+": "positive", "-": "negative", "0": "neutral", "±": "mixed"}
_MARK = re.compile(r"\[(\S+) ([^\]]+)\]")


def marked(name: str) -> Iterator[tuple[str, list[tuple[int, int, str]]]]:
    """Texts with their marked places: begin, end, mark."""
    for line in Path(f"bench/data/{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        text, places, last = "", list[tuple[int, int, str]](), 0
        for found in _MARK.finditer(line):
            text += line[last : found.start()]
            places.append((len(text), len(text) + len(found[2]), found[1]))
            text, last = text + found[2], found.end()
        yield text + line[last:], places


def _said(sentiment: Any) -> str:
    return max(_FEELINGS.values(), key=lambda name: getattr(sentiment, name))


async def targets(run: Run, table: Table) -> None:
    """Of marked words: found at all, and felt about rightly. Beside: the whole sentence's."""
    counts = Counter[tuple[str, str]]()
    for text, places in marked("targets"):
        (found,) = await run([text])
        mentions = [each for target in found for each in target.mentions]
        for begin, end, mark in places:
            hits = [each for each in mentions if each.begin < end and each.end > begin]
            counts[_FEELINGS[mark], _said(hits[0].sentiment) if hits else "missed"] += 1
    heads = [*_FEELINGS.values(), "missed"]
    rows: list[Sequence[object]] = []
    for truth in _FEELINGS.values():
        row = [counts[truth, said] for said in heads]
        rows.append((truth, *row, f"{100 * counts[truth, truth] / max(1, sum(row)):.0f} %"))
    right = sum(counts[each, each] for each in _FEELINGS.values())
    rows.append(("all", *[""] * len(heads), f"{right} of {counts.total()}"))
    table(("truth", *heads, "right"), rows)
    await _coreference(run, table)


async def _coreference(run: Run, table: Table) -> None:
    """Pairs of marked words: put together rightly, wrongly, or left apart."""
    right = said = true = 0
    for text, places in marked("coreference"):
        (found,) = await run([text])
        group = {
            place: at
            for at, target in enumerate(found)
            for each in target.mentions
            for place in places
            if each.begin < place[1] and each.end > place[0]
        }
        for one, other in combinations(places, 2):
            together = one in group and group.get(one) == group.get(other)
            same = one[2] == other[2]
            right, said, true = right + (together and same), said + together, true + same
    rows = [(true, f"{100 * right / said:.0f} %", f"{100 * right / true:.0f} %")]
    table(("pairs that mean the same", "precision", "recall"), rows)
