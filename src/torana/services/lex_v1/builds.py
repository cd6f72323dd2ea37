"""Building a Lex V1 bot: its documents become what the dialogue of V2 reads."""

from collections.abc import Mapping
from typing import Any

import msgspec

from torana.services.documents import keep
from torana.services.lex.book import BUILT
from torana.services.lex.builds import Builds, Built, Unusable
from torana.services.lex_v1.builtins import SLOT_TYPES, locales_of
from torana.services.lex_v1.shelf import BOT, INTENT, LATEST, TYPE, Json
from torana.services.members import part, parts
from torana.services.ports import Busy, Failed, Missing
from torana.state.store import Store

_THRESHOLD = 0.4
_KINDS = {"PlainText": "plainTextMessage", "SSML": "ssmlMessage", "CustomPayload": "customPayload"}


def built_id(name: str, version: str) -> str:
    """Of what the runtime reads; no bot of V2 has such an id."""
    return f"v1/{name}/{version}"


class BotBuilds:
    """Does them."""

    def __init__(self, store: Store, builds: Builds) -> None:
        self._store, self._builds = store, builds

    async def resume(self) -> None:
        """Build what an earlier process accepted and did not finish."""
        waiting = [
            (bot["name"], bot["version"])
            async for document in self._store.scan(BOT)
            if (bot := msgspec.json.decode(document.body))["status"] == "BUILDING"
        ]
        for name, version in waiting:
            await self.build(name, version)

    async def build(self, name: str, version: str) -> None:
        """Whatever goes wrong ends in the bot's failure reason."""
        try:
            built = await self._build(name, version)
        except (Unusable, Missing, Failed) as error:
            await self._end(name, version, "FAILED", str(error))
        except (Busy, TimeoutError):
            await self._end(name, version, "FAILED", "The engine has too much to do")
        else:
            await keep(self._store, BUILT, built_id(name, version), msgspec.json.encode(built))
            await self._end(name, version, "READY", "")

    async def _end(self, name: str, version: str, status: str, reason: str) -> None:
        found = await self._store.get(BOT, f"{name}/{version}")
        if found is None:
            await keep(self._store, BUILT, built_id(name, version), None)
            return
        bot: Json = msgspec.json.decode(found.body)
        bot.pop("failureReason", None)
        bot |= {"status": status, **({"failureReason": reason} if reason else {})}
        await keep(self._store, BOT, found.id, msgspec.json.encode(bot))

    async def _build(self, name: str, version: str) -> Built:
        bot = await self._the(BOT, f"{name}/{version}")
        intents = [
            await self._the(INTENT, f"{each['intentName']}/{each['intentVersion']}")
            for each in parts(bot, "intents")
        ]
        types: dict[str, Json] = {}
        for intent in intents:
            for slot in parts(intent, "slots"):
                kind = slot["slotType"]
                if kind.startswith("AMAZON."):
                    if bot["locale"] not in locales_of(kind):
                        raise Unusable(f"{kind} is not understood here in {bot['locale']}")
                    continue
                key = _type_key(slot)
                if key not in types:
                    types[key] = _type(key, await self._the(TYPE, key))
        voice = {"voiceId": bot["voiceId"]} if bot.get("voiceId") else None
        return await self._builds.make(
            bot["locale"][:2],
            [_intent(each, bot) for each in intents],
            types,
            bot.get("nluIntentConfidenceThreshold", _THRESHOLD),
            voice,
        )

    async def _the(self, kind: str, id: str) -> Json:
        found = await self._store.get(kind, id)
        if found is None:
            raise Unusable(f"{id.replace('/', ':')} is gone")
        return msgspec.json.decode(found.body)


def _type_key(slot: Json) -> str:
    return f"{slot['slotType']}/{slot.get('slotTypeVersion') or LATEST}"


