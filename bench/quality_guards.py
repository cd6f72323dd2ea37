"""How well injections are known, and which questions count as the same."""

import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bench import corpora
from bench.corpora import Labelled
from torana.engines.embeddings import Passage
from torana.engines.topic_model import TopicModel

Run = Callable[[Sequence[Any]], Awaitable[list[Any]]]
Table = Callable[[Sequence[str], Iterable[Sequence[object]]], None]
_THRESHOLDS = (0.5, 0.7, 0.9)
_NEAR = (0.92, 0.94, 0.95, 0.96, 0.97, 0.98)


def _some(texts: Iterable[Labelled], most: int) -> list[Labelled]:
    chosen = sorted(set(texts))
    random.Random(5).shuffle(chosen)
    return chosen[:most]


async def injections(run: Run, table: Table) -> None:
    """Precision and recall on the package's test split, and on attacks in many languages."""
    rows: list[Sequence[object]] = []
    for name, texts in (
        ("S-Labs, test split", _some(corpora.prompts("test"), 400)),
        ("Miraoui, many languages, attacks only", _some(corpora.foreign_injections(), 150)),
    ):
        found = await run([Passage(each.text[:1200]) for each in texts])
        for least in _THRESHOLDS:
            pairs = [
                (each.score >= least, text.label == "injection")
                for each, text in zip(found, texts, strict=True)
            ]
            hits = sum(one and other for one, other in pairs)
            said, true = sum(one for one, _ in pairs), sum(other for _, other in pairs)
            rows.append((name, len(texts), least, f"{hits / said:.3f}", f"{hits / true:.3f}"))
    table(("texts", "of them", "threshold", "precision", "recall"), rows)


