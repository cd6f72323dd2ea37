"""One turn of a conversation: from what was heard to what is said, by the bot's definition.

Slots are asked for in the order of their priority, then the intent is confirmed and fulfilled; at
each turn the dialog code hook, if there is one, may decide otherwise. Source: Lex V2 Developer
Guide, "How it works", "Managing conversation flow" and "Enabling custom logic with AWS Lambda".
"""

from collections.abc import Mapping, Sequence

from torana.model.bot import Guess, Understood, Value
from torana.services.lex import messages as words
from torana.services.lex.book import (
    Json,
)
from torana.services.lex.builds import Built
from torana.services.lex.hooks import Answer, Asks, HookFailed, bad_answer, slots_of
from torana.services.lex.readings import (
    Heard,
    default,
    interpretations,
    output_contexts,
    slot_value,
    takes_many,
)
from torana.services.lex.sessions import Session, timed
from torana.services.members import part, parts
from torana.wire.faults import ServiceError

_SURE = 0.8
"""A score from which another intent is taken for an answer that also fits the slot asked for."""
_HOPS = 5
"""Intents that one turn may lead through."""


class Turn:
    """Takes one turn: changes the session, and gathers what is said."""

    def __init__(
        self,
        built: Built,
        session: Session,
        hook: Asks | None,
        request: Mapping[str, str],
        origin: str,
    ) -> None:
        self._built, self.session, self._hook = built, session, hook
        self.request = dict(request)
        self._origin = origin
        self.said: list[Json] = []
        self._heard = Heard("", Understood())
        self._hops = 0

    # From what was heard to where the conversation is.

    async def hear(self, heard: Heard) -> None:
        """The user said something. Raises `ServiceError`."""
        self._heard = heard
        action = self.session.action
        known = self.session.intent in self._built.intents
        if action == "ElicitSlot" and known:
            await self._hear_slot(heard.understood)
        elif action == "ConfirmIntent" and known:
            await self._hear_confirmation(heard.understood)
        else:
            await self._hear_intent(heard.understood)

    def eligible(self) -> tuple[str, ...]:
        """The intents whose input contexts are active."""
        active = self.session.active()
        return tuple(
            name
            for name, intent in self._built.intents.items()
            if all(each["name"] in active for each in parts(intent, "inputContexts"))
        )

    async def _hear_intent(self, heard: Understood) -> None:
        best = self._best(heard)
        if best is None:
            await self._fall_back()
        else:
            await self._begin(best.intent, best.slots)

    def _best(self, heard: Understood) -> Guess | None:
        best = heard.guesses[0] if heard.guesses else None
        return best if best and best.score >= self._built.threshold else None

    async def _hear_slot(self, heard: Understood) -> None:
        session, best = self.session, self._best(heard)
        other = best if best and best.intent != session.intent else None
        certain = other is not None and (other.exact or other.score >= _SURE)
        if heard.answer and not (certain and self._takes_anything(session.slot)):
            self._fill({session.slot: heard.answer})
            session.tries = 0
            if best is not None and best.intent == session.intent:
                self._fill(heard.named, empty=True)
        elif other is not None:
            await self._begin(other.intent, other.slots)
            return
        elif best is not None and any(not session.slots.get(name) for name in heard.named):
            self._fill(heard.named, empty=True)
        else:
            session.tries += 1
            if session.tries > self._retries(session.slot):
                await self._give_up()
                return
        await self._advance()

    async def _hear_confirmation(self, heard: Understood) -> None:
        session, best = self.session, self._best(heard)
        if heard.agreed is not None:
            session.confirmation = "Confirmed" if heard.agreed else "Denied"
            await self._advance()
        elif best is not None and best.intent != session.intent:
            await self._begin(best.intent, best.slots)
        elif best is not None and best.slots:
            self._fill(best.slots)
            await self._advance()
        else:
            session.tries += 1
            setting = part(self._intent(), "intentConfirmationSetting")
            most = part(setting, "promptSpecification").get("maxRetries", 0)
            if session.tries <= most:
                await self._advance()
            else:
                self.say(setting.get("failureResponse"))
                if not self.said:
                    await self._fall_back()
                else:
                    self._close("Failed")

    async def _give_up(self) -> None:
        """A slot was asked for too often."""
        setting = part(self._slot(self.session.slot), "valueElicitationSetting")
        failure = part(setting, "slotCaptureSetting").get("failureResponse")
        if failure:
            self.say(failure)
            self._close("Failed")
        else:
            await self._fall_back()

    async def _fall_back(self) -> None:
        if not self._built.fallback:
            self.session.ask("ElicitIntent")
            return
        await self._begin(self._built.fallback, {})

    async def _begin(self, name: str, filled: Mapping[str, Sequence[Value]]) -> None:
        self._hops += 1
        if self._hops > _HOPS:
            raise bad_answer("one turn leads through too many intents")
        intent = self._built.intents[name]
        empty: dict[str, Json | None] = {each["slotName"]: None for each in intent["slots"]}
        self.session.begin(name, empty, self._origin)
        self.session.ask("")
        self._fill(filled)
        self._fill_defaults(intent)
        self.say(part(intent, "initialResponseSetting").get("initialResponse"))
        await self._advance()

    # From where the conversation is to what is asked next.

    async def _advance(self) -> None:
        """Asks the dialog code hook, then goes the usual way."""
        if self._hook is not None and part(self._intent(), "dialogCodeHook").get("enabled"):
            try:
                answer = await self._ask_hook("DialogCodeHook", self._proposed())
            except HookFailed as failed:
                raise ServiceError("DependencyFailedException", str(failed)) from None
            if await self._follow(answer):
                return
        await self.proceed()

    def _proposed(self) -> Json:
        """What would be done next without the hook."""
        session, slot = self.session, self._next_slot()
        tries = session.tries
        prompt = {"attempt": f"Retry{tries}" if tries else "Initial"}
        action: Json = {"type": "Close"}
        if session.confirmation == "Denied":
            action = {"type": "Close"}
        elif slot is not None:
            action = {"type": "ElicitSlot", "slotToElicit": slot["slotName"]}
        elif self._confirms():
            action = {"type": "ConfirmIntent"}
        else:
            return {"dialogAction": {"type": "Delegate"}, "intent": session.shown_intent()}
        return {"dialogAction": action, "intent": session.shown_intent(), "prompt": prompt}

    async def proceed(self) -> None:
        """The usual way: the next slot, the confirmation, the fulfilment."""
        session, slot = self.session, self._next_slot()
        if session.confirmation == "Denied":
            setting = part(self._intent(), "intentConfirmationSetting")
            self.say(setting.get("declinationResponse"))
            self._close("Failed")
        elif slot is not None:
            self._elicit(slot["slotName"])
        elif self._confirms():
            session.ask("ConfirmIntent")
            self.say(self._confirmation_prompt())
        else:
            await self._fulfil()

    def prompt(self) -> None:
        """What belongs to the slot or the confirmation that is asked for."""
        if self.session.action == "ElicitSlot":
            self._elicit(self.session.slot)
        else:
            self.say(self._confirmation_prompt())

    def _next_slot(self) -> Json | None:
        for slot in self._intent()["slots"]:
            required = slot["valueElicitationSetting"]["slotConstraint"] == "Required"
            if required and not self.session.slots.get(slot["slotName"]):
                return slot
        return None

    def _confirms(self) -> bool:
        setting = part(self._intent(), "intentConfirmationSetting")
        wanted = bool(setting.get("promptSpecification")) and setting.get("active", True)
        return wanted and self.session.confirmation == "None"

    def _confirmation_prompt(self) -> Json | None:
        return part(self._intent(), "intentConfirmationSetting").get("promptSpecification")

    def _elicit(self, name: str) -> None:
        self.session.ask("ElicitSlot", name)
        setting = part(self._slot(name), "valueElicitationSetting")
        self.say(setting.get("promptSpecification"))

    async def _fulfil(self) -> None:
        intent = self._intent()
        setting = part(intent, "fulfillmentCodeHook")
        if self._hook is None or not (setting.get("enabled") and setting.get("active", True)):
            self.say(part(intent, "intentClosingSetting").get("closingResponse"))
            self._close("ReadyForFulfillment")
            return
        after = part(setting, "postFulfillmentStatusSpecification")
        self.session.state = "ReadyForFulfillment"
        try:
            answer = await self._ask_hook("FulfillmentCodeHook", None)
        except HookFailed as failed:
            response = after.get("timeoutResponse" if failed.late else "failureResponse")
            if not response:
                raise ServiceError("DependencyFailedException", str(failed)) from None
            self.say(response)
            self._close("Failed")
            return
        if not await self._follow(answer):
            raise bad_answer("dialogAction.type Delegate cannot follow a fulfilment")

    # What a code hook decided.

    async def _ask_hook(self, source: str, proposed: Json | None) -> Answer:
        assert self._hook is not None
        heard = [
            {**each, "nluConfidence": each["nluConfidence"]["score"]}
            if "nluConfidence" in each
            else each
            for each in self.interpretations()
        ]
        return await self._hook.ask(
            source, self.session, self._heard.text, self.request, heard, proposed
        )

    async def _follow(self, answer: Answer) -> bool:
        """False: the hook leaves it to us."""
        session, state = self.session, answer.sessionState
        self._take(answer)
        action = state.dialogAction.type
        if action == "Delegate":
            return False
        said = answer.messages or []
        if action == "ElicitSlot":
            slot = state.dialogAction.slotToElicit or ""
            self._slot(slot)
            if said:
                session.ask("ElicitSlot", slot)
            else:
                self._elicit(slot)
        elif action == "ConfirmIntent":
            session.confirmation = "None"
            session.ask("ConfirmIntent")
            self.say(None if said else self._confirmation_prompt())
        elif action == "ElicitIntent":
            session.ask("ElicitIntent")
        else:
            self._follow_close(said, session.state)
        self.said += said
        return True

    def _follow_close(self, said: list[Json], state: str) -> None:
        state = "Fulfilled" if state in ("InProgress", "ReadyForFulfillment") else state
        if not said:
            intent = self._intent()
            hook = part(intent, "fulfillmentCodeHook")
            after = part(hook, "postFulfillmentStatusSpecification")
            name = "failureResponse" if state == "Failed" else "successResponse"
            self.say(after.get(name))
            if state == "Fulfilled":
                self.say(part(intent, "intentClosingSetting").get("closingResponse"))
        self._close(state)

    def _take(self, answer: Answer) -> None:
        """The state that a hook gives back."""
        session, state = self.session, answer.sessionState
        if state.sessionAttributes is not None:
            session.attributes = state.sessionAttributes
        if state.activeContexts is not None:
            session.contexts = [timed(context) for context in state.activeContexts]
        if state.runtimeHints is not None:
            session.hints = state.runtimeHints
        if answer.requestAttributes is not None:
            self.request = answer.requestAttributes
        if state.intent is None:
            return
        if state.intent.name not in self._built.intents:
            raise bad_answer(f"there is no intent {state.intent.name}")
        intent = self._built.intents[state.intent.name]
        names = [each["slotName"] for each in intent["slots"]]
        if state.intent.name != session.intent:
            session.begin(state.intent.name, dict.fromkeys(names), self._origin)
        slots = slots_of(answer)
        if slots is not None:
            wrong = [name for name in slots if name not in names]
            if wrong:
                raise bad_answer(f"the intent {state.intent.name} has no slot {wrong[0]}")
            session.slots = {name: slots.get(name) for name in names}
        session.state = state.intent.state or session.state
        session.confirmation = state.intent.confirmationState or session.confirmation

    # Small things.

    def _intent(self) -> Json:
        return self._built.intents[self.session.intent]

    def _slot(self, name: str) -> Json:
        for slot in self._intent()["slots"]:
            if slot["slotName"] == name:
                return slot
        raise bad_answer(f"the intent {self.session.intent} has no slot {name!r}")

    def _retries(self, name: str) -> int:
        setting = part(self._slot(name), "valueElicitationSetting")
        return part(setting, "promptSpecification").get("maxRetries", 0)

    def _takes_anything(self, name: str) -> bool:
        return not self._slot(name)["slotTypeId"].startswith(
            ("AMAZON.Number", "AMAZON.Date", "AMAZON.Time", "AMAZON.Dur", "AMAZON.Free")
        )

    def _fill(self, values: Mapping[str, Sequence[Value]], *, empty: bool = False) -> None:
        """`empty`: only slots that hold nothing yet."""
        many = {slot["slotName"] for slot in self._intent()["slots"] if takes_many(slot)}
        for name, found in values.items():
            if name in self.session.slots and found and not (empty and self.session.slots[name]):
                self.session.slots[name] = slot_value(found, name in many)

    def _fill_defaults(self, intent: Json) -> None:
        for slot in intent["slots"]:
            if not self.session.slots[slot["slotName"]]:
                self.session.slots[slot["slotName"]] = default(slot, self.session)

    def say(self, specification: Json | None) -> None:
        """A prompt or a response, with what stands for its places."""
        session = self.session
        fillings = words.Fillings(session.slots, session.attributes, self.request)
        self.said += words.messages(specification, fillings, session.tries)

    def _close(self, state: str) -> None:
        session = self.session
        session.state = state
        session.ask("Close")
        if state in ("Fulfilled", "ReadyForFulfillment"):
            session.activate(output_contexts(self._intent(), session))

    def interpretations(self) -> list[Json]:
        """The intent that was taken, then others that may have been meant."""
        return interpretations(self._built, self.session, self._heard)
