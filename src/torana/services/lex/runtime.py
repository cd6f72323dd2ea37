"""Lex V2's runtime operations: what clients say to a bot, and the sessions they have with it.

Source: Lex V2 API Reference, the operations of "Amazon Lex Runtime V2".
"""

from datetime import datetime
from pathlib import Path
from time import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct

from torana.message import Headers, Reply
from torana.model.bot import Understood, Utterance
from torana.services.background import Background
from torana.services.engine_calls import EngineCalls
from torana.services.lex.book import (
    ALIAS,
    BOT,
    BUILT,
    VERSION,
    Json,
    key,
)
from torana.services.lex.builds import Built
from torana.services.lex.dialogue import Turn
from torana.services.lex.hooks import Hook
from torana.services.lex.readings import Heard
from torana.services.lex.sessions import Session, Sessions, timed
from torana.services.members import part
from torana.services.ports import Call, Functions
from torana.state.store import Store
from torana.wire.faults import ServiceError

_ZONE = "x-amz-lex:time-zone"
_FEELINGS = ("positive", "negative", "neutral", "mixed")
_LONGEST_IDLE = 86400
_SWEEP = 3600.0
"""Seconds between looks for sessions that are over."""


class Bot(Struct, frozen=True):
    """A bot as a client reaches it."""

    built: Built
    hook: str
    """The function's ARN; empty: none."""
    idle: int
    """Seconds after which a session is over."""
    names: Json
    sentiment: bool


class Spoken(Struct, frozen=True):
    """An answer, before it is put in the form that was asked for."""

    session_id: str
    session: Session
    messages: list[Json]
    request: dict[str, str]
    interpretations: list[Json]


class Text(Struct, frozen=True):
    """What the sentiment engine takes."""

    text: str
    language: str


class Talk:
    """Takes turns: what every way to speak to a bot has in common."""

    def __init__(
        self,
        store: Store,
        engines: EngineCalls,
        functions: Functions,
        background: Background,
        folder: Path,
    ) -> None:
        self._store, self._engines, self._functions = store, engines, functions
        self._background, self._folder = background, folder
        self.sessions = Sessions(store)
        self._built: dict[str, tuple[int, Built]] = {}
        self._swept = time()

    async def bot(self, params: Json) -> Bot:
        """The one that a request's path names. Raises `ServiceError`."""
        id, alias_id, locale = params["botId"], params["botAliasId"], params["localeId"]
        bot, alias = await self.read(BOT, id), await self.read(ALIAS, f"{id}/{alias_id}")
        version = alias.get("botVersion")
        if version is None:
            raise _absent(f"The alias {alias_id} points to no version")
        if version != "DRAFT":
            bot = await self.read(VERSION, f"{id}/{version}")
        settings = part(part(alias, "botAliasLocaleSettings"), locale)
        if not settings.get("enabled", True):
            raise _absent(f"The locale {locale} is not enabled in the alias {alias_id}")
        hook = part(part(settings, "codeHookSpecification"), "lambdaCodeHook")
        names = {
            "id": id,
            "name": bot["botName"],
            "version": version,
            "localeId": locale,
            "aliasId": alias_id,
            "aliasName": alias["botAliasName"],
        }
        return Bot(
            await self.load(f"{id}/{version}/{locale}"),
            hook.get("lambdaARN", ""),
            bot["idleSessionTTLInSeconds"],
            names,
            bool(part(alias, "sentimentAnalysisSettings").get("detectSentiment")),
        )

    async def read(self, kind: str, id: str) -> Json:
        """A document. Raises `ServiceError`."""
        found = await self._store.get(kind, id)
        if found is None:
            raise _absent(f"Failed to retrieve resource since it does not exist: {id}")
        return msgspec.json.decode(found.body)

    async def load(self, id: str) -> Built:
        """What was built under an id. Raises `ServiceError`."""
        found = await self._store.get(BUILT, id)
        if found is None:
            raise ServiceError("ValidationException", f"The bot locale {id} has not been built yet")
        known = self._built.get(id)
        if known is None or known[0] != found.version:
            known = found.version, msgspec.json.decode(found.body, type=Built)
            self._built[id] = known
        return known[1]

    async def open(self, bot: Bot, params: Json) -> Session:
        """The session, a new one if there is none."""
        return await self.sessions.get(session_key(params), bot.idle) or Session()

    def turn(
        self, call: Call, bot: Bot, session: Session, params: Json, mode: str, content_type: str
    ) -> Turn:
        """A turn that begins."""
        hook = None
        if bot.hook:
            functions, id = self._functions, params["sessionId"]
            hook = Hook(functions, bot.hook, bot.names, id, mode, content_type)
        request = part(params, "requestAttributes")
        return Turn(bot.built, session, hook, request, call.request_id)

    async def say(
        self, call: Call, params: Json, text: str, mode: str, content_type: str
    ) -> Spoken:
        """One turn. Raises `ServiceError`."""
        bot = await self.bot(params)
        session = await self.open(bot, params)
        session.age()
        override(bot, session, params.get("sessionState") or {}, call.request_id)
        turn = self.turn(call, bot, session, params, mode, content_type)
        heard = await self.hear(call, bot, turn, text)
        await turn.hear(heard)
        return await self.end(params, turn)

    async def end(self, params: Json, turn: Turn) -> Spoken:
        """Remember the turn."""
        session = turn.session
        session.messages, session.interpretations = turn.said, turn.interpretations()
        await self.remember(session_key(params), session)
        found = session.interpretations
        return Spoken(params["sessionId"], session, turn.said, turn.request, found)

    async def remember(self, key: str, session: Session) -> None:
        """Until it has been idle too long."""
        await self.sessions.put(key, session)
        if time() - self._swept > _SWEEP:
            self._swept = time()
            work = self.sessions.sweep(time() - _LONGEST_IDLE)
            self._background.start(work, "sweeping of Lex sessions")

    async def hear(self, call: Call, bot: Bot, turn: Turn, text: str) -> Heard:
        """What was said, understood as far as the turn may. Raises `ServiceError`."""
        session, understood = turn.session, Understood()
        if bot.built.model:
            said = Utterance(
                str(self._folder / bot.built.model),
                text,
                turn.eligible(),
                session.intent if session.action in ("ElicitSlot", "ConfirmIntent") else "",
                session.slot if session.action == "ElicitSlot" else "",
                _now(turn.request.get(_ZONE, "")),
            )
            (understood,) = await self._engines.run(call, "intent_recognition", [said])
        sentiment = await self._sentiment(call, bot, text) if bot.sentiment else None
        return Heard(text, understood, sentiment)

    async def _sentiment(self, call: Call, bot: Bot, text: str) -> Json:
        (found,) = await self._engines.run(call, "sentiment", [Text(text, bot.built.language)])
        scores = {
            name: getattr(found, name) for name in ("positive", "negative", "neutral", "mixed")
        }
        return {
            "sentiment": max(scores, key=lambda name: scores[name]).upper(),
            "sentimentScore": scores,
        }


