"""Which models can be asked here.

Source: Amazon Bedrock API Reference, "ListFoundationModels" and "GetFoundationModel".
"""

from typing import Any

from torana.services.ports import Call, LanguageModels
from torana.wire.faults import ServiceError

Json = dict[str, Any]

EMBEDDINGS = "torana.multilingual-e5-small-v1"
"""multilingual-e5-small, embedded."""


def model_of(identifier: str) -> str:
    """The model's id, of a foundation model's ARN too."""
    return identifier.rpartition("foundation-model/")[2] if ":" in identifier else identifier


class Catalogue:
    """The operations."""

    def __init__(self, models: LanguageModels) -> None:
        self._models = models

    async def ListFoundationModels(self, call: Call, params: Json) -> Json:
        """The embedded one, and those that the LLM API has under names of its own."""
        wanted = {
            "providerName": params.get("byProvider"),
            "outputModalities": params.get("byOutputModality"),
            "customizationsSupported": params.get("byCustomizationType"),
            "inferenceTypesSupported": params.get("byInferenceType"),
        }
        found = [
            each
            for each in self._all(call)
            if all(value in _values(each[name]) for name, value in wanted.items() if value)
        ]
        return {"modelSummaries": found}

    async def GetFoundationModel(self, call: Call, params: Json) -> Json:
        name = model_of(params["modelIdentifier"])
        for each in self._all(call):
            if each["modelId"] == name:
                return {"modelDetails": each}
        raise ServiceError(
            "ResourceNotFoundException", f"Could not resolve the foundation model {name}"
        )

    def _all(self, call: Call) -> list[Json]:
        embeddings = _described(call, EMBEDDINGS, "Torana", "EMBEDDING", streams=False)
        talkers = [
            _described(call, name, name.partition(".")[0] if "." in name else "", "TEXT", True)
            for name in self._models.names()
        ]
        return [embeddings, *talkers]


def _values(member: Any) -> list[str]:
    return member if isinstance(member, list) else [member]  # pyright: ignore[reportUnknownVariableType]


def _described(call: Call, name: str, provider: str, output: str, streams: bool) -> Json:
    return {
        "modelArn": f"arn:aws:bedrock:{call.region}::foundation-model/{name}",
        "modelId": name,
        "modelName": name,
        "providerName": provider.capitalize(),
        "inputModalities": ["TEXT"],
        "outputModalities": [output],
        "responseStreamingSupported": streams,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }
