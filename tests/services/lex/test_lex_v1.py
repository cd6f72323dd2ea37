"""A bot of Lex V1, made and talked to with boto3."""

import base64
import json
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.lex.bots import function
from tests.services.running import Clients, services

pytestmark = pytest.mark.timeout(180)

HOOK = """
def handler(event, context):
    assert event["messageVersion"] == "1.0" and event["bot"]["alias"] == "live"
    intent = event["currentIntent"]
    attributes = {**(event["sessionAttributes"] or {}), "seen": event["invocationSource"]}
    if event["invocationSource"] == "FulfillmentCodeHook":
        said = f"{intent['slots']['Seats']} seats for {event['userId']}"
        action = {"type": "Close", "fulfillmentState": "Fulfilled",
                  "message": {"contentType": "PlainText", "content": said}}
    elif int(intent["slots"]["Seats"] or 0) > 8:
        card = {"version": 1, "contentType": "application/vnd.amazonaws.card.generic",
                "genericAttachments": [{"title": "Seats"}]}
        action = {"type": "ElicitSlot", "intentName": intent["name"], "slotToElicit": "Seats",
                  "slots": {"Seats": None}, "responseCard": card,
                  "message": {"contentType": "PlainText", "content": "At most 8. How many?"}}
    else:
        action = {"type": "Delegate", "slots": intent["slots"]}
    return {"sessionAttributes": attributes, "dialogAction": action}
"""


def prompt(said: str, attempts: int = 2, **more: Any) -> dict[str, Any]:
    return {**statement(said), "maxAttempts": attempts, **more}


def statement(*said: str) -> dict[str, Any]:
    return {"messages": [{"contentType": "PlainText", "content": each} for each in said]}


def built(models: Any, name: str, version: str = "$LATEST") -> dict[str, Any]:
    for _ in range(400):
        bot = models.get_bot(name=name, versionOrAlias=version)
        if bot["status"] not in ("BUILDING", "NOT_BUILT"):
            return bot
        time.sleep(0.2)
    raise AssertionError("not built in time")


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("lex1")) as found:
        yield found


@pytest.fixture(scope="module")
def models(clients: Clients) -> Any:
    """Of flowers and tables, with an alias `live` of version 1."""
    models = clients("lex-models")
    hook = {"uri": function(clients, "tables", HOOK), "messageVersion": "1.0"}
    values = [{"value": "roses", "synonyms": ["rose"]}, {"value": "tulips"}]
    models.put_slot_type(
        name="Flowers",
        enumerationValues=values,
        valueSelectionStrategy="TOP_RESOLUTION",
        createVersion=True,
    )
    slot = {
        "name": "Kind",
        "slotConstraint": "Required",
        "slotType": "Flowers",
        "slotTypeVersion": "1",
        "valueElicitationPrompt": prompt("Which flowers?", responseCard='{"version": 1}'),
        "priority": 1,
    }
    seats = {**slot, "name": "Seats", "slotType": "AMAZON.NUMBER"}
    seats |= {"valueElicitationPrompt": prompt("For how many?")}
    seats.pop("slotTypeVersion")
    models.put_intent(
        name="OrderFlowers",
        slots=[slot],
        sampleUtterances=["I would like flowers", "order {Kind}", "please send some flowers"],
        confirmationPrompt=prompt("{Kind}, right?"),
        rejectionStatement=statement("Then not."),
        fulfillmentActivity={"type": "ReturnIntent"},
        outputContexts=[{"name": "ordered", "timeToLiveInSeconds": 90, "turnsToLive": 3}],
        createVersion=True,
    )
    models.put_intent(
        name="BookTable",
        slots=[seats],
        sampleUtterances=["book a table", "a table for {Seats} people"],
        dialogCodeHook=hook,
        fulfillmentActivity={"type": "CodeHook", "codeHook": hook},
        createVersion=True,
    )
    models.put_bot(
        name="Shop",
        locale="en-US",
        childDirected=False,
        detectSentiment=False,
        intents=[
            {"intentName": "OrderFlowers", "intentVersion": "1"},
            {"intentName": "BookTable", "intentVersion": "1"},
        ],
        clarificationPrompt=prompt("Sorry, what?", 1),
        abortStatement=statement("Call us."),
        tags=[{"key": "team", "value": "green"}],
    )
    assert built(models, "Shop")["status"] == "READY"
    assert [models.create_bot_version(name="Shop")["version"] for _ in range(2)] == ["1"] * 2
    models.put_bot_alias(botName="Shop", name="live", botVersion="1")
    return models


