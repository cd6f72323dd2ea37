"""Conversations with a bot that was built here, through boto3."""

import base64
import gzip
import json
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.lex.bots import Builder, function, hotel, new_bot, prompt, text
from tests.services.running import Clients, services

# The engines load models: on a machine that is busy with other things that takes its time.
pytestmark = pytest.mark.timeout(180)

HOOK = """
def handler(event, context):
    print(event)
    state, intent = event["sessionState"], event["sessionState"]["intent"]
    seats = intent["slots"]["Seats"]
    if event["invocationSource"] == "FulfillmentCodeHook":
        state["dialogAction"] = {"type": "Close"}
        intent["state"] = "Fulfilled"
        state["sessionAttributes"] = {"price": "12"}
        said = f"{seats['value']['interpretedValue']} seats"
        return {"sessionState": state, "messages": [{"contentType": "PlainText", "content": said}]}
    if seats and int(seats["value"]["interpretedValue"]) > 8:
        intent["slots"]["Seats"] = None
        state["dialogAction"] = {"type": "ElicitSlot", "slotToElicit": "Seats"}
        said = [{"contentType": "PlainText", "content": "At most 8. How many?"}]
        return {"sessionState": state, "messages": said}
    assert event["proposedNextState"]["intent"]["name"] == "BookTable"
    assert event["bot"]["localeId"] == "en_US" and event["inputMode"] == "Text"
    state["dialogAction"] = {"type": "Delegate"}
    return {"sessionState": state}
"""


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("lex")) as found:
        yield found


@pytest.fixture(scope="module")
def bot(clients: Clients) -> Builder:
    return hotel(clients("lexv2-models"))


class Talk:
    """A session with a bot."""

    def __init__(self, clients: Clients, bot: Builder, session: str, alias: str = "TSTALIASID"):
        self.runtime = clients("lexv2-runtime")
        self.where = {
            "botId": bot.bot,
            "botAliasId": alias,
            "localeId": bot.locale,
            "sessionId": session,
        }

    def __call__(self, said: str, **more: Any) -> dict[str, Any]:
        return self.runtime.recognize_text(text=said, **self.where, **more)


def words(answer: dict[str, Any]) -> list[str]:
    return [each["content"] for each in answer["messages"]]


def value(answer: dict[str, Any], slot: str) -> Any:
    found = answer["sessionState"]["intent"]["slots"][slot]
    return found and found["value"]["interpretedValue"]


def test_slots_are_asked_for_by_priority_then_confirmed_and_the_intent_is_ready(
    clients: Clients, bot: Builder
) -> None:
    talk = Talk(clients, bot, "whole-way")
    answer = talk("I'd like to book a hotel", sessionState={"sessionAttributes": {"who": "Ada"}})
    assert words(answer) == ["Let us see.", "City?"]
    state = answer["sessionState"]
    assert state["dialogAction"] == {"type": "ElicitSlot", "slotToElicit": "City"}
    assert state["intent"]["name"] == "BookHotel"
    assert state["intent"]["slots"] == {"Nights": None, "City": None, "CheckIn": None, "Room": None}
    answer = talk("in New York please")
    assert (value(answer, "City"), words(answer)) == ("New York", ["CheckIn?"])
    answer = talk("the day after tomorrow")
    ahead = (datetime.now().astimezone() + timedelta(days=2)).date().isoformat()
    assert value(answer, "CheckIn") in (ahead, _utc_ahead())
    assert words(answer) == ["Nights?"]
    answer = talk("three nights")
    assert (value(answer, "Nights"), words(answer)) == ("3", ["Room?"])
    answer = talk("a luxury one")
    assert value(answer, "Room") == "deluxe"
    assert words(answer) == ["3 nights in New York, right?"]
    assert answer["sessionState"]["dialogAction"]["type"] == "ConfirmIntent"
    answer = talk("yes")
    assert words(answer) == ["Booked New York for Ada."]
    intent = answer["sessionState"]["intent"]
    assert (intent["state"], intent["confirmationState"]) == ("ReadyForFulfillment", "Confirmed")
    context = answer["sessionState"]["activeContexts"][0]
    assert (context["name"], context["contextAttributes"]["Nights"]) == ("booked", "3")


def _utc_ahead() -> str:
    from datetime import UTC

    return (datetime.now(UTC) + timedelta(days=2)).date().isoformat()


def test_slots_that_an_utterance_names_are_not_asked_for(clients: Clients, bot: Builder) -> None:
    answer = Talk(clients, bot, "at-once")("Book a two night stay in Seattle")
    assert (value(answer, "Nights"), value(answer, "City")) == ("2", "Seattle")
    assert words(answer) == ["Let us see.", "CheckIn?"]
    first = answer["interpretations"][0]
    assert first["intent"]["name"] == "BookHotel"
    assert first["nluConfidence"]["score"] > 0.5
    assert answer["interpretations"][-1]["intent"]["name"] == "FallbackIntent"