def _type(key: str, document: Json) -> Json:
    """A slot type as V2 keeps it."""
    top = document.get("valueSelectionStrategy") == "TOP_RESOLUTION"
    setting: Json = {"resolutionStrategy": "TopResolution" if top else "OriginalValue"}
    for each in parts(document, "slotTypeConfigurations"):
        setting["regexFilter"] = part(each, "regexConfiguration")
    values = [
        {
            "sampleValue": {"value": each["value"]},
            "synonyms": [{"value": synonym} for synonym in _texts(each, "synonyms")],
        }
        for each in parts(document, "enumerationValues")
    ]
    return {
        "slotTypeId": key,
        "slotTypeValues": values,
        "valueSelectionSetting": setting,
        "parentSlotTypeSignature": document.get("parentSlotTypeSignature"),
    }


def _intent(document: Json, bot: Json) -> Json:
    """An intent as V2 keeps it, with its functions and cards beside."""
    activity, dialog = part(document, "fulfillmentActivity"), part(document, "dialogCodeHook")
    confirmation = document.get("confirmationPrompt")
    found: Json = {
        "intentName": document["name"],
        "parentIntentSignature": document.get("parentIntentSignature"),
        "sampleUtterances": [{"utterance": each} for each in _texts(document, "sampleUtterances")],
        "inputContexts": document.get("inputContexts"),
        "outputContexts": document.get("outputContexts"),
        "slots": [_slot(each, bot) for each in _in_order(document)],
        "dialogCodeHook": {"enabled": bool(dialog)},
        "fulfillmentCodeHook": {"enabled": activity.get("type") == "CodeHook"},
        "hooks": {
            "DialogCodeHook": dialog.get("uri", ""),
            "FulfillmentCodeHook": part(activity, "codeHook").get("uri", ""),
        },
        "cards": {
            **{
                each["name"]: _card(part(each, "valueElicitationPrompt"))
                for each in parts(document, "slots")
            },
            "": _card(confirmation or {}),
        },
    }
    if confirmation:
        found["intentConfirmationSetting"] = {
            "promptSpecification": _prompt(confirmation),
            "declinationResponse": _statement(document["rejectionStatement"]),
            "failureResponse": _statement(bot.get("abortStatement")),
        }
    if document.get("conclusionStatement"):
        statement = _statement(document["conclusionStatement"])
        found["intentClosingSetting"] = {"closingResponse": statement}
    return found


def _texts(document: Json, name: str) -> list[str]:
    return document.get(name) or []


def _in_order(document: Json) -> list[Json]:
    return sorted(parts(document, "slots"), key=lambda slot: slot.get("priority", 100))


def _slot(slot: Json, bot: Json) -> Json:
    kind = slot["slotType"]
    setting: Json = {
        "slotConstraint": slot["slotConstraint"],
        "sampleUtterances": [{"utterance": each} for each in _texts(slot, "sampleUtterances")],
        "defaultValueSpecification": slot.get("defaultValueSpec"),
        "slotCaptureSetting": {"failureResponse": _statement(bot.get("abortStatement"))},
    }
    if slot.get("valueElicitationPrompt"):
        setting["promptSpecification"] = _prompt(slot["valueElicitationPrompt"])
    return {
        "slotName": slot["name"],
        "slotTypeId": SLOT_TYPES[kind] if kind.startswith("AMAZON.") else _type_key(slot),
        "valueElicitationSetting": setting,
    }


def _prompt(prompt: Json) -> Json:
    return {**(_statement(prompt) or {}), "maxRetries": prompt["maxAttempts"] - 1}


def _statement(statement: Json | None) -> Json | None:
    """Messages in their groups: one of each is said."""
    if not statement:
        return None
    groups: dict[int, list[Json]] = {}
    for each in parts(statement, "messages"):
        message = {_KINDS[each["contentType"]]: {"value": each["content"]}}
        groups.setdefault(each.get("groupNumber", 1), []).append(message)
    made = [
        {"message": first, "variations": others} for _, (first, *others) in sorted(groups.items())
    ]
    return {"messageGroups": made}


def statement(bot: Mapping[str, Any], name: str) -> Json | None:
    """A prompt or statement of the bot itself, as the dialogue says it."""
    return _statement(bot.get(name))


def _card(prompt: Json) -> Json | None:
    """The response card of a prompt, which is JSON in a string."""
    if not prompt.get("responseCard"):
        return None
    try:
        return msgspec.json.decode(prompt["responseCard"], type=Json)
    except msgspec.MsgspecError:
        raise Unusable("A responseCard is not JSON") from None
