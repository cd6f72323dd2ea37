"""Building a locale: from the draft's documents to a trained model and what the runtime reads."""

from collections.abc import Mapping
from pathlib import Path
from time import time
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.model.bot import Grammar, Intent, Learned, Lesson, Slot, SlotType, Utterance
from torana.services.documents import keep
from torana.services.lex.book import (
    BUILT,
    INTENT,
    LOCALE,
    SLOT,
    TYPE,
    Json,
)
from torana.services.lex.builtins import INTENTS
from torana.services.members import part, parts
from torana.services.ports import Busy, Engines, Failed, Missing
from torana.state.store import Store

_LONGEST = 1800.0


class Built(Struct, frozen=True):
    """What the runtime reads of a locale."""

    model: str
    """The name of the model's file; empty: no intent has utterances."""
    threshold: float
    language: str
    intents: dict[str, Json]
    """As the service describes them, each with its `slots`, in the order of their priority."""
    fallback: str
    """The intent's name."""
    voice: Json | None = None
    accuracy: float = 0.0


class Unusable(Exception):
    """The draft cannot be built; says why."""


class Builds:
    """Does them. `folder`: for the models' files."""

    def __init__(self, store: Store, engines: Engines, folder: Path) -> None:
        self._store, self._engines, self._folder = store, engines, folder

    async def resume(self) -> None:
        """Build what an earlier process accepted and did not finish."""
        async for document in self._store.scan(LOCALE):
            if msgspec.json.decode(document.body)["botLocaleStatus"] == "Building":
                await self.build(document.id)

    async def build(self, id: str) -> None:
        """`id`: of the locale. Whatever goes wrong ends in its failure reasons."""
        try:
            built = await self._build(id)
        except (Unusable, Missing, Failed) as error:
            await self._end(id, "Failed", str(error))
        except (Busy, TimeoutError):
            await self._end(id, "Failed", "The engine has too much to do")
        else:
            await keep(self._store, BUILT, id, msgspec.json.encode(built))
            await self._end(id, "Built", "")

    async def _end(self, id: str, status: str, reason: str) -> None:
        found = await self._store.get(LOCALE, id)
        if found is None:
            await keep(self._store, BUILT, id, None)
            return
        locale: Json = msgspec.json.decode(found.body)
        locale |= {"botLocaleStatus": status, "lastUpdatedDateTime": time()}
        if reason:
            locale["failureReasons"] = [reason]
        await keep(self._store, LOCALE, id, msgspec.json.encode(locale))

    async def _build(self, id: str) -> Built:
        locale = await self._store.get(LOCALE, id)
        if locale is None:
            raise Unusable("The locale is gone")
        intents = await self._all(INTENT, id)
        slots = await self._all(SLOT, id)
        types = await self._all(TYPE, id)
        settings: Json = msgspec.json.decode(locale.body)
        return await self.make(
            id.rpartition("/")[2][:2],
            [_whole(intent, slots) for intent in intents.values()],
            {each["slotTypeId"]: each for each in types.values()},
            settings["nluIntentConfidenceThreshold"],
            settings.get("voiceSettings"),
        )

    async def make(
        self,
        language: str,
        whole: list[Json],
        types: Mapping[str, Json],
        threshold: float,
        voice: Json | None,
    ) -> Built:
        """Trains on intents that have their slots, and slot types by their ids.

        Raises `Unusable`, and what engines raise.
        """
        for intent in whole:
            _check_places(intent)
        grammar = Grammar(language, tuple(_intent(each) for each in whole), _types(types, whole))
        model, accuracy = "", 0.0
        if any(intent.utterances for intent in grammar.intents):
            model = f"bot-{uuid4().hex}.npz"
            learned = await self._learn(Lesson(grammar, str(self._folder / model)))
            accuracy = learned.accuracy
        return Built(
            model,
            threshold,
            language,
            {each["intentName"]: each for each in whole},
            next((i["intentName"] for i in whole if _parent(i) == "AMAZON.FallbackIntent"), ""),
            voice,
            accuracy,
        )

    async def _learn(self, lesson: Lesson) -> Learned:
        (found,) = await self._engines("intent_training", [lesson], _LONGEST)
        if found.bad:
            raise Unusable(found.bad)
        # Built means that the first to talk to it need not wait for it to be loaded.
        first = Utterance(lesson.path, "hello", now="2024-01-01T00:00:00")
        await self._engines("intent_recognition", [first], _LONGEST)
        return found

    async def _all(self, kind: str, id: str) -> dict[str, Json]:
        return {
            found.id: msgspec.json.decode(found.body)
            async for found in self._store.scan(kind, f"{id}/")
        }


def _parent(intent: Json) -> str:
    return intent.get("parentIntentSignature") or ""


def _whole(intent: Json, slots: Mapping[str, Json]) -> Json:
    """An intent with its slots, those first that are asked for first."""
    order = {each["slotId"]: each["priority"] for each in parts(intent, "slotPriorities")}
    own = [each for each in slots.values() if each["intentId"] == intent["intentId"]]
    own.sort(key=lambda slot: (order.get(slot["slotId"], 1000), slot["creationDateTime"]))
    return {**intent, "slots": own}


def _check_places(intent: Json) -> None:
    slots = {slot["slotName"] for slot in intent["slots"]}
    for each in parts(intent, "sampleUtterances"):
        for piece in each["utterance"].split("{")[1:]:
            name, closed, _ = piece.partition("}")
            if not closed or name not in slots:
                raise Unusable(
                    f"Intent {intent['intentName']}: the sample utterance {each['utterance']!r} "
                    "names no slot of it"
                )


def _intent(intent: Json) -> Intent:
    utterances = [each["utterance"] for each in parts(intent, "sampleUtterances")]
    slots = tuple(_slot(each) for each in intent["slots"])
    return Intent(intent["intentName"], (*utterances, *INTENTS.get(_parent(intent), ())), slots)


def _slot(slot: Json) -> Slot:
    answers = parts(slot["valueElicitationSetting"], "sampleUtterances")
    many = part(slot, "multipleValuesSetting")
    return Slot(
        slot["slotName"],
        slot["slotTypeId"],
        tuple(each["utterance"] for each in answers),
        bool(many.get("allowMultipleValues")),
    )


def _types(types: Mapping[str, Json], intents: list[Json]) -> dict[str, SlotType]:
    found = {id: _type(each) for id, each in types.items()}
    for slot in (slot for intent in intents for slot in intent["slots"]):
        id = slot["slotTypeId"]
        if id.startswith("AMAZON."):
            found[id] = SlotType(builtin=id)
        elif id not in found:
            raise Unusable(f"Slot {slot['slotName']}: its slot type is gone")
    return found


def _type(type: Json) -> SlotType:
    setting = part(type, "valueSelectionSetting")
    values = tuple(
        (each["sampleValue"]["value"], tuple(s["value"] for s in parts(each, "synonyms")))
        for each in parts(type, "slotTypeValues")
        if each.get("sampleValue")
    )
    return SlotType(
        values,
        setting.get("resolutionStrategy", "OriginalValue") == "OriginalValue",
        type.get("parentSlotTypeSignature") or "",
        part(setting, "regexFilter").get("pattern", ""),
    )