def override(bot: Bot, session: Session, state: Json, origin: str) -> None:
    """A session state that the client gives replaces that of the session.

    Raises `ServiceError`.
    """
    if "sessionAttributes" in state:
        session.attributes = state["sessionAttributes"]
    if "activeContexts" in state:
        session.contexts = [timed(each) for each in state["activeContexts"]]
    if "runtimeHints" in state:
        session.hints = state["runtimeHints"]
    intent = part(state, "intent")
    if intent:
        _override_intent(bot, session, intent, origin)
    action = part(state, "dialogAction")
    if action:
        slot = action.get("slotToElicit", "")
        if action["type"] == "ElicitSlot" and slot not in session.slots:
            raise _invalid(f"The intent has no slot {slot!r} to elicit")
        if action["type"] in ("ElicitSlot", "ConfirmIntent") and not session.intent:
            raise _invalid(f"dialogAction {action['type']} needs an intent")
        session.ask(action["type"], slot)


def _override_intent(bot: Bot, session: Session, intent: Json, origin: str) -> None:
    known = bot.built.intents.get(intent["name"])
    if known is None:
        raise _invalid(f"There is no intent {intent['name']}")
    names = [each["slotName"] for each in known["slots"]]
    wrong = [name for name in part(intent, "slots") if name not in names]
    if wrong:
        raise _invalid(f"The intent {intent['name']} has no slot {wrong[0]}")
    if intent["name"] != session.intent:
        session.begin(intent["name"], dict.fromkeys(names), origin)
    if "slots" in intent:
        session.slots = {name: _shaped(intent["slots"].get(name)) for name in names}
    session.state = intent.get("state", session.state)
    session.confirmation = intent.get("confirmationState", session.confirmation)


def _shaped(slot: Json | None) -> Json | None:
    return slot and {"shape": "Scalar", **slot}


def session_key(params: Json) -> str:
    """Of its document."""
    return key(params, "botId", "botAliasId", "localeId", "sessionId")


def _now(zone: str) -> str:
    """The time where the client is. Raises `ServiceError`."""
    try:
        return datetime.now(ZoneInfo(zone or "UTC")).replace(tzinfo=None).isoformat()
    except (ZoneInfoNotFoundError, ValueError):
        raise _invalid(f"{zone!r} is no time zone") from None


def _absent(text: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", text)


def _invalid(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)


class TextRuntime:
    """Operations on text and sessions."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    async def RecognizeText(self, call: Call, params: Json) -> Reply:
        """One turn of a conversation."""
        form = "text/plain; charset=utf-8"
        spoken = await self._talk.say(call, params, params["text"], "Text", form)
        return _json(
            call,
            {
                "messages": spoken.messages,
                "sessionState": spoken.session.shown(),
                "interpretations": spoken.interpretations,
                "requestAttributes": spoken.request,
                "sessionId": spoken.session_id,
            },
        )

    async def GetSession(self, call: Call, params: Json) -> Reply:
        bot = await self._talk.bot(params)
        session = await self._talk.sessions.get(session_key(params), bot.idle)
        if session is None:
            raise _absent(f"There is no session {params['sessionId']}")
        return _json(
            call,
            {
                "sessionId": params["sessionId"],
                "messages": session.messages,
                "interpretations": session.interpretations,
                "sessionState": session.shown(),
            },
        )

    async def DeleteSession(self, call: Call, params: Json) -> Json:
        bot = await self._talk.bot(params)
        if await self._talk.sessions.get(session_key(params), bot.idle) is None:
            raise _absent(f"There is no session {params['sessionId']}")
        await self._talk.sessions.delete(session_key(params))
        names = ("botId", "botAliasId", "localeId", "sessionId")
        return {name: params[name] for name in names}


def _json(call: Call, body: Json) -> Reply:
    """Slots that are not filled are null, which the model's own writer leaves out."""
    fields = [("x-amzn-RequestId", call.request_id), ("Content-Type", "application/json")]
    return Reply(200, Headers(fields), msgspec.json.encode(body))