def code_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


def says(clients: Clients, user: str, alias: str = "live") -> Callable[..., Any]:
    runtime = clients("lex-runtime")

    def say(text: str, **more: Any) -> Any:
        return runtime.post_text(
            botName="Shop", botAlias=alias, userId=user, inputText=text, **more
        )

    return say


def test_a_slot_is_asked_for_confirmed_and_the_intent_is_ready(
    clients: Clients, models: Any
) -> None:
    say = says(clients, "ann", "$LATEST")
    asked = say("I would like flowers", sessionAttributes={"who": "Ann"})
    assert (asked["dialogState"], asked["slotToElicit"]) == ("ElicitSlot", "Kind")
    assert (asked["message"], asked["messageFormat"]) == ("Which flowers?", "PlainText")
    assert (asked["slots"], asked["responseCard"]["version"]) == ({"Kind": None}, "1")
    assert asked["nluIntentConfidence"]["score"] == 1.0
    confirmed = say("a rose")
    assert (confirmed["dialogState"], confirmed["message"]) == ("ConfirmIntent", "roses, right?")
    done = say("yes")
    assert (done["dialogState"], done["slots"]) == ("ReadyForFulfillment", {"Kind": "roses"})
    assert (done["botVersion"], done["sessionAttributes"]) == ("$LATEST", {"who": "Ann"})
    assert done["activeContexts"][0]["parameters"] == {"Kind": "roses"}
    assert done["sessionId"] == asked["sessionId"]


def test_a_denial_ends_in_the_rejection_and_what_is_not_understood_in_the_abortion(
    clients: Clients, models: Any
) -> None:
    say = says(clients, "bea", "$LATEST")
    say("order tulips")
    denied = say("no")
    assert (denied["dialogState"], denied["message"]) == ("Failed", "Then not.")
    answers = [say("the weather on Mars is dusty") for _ in range(2)]
    assert [(each["dialogState"], each["message"]) for each in answers] == [
        ("ElicitIntent", "Sorry, what?"),
        ("Failed", "Call us."),
    ]


def test_functions_get_the_event_of_v1_and_decide_with_its_response(
    clients: Clients, models: Any
) -> None:
    say = says(clients, "carl")
    assert say("book a table")["message"] == "For how many?"
    asked = say("twelve")
    assert (asked["message"], asked["slotToElicit"]) == ("At most 8. How many?", "Seats")
    assert asked["responseCard"]["genericAttachments"] == [{"title": "Seats"}]
    assert asked["sessionAttributes"] == {"seen": "DialogCodeHook"}
    done = say("four")
    assert (done["dialogState"], done["message"]) == ("Fulfilled", "4 seats for carl")
    assert done["sessionAttributes"] == {"seen": "FulfillmentCodeHook"}


def test_content_carries_its_structures_in_headers(clients: Clients, models: Any) -> None:
    runtime = clients("lex-runtime")
    who = {"botName": "Shop", "botAlias": "$LATEST", "userId": "dora"}
    asked = runtime.post_content(
        **who,
        contentType="text/plain; charset=utf-8",
        accept="text/plain; charset=utf-8",
        sessionAttributes={"lang": "en"},
        inputStream=b"I would like flowers",
    )
    assert (asked["intentName"], asked["message"]) == ("OrderFlowers", "Which flowers?")
    assert (asked["slots"], asked["sessionAttributes"]) == ({"Kind": None}, {"lang": "en"})
    assert base64.b64decode(asked["encodedInputTranscript"]) == b"I would like flowers"
    assert asked["audioStream"].read() == b""
    for wrong, code in (
        ({"contentType": "image/png"}, "UnsupportedMediaTypeException"),
        ({"contentType": "text/plain", "accept": "image/png"}, "NotAcceptableException"),
    ):
        with pytest.raises(ClientError) as failure:
            runtime.post_content(**who, inputStream=b"hello", **wrong)
        assert code_of(failure) == code


