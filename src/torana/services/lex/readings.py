"""What was heard, as the service writes it: slots, interpretations, contexts."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from torana.model.bot import Understood, Value
from torana.services.lex.book import (
    Json,
)
from torana.services.lex.builds import Built
from torana.services.lex.messages import said
from torana.services.lex.sessions import Session
from torana.services.members import part, parts


class Heard(Struct, frozen=True):
    """What was said, and what it may mean."""

    text: str
    understood: Understood
    sentiment: Json | None = None


def interpretations(built: Built, session: Session, heard: Heard) -> list[Json]:
    """The intent that was taken, then others that may have been meant."""
    guesses = {guess.intent: guess for guess in heard.understood.guesses}
    found: list[Json] = []
    if session.intent:
        first: Json = {"intent": session.shown_intent(), "interpretationSource": "Lex"}
        if session.intent in guesses:
            first["nluConfidence"] = {"score": round(guesses[session.intent].score, 2)}
        if heard.sentiment:
            first["sentimentResponse"] = heard.sentiment
        found.append(first)
    for name, guess in guesses.items():
        if name != session.intent:
            other = _other(built, name, guess.slots)
            found.append({**other, "nluConfidence": {"score": round(guess.score, 2)}})
    if built.fallback and built.fallback != session.intent:
        found.append(_other(built, built.fallback, {}))
    return found


def _other(built: Built, name: str, values: Mapping[str, Sequence[Value]]) -> Json:
    slots: dict[str, Json | None] = {}
    for slot in built.intents[name]["slots"]:
        found = values.get(slot["slotName"])
        slots[slot["slotName"]] = slot_value(found, takes_many(slot)) if found else None
    intent = {"name": name, "slots": slots, "state": "InProgress", "confirmationState": "None"}
    return {"intent": intent, "interpretationSource": "Lex"}


def takes_many(slot: Json) -> bool:
    """Whether a slot holds a list."""
    return bool(part(slot, "multipleValuesSetting").get("allowMultipleValues"))


def slot_value(values: Sequence[Value], many: bool) -> Json:
    """A slot that is filled. `many`: with a list."""
    found = [
        {
            "shape": "Scalar",
            "value": {
                "originalValue": each.said,
                "interpretedValue": each.value,
                "resolvedValues": list(each.others),
            },
        }
        for each in values
    ]
    if not many:
        return found[0]
    whole: Json = {
        "originalValue": ", ".join(each.said for each in values),
        "interpretedValue": ", ".join(each.value for each in values),
        "resolvedValues": [],
    }
    return {"shape": "List", "value": whole, "values": found}


def default(slot: Json, session: Session) -> Json | None:
    """What a slot holds before anybody said anything about it."""
    setting = part(slot["valueElicitationSetting"], "defaultValueSpecification")
    for each in parts(setting, "defaultValueList"):
        value = _meant(each["defaultValue"], session)
        if value:
            return slot_value([Value(value, value, (value,))], takes_many(slot))
    return None


def _meant(text: str, session: Session) -> str:
    """`#context.attribute`, `[session attribute]`, or the value itself."""
    if text.startswith("#") and "." in text:
        name, _, attribute = text[1:].partition(".")
        for context in session.contexts:
            if context["name"] == name:
                return context["contextAttributes"].get(attribute, "")
        return ""
    if text.startswith("[") and text.endswith("]"):
        return session.attributes.get(text[1:-1], "")
    return text


def output_contexts(intent: Json, session: Session) -> list[Json]:
    """The contexts that an intent activates when it is done, with its slots as attributes."""
    filled = {name: said(slot) for name, slot in session.slots.items() if slot}
    return [
        {
            "name": each["name"],
            "timeToLive": {
                "timeToLiveInSeconds": each["timeToLiveInSeconds"],
                "turnsToLive": each["turnsToLive"],
            },
            "contextAttributes": filled,
        }
        for each in parts(intent, "outputContexts")
    ]
