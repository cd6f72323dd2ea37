"""How well bots understand what they did not learn: intents, what is out of scope, slots."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torana.engines.client import EngineClient
from torana.model.bot import Grammar, Intent, Lesson, Slot, SlotType, Utterance

_SET = Path(__file__).parent / "data/bots.tsv"
_MARK = re.compile(r"\[([^]]+)\]\((\w+)=([^)]+)\)")
_NOW = "2026-11-27T12:00:00"
THRESHOLD = 0.4


def _rows() -> list[list[str]]:
    lines = _SET.read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def grammar() -> Grammar:
    """The bot of the set."""
    slots: dict[str, tuple[Slot, ...]] = {}
    types: dict[str, SlotType] = {}
    for kind, intent, told in _rows():
        if kind != "slot":
            continue
        named = [each.split(":") for each in told.split()]
        slots[intent] = tuple(Slot(name, type) for name, type in named)
        for _, type in named:
            values = tuple((each, ()) for each in type.split(","))
            builtin = type.startswith("AMAZON.")
            types[type] = SlotType(builtin=type) if builtin else SlotType(values, open=False)
    learned: dict[str, list[str]] = {}
    for kind, intent, text in _rows():
        if kind == "learn":
            learned.setdefault(intent, []).append(text)
    intents = (Intent(n, tuple(texts), slots.get(n, ())) for n, texts in learned.items())
    return Grammar("en", tuple(intents), types)


async def measure(client: EngineClient, run: Callable[[list[Any]], Any], percent: Any) -> None:
    """Prints the numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/bot.npz"
        (learned,) = await client.run("intent_training", [Lesson(grammar(), path)], 600)
        print(f"{learned.utterances} sample utterances; {learned.accuracy:.1%} by cross-validation")
        await client.run("intent_recognition", [Utterance(path, "hello", now=_NOW)], 120)
        best = taken = tests = strangers = refused = there = said = right = 0
        for kind, intent, marked in _rows():
            if kind not in ("test", "out"):
                continue
            text = _MARK.sub(r"\1", marked)
            (found,) = await run([Utterance(path, text, now=_NOW)])
            first = found.guesses[0]
            if kind == "out":
                strangers, refused = strangers + 1, refused + (first.score < THRESHOLD)
                continue
            tests += 1
            best += first.intent == intent
            taken += first.intent == intent and first.score >= THRESHOLD
            own = next((each for each in found.guesses if each.intent == intent), first)
            wanted = {match[2]: match[3] for match in _MARK.finditer(marked)}
            values = {name: each[0].value for name, each in own.slots.items()}
            there, said = there + len(wanted), said + len(values)
            right += sum(values.get(name) == value for name, value in wanted.items())
            for name in wanted.keys() | values.keys():
                if wanted.get(name) != values.get(name):
                    print(f"- {text}: {name} {values.get(name)} for {wanted.get(name)}")
            if first.intent != intent or first.score < THRESHOLD:
                print(f"- {text}: {first.intent} {first.score:.2f} for {intent}")
    print(
        f"\nRight intent first: {percent(best, tests)} of {tests}; and at or over {THRESHOLD}: "
        f"{percent(taken, tests)}; out of scope under it: {percent(refused, strangers)} of "
        f"{strangers}. Slots: precision {percent(right, said)}, recall {percent(right, there)}, "
        f"{there} values.\n"
    )
