"""`POST /guardrail/{id}/version/{version}/apply`: a guardrail alone, as Bedrock's ApplyGuardrail.

Source: the `bedrock-runtime` service model, `ApplyGuardrail`.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from torana.llm.errors import LlmError
from torana.llm.guard import Guard
from torana.llm.judges import Side, judged
from torana.message import Headers, Reply

_PATH = re.compile(r"/guardrail/([^/]+)/version/([^/]+)/apply")
Json = dict[str, Any]


class _Text(Struct):
    text: str
    qualifiers: list[str] = []


class _Block(Struct):
    text: _Text | None = None


class _Asked(Struct):
    source: Literal["INPUT", "OUTPUT"]
    content: list[_Block]


def named(path: str) -> str | None:
    """The guardrail that a path applies; None: it is no such path."""
    if not path.startswith("/guardrail/"):
        return None
    found = _PATH.fullmatch(path)
    return unquote(found[1]).rpartition("/")[2] if found else None


async def apply(guards: Mapping[str, Guard], name: str, body: bytes) -> Reply:
    """Raises `LlmError`."""
    guard = guards.get(name)
    if guard is None:
        raise LlmError("not_found", f"The guardrail {name} does not exist.")
    try:
        asked = msgspec.json.decode(body, type=_Asked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"Malformed input request: {error}") from error
    if any(block.text is None for block in asked.content) or not asked.content:
        raise LlmError("invalid_request", "content: texts only, and at least one")
    side: Side = "input" if asked.source == "INPUT" else "output"
    texts = [block.text.text for block in asked.content if block.text is not None]
    usage = _usage(guard, sum(map(len, texts)))
    try:
        masked = [guard.mask(text, side) for text in texts]
        await judged(guard.judges, masked, side)
    except LlmError as error:
        if error.code != "content_filter":
            raise
        return _reply("GUARDRAIL_INTERVENED", [error.message], _blocked(error), usage)
    found = [span for text in texts for span in _found(guard, text, side)]
    changed = masked != texts
    action = "GUARDRAIL_INTERVENED" if changed else "NONE"
    return _reply(action, masked if changed else [], _masked(found) if changed else {}, usage)


def _found(guard: Guard, text: str, side: Side) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in guard.spans(text, side)]


def _masked(found: list[tuple[str, str]]) -> Json:
    entities = [{"action": "ANONYMIZED", "match": match, "type": kind} for kind, match in found]
    regexes = [each | {"name": each.pop("type")} for each in entities if not _known(each["type"])]
    known = [each for each in entities if "type" in each]
    return {"sensitiveInformationPolicy": {"piiEntities": known, "regexes": regexes}}


def _known(kind: str) -> bool:
    return kind in _TYPES


_TYPES = frozenset(
    {"EMAIL", "PHONE", "CREDIT_DEBIT_CARD_NUMBER", "INTERNATIONAL_BANK_ACCOUNT_NUMBER"}
    | {"IP_ADDRESS", "AWS_ACCESS_KEY", "US_SOCIAL_SECURITY_NUMBER"}
)
"""Of Bedrock's entities, those that are called the same here."""


def _blocked(error: LlmError) -> Json:
    if error.param == "injection":
        kind = {"type": "PROMPT_ATTACK", "confidence": "HIGH", "action": "BLOCKED"}
        return {"contentPolicy": {"filters": [kind]}}
    if error.param == "toxicity":
        return _toxic(error.message)
    if error.param == "topics":
        name = error.message.rpartition("(topic ")[2].rstrip(").") or "topic"
        topic = {"name": name, "type": "DENY", "action": "BLOCKED"}
        return {"topicPolicy": {"topics": [topic]}}
    if error.param == "words":
        word = {"match": "", "action": "BLOCKED"}
        return {"wordPolicy": {"customWords": [word], "managedWordLists": []}}
    regex = {"name": error.param, "match": "", "action": "BLOCKED"}
    return {"sensitiveInformationPolicy": {"piiEntities": [], "regexes": [regex]}}


_FILTERS = {"hate": "HATE", "insult": "INSULTS", "threat": "VIOLENCE"}


def _toxic(message: str) -> Json:
    """Content filters by the kinds of toxicity that the message names; profanity is a word list."""
    kinds = message.rpartition("(")[2].rstrip(").").split(", ")
    found: Json = {
        "contentPolicy": {
            "filters": [
                {"type": _FILTERS[kind], "confidence": "HIGH", "action": "BLOCKED"}
                for kind in kinds
                if kind in _FILTERS
            ]
        }
    }
    if "profanity" in kinds:
        listed = {"match": "", "type": "PROFANITY", "action": "BLOCKED"}
        found["wordPolicy"] = {"customWords": [], "managedWordLists": [listed]}
    return found


def _usage(guard: Guard, size: int) -> Json:
    """In units of a thousand characters, by what the guardrail has."""
    units = max(1, -(-size // 1000))
    finds = {rule.finds for rule in (*guard.rules, *guard.judges)}
    return {
        "topicPolicyUnits": units if "topics" in finds else 0,
        "contentPolicyUnits": units if finds & {"injection", "toxicity", "webhook"} else 0,
        "wordPolicyUnits": units if "words" in finds else 0,
        "sensitiveInformationPolicyUnits": units if finds & {"pii", "secrets", "pattern"} else 0,
        "sensitiveInformationPolicyFreeUnits": 0,
        "contextualGroundingPolicyUnits": 0,
    }


def _reply(action: str, outputs: list[str], assessment: Json, usage: Json) -> Reply:
    value = {
        "usage": usage,
        "action": action,
        "outputs": [{"text": text} for text in outputs],
        "assessments": [assessment] if assessment else [],
    }
    fields = [("Content-Type", "application/json")]
    return Reply(200, Headers(fields), msgspec.json.encode(value))
