"""Lex V1's runtime operations, over the dialogue that V2 has too.

Source: Lex V1 API Reference, the operations of "Amazon Lex Runtime Service".
"""

import base64
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.message import Headers, Reply
from torana.services.lex.dialogue import Turn
from torana.services.lex.readings import Heard
from torana.services.lex.runtime import Bot, Talk
from torana.services.lex.sessions import Session, timed
from torana.services.lex.utterances import Utterances
from torana.services.lex_v1.builds import built_id, statement
from torana.services.lex_v1.hooks import Hook, contexts_given, contexts_shown, filled, flat
from torana.services.lex_v1.shelf import ALIAS, BOT, LATEST, Json, missing
from torana.services.members import part
from torana.services.ports import Call, Functions
from torana.wire.faults import ServiceError

_RECENT = 3
_CODES = {
    "ValidationException": "BadRequestException",
    "ResourceNotFoundException": "NotFoundException",
}
"""Of V2, which does the work, as V1 calls them."""
_TEXT = "text/plain; charset=utf-8"
_HEADERS = {
    "intentName": "intent-name",
    "messageFormat": "message-format",
    "dialogState": "dialog-state",
    "slotToElicit": "slot-to-elicit",
    "sessionId": "session-id",
    "botVersion": "bot-version",
}
_PACKED = {
    "nluIntentConfidence": "nlu-intent-confidence",
    "alternativeIntents": "alternative-intents",
    "slots": "slots",
    "sessionAttributes": "session-attributes",
    "activeContexts": "active-contexts",
}
"""Headers that carry JSON, in Base64."""


class Client(Struct, frozen=True):
    """Who talks to which bot."""

    bot: Bot
    document: Json
    """The bot's, as V1 keeps it."""
    key: str
    """Of the session."""
    user: str


@contextmanager
def _as_v1() -> Generator[None]:
    """Errors of the dialogue by V1's codes."""
    try:
        yield
    except ServiceError as error:
        if error.code not in _CODES:
            raise
        raise ServiceError(_CODES[error.code], error.message) from None


