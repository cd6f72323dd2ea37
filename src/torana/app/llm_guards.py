"""Guardrails from settings. One kind of rule a line."""

from collections.abc import Callable, Iterator, Mapping

from torana.llm.detectors import (
    PERSONAL,
    SECRETS,
    Detector,
    by_form,
    by_pattern,
    by_words,
)
from torana.llm.guard import Guard, Rule
from torana.llm_settings import Llm, LlmModel, LlmRule

DETECTORS: Mapping[str, Callable[[LlmRule], Detector]] = {
    "pattern": lambda rule: by_pattern(rule.pattern, rule.name or "MASKED"),
    "pii": lambda rule: by_form(PERSONAL, rule.types),
    "secrets": lambda rule: by_form(SECRETS, rule.types),
    "words": lambda rule: by_words(rule.words, rule.name or "MASKED"),
}
_TYPES = {"pii": PERSONAL, "secrets": SECRETS}


def guard_of(model: LlmModel, settings: Llm) -> Guard | None:
    """What a model's questions and answers must pass; None: nothing. See `guard_mistakes`."""
    rules = [
        Rule(
            name,
            rule.finds,
            DETECTORS[rule.finds](rule),
            rule.action == "block",
            frozenset(rule.on),
            rule.message,
        )
        for name in model.guardrails
        for rule in settings.guardrails[name].rules
    ]
    return Guard(tuple(rules)) if rules else None


def guard_mistakes(settings: Llm) -> Iterator[str]:
    """Everything about guardrails that does not fit, a line each."""
    for name, guardrail in settings.guardrails.items():
        for place, rule in enumerate(guardrail.rules):
            for wrong in _wrong(rule):
                yield f"llm.guardrails.{name}.rules[{place}]: {wrong}"
    for name, model in settings.models.items():
        for guardrail in model.guardrails:
            if guardrail not in settings.guardrails:
                yield f"llm.models.{name}.guardrails: no guardrail {guardrail!r}"


def _wrong(rule: LlmRule) -> Iterator[str]:
    if not rule.on:
        yield "on: needs input, output or both"
    known = _TYPES.get(rule.finds, {})
    for kind in rule.types:
        if kind not in known:
            yield f"types: {kind!r} is none of {', '.join(known) or 'those, there are none'}"
    if (rule.finds == "words") != bool([word for word in rule.words if word.strip()]):
        yield "words: are what a rule that finds words needs, and no other has"
    if (rule.finds == "pattern") != bool(rule.pattern):
        yield "pattern: is what a rule that finds a pattern needs, and no other has"
    elif rule.pattern:
        try:
            by_pattern(rule.pattern, "x")
        except ValueError as error:
            yield str(error)
