"""A hotel's bot, made with boto3 as its users would."""

import io
import sys
import zipfile
from typing import Any

from tests.services.running import Clients

ROLE = "arn:aws:iam::000000000000:role/lex"
RUNTIME = f"python3.{sys.version_info.minor}"


def text(said: str) -> dict[str, Any]:
    return {"messageGroups": [{"message": {"plainTextMessage": {"value": said}}}]}


def prompt(said: str, retries: int = 1) -> dict[str, Any]:
    return {**text(said), "maxRetries": retries}


def said(*utterances: str) -> list[dict[str, str]]:
    return [{"utterance": each} for each in utterances]


class Builder:
    """A bot's draft in one language."""

    def __init__(self, models: Any, bot: str, locale: str = "en_US") -> None:
        self.models, self.bot, self.locale = models, bot, locale
        self.where = {"botId": bot, "botVersion": "DRAFT", "localeId": locale}

    def type(self, name: str, values: dict[str, list[str]], strategy: str) -> str:
        return self.models.create_slot_type(
            slotTypeName=name,
            valueSelectionSetting={"resolutionStrategy": strategy},
            slotTypeValues=[
                {
                    "sampleValue": {"value": each},
                    **({"synonyms": [{"value": s} for s in others]} if others else {}),
                }
                for each, others in values.items()
            ],
            **self.where,
        )["slotTypeId"]

    def intent(self, name: str, utterances: list[str], **more: Any) -> str:
        made = self.models.create_intent(
            intentName=name, sampleUtterances=said(*utterances), **self.where, **more
        )
        return made["intentId"]

    def slot(self, intent: str, name: str, type: str, **more: Any) -> str:
        setting = {"slotConstraint": "Required", "promptSpecification": prompt(f"{name}?"), **more}
        many = setting.pop("many", False)
        made = self.models.create_slot(
            slotName=name,
            slotTypeId=type,
            intentId=intent,
            valueElicitationSetting=setting,
            multipleValuesSetting={"allowMultipleValues": many},
            **self.where,
        )
        return made["slotId"]

    def order(self, intent: str, name: str, slots: list[str], **kept: Any) -> None:
        self.models.update_intent(
            intentId=intent,
            intentName=name,
            slotPriorities=[{"priority": n, "slotId": s} for n, s in enumerate(slots, 1)],
            **self.where,
            **kept,
        )

    def build(self) -> None:
        self.models.build_bot_locale(**self.where)
        wait = {"Delay": 1, "MaxAttempts": 150}
        self.models.get_waiter("bot_locale_built").wait(**self.where, WaiterConfig=wait)


def new_bot(models: Any, name: str, locale: str = "en_US") -> Builder:
    bot = models.create_bot(
        botName=name,
        roleArn=ROLE,
        dataPrivacy={"childDirected": False},
        idleSessionTTLInSeconds=300,
    )["botId"]
    models.get_waiter("bot_available").wait(botId=bot, WaiterConfig={"Delay": 1})
    models.create_bot_locale(
        botId=bot, botVersion="DRAFT", localeId=locale, nluIntentConfidenceThreshold=0.4
    )
    return Builder(models, bot, locale)


def hotel(models: Any) -> Builder:
    """Two intents with slots, help, and a way to fall back."""
    made = new_bot(models, "Hotel")
    rooms = {"king": ["king size"], "queen": [], "deluxe": ["luxury"]}
    room = made.type("Rooms", rooms, "TopResolution")
    flower = made.type("Flowers", {"roses": ["rose"], "tulips": ["tulip"]}, "OriginalValue")
    book: dict[str, Any] = {
        "intentConfirmationSetting": {
            "promptSpecification": prompt("{Nights} nights in {City}, right?"),
            "declinationResponse": text("Then not."),
        },
        "intentClosingSetting": {"closingResponse": text("Booked {City} for [who].")},
        "outputContexts": [{"name": "booked", "timeToLiveInSeconds": 90, "turnsToLive": 2}],
        "initialResponseSetting": {"initialResponse": text("Let us see.")},
    }
    utterances = [
        "Book a hotel",
        "I want to make hotel reservations",
        "Book a {Nights} night stay in {City}",
        "I need a hotel in {City} from {CheckIn}",
        "Can I get a room in {City}",
    ]
    intent = made.intent("BookHotel", utterances, **book)
    nights = made.slot(intent, "Nights", "AMAZON.Number")
    city = made.slot(intent, "City", "AMAZON.City")
    date = made.slot(intent, "CheckIn", "AMAZON.Date")
    kind = made.slot(intent, "Room", room)
    order = [city, date, nights, kind]
    made.order(intent, "BookHotel", order, sampleUtterances=said(*utterances), **book)
    flowers = made.intent(
        "OrderFlowers",
        ["I would like to order some flowers", "order {Kinds}", "send {Kinds}"],
        intentClosingSetting={"closingResponse": text("Sent.")},
    )
    made.slot(flowers, "Kinds", flower, many=True)
    made.intent(
        "Thanks",
        ["thank you", "thanks for the booking"],
        inputContexts=[{"name": "booked"}],
        intentClosingSetting={"closingResponse": text("Enjoy #.")},
    )
    made.intent("Help", [], parentIntentSignature="AMAZON.HelpIntent")
    made.build()
    return made


def zipped(code: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("app.py", code)
    return data.getvalue()


def function(clients: Clients, name: str, code: str) -> str:
    made = clients("lambda").create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": zipped(code)},
    )
    return made["FunctionArn"]
