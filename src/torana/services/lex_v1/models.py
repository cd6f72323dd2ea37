"""Lex V1's operations on slot types and intents, and on what the service brings itself."""

from torana.services.lex.builtins import INTENTS
from torana.services.lex_v1.builtins import LOCALES, SLOT_TYPES, locales_of
from torana.services.lex_v1.shelf import (
    BOT,
    INTENT,
    LATEST,
    TYPE,
    Book,
    Json,
    Sheet,
    Shelf,
    bad,
    in_use,
    missing,
    page,
)
from torana.services.members import part, parts
from torana.services.ports import Call

TYPE_MEMBERS = (
    *("description", "enumerationValues", "valueSelectionStrategy", "parentSlotTypeSignature"),
    "slotTypeConfigurations",
)
INTENT_MEMBERS = (
    *("description", "slots", "sampleUtterances", "confirmationPrompt", "rejectionStatement"),
    *("followUpPrompt", "conclusionStatement", "dialogCodeHook", "fulfillmentActivity"),
    *("parentIntentSignature", "kendraConfiguration", "inputContexts", "outputContexts"),
)
_PARENTS = ("", "AMAZON.AlphaNumeric")


async def _check_type(sheet: Sheet, document: Json) -> None:
    parent = document.get("parentSlotTypeSignature", "")
    if parent not in _PARENTS:
        raise bad(f"parentSlotTypeSignature: {parent} is not supported here")
    if not parent and not document.get("enumerationValues"):
        raise bad("enumerationValues: a slot type needs values, or a parent with a pattern")


async def _check_intent(sheet: Sheet, document: Json) -> None:
    wrong = [name for name in ("kendraConfiguration", "followUpPrompt") if document.get(name)]
    if wrong:
        raise bad(f"Not supported here: {', '.join(wrong)}")
    if bool(document.get("confirmationPrompt")) != bool(document.get("rejectionStatement")):
        raise bad("confirmationPrompt and rejectionStatement come together, or neither")
    activity = part(document, "fulfillmentActivity")
    if activity.get("type") == "CodeHook" and not activity.get("codeHook"):
        raise bad("fulfillmentActivity.codeHook is required for the type CodeHook")
    signature = document.get("parentIntentSignature")
    if signature and signature not in INTENTS:
        raise bad(f"parentIntentSignature: {signature} is not supported here")
    for slot in parts(document, "slots"):
        await _check_slot(sheet, document, slot)


async def _check_slot(sheet: Sheet, document: Json, slot: Json) -> None:
    kind, version = slot.get("slotType", ""), slot.get("slotTypeVersion", "")
    if slot["slotConstraint"] == "Required" and not slot.get("valueElicitationPrompt"):
        raise bad(f"Slot {slot['name']}: a required slot needs a valueElicitationPrompt")
    if kind.startswith("AMAZON."):
        if kind not in SLOT_TYPES:
            raise bad(f"Slot {slot['name']}: {kind} is not understood here")
        return
    if await sheet.get(TYPE, f"{kind}/{version or LATEST}") is None:
        raise bad(f"Slot {slot['name']}: there is no slot type {kind}:{version}")
    if document["version"] != LATEST and version in ("", LATEST):
        raise bad(f"Slot {slot['name']}: a version needs a numbered slot type, not {LATEST}")


async def _of_intents(sheet: Sheet, name: str, version: str) -> None:
    """Raises the service's error when an intent has a slot of the type."""
    async for _, intent in sheet.scan(INTENT):
        for slot in parts(intent, "slots"):
            same = version in ("", slot.get("slotTypeVersion", LATEST))
            if slot.get("slotType") == name and same:
                raise in_use("Intent", intent["name"], intent["version"])


async def _of_bots(sheet: Sheet, name: str, version: str) -> None:
    """Raises the service's error when a bot has the intent."""
    async for _, bot in sheet.scan(BOT):
        for each in parts(bot, "intents"):
            if each["intentName"] == name and version in ("", each["intentVersion"]):
                raise in_use("Bot", bot["name"], bot["version"])


class SlotTypes:
    """Operations on slot types."""

    def __init__(self, book: Book) -> None:
        self._shelf = Shelf(book, TYPE, TYPE_MEMBERS, _check_type)

    async def PutSlotType(self, call: Call, params: Json) -> Json:
        return await self._shelf.written(
            call, {"valueSelectionStrategy": "ORIGINAL_VALUE"} | params
        )

    async def CreateSlotTypeVersion(self, call: Call, params: Json) -> Json:
        return await self._shelf.created(call, params)

    async def GetSlotType(self, call: Call, params: Json) -> Json:
        return await self._shelf.got(params["name"], params["version"])

    async def GetSlotTypes(self, call: Call, params: Json) -> Json:
        return await self._shelf.listed(params, "slotTypes")

    async def GetSlotTypeVersions(self, call: Call, params: Json) -> Json:
        return await self._shelf.listed(params, "slotTypes", params["name"])

    async def DeleteSlotType(self, call: Call, params: Json) -> Json:
        return await self._shelf.deleted(call, params["name"], "", _of_intents)

    async def DeleteSlotTypeVersion(self, call: Call, params: Json) -> Json:
        return await self._shelf.deleted(call, params["name"], params["version"], _of_intents)


class Intents:
    """Operations on intents."""

    def __init__(self, book: Book) -> None:
        self._shelf = Shelf(book, INTENT, INTENT_MEMBERS, _check_intent)

    async def PutIntent(self, call: Call, params: Json) -> Json:
        return await self._shelf.written(call, params)

    async def CreateIntentVersion(self, call: Call, params: Json) -> Json:
        return await self._shelf.created(call, params)

    async def GetIntent(self, call: Call, params: Json) -> Json:
        return await self._shelf.got(params["name"], params["version"])

    async def GetIntents(self, call: Call, params: Json) -> Json:
        return await self._shelf.listed(params, "intents")

    async def GetIntentVersions(self, call: Call, params: Json) -> Json:
        return await self._shelf.listed(params, "intents", params["name"])

    async def DeleteIntent(self, call: Call, params: Json) -> Json:
        return await self._shelf.deleted(call, params["name"], "", _of_bots)

    async def DeleteIntentVersion(self, call: Call, params: Json) -> Json:
        return await self._shelf.deleted(call, params["name"], params["version"], _of_bots)


class Builtins:
    """What is understood here without being defined."""

    async def GetBuiltinIntents(self, call: Call, params: Json) -> Json:
        return _builtins(params, list(INTENTS), "intents")

    async def GetBuiltinIntent(self, call: Call, params: Json) -> Json:
        signature = params["signature"]
        if signature not in INTENTS:
            raise missing(signature)
        locales = locales_of(signature) if INTENTS[signature] else list(LOCALES)
        return {"signature": signature, "supportedLocales": locales, "slots": []}

    async def GetBuiltinSlotTypes(self, call: Call, params: Json) -> Json:
        return _builtins(params, list(SLOT_TYPES), "slotTypes")


def _builtins(params: Json, names: list[str], answer: str) -> Json:
    everywhere = [name for name, utterances in INTENTS.items() if not utterances]
    locale, wanted = params.get("locale"), params.get("signatureContains") or ""
    found: list[Json] = []
    for name in names:
        locales = list(LOCALES) if name in everywhere else locales_of(name)
        if wanted in name and (not locale or locale in locales):
            found.append({"signature": name, "supportedLocales": locales})
    return page(found, {**params, "nameContains": ""}, answer)
