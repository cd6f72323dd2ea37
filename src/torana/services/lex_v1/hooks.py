"""Code hooks of Lex V1: its event and response, for the dialogue that V2 has too.

Source: Lex V1 Developer Guide, "Lambda Function Input Event and Response Format".
"""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from torana.services.lex.hooks import Answer, HookFailed, bad_answer, invoked
from torana.services.lex.messages import said
from torana.services.lex.sessions import Session
from torana.services.lex_v1.shelf import Json
from torana.services.members import part
from torana.services.ports import Functions


class _Message(Struct):
    contentType: Literal["PlainText", "SSML", "CustomPayload"]
    content: str


class _Action(Struct):
    type: Literal["Close", "ConfirmIntent", "Delegate", "ElicitIntent", "ElicitSlot"]
    fulfillmentState: Literal["Fulfilled", "Failed"] | None = None
    message: _Message | None = None
    intentName: str | None = None
    slots: dict[str, str | None] | None = None
    slotToElicit: str | None = None
    responseCard: Json | None = None


class _Response(Struct):
    dialogAction: _Action
    sessionAttributes: dict[str, str] | None = None
    recentIntentSummaryView: list[Json] | None = None
    activeContexts: list[Json] | None = None


class Hook:
    """The functions of a bot's intents, and what they are told of the bot."""

    def __init__(
        self, functions: Functions, intents: Mapping[str, Json], bot: Json, user: str, mode: str
    ) -> None:
        """`mode`: Text or Voice."""
        self._functions, self._intents = functions, intents
        self._bot, self._user, self._mode = bot, user, mode
        self.card: Json | None = None
        """The response card of the last answer."""

    async def ask(
        self,
        source: str,
        session: Session,
        text: str,
        request: Mapping[str, str],
        interpretations: list[Json],
        proposed: Json | None,
    ) -> Answer:
        """See `torana.services.lex.hooks.Hook`."""
        arn = part(self._intents[session.intent], "hooks").get(source, "")
        event = {
            "messageVersion": "1.0",
            "invocationSource": source,
            "userId": self._user,
            "sessionAttributes": session.attributes,
            "requestAttributes": dict(request) or None,
            "bot": self._bot,
            "outputDialogMode": self._mode,
            "inputTranscript": text,
            "currentIntent": _intent(session.shown_intent(), interpretations),
            "alternativeIntents": [
                _intent(each["intent"], [each])
                for each in interpretations
                if each["intent"]["name"] != session.intent
            ],
            "recentIntentSummaryView": session.recent,
            "activeContexts": contexts_shown(session.contexts),
        }
        response = _read(await invoked(self._functions, arn, event))
        action = response.dialogAction
        self.card = action.responseCard
        if response.recentIntentSummaryView is not None:
            session.recent = response.recentIntentSummaryView
        return _answer(response, session, self._intents)


def _intent(intent: Json, interpretations: list[Json]) -> Json:
    """As the event has it."""
    scores = {
        each["intent"]["name"]: each["nluConfidence"]
        for each in interpretations
        if "nluConfidence" in each
    }
    return {
        "name": intent["name"],
        "nluIntentConfidenceScore": scores.get(intent["name"]),
        "slots": flat(intent["slots"]),
        "slotDetails": {name: slot and _details(slot) for name, slot in intent["slots"].items()},
        "confirmationStatus": intent["confirmationState"],
    }


def _details(slot: Json) -> Json:
    value = part(slot, "value")
    return {
        "resolutions": [{"value": each} for each in value.get("resolvedValues", [])],
        "originalValue": value.get("originalValue", ""),
    }


def flat(slots: Mapping[str, Json | None]) -> dict[str, str | None]:
    """Slots as V1 writes them: values, or null."""
    return {name: said(slot) if slot else None for name, slot in slots.items()}


def filled(slots: Mapping[str, str | None]) -> dict[str, Json | None]:
    """Slots as V2 writes them."""
    return {
        name: {"value": {"interpretedValue": value}} if value else None
        for name, value in slots.items()
    }


def contexts_shown(contexts: list[Json]) -> list[Json]:
    """Active contexts as V1 writes them."""
    return [
        {
            "name": each["name"],
            "timeToLive": each["timeToLive"],
            "parameters": each["contextAttributes"],
        }
        for each in contexts
    ]


def contexts_given(contexts: list[Json]) -> list[Json]:
    """Active contexts as V2 writes them."""
    return [
        {
            "name": each["name"],
            "timeToLive": each["timeToLive"],
            "contextAttributes": each.get("parameters") or {},
        }
        for each in contexts
    ]


def _read(body: bytes) -> _Response:
    try:
        return msgspec.json.decode(body, type=_Response)
    except msgspec.MsgspecError as error:
        raise bad_answer(str(error)) from None


_NAMED: Mapping[str, Callable[[_Action], bool]] = {
    "ElicitSlot": lambda action: bool(action.intentName and action.slotToElicit),
    "ConfirmIntent": lambda action: bool(action.intentName),
    "Close": lambda action: bool(action.fulfillmentState),
}
"""What an action cannot do without."""


def _answer(response: _Response, session: Session, intents: Mapping[str, Json]) -> Answer:
    """What the dialogue is told, which has V2's form. Raises `ServiceError`."""
    action = response.dialogAction
    if action.type in _NAMED and not _NAMED[action.type](action):
        raise bad_answer(f"dialogAction {action.type} is not complete")
    state: Json = {"dialogAction": {"type": action.type, "slotToElicit": action.slotToElicit}}
    if response.sessionAttributes is not None:
        state["sessionAttributes"] = response.sessionAttributes
    if response.activeContexts is not None:
        state["activeContexts"] = contexts_given(response.activeContexts)
    name = action.intentName or session.intent
    intent: Json = {"name": name}
    if action.slots is not None:
        intent["slots"] = filled(action.slots)
    elif name == session.intent:
        intent["slots"] = session.slots
    if action.fulfillmentState:
        intent["state"] = action.fulfillmentState
    if name in intents or action.type != "ElicitIntent":
        state["intent"] = intent
    messages = [msgspec.to_builtins(action.message)] if action.message else None
    return msgspec.convert({"sessionState": state, "messages": messages}, Answer)


__all__ = ["Hook", "HookFailed", "contexts_given", "contexts_shown", "filled", "flat"]
