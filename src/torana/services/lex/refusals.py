"""What a bot may ask for in the service but not here, refused when it is written down."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

from torana.services.lex.book import (
    Json,
    invalid,
    refuse,
)
from torana.services.members import part, parts

_re2: Any = import_module("re2")
_STEPS = frozenset({"EndConversation", "InvokeDialogCodeHook"})
"""Next steps that are the ones taken anyway."""
_MOST_UTTERANCES, _LONGEST = 1500, 500


def check_locale(params: Json) -> None:
    """Raises the service's error."""
    refuse(
        params,
        *("generativeAISettings", "unifiedSpeechSettings", "audioFillerSettings"),
        *("speechRecognitionSettings", "speakerDiarizationSettings"),
    )


def check_intent(params: Json) -> None:
    """Raises the service's error."""
    names = ("kendraConfiguration", "qnAIntentConfiguration", "qInConnectIntentConfiguration")
    refuse(params, *names)
    utterances = parts(params, "sampleUtterances")
    if len(utterances) > _MOST_UTTERANCES:
        raise invalid(f"An intent has at most {_MOST_UTTERANCES} sample utterances")
    for each in utterances:
        if len(each["utterance"]) > _LONGEST:
            raise invalid(f"A sample utterance has at most {_LONGEST} characters")
    _check_flow(params)


def check_slot(params: Json) -> None:
    """Raises the service's error."""
    refuse(params, "subSlotSetting")
    if not params.get("slotTypeId"):
        raise invalid("slotTypeId is required")
    setting: Json = params["valueElicitationSetting"]
    resolution = part(setting, "slotResolutionSetting")
    if resolution.get("slotResolutionStrategy", "Default") != "Default":
        raise invalid("slotResolutionStrategy: only Default is supported here")
    if setting["slotConstraint"] == "Required" and not setting.get("promptSpecification"):
        raise invalid("A required slot needs a promptSpecification")
    _check_flow(setting)


def check_type(params: Json) -> None:
    """Raises the service's error."""
    refuse(params, "externalSourceSetting", "compositeSlotTypeSetting")
    parent = params.get("parentSlotTypeSignature")
    if parent and parent != "AMAZON.AlphaNumeric":
        raise invalid("parentSlotTypeSignature: only AMAZON.AlphaNumeric is supported here")
    setting = part(params, "valueSelectionSetting")
    if setting.get("resolutionStrategy") == "Concatenation":
        raise invalid("resolutionStrategy Concatenation is not supported here")
    if setting.get("advancedRecognitionSetting"):
        raise invalid("advancedRecognitionSetting is not supported here")
    if not parent and not params.get("slotTypeValues"):
        raise invalid("A custom slot type needs slotTypeValues")
    pattern: str = part(setting, "regexFilter").get("pattern", "")
    if pattern:
        try:
            _re2.compile(pattern)
        except _re2.error:
            raise invalid(f"The pattern {pattern} is no regular expression") from None


def _check_flow(document: Json) -> None:
    """Branches of a conversation: only the usual flow is gone here."""
    for name, value in _members(document):
        lower = name.lower()
        if lower.endswith("conditional") and value.get("active"):
            raise invalid(f"{name}: conditional branches are not supported here")
        if lower.endswith("nextstep"):
            step = part(value, "dialogAction").get("type")
            if step not in _STEPS or value.get("intent") or value.get("sessionAttributes"):
                raise invalid(f"{name}: only the usual next step is supported here")
        if name in ("codeHook", "elicitationCodeHook") and value.get("active", True):
            raise invalid(f"{name}: use dialogCodeHook, which is called at every turn")
        if name in ("fulfillmentUpdatesSpecification", "waitAndContinueSpecification") and (
            value.get("active", True)
        ):
            raise invalid(f"{name} is not supported here")


def _members(document: Any) -> Iterator[tuple[str, Json]]:
    """Every structure within, by the name of its member."""
    if isinstance(document, dict):
        for name, value in cast(Json, document).items():
            if isinstance(value, dict):
                yield name, cast(Json, value)
            yield from _members(value)
    elif isinstance(document, list):
        for each in cast(list[Any], document):
            yield from _members(each)
