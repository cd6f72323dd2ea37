"""A prompt of Bedrock's as a version of a prompt that the LLM API calls.

Two things are ours: `additionalModelRequestFields` may have `outputSchema`, the JSON Schema of the
answers, and `repairs`; and the metadata `torana:key` names the virtual key that the prompt spends
from. Everything else that the LLM API has not is refused.
"""

from typing import Any

from torana.llm_settings import LlmPromptVersion, LlmTurn
from torana.wire.faults import ServiceError

Json = dict[str, Any]

KEY = "torana:key"
_OURS = frozenset({"outputSchema", "repairs"})


def variant_of(prompt: Json) -> Json:
    """The one that is called: the default, or the only one."""
    variants: list[Json] = prompt.get("variants", [])
    wanted = prompt.get("defaultVariant")
    for variant in variants:
        if variant["name"] == wanted or (not wanted and len(variants) == 1):
            return variant
    raise ServiceError(
        "ValidationException", "The prompt has no variants, or none that is the default"
    )


def version_of(variant: Json) -> LlmPromptVersion:
    """Raises `ServiceError` for what a prompt here cannot have."""
    if variant.get("genAiResource"):
        raise _unsupported("genAiResource")
    configuration: Json = variant["templateConfiguration"]
    kind = variant["templateType"].lower()
    if kind not in configuration:
        raise ServiceError(
            "ValidationException", f"templateConfiguration needs {kind}, as templateType says"
        )
    template: Json = configuration[kind]
    for name in ("toolConfiguration", "cachePoint"):
        if template.get(name):
            raise _unsupported(name)
    model = variant.get("modelId")
    if not model:
        raise ServiceError("ValidationException", "modelId is needed: a model of the LLM API")
    more: Json = variant.get("additionalModelRequestFields") or {}
    for name in more.keys() - _OURS:
        raise _unsupported(f"additionalModelRequestFields.{name}")
    if more.get("outputSchema") is not None:
        _check_schema(more["outputSchema"])
    turns = _turns(kind, template)
    if turns[-1].role != "user":
        raise ServiceError("ValidationException", "The last message must be the user's")
    limits: Json = variant.get("inferenceConfiguration", {}).get("text", {})
    return LlmPromptVersion(
        model=model,
        system="\n\n".join(map(_text, template.get("system", []))),
        turns=tuple(turns),
        max_tokens=limits.get("maxTokens"),
        temperature=limits.get("temperature"),
        top_p=limits.get("topP"),
        stop=tuple(limits.get("stopSequences", ())),
        output=more.get("outputSchema"),
        repairs=int(more.get("repairs", 1)),
    )


def _check_schema(schema: Any) -> None:
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ServiceError(
            "ValidationException", f"outputSchema is no JSON Schema: {error.message}"
        ) from error


def _turns(kind: str, template: Json) -> list[LlmTurn]:
    if kind == "text":
        return [LlmTurn(template["text"])]
    return [
        LlmTurn("\n\n".join(map(_text, message["content"])), message["role"])
        for message in template["messages"]
    ]


def _text(block: Json) -> str:
    if "text" not in block:
        raise _unsupported(next(iter(block), "a block without text"))
    return block["text"]


def key_of(variant: Json) -> str:
    """The virtual key that the prompt spends from; empty: none."""
    entries: list[Json] = variant.get("metadata", [])
    return next((each["value"] for each in entries if each["key"] == KEY), "")


def _unsupported(name: str) -> ServiceError:
    return ServiceError("ValidationException", f"{name} is not supported for prompts here")