def test_a_refused_confirmation_ends_the_intent(clients: Clients, bot: Builder) -> None:
    talk = Talk(clients, bot, "declined")
    slots = {
        name: {"value": {"interpretedValue": each}}
        for name, each in {"Nights": "2", "City": "Rome", "CheckIn": "2030-01-01"}.items()
    }
    state = {
        "intent": {"name": "BookHotel", "slots": slots},
        "dialogAction": {"type": "ElicitSlot", "slotToElicit": "Room"},
    }
    answer = talk("queen", sessionState=state)
    assert words(answer) == ["2 nights in Rome, right?"]
    answer = talk("no")
    assert words(answer) == ["Then not."]
    intent = answer["sessionState"]["intent"]
    assert (intent["state"], intent["confirmationState"]) == ("Failed", "Denied")


def test_answers_of_no_use_are_asked_again_and_then_fall_back(
    clients: Clients, bot: Builder
) -> None:
    talk = Talk(clients, bot, "retries")
    state = {
        "intent": {"name": "BookHotel"},
        "dialogAction": {"type": "ElicitSlot", "slotToElicit": "Nights"},
    }
    answer = talk("purple", sessionState=state)
    assert answer["sessionState"]["dialogAction"]["slotToElicit"] == "City"
    slots = {"City": _slot("Rome"), "CheckIn": _slot("2030-01-01")}
    put = {**state, "intent": {"name": "BookHotel", "slots": slots}}
    answer = talk("purple", sessionState=put)
    assert words(answer) == ["Nights?"]
    answer = talk("purple")
    assert answer["sessionState"]["intent"]["name"] == "FallbackIntent"
    assert answer["sessionState"]["dialogAction"] == {"type": "Close"}


def _slot(value: str) -> dict[str, Any]:
    return {"value": {"interpretedValue": value}}


def test_what_no_intent_means_falls_back(clients: Clients, bot: Builder) -> None:
    answer = Talk(clients, bot, "off-topic")("the moon is made of green cheese")
    assert answer["sessionState"]["intent"]["name"] == "FallbackIntent"
    assert all(
        each["nluConfidence"]["score"] < 0.4
        for each in answer["interpretations"]
        if "nluConfidence" in each
    )


def test_another_intent_may_be_named_in_the_middle(clients: Clients, bot: Builder) -> None:
    talk = Talk(clients, bot, "switch")
    talk("book a hotel")
    answer = talk("I would like to order some flowers")
    assert answer["sessionState"]["intent"]["name"] == "OrderFlowers"
    answer = talk("roses and a tulip")
    kinds = answer["sessionState"]["intent"]["slots"]["Kinds"]
    assert kinds["shape"] == "List"
    assert [each["value"]["interpretedValue"] for each in kinds["values"]] == ["roses", "tulip"]
    assert [each["value"]["resolvedValues"] for each in kinds["values"]] == [["roses"], ["tulips"]]
    assert words(answer) == ["Sent."]


def test_an_intent_with_an_input_context_is_heard_only_while_that_is_active(
    clients: Clients, bot: Builder
) -> None:
    talk = Talk(clients, bot, "contexts")
    assert talk("thank you")["sessionState"]["intent"]["name"] == "FallbackIntent"
    context = {
        "name": "booked",
        "timeToLive": {"timeToLiveInSeconds": 60, "turnsToLive": 1},
        "contextAttributes": {},
    }
    answer = talk("thank you", sessionState={"activeContexts": [context]})
    assert answer["sessionState"]["intent"]["name"] == "Thanks"
    talk("help")
    assert talk("thank you")["sessionState"]["intent"]["name"] == "FallbackIntent"


def test_sessions_are_read_set_and_forgotten(clients: Clients, bot: Builder) -> None:
    talk = Talk(clients, bot, "sessions")
    runtime = talk.runtime
    state = {
        "intent": {"name": "BookHotel"},
        "sessionAttributes": {"who": "Bob"},
        "dialogAction": {"type": "Delegate"},
    }
    put = runtime.put_session(sessionState=state, **talk.where)
    assert _unpacked(put["messages"])[0]["content"] == "City?"
    found = runtime.get_session(**talk.where)
    assert found["sessionState"]["dialogAction"]["slotToElicit"] == "City"
    assert found["sessionState"]["sessionAttributes"] == {"who": "Bob"}
    assert value(talk("Paris"), "City") == "Paris"
    assert runtime.delete_session(**talk.where)["sessionId"] == "sessions"
    with pytest.raises(runtime.exceptions.ResourceNotFoundException):
        runtime.get_session(**talk.where)
    with pytest.raises(ClientError, match="no intent Nothing"):
        runtime.put_session(sessionState={"intent": {"name": "Nothing"}}, **talk.where)


