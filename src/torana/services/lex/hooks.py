"""Code hooks: functions that are asked what to do next, with Lex V2's event and response.

Source: Lex V2 Developer Guide, "AWS Lambda input event for Lex V2" and "AWS Lambda response format
for Lex V2".
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec
from msgspec import Struct

from torana.services.lex.book import Json
from torana.services.lex.sessions import Session
from torana.services.ports import Busy, Failed, FunctionFailed, Functions
from torana.wire.faults import ServiceError

_SECONDS = 30.0
_ACTIONS = frozenset({"Close", "ConfirmIntent", "Delegate", "ElicitIntent", "ElicitSlot"})


class _Value(Struct):
    interpretedValue: str
    originalValue: str | None = None
    resolvedValues: list[str] | None = None


class _Slot(Struct):
    value: _Value | None = None
    shape: str = "Scalar"
    values: list["_Slot"] | None = None


class _Intent(Struct):
    name: str
    slots: dict[str, _Slot | None] | None = None
    state: str | None = None
    confirmationState: str | None = None


class _Action(Struct):
    type: str
    slotToElicit: str | None = None


class _State(Struct):
    dialogAction: _Action
    intent: _Intent | None = None
    sessionAttributes: dict[str, str] | None = None
    activeContexts: list[Json] | None = None
    runtimeHints: Json | None = None


class Answer(Struct):
    """What a function wants."""

    sessionState: _State
    messages: list[Json] | None = None
    requestAttributes: dict[str, str] | None = None


class HookFailed(Exception):
    """The function failed, or was not there in time (`late`)."""

    def __init__(self, text: str, late: bool = False) -> None:
        super().__init__(text)
        self.late = late


class Asks(Protocol):
    """Asks a bot's functions what to do next."""

    async def ask(
        self,
        source: str,
        session: Session,
        text: str,
        request: Mapping[str, str],
        interpretations: list[Json],
        proposed: Json | None,
    ) -> Answer:
        """`source`: DialogCodeHook or FulfillmentCodeHook. Raises `HookFailed`, and `ServiceError`
        for an answer that is none."""
        ...


class Hook(Struct, frozen=True):
    """The function of an alias' locale, and what it is told of the bot."""

    functions: Functions
    arn: str
    bot: Json
    session_id: str
    mode: str
    """Text, Speech or DTMF."""
    content_type: str

    async def ask(
        self,
        source: str,
        session: Session,
        text: str,
        request: Mapping[str, str],
        interpretations: list[Json],
        proposed: Json | None,
    ) -> Answer:
        """Raises `HookFailed`, and `ServiceError` for an answer that is none."""
        event: Json = {
            "messageVersion": "1.0",
            "invocationSource": source,
            "inputMode": self.mode,
            "responseContentType": self.content_type,
            "sessionId": self.session_id,
            "inputTranscript": text,
            "bot": self.bot,
            "interpretations": interpretations,
            "requestAttributes": request,
            "sessionState": {
                name: value for name, value in session.shown().items() if name != "dialogAction"
            },
            "transcriptions": [
                {
                    "transcription": text,
                    "transcriptionConfidence": 1.0,
                    "resolvedContext": {"intent": session.intent},
                    "resolvedSlots": {n: s for n, s in session.slots.items() if s is not None},
                }
            ],
        }
        if proposed is not None:
            event["proposedNextState"] = proposed
        return _read(await invoked(self.functions, self.arn, event))


async def invoked(functions: Functions, arn: str, event: Json) -> bytes:
    """What a function answers. Raises `HookFailed`."""
    try:
        return await functions(arn, msgspec.json.encode(event), _SECONDS)
    except TimeoutError:
        raise HookFailed("The Lambda function timed out", late=True) from None
    except (Busy, Failed, FunctionFailed) as error:
        raise HookFailed(f"The Lambda function failed: {error}") from None


def _read(body: bytes) -> Answer:
    try:
        answer = msgspec.json.decode(body, type=Answer)
    except msgspec.MsgspecError as error:
        raise bad_answer(str(error)) from None
    if answer.sessionState.dialogAction.type not in _ACTIONS:
        raise bad_answer(f"dialogAction.type must be one of {', '.join(sorted(_ACTIONS))}")
    for message in answer.messages or []:
        if "contentType" not in message:
            raise bad_answer("every message must have a contentType")
    return answer


def slots_of(answer: Answer) -> dict[str, Json | None] | None:
    """The slots that a function gives back, as the service writes them."""
    intent = answer.sessionState.intent
    if intent is None or intent.slots is None:
        return None
    return {name: slot and _shown(slot) for name, slot in intent.slots.items()}


def _shown(slot: _Slot) -> Json:
    found: Json = {"shape": slot.shape}
    if slot.value is not None:
        value = slot.value.interpretedValue
        others = slot.value.resolvedValues
        found["value"] = {
            "originalValue": slot.value.originalValue or value,
            "interpretedValue": value,
            "resolvedValues": [value] if others is None else others,
        }
    if slot.values is not None:
        found["values"] = [_shown(each) for each in slot.values]
    return found


def bad_answer(why: str) -> ServiceError:
    """The function's answer cannot be followed."""
    return ServiceError("DependencyFailedException", f"Invalid Lambda Response: {why}")