def _pairs() -> list[list[str]]:
    lines = Path("bench/data/paraphrases.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines]


async def paraphrases(run: Run, table: Table) -> None:
    """Pairs of questions that mean the same, and pairs that only look alike."""
    pairs = _pairs()
    ones = await run([Passage(one) for _, one, _ in pairs])
    others = await run([Passage(other) for _, _, other in pairs])
    near = [
        (kind, sum(a * b for a, b in zip(one.values, other.values, strict=True)))
        for (kind, _, _), one, other in zip(pairs, ones, others, strict=True)
    ]
    same = [value for kind, value in near if kind == "same"]
    alike = [value for kind, value in near if kind != "same"]
    rows = [
        (
            least,
            f"{sum(value >= least for value in same)} of {len(same)}",
            f"{sum(value >= least for value in alike)} of {len(alike)}",
        )
        for least in _NEAR
    ]
    table(("cache_similarity", "of the same found", "of others taken for the same"), rows)


_MANNERS = {
    "insult": "insult",
    "profanity": "obscene",
    "threat": "threat",
    "hate": "identity_hate",
}
_COUNTS = {"insult": 0.5, "profanity": 0.5, "threat": 0.25, "hate": 0.25}
"""Where a guardrail begins to count them."""


async def toxicity(run: Run, table: Table) -> None:
    """What is called toxic of texts that people judged, of harmless ones, and of our own."""
    own, blind = corpora.assembled("toxicity"), corpora.assembled("toxicity_blind")
    for name, texts in (("own set", own), ("blind set", blind)):
        await _kinds(run, table, name, texts)
    sets = {
        "own set": _toxic(own),
        "blind set": _toxic(blind),
        "ToxiGen, about groups of people, judged by people": list(corpora.judged_statements()),
        "harmless questions that sound dangerous": list(corpora.edgy_questions()),
        "sentences of film reviews": _some(corpora.review_sentences(), 400),
        "questions and facts of a chat bot": _some(corpora.plain_talk(), 400),
    }
    rows: list[Sequence[object]] = []
    guarded: list[Sequence[object]] = []
    for name, texts in sets.items():
        found = await run([each.text for each in texts])
        scores = [each.toxic for each in found]
        true = [each.label == "toxic" for each in texts]
        for least in (0.3, 0.5, 0.7):
            said = [score >= least for score in scores]
            hits = sum(a and b for a, b in zip(said, true, strict=True))
            rows.append(
                (
                    name,
                    least,
                    f"{hits} of {sum(true)}" if any(true) else "",
                    f"{sum(said) - hits} of {len(true) - sum(true)}",
                )
            )
        guarded.append((name, *_blocked([_any(each) for each in found], true)))
    table(("texts", "threshold", "toxic ones found", "harmless ones called toxic"), rows)
    table(("the guard, any kind", "found", "others blocked", "precision", "recall"), guarded)


def _toxic(texts: Sequence[Labelled]) -> list[Labelled]:
    return [Labelled(each.text, "toxic" if each.label else "") for each in texts]


def _any(found: Any) -> bool:
    """As the guard decides that looks for every kind."""
    least = {member: _COUNTS[kind] for kind, member in _MANNERS.items()} | {"toxic": 0.5}
    return any(getattr(found, member) >= border for member, border in least.items())


def _blocked(said: Sequence[bool], true: Sequence[bool]) -> Sequence[object]:
    hits, on = sum(a and b for a, b in zip(said, true, strict=True)), sum(true)
    others = sum(said) - hits
    precision = f"{hits / (hits + others):.3f}" if on and hits + others else ""
    recall = f"{hits / on:.3f}" if on else ""
    found = f"{hits} of {on}" if on else ""
    return found, f"{others} of {len(true) - on}", precision, recall


async def _kinds(run: Run, table: Table, name: str, texts: Sequence[Labelled]) -> None:
    found = await run([each.text for each in texts])
    rows: list[Sequence[object]] = []
    for kind, member in _MANNERS.items():
        said = [getattr(each, member) >= _COUNTS[kind] for each in found]
        true = [kind in each.label.split() for each in texts]
        hits = sum(a and b for a, b in zip(said, true, strict=True))
        wrong = f"{sum(said) - hits} of {len(texts) - sum(true)}"
        rows.append((kind, _COUNTS[kind], f"{hits} of {sum(true)}", wrong))
    table((f"{name}, by kind", "from", "found", "called so wrongly"), rows)


async def topics(run: Run, table: Table) -> None:
    """Texts of topics and texts that are not, by six examples of each: our own set, and questions
    of a chat bot's corpus by the file that they are in."""
    for name, rows in (("own set", _own_topics()), ("chat bot's questions", _talked_topics())):
        found = [each.values for each in await run([Passage(text) for _, _, text in rows])]
        examples: dict[str, list[Sequence[float]]] = {}
        for (topic, kind, _), row in zip(rows, found, strict=True):
            if kind == "example":
                examples.setdefault(topic, []).append(row)
        model = TopicModel(examples)
        said = [
            (kind == "on", max(model.likelihoods(row).values()))
            for (_, kind, _), row in zip(rows, found, strict=True)
            if kind != "example"
        ]
        table(
            (name, "found", "others blocked", "precision", "recall"), map(_judged(said), _TOPICAL)
        )


def _judged(said: Sequence[tuple[bool, float]]) -> Callable[[float], Sequence[object]]:
    on, off = [v for true, v in said if true], [v for true, v in said if not true]

    def row(least: float) -> Sequence[object]:
        hits, others = sum(v >= least for v in on), sum(v >= least for v in off)
        precision = f"{hits / (hits + others):.3f}" if hits + others else ""
        found = f"{hits} of {len(on)}", f"{others} of {len(off)}"
        return (least, *found, precision, f"{hits / len(on):.3f}")

    return row


def _own_topics() -> list[list[str]]:
    lines = Path("bench/data/topics.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def _talked_topics() -> list[list[str]]:
    rows: list[list[str]] = []
    for topic, questions in corpora.talk_by_file().items():
        if topic in ("money", "politics", "sports"):
            rows += [[topic, "example", each] for each in questions[:6]]
            rows += [[topic, "on", each] for each in questions[6:46]]
        else:
            rows += [[topic, "off", each] for each in questions[:20]]
    return rows


_TOPICAL = (0.4, 0.5, 0.6, 0.7, 0.8)