def _unpacked(packed: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_utterances_come_as_text_or_audio_and_are_answered_so(
    clients: Clients, bot: Builder
) -> None:
    talk = Talk(clients, bot, "audio")
    answer = talk.runtime.recognize_utterance(
        requestContentType="text/plain; charset=utf-8",
        responseContentType="audio/mpeg",
        inputStream=b"I want to make hotel reservations",
        **talk.where,
    )
    assert _unpacked(answer["inputTranscript"]) == "I want to make hotel reservations"
    assert _unpacked(answer["sessionState"])["intent"]["name"] == "BookHotel"
    assert answer["audioStream"].read()[:2] in (b"\xff\xfb", b"\xff\xf3", b"ID")
    said = (
        clients("polly")
        .synthesize_speech(
            Text="I would like to order some flowers.",
            VoiceId="Matthew",
            OutputFormat="pcm",
            SampleRate="16000",
        )["AudioStream"]
        .read()
    )
    answer = talk.runtime.recognize_utterance(
        requestContentType="audio/l16; rate=16000; channels=1",
        inputStream=said,
        **talk.where,
    )
    assert answer["inputMode"] == "Speech"
    assert "flowers" in _unpacked(answer["inputTranscript"])
    assert _unpacked(answer["sessionState"])["intent"]["name"] == "OrderFlowers"
    with pytest.raises(ClientError, match="requestContentType"):
        talk.runtime.recognize_utterance(
            requestContentType="audio/x-cbr-opus-with-preamble", inputStream=b"x", **talk.where
        )


def test_code_hooks_validate_slots_and_fulfil_the_intent(clients: Clients) -> None:
    models = clients("lexv2-models")
    made = new_bot(models, "Tables")
    intent = made.intent(
        "BookTable",
        ["book a table", "a table for {Seats}", "reserve a table for {Seats} people"],
        dialogCodeHook={"enabled": True},
        fulfillmentCodeHook={"enabled": True},
    )
    made.slot(intent, "Seats", "AMAZON.Number")
    made.build()
    version = models.create_bot_version(
        botId=made.bot, botVersionLocaleSpecification={"en_US": {"sourceBotVersion": "DRAFT"}}
    )["botVersion"]
    hook = {
        "lambdaCodeHook": {
            "lambdaARN": function(clients, "tables", HOOK),
            "codeHookInterfaceVersion": "1.0",
        }
    }
    alias = models.create_bot_alias(
        botId=made.bot,
        botAliasName="live",
        botVersion=version,
        botAliasLocaleSettings={"en_US": {"enabled": True, "codeHookSpecification": hook}},
        sentimentAnalysisSettings={"detectSentiment": True},
    )["botAliasId"]
    talk = Talk(clients, made, "hooks", alias)
    answer = talk("reserve a table for twelve people")
    assert words(answer) == ["At most 8. How many?"]
    assert answer["sessionState"]["dialogAction"]["slotToElicit"] == "Seats"
    answer = talk("then four")
    assert words(answer) == ["4 seats"]
    assert answer["sessionState"]["intent"]["state"] == "Fulfilled"
    assert answer["sessionState"]["sessionAttributes"] == {"price": "12"}
    sentiment = answer["interpretations"][0]["sentimentResponse"]
    assert sentiment["sentiment"] in ("NEUTRAL", "POSITIVE", "NEGATIVE")
    # A function that breaks is a failed dependency.
    clients("lambda").update_function_code(FunctionName="tables", ZipFile=_broken())
    with pytest.raises(ClientError) as failure:
        talk("book a table")
    assert _code(failure) == "DependencyFailedException"


def _broken() -> bytes:
    from tests.services.lex.bots import zipped

    return zipped("def handler(event, context):\n    raise ValueError('no')\n")


def _code(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


def test_bots_that_are_not_there_or_not_built_are_said_so(clients: Clients, bot: Builder) -> None:
    with pytest.raises(ClientError) as failure:
        Talk(clients, bot, "absent", "AAAAAAAAA1")("hello")
    assert _code(failure) == "ResourceNotFoundException"
    raw = new_bot(clients("lexv2-models"), "Raw")
    with pytest.raises(ClientError, match="not been built") as failure:
        Talk(clients, raw, "unbuilt")("hello")
    assert _code(failure) == "ValidationException"


def test_other_languages_are_understood(clients: Clients) -> None:
    made = new_bot(clients("lexv2-models"), "Citas", "es_ES")
    intent = made.intent(
        "Reservar",
        ["quiero reservar una mesa", "una mesa para {Personas}", "reservar mesa para {Personas}"],
        intentClosingSetting={"closingResponse": text("Hecho: {Personas}.")},
    )
    made.slot(
        intent,
        "Personas",
        "AMAZON.Number",
        promptSpecification=prompt("¿Cuántas personas?"),
    )
    made.build()
    talk = Talk(clients, made, "spanish")
    assert words(talk("me gustaría reservar una mesa")) == ["¿Cuántas personas?"]
    assert words(talk("cinco")) == ["Hecho: 5."]
