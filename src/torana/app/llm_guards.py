"""Guardrails from settings. One kind of rule a line."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from torana.app.llm_engines import embedding, injection
from torana.app.llm_moderation import KINDS, toxicity
from torana.app.llm_topics import topical
from torana.llm.detectors import (
    PERSONAL,
    SECRETS,
    Detector,
    by_form,
    by_pattern,
    by_words,
)
from torana.llm.guard import Guard, Rule, SchemaRule
from torana.llm.judges import Judge, JudgeRule, Side, by_kinds, by_score, by_topics, by_webhook
from torana.llm.output import checker, format_of
from torana.llm_settings import Llm, LlmModel, LlmRule
from torana.message import Headers
from torana.net.client import Client
from torana.services.ports import Engines
from torana.settings import BadSettings, secret


class Means(Struct, frozen=True):
    """What judges ask."""

    client: Client
    engines: Engines | None
    environment: Mapping[str, str]


DETECTORS: Mapping[str, Callable[[LlmRule], Detector]] = {
    "pattern": lambda rule: by_pattern(rule.pattern, rule.name or "MASKED"),
    "pii": lambda rule: by_form(PERSONAL, rule.types),
    "secrets": lambda rule: by_form(SECRETS, rule.types),
    "words": lambda rule: by_words(rule.words, rule.name or "MASKED"),
}
JUDGES: Mapping[str, Callable[[LlmRule, Means], Judge]] = {
    "injection": lambda rule, means: by_score(
        injection(_engines(means)), rule.threshold or INJECTION, "prompt injection"
    ),
    "toxicity": lambda rule, means: by_kinds(
        toxicity(_engines(means)),
        {kind: rule.threshold or KINDS[kind] for kind in rule.types or KINDS},
    ),
    "topics": lambda rule, means: by_topics(
        topical(embedding(_engines(means)), rule.topics), rule.threshold or TOPICS
    ),
    "webhook": lambda rule, means: _webhook(rule, means),
}
INJECTION, TOPICS = 0.5, 0.7
"""Where likelihood begins to count; measured in docs/guardrails.md."""
_TYPES: Mapping[str, Iterable[str]] = {"pii": PERSONAL, "secrets": SECRETS, "toxicity": KINDS}
_NEEDS = {
    "words": "words",
    "pattern": "pattern",
    "topics": "topics",
    "webhook": "url",
    "schema": "schema",
}
"""What one kind of rule has, and no other."""


def _engines(means: Means) -> Engines:
    if means.engines is None:
        raise BadSettings("llm.guardrails: this process has no engines")
    return means.engines


def _webhook(rule: LlmRule, means: Means) -> Judge:
    url = urlsplit(rule.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    fields = [("Host", url.netloc.rpartition("@")[2]), ("Content-Type", "application/json")]
    fields += [(name, secret(value, means.environment)) for name, value in rule.headers.items()]
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    origin = means.client.origin(url.scheme, url.hostname or "", port)
    passes = rule.on_failure == "pass"
    return by_webhook(origin, path, Headers(fields), rule.timeout, passes=passes)


def _sides(rule: LlmRule) -> frozenset[Side]:
    if rule.on is not None:
        return frozenset(rule.on)
    return frozenset(("input",)) if rule.finds == "injection" else frozenset(("input", "output"))


def guard_of(model: LlmModel, settings: Llm, means: Means) -> Guard | None:
    """What a model's questions and answers must pass; None: nothing. See `guard_mistakes`."""
    found = [guard_named(name, settings, means) for name in model.guardrails]
    if not found:
        return None
    return Guard(
        tuple(rule for guard in found for rule in guard.rules),
        tuple(rule for guard in found for rule in guard.judges),
        next((guard.schema for guard in found if guard.schema is not None), None),
    )


def guard_named(name: str, settings: Llm, means: Means) -> Guard:
    """One guardrail."""
    rules, judges, schema = list[Rule](), list[JudgeRule](), None
    for rule in settings.guardrails[name].rules:
        if rule.finds == "schema":
            check, format = checker(rule.schema), format_of(rule.name or name, rule.schema)
            schema = SchemaRule(name, check, format, rule.repairs, rule.message)
        elif rule.finds in JUDGES:
            judge = JUDGES[rule.finds](rule, means)
            judges.append(JudgeRule(name, rule.finds, judge, _sides(rule), rule.message))
        else:
            detect, blocks = DETECTORS[rule.finds](rule), rule.action == "block"
            rules.append(Rule(name, rule.finds, detect, blocks, _sides(rule), rule.message))
    return Guard(tuple(rules), tuple(judges), schema)


def guard_mistakes(settings: Llm) -> Iterator[str]:
    """Everything about guardrails that does not fit, a line each."""
    for name, guardrail in settings.guardrails.items():
        for place, rule in enumerate(guardrail.rules):
            for wrong in (*_wrong(rule), *_uncompiled(rule)):
                yield f"llm.guardrails.{name}.rules[{place}]: {wrong}"
    for name, model in settings.models.items():
        schemas = 0
        for guardrail in model.guardrails:
            if guardrail not in settings.guardrails:
                yield f"llm.models.{name}.guardrails: no guardrail {guardrail!r}"
            else:
                rules = settings.guardrails[guardrail].rules
                schemas += sum(rule.finds == "schema" for rule in rules)
        if schemas > 1:
            yield f"llm.models.{name}.guardrails: an answer cannot be of two schemas"


def _wrong(rule: LlmRule) -> Iterator[str]:
    if rule.on == ():
        yield "on: needs input, output or both"
    known = _TYPES.get(rule.finds, ())
    for kind in rule.types:
        if kind not in known:
            yield f"types: {kind!r} is none of {', '.join(known) or 'those, there are none'}"
    for kind, field in _NEEDS.items():
        given = getattr(rule, field)
        if field == "words":
            given = [word for word in rule.words if word.strip()]
        if (rule.finds == kind) != bool(given):
            yield f"{field}: is what a rule that finds {kind} needs, and no other has"
    if rule.threshold is not None and (
        rule.finds not in ("injection", "topics", "toxicity") or not 0 < rule.threshold <= 1
    ):
        yield "threshold: above 0 and at most 1, of injections, topics and toxicity only"
    if rule.finds in JUDGES and rule.action == "mask" and rule.name:
        yield "name: nothing is masked by a rule that judges whole texts"


def _uncompiled(rule: LlmRule) -> Iterator[str]:
    try:
        if rule.pattern:
            by_pattern(rule.pattern, "x")
        if rule.schema:
            checker(rule.schema)
    except ValueError as error:
        yield str(error)
    if rule.url and urlsplit(rule.url).scheme not in ("http", "https"):
        yield "url: must be an http:// or https:// address"
    if any(not texts for texts in rule.topics.values()):
        yield "topics: every topic needs examples"
    if not 0 <= rule.repairs <= 5:
        yield "repairs: 0 to 5"