def test_a_session_is_set_read_and_forgotten(clients: Clients, models: Any) -> None:
    runtime = clients("lex-runtime")
    who = {"botName": "Shop", "botAlias": "$LATEST", "userId": "emil"}
    action = {"type": "ElicitSlot", "intentName": "OrderFlowers", "slotToElicit": "Kind"}
    put = runtime.put_session(**who, dialogAction=action, accept="text/plain; charset=utf-8")
    assert (put["message"], put["dialogState"]) == ("Which flowers?", "ElicitSlot")
    found = runtime.get_session(**who)
    assert found["dialogAction"]["slotToElicit"] == "Kind"
    assert found["recentIntentSummaryView"][0]["intentName"] == "OrderFlowers"
    assert says(clients, "emil", "$LATEST")("tulips")["dialogState"] == "ConfirmIntent"
    assert runtime.delete_session(**who)["sessionId"] == found["sessionId"]
    with pytest.raises(ClientError) as failure:
        runtime.get_session(**who)
    assert code_of(failure) == "NotFoundException"


def test_only_who_saw_the_latest_version_may_change_it(models: Any) -> None:
    given = {"name": "Sizes", "enumerationValues": [{"value": "small"}]}
    first = models.put_slot_type(**given)
    for told in ({}, {"checksum": "0" * 32}):
        with pytest.raises(ClientError) as failure:
            models.put_slot_type(**given, **told)
        assert code_of(failure) == "PreconditionFailedException"
    models.put_slot_type(**given, checksum=first["checksum"])
    assert [models.create_slot_type_version(name="Sizes")["version"] for _ in range(2)] == ["1"] * 2
    found = models.get_slot_type_versions(name="Sizes")["slotTypes"]
    assert [each["version"] for each in found] == ["$LATEST", "1"]
    assert [e["name"] for e in models.get_slot_types(nameContains="iz")["slotTypes"]] == ["Sizes"]
    models.delete_slot_type(name="Sizes")
    with pytest.raises(ClientError) as failure:
        models.get_slot_type(name="Sizes", version="1")
    assert code_of(failure) == "NotFoundException"


def test_what_is_in_use_stays_and_versions_refer_to_versions(models: Any) -> None:
    for delete, by in (
        (lambda: models.delete_slot_type(name="Flowers"), "Intent"),
        (lambda: models.delete_intent_version(name="BookTable", version="1"), "Bot"),
        (lambda: models.delete_bot(name="Shop"), "BotAlias"),
    ):
        with pytest.raises(ClientError) as failure:
            delete()
        response: Any = failure.value.response
        assert (code_of(failure), response["referenceType"]) == ("ResourceInUseException", by)
    intents = [{"intentName": "BookTable", "intentVersion": "$LATEST"}]
    draft = {"name": "Draft", "locale": "en-US", "childDirected": False, "intents": intents}
    tags = [{"key": "team", "value": "blue"}]
    saved = models.put_bot(**draft, processBehavior="SAVE", tags=tags)
    saved = models.put_bot(**draft, processBehavior="SAVE", tags=tags, checksum=saved["checksum"])
    assert saved["status"] == "NOT_BUILT"
    with pytest.raises(ClientError) as failure:
        models.create_bot_version(name="Draft")
    assert code_of(failure) == "BadRequestException"
    models.delete_bot(name="Draft")
    assert [each["name"] for each in models.get_bots()["bots"]] == ["Shop"]


def test_tags_builtins_and_refusals(models: Any) -> None:
    arn = "arn:aws:lex:us-east-1:000000000000:bot:Shop"
    models.tag_resource(resourceArn=arn, tags=[{"key": "env", "value": "test"}])
    models.untag_resource(resourceArn=arn, tagKeys=["team"])
    tags = models.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == [{"key": "env", "value": "test"}]
    found = models.get_builtin_slot_types(locale="en-US", signatureContains="NUMBER")["slotTypes"]
    assert [each["signature"] for each in found] == ["AMAZON.FOUR_DIGIT_NUMBER", "AMAZON.NUMBER"]
    assert (
        models.get_bot_channel_associations(botName="Shop", botAlias="-")["botChannelAssociations"]
        == []
    )
    kendra = {"kendraIndex": "arn:aws:kendra:us-east-1:000000000000:index/x", "role": "r" * 20}
    with pytest.raises(ClientError, match="kendraConfiguration") as failure:
        models.put_intent(name="Search", kendraConfiguration=kendra)
    assert code_of(failure) == "BadRequestException"
    assert json.dumps(models.get_bot(name="Shop", versionOrAlias="live")["intents"][0]) == (
        '{"intentName": "OrderFlowers", "intentVersion": "1"}'
    )