class Runtime:
    """The operations."""

    def __init__(self, talk: Talk, utterances: Utterances, functions: Functions) -> None:
        self._talk, self._utterances, self._functions = talk, utterances, functions

    async def PostText(self, call: Call, params: Json) -> Reply:
        """One turn, in writing."""
        with _as_v1():
            client = await self._client(params)
            answer = await self._say(call, client, params, params["inputText"], "Text")
        return _json(call, answer)

    async def PostContent(self, call: Call, params: Json) -> Reply:
        """One turn, heard or read."""
        kind: str = params["contentType"]
        if not kind.lower().startswith(("text/plain", "audio/l16", "audio/x-l16", "audio/lpcm")):
            raise ServiceError("UnsupportedMediaTypeException", f"contentType {kind}", status=415)
        with _as_v1():
            client = await self._client(params)
            mode, text = await self._utterances.heard(call, kind, params["inputStream"])
            if not text:
                raise ServiceError("BadRequestException", "Nothing was said")
            wanted = self._form(params)
            mode = "Voice" if wanted.startswith("audio/") else "Text"
            answer = await self._say(call, client, params, text, mode)
            answer |= {"inputTranscript": text}
            return await self._content(call, client, answer, wanted)

    async def PutSession(self, call: Call, params: Json) -> Reply:
        """Sets where a conversation stands, and says what belongs there."""
        action = part(params, "dialogAction")
        with _as_v1():
            client = await self._client(params)
            session = await self._session(client)
            _override(session, params)
            turn, hook = self._turn(call, client, session, params, "Text")
            name = action.get("intentName", "")
            if name:
                _set_intent(client.bot, session, action, call.request_id)
            await _act(turn, action)
            answer = await self._end(client, turn, hook)
            return await self._content(call, client, answer, self._form(params))

    async def GetSession(self, call: Call, params: Json) -> Reply:
        """Where a conversation stands."""
        with _as_v1():
            client = await self._client(params)
        session = await self._known(client)
        recent = [_summary(session), *session.recent] if session.intent else session.recent
        label = params.get("checkpointLabelFilter")
        if label:
            recent = [each for each in recent if each.get("checkpointLabel") == label]
        action: Json = {"type": session.action or "Delegate"}
        if session.intent:
            action |= {"intentName": session.intent, "slots": flat(session.slots)}
        if session.action == "ElicitSlot":
            action["slotToElicit"] = session.slot
        if session.action == "Close":
            action["fulfillmentState"] = session.state
        answer = {
            "recentIntentSummaryView": recent[:_RECENT],
            "sessionAttributes": session.attributes,
            "sessionId": session.id,
            "dialogAction": action | _message(session.messages),
            "activeContexts": contexts_shown(session.contexts),
        }
        return _json(call, answer)

    async def DeleteSession(self, call: Call, params: Json) -> Json:
        with _as_v1():
            client = await self._client(params)
        session = await self._known(client)
        await self._talk.sessions.delete(client.key)
        names = ("botName", "botAlias", "userId")
        return {**{name: params[name] for name in names}, "sessionId": session.id}

    async def _known(self, client: Client) -> Session:
        found = await self._talk.sessions.get(client.key, client.bot.idle)
        if found is None:
            raise missing(f"a session of {client.user}")
        return found

    async def _client(self, params: Json) -> Client:
        """Raises `ServiceError`."""
        name, alias, user = params["botName"], params["botAlias"], params["userId"]
        version = LATEST
        if alias != LATEST:
            version = (await self._talk.read(ALIAS, f"{name}/{alias}"))["botVersion"]
        document = await self._talk.read(BOT, f"{name}/{version}")
        bot = Bot(
            await self._talk.load(built_id(name, version)),
            "",
            document["idleSessionTTLInSeconds"],
            {"name": name, "alias": alias, "version": version, "localeId": document["locale"]},
            document["detectSentiment"],
        )
        return Client(bot, document, f"v1/{name}/{alias}/{user}", user)

    async def _session(self, client: Client) -> Session:
        found = await self._talk.sessions.get(client.key, client.bot.idle)
        return found or Session(id=str(uuid4()))

    def _turn(
        self, call: Call, client: Client, session: Session, params: Json, mode: str
    ) -> tuple[Turn, Hook]:
        names = {name: client.bot.names[name] for name in ("name", "alias", "version")}
        hook = Hook(self._functions, client.bot.built.intents, names, client.user, mode)
        request = part(params, "requestAttributes")
        return Turn(client.bot.built, session, hook, request, call.request_id), hook

    async def _say(self, call: Call, client: Client, params: Json, text: str, mode: str) -> Json:
        session = await self._session(client)
        session.age()
        _override(session, params)
        before, shown = session.origin, _summary(session) if session.intent else None
        turn, hook = self._turn(call, client, session, params, mode)
        heard = await self._talk.hear(call, client.bot, turn, text)
        await turn.hear(heard)
        if shown and session.origin != before:
            session.recent = [shown, *session.recent][: _RECENT - 1]
        _clarify(turn, client.document, heard)
        answer = await self._end(client, turn, hook)
        return answer | _scores(turn, heard)

    async def _end(self, client: Client, turn: Turn, hook: Hook) -> Json:
        """Remember the turn; the answer."""
        session = turn.session
        session.messages, session.interpretations = turn.said, turn.interpretations()
        await self._talk.remember(client.key, session)
        answer: Json = {
            "sessionAttributes": session.attributes,
            "sessionId": session.id,
            "dialogState": session.state if session.action == "Close" else session.action,
            "botVersion": client.bot.names["version"],
            "activeContexts": contexts_shown(session.contexts),
            **_message(turn.said),
        }
        if session.intent and session.action != "ElicitIntent":
            answer |= {"intentName": session.intent, "slots": flat(session.slots)}
        if session.action == "ElicitSlot":
            answer["slotToElicit"] = session.slot
        card = hook.card or _card(client.bot, session)
        if card:
            answer["responseCard"] = {**card, "version": str(card.get("version", "1"))}
        return answer

    def _form(self, params: Json) -> str:
        """The content type of the answer. Raises `ServiceError`."""
        try:
            return self._utterances.form(params.get("accept"))
        except ServiceError as error:
            raise ServiceError("NotAcceptableException", error.message, status=406) from None

    async def _content(self, call: Call, client: Client, answer: Json, wanted: str) -> Reply:
        """The answer in headers; the message as the body, as it is to be heard."""
        body, text = b"", answer.get("message", "")
        fields = [
            ("x-amzn-RequestId", call.request_id),
            ("Content-Type", "audio/mpeg" if wanted == "audio/*" else wanted),
        ]
        if wanted.startswith("audio/") and text:
            messages = await self._messages(client)
            body = await self._utterances.spoken(call, client.bot, messages, wanted)
        for texts, plain, packed in (
            (text, "message", "encoded-message"),
            (answer.get("inputTranscript", ""), "input-transcript", "encoded-input-transcript"),
        ):
            if texts:
                fields.append((f"x-amz-lex-{packed}", base64.b64encode(texts.encode()).decode()))
            if texts and texts.isascii() and texts.isprintable():
                fields.append((f"x-amz-lex-{plain}", texts))
        if "sentimentResponse" in answer:
            fields.append(("x-amz-lex-sentiment", _said_json(answer["sentimentResponse"])))
        for member, name in _HEADERS.items():
            if answer.get(member):
                fields.append((f"x-amz-lex-{name}", str(answer[member])))
        for member, name in _PACKED.items():
            if member in answer:
                packed = base64.b64encode(msgspec.json.encode(answer[member])).decode()
                fields.append((f"x-amz-lex-{name}", packed))
        return Reply(200, Headers(fields), body)

    async def _messages(self, client: Client) -> list[Json]:
        session = await self._session(client)
        return session.messages


def _override(session: Session, params: Json) -> None:
    """What a client sets replaces what the session has."""
    if params.get("sessionAttributes") is not None:
        session.attributes = _strings(params["sessionAttributes"])
    if params.get("activeContexts") is not None:
        contexts = cast(list[Json], params["activeContexts"])
        session.contexts = [timed(each) for each in contexts_given(contexts)]
    if params.get("recentIntentSummaryView") is not None:
        session.recent = params["recentIntentSummaryView"]
    if params.get("requestAttributes") is not None:
        _strings(params["requestAttributes"])


