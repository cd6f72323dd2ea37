"""Toxicity for the LLM API: a guardrail's scores, and the results of OpenAI's moderations.

Source: OpenAI API reference, "Moderations".
"""

from collections.abc import Mapping
from typing import Any

from torana.llm.errors import LlmError
from torana.llm.judges import Scores
from torana.services.ports import Busy, Engines, Failed, Missing

TOXICITY = "tox-block"
KINDS: Mapping[str, float] = {
    "toxicity": 0.5,
    "insult": 0.5,
    "profanity": 0.5,
    "threat": 0.25,
    "hate": 0.25,
}
"""What a text may be, and from where on it counts; measured in docs/guardrails.md."""
_CATEGORIES = {"harassment": "insult", "harassment/threatening": "threat", "hate": "hate"}
_UNKNOWN = (
    *("hate/threatening", "illicit", "illicit/violent", "self-harm", "self-harm/instructions"),
    *("self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic"),
)
"""Categories that the engine cannot tell: null, as neither true nor false would be known."""
_PATIENCE = 10.0


def _scores(found: Any) -> dict[str, float]:
    return {
        "toxicity": found.toxic,
        "insult": found.insult,
        "profanity": found.obscene,
        "threat": found.threat,
        "hate": found.identity_hate,
    }


def toxicity(engines: Engines) -> Scores:
    """How toxic a text is, by `KINDS`. Raises `LlmError` when the engine cannot tell."""

    async def score(text: str) -> Mapping[str, float]:
        try:
            (found,) = await engines("toxicity", [text], _PATIENCE)
        except (Busy, Failed, Missing, TimeoutError) as error:
            text = f"the guardrail's engine cannot tell: {error or 'it is too slow'}"
            raise LlmError("overloaded", text) from error
        return _scores(found)

    return score


def moderated(found: Any) -> dict[str, Any]:
    """One text's result in OpenAI's form."""
    scores = _scores(found)
    said = {name: scores[kind] >= KINDS[kind] for name, kind in _CATEGORIES.items()}
    unknown = dict.fromkeys(_UNKNOWN)
    return {
        "flagged": any(said.values()),
        "categories": {**said, **unknown},
        "category_scores": {**{n: scores[k] for n, k in _CATEGORIES.items()}, **unknown},
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
