"""Conversations under way, in the store: any process of the gateway may take the next turn."""

from time import time
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.documents import keep
from torana.services.lex.book import Json
from torana.state.store import Store

_KIND = "lex-session"


class Session(Struct):
    """What is remembered from one turn to the next. Changed while a turn is taken."""

    attributes: dict[str, str] = {}
    contexts: list[Json] = []
    """Active ones, as the service writes them, each with `until` (Unix time) beside."""
    intent: str = ""
    slots: dict[str, Json | None] = {}
    """By name, as the service writes them; None: not filled."""
    state: str = "InProgress"
    confirmation: str = "None"
    action: str = ""
    """Of the last turn: what was asked for. Empty at the start."""
    slot: str = ""
    """The one that was asked for."""
    tries: int = 0
    """Answers to it that were of no use."""
    hints: Json | None = None
    origin: str = ""
    """The request that began the intent."""
    messages: list[Json] = []
    interpretations: list[Json] = []
    id: str = ""
    """Of the session, where clients do not choose it."""
    recent: list[Json] = []
    """Summaries of the intents before, the newest first (Lex V1)."""
    touched: float = 0.0
    """Unix time."""

    def begin(self, intent: str, slots: dict[str, Json | None], origin: str) -> None:
        """From now on the talk is about `intent`."""
        self.intent, self.slots, self.origin = intent, slots, origin
        self.state, self.confirmation = "InProgress", "None"
        self.slot, self.tries = "", 0

    def ask(self, action: str, slot: str = "") -> None:
        """What the next turn is an answer to."""
        if (action, slot) != (self.action, self.slot):
            self.tries = 0
        self.action, self.slot = action, slot

    def age(self) -> None:
        """A turn begins: contexts whose time or turns are over end."""
        now, left = time(), list[Json]()
        for context in self.contexts:
            life: Json = context["timeToLive"]
            turns, seconds = life["turnsToLive"] - 1, round(context["until"] - now)
            if turns >= 0 and seconds > 0:
                life = {"timeToLiveInSeconds": seconds, "turnsToLive": turns}
                left.append({**context, "timeToLive": life})
        self.contexts = left

    def active(self) -> set[str]:
        """Names of the contexts."""
        return {context["name"] for context in self.contexts}

    def activate(self, contexts: list[Json]) -> None:
        """Contexts begin, or begin anew."""
        names = {context["name"] for context in contexts}
        kept = [context for context in self.contexts if context["name"] not in names]
        self.contexts = kept + [timed(context) for context in contexts]

    def shown_intent(self) -> Json:
        """As the service writes it."""
        return {
            "name": self.intent,
            "slots": self.slots,
            "state": self.state,
            "confirmationState": self.confirmation,
        }

    def shown_action(self) -> Json:
        """What the client is to do next."""
        found: Json = {"type": self.action or "None"}
        if self.action == "ElicitSlot":
            found["slotToElicit"] = self.slot
        return found

    def shown(self) -> Json:
        """The session state, as the service writes it."""
        found: Json = {
            "dialogAction": self.shown_action(),
            "sessionAttributes": self.attributes,
            "activeContexts": [
                {name: value for name, value in context.items() if name != "until"}
                for context in self.contexts
            ],
        }
        if self.intent:
            found["intent"] = self.shown_intent()
        if self.origin:
            found["originatingRequestId"] = self.origin
        if self.hints:
            found["runtimeHints"] = self.hints
        return found


def timed(context: Json) -> Json:
    """An active context with the time it ends at."""
    seconds = context["timeToLive"]["timeToLiveInSeconds"]
    attributes: Any = context.get("contextAttributes") or {}
    return {**context, "contextAttributes": attributes, "until": time() + seconds}


class Sessions:
    """Reads and writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, id: str, seconds: int) -> Session | None:
        """One that was touched within so many seconds."""
        found = await self._store.get(_KIND, id)
        if found is None:
            return None
        session = msgspec.json.decode(found.body, type=Session)
        return session if session.touched + seconds > time() else None

    async def put(self, id: str, session: Session) -> None:
        """Write it down."""
        session.touched = time()
        await keep(self._store, _KIND, id, msgspec.json.encode(session))

    async def delete(self, id: str) -> None:
        """Forget it."""
        await keep(self._store, _KIND, id, None)

    async def sweep(self, before: float) -> None:
        """Forget those that nobody touched since a time."""
        gone = [
            document.id
            async for document in self._store.scan(_KIND)
            if msgspec.json.decode(document.body, type=Session).touched < before
        ]
        for id in gone:
            await self.delete(id)