def _strings(given: Any) -> dict[str, str]:
    """Raises `ServiceError`."""
    try:
        return msgspec.convert(given, dict[str, str])
    except msgspec.ValidationError as error:
        raise ServiceError("BadRequestException", f"Attributes must be strings: {error}") from None


def _set_intent(bot: Bot, session: Session, action: Json, origin: str) -> None:
    """Raises `ServiceError`."""
    name, slots = action["intentName"], filled(part(action, "slots"))
    known = bot.built.intents.get(name)
    if known is None:
        raise ServiceError("BadRequestException", f"There is no intent {name}")
    names = [each["slotName"] for each in known["slots"]]
    wrong = [each for each in (*slots, action.get("slotToElicit")) if each and each not in names]
    if wrong:
        raise ServiceError("BadRequestException", f"The intent {name} has no slot {wrong[0]}")
    if name != session.intent:
        session.begin(name, dict.fromkeys(names), origin)
    session.slots = {**session.slots, **slots}


async def _act(turn: Turn, action: Json) -> None:
    """What a client wants to be next. Raises `ServiceError`."""
    session, kind = turn.session, action.get("type", "")
    if not kind:
        return
    if kind in ("ElicitSlot", "ConfirmIntent", "Delegate") and not session.intent:
        raise ServiceError("BadRequestException", f"dialogAction {kind} needs an intentName")
    if kind == "ElicitSlot" and not action.get("slotToElicit"):
        raise ServiceError("BadRequestException", "dialogAction ElicitSlot needs a slotToElicit")
    if kind == "Delegate":
        await turn.proceed()
        return
    session.ask(kind, action.get("slotToElicit") or "")
    if kind == "Close":
        session.state = action.get("fulfillmentState") or "Fulfilled"
    if action.get("message"):
        form = action.get("messageFormat") or "PlainText"
        turn.said.append({"contentType": form, "content": action["message"]})
    elif kind in ("ElicitSlot", "ConfirmIntent"):
        turn.prompt()


def _clarify(turn: Turn, document: Json, heard: Heard) -> None:
    """Nothing was understood: ask what is meant, so often; then give up."""
    session = turn.session
    if session.action != "ElicitIntent" or turn.said:
        return
    prompt = part(document, "clarificationPrompt")
    session.tries += 1
    if session.tries <= prompt.get("maxAttempts", 0):
        turn.say(statement(document, "clarificationPrompt"))
        return
    turn.say(statement(document, "abortStatement"))
    session.state, session.intent, session.slots = "Failed", "", {}
    session.ask("Close")


def _scores(turn: Turn, heard: Heard) -> Json:
    """How sure it is of the intent, and which others may have been meant."""
    session, understood = turn.session, heard.understood
    found: Json = {}
    others: list[Json] = []
    for guess in understood.guesses:
        score = {"score": round(guess.score, 2)}
        if guess.intent == session.intent:
            found["nluIntentConfidence"] = score
        else:
            others.append({"intentName": guess.intent, "nluIntentConfidence": score, "slots": {}})
    found["alternativeIntents"] = others[:4]
    if heard.sentiment:
        scores = {name.capitalize(): n for name, n in heard.sentiment["sentimentScore"].items()}
        found["sentimentResponse"] = {
            "sentimentLabel": heard.sentiment["sentiment"],
            "sentimentScore": _said_json(scores),
        }
    return found


def _summary(session: Session) -> Json:
    """An intent as it stands, for the view of recent ones."""
    found: Json = {
        "intentName": session.intent,
        "slots": flat(session.slots),
        "confirmationStatus": session.confirmation,
        "dialogActionType": session.action or "Delegate",
    }
    if session.action == "Close":
        found["fulfillmentState"] = session.state
    if session.action == "ElicitSlot":
        found["slotToElicit"] = session.slot
    return found


def _message(messages: list[Json]) -> Json:
    """One message as it is; several as V1's composite."""
    if not messages:
        return {}
    if len(messages) == 1:
        (one,) = messages
        return {"message": one["content"], "messageFormat": one["contentType"]}
    composed = [
        {"type": each["contentType"], "group": group, "value": each["content"]}
        for group, each in enumerate(messages)
    ]
    return {"message": _said_json({"messages": composed}), "messageFormat": "Composite"}


def _card(bot: Bot, session: Session) -> Json | None:
    """Of the prompt that was said."""
    if session.action not in ("ElicitSlot", "ConfirmIntent") or not session.intent:
        return None
    cards = part(bot.built.intents[session.intent], "cards")
    return cards.get(session.slot if session.action == "ElicitSlot" else "")


def _said_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _json(call: Call, body: Json) -> Reply:
    """Slots that are not filled are null, which the model's own writer leaves out."""
    fields = [("x-amzn-RequestId", call.request_id), ("Content-Type", "application/json")]
    return Reply(200, Headers(fields), msgspec.json.encode(body))
