"""What a bot is made of in one language: intents, slots, slot types."""

from typing import Any

from torana.services.lex.book import (
    FALLBACK,
    INTENT,
    SLOT,
    TYPE,
    Book,
    Json,
    Sheet,
    changed,
    conflict,
    created,
    draft,
    given,
    invalid,
    key,
    made,
    new_id,
    page,
    remove,
    shown,
    the,
    unique,
)
from torana.services.lex.builtins import known_intent, slot_types
from torana.services.lex.refusals import check_intent, check_slot, check_type
from torana.services.members import parts
from torana.services.ports import Call

_WHERE = ("botId", "botVersion", "localeId")
_INTENT_GIVEN = (
    *("intentName", "intentDisplayName", "description", "parentIntentSignature"),
    *("sampleUtterances", "dialogCodeHook", "fulfillmentCodeHook", "slotPriorities"),
    *("intentConfirmationSetting", "intentClosingSetting", "inputContexts", "outputContexts"),
    "initialResponseSetting",
)
_INTENT = (*_WHERE, "intentId", *_INTENT_GIVEN, "creationDateTime", "lastUpdatedDateTime")
_INTENTS = (
    *("intentId", "intentName", "intentDisplayName", "description", "parentIntentSignature"),
    *("inputContexts", "outputContexts", "lastUpdatedDateTime"),
)
_SLOT_GIVEN = (
    *("slotName", "description", "slotTypeId", "valueElicitationSetting", "obfuscationSetting"),
    "multipleValuesSetting",
)
_SLOT = (*_WHERE, "intentId", "slotId", *_SLOT_GIVEN, "creationDateTime", "lastUpdatedDateTime")
_SLOTS = (
    *("slotId", "slotName", "description", "slotConstraint", "slotTypeId"),
    *("valueElicitationPromptSpecification", "lastUpdatedDateTime"),
)
_TYPE_GIVEN = (
    *("slotTypeName", "description", "slotTypeValues", "valueSelectionSetting"),
    "parentSlotTypeSignature",
)
_TYPE = (*_WHERE, "slotTypeId", *_TYPE_GIVEN, "creationDateTime", "lastUpdatedDateTime")
_TYPES = (
    *("slotTypeId", "slotTypeName", "description", "parentSlotTypeSignature"),
    *("lastUpdatedDateTime", "slotTypeCategory"),
)


class _Kind:
    """What intents, slots and slot types have alike. `where`: the path above the id."""

    def __init__(self, book: Book, kind: str, id: str, name: str, where: tuple[str, ...]) -> None:
        self.book, self.kind, self.id, self.name, self.where = book, kind, id, name, where

    async def create(self, call: Call, params: Json, members: tuple[str, ...], more: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await draft(sheet, call, params)
            prefix = key(params, *self.where)
            if "intentId" in self.where:
                await the(sheet, call, INTENT, prefix)
            await unique(sheet, self.kind, f"{prefix}/", self.name, params[self.name])
            new = {**made(params, (*self.where, *members)), self.id: new_id(), **more}
            sheet.put(self.kind, f"{prefix}/{new[self.id]}", new)
            return new

        return await self.book.edit(call, work)

    async def update(self, call: Call, params: Json, members: tuple[str, ...]) -> Json:
        async def work(sheet: Sheet) -> Json:
            await draft(sheet, call, params)
            prefix, id = key(params, *self.where), key(params, *self.where, self.id)
            before = await the(sheet, call, self.kind, id)
            await unique(sheet, self.kind, f"{prefix}/", self.name, params[self.name], id)
            new = changed(before, params, members)
            sheet.put(self.kind, id, new)
            return new

        return await self.book.edit(call, work)

    async def describe(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await the(sheet, call, self.kind, key(params, *self.where, self.id))

        return await self.book.read(work)

    async def all(self, params: Json) -> list[Json]:
        async def work(sheet: Sheet) -> list[Json]:
            prefix = key(params, *self.where)
            return [each async for _, each in sheet.scan(self.kind, f"{prefix}/")]

        return await self.book.read(work)


class Intents:
    """Operations on intents."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._kind = _Kind(book, INTENT, "intentId", "intentName", _WHERE)

    async def CreateIntent(self, call: Call, params: Json) -> Json:
        check_intent(params)
        if parent := params.get("parentIntentSignature"):
            known_intent(parent, params["localeId"])
        return shown(await self._kind.create(call, params, _INTENT_GIVEN, {}), created(_INTENT))

    async def DescribeIntent(self, call: Call, params: Json) -> Json:
        return shown(await self._kind.describe(call, params), _INTENT)

    async def UpdateIntent(self, call: Call, params: Json) -> Json:
        check_intent(params)
        return shown(await self._kind.update(call, params, _INTENT_GIVEN), _INTENT)

    async def ListIntents(self, call: Call, params: Json) -> Json:
        found = page(await self._kind.all(params), params, "intentSummaries", _INTENTS)
        return {**given(params, _WHERE), **found}

    async def DeleteIntent(self, call: Call, params: Json) -> Json:
        if params["intentId"] == FALLBACK:
            raise invalid("The fallback intent cannot be deleted")

        async def work(sheet: Sheet) -> Json:
            await draft(sheet, call, params)
            id = key(params, *_WHERE, "intentId")
            await the(sheet, call, INTENT, id)
            sheet.delete(INTENT, id)
            await remove(sheet, (SLOT,), f"{id}/")
            return {}

        return await self._book.edit(call, work)


class Slots:
    """Operations on slots."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._kind = _Kind(book, SLOT, "slotId", "slotName", (*_WHERE, "intentId"))

    async def CreateSlot(self, call: Call, params: Json) -> Json:
        await self._check(call, params)
        return shown(await self._kind.create(call, params, _SLOT_GIVEN, {}), created(_SLOT))

    async def DescribeSlot(self, call: Call, params: Json) -> Json:
        return shown(await self._kind.describe(call, params), _SLOT)

    async def UpdateSlot(self, call: Call, params: Json) -> Json:
        await self._check(call, params)
        return shown(await self._kind.update(call, params, _SLOT_GIVEN), _SLOT)

    async def _check(self, call: Call, params: Json) -> None:
        check_slot(params)
        type: str = params.get("slotTypeId") or ""
        if type.startswith("AMAZON."):
            if type not in slot_types(params["localeId"]):
                text = f"The slot type {type} is not understood here in {params['localeId']}"
                raise invalid(text)
            return

        async def work(sheet: Sheet) -> Json:
            return await the(sheet, call, TYPE, f"{key(params, *_WHERE)}/{type}")

        await self._book.read(work)

    async def ListSlots(self, call: Call, params: Json) -> Json:
        found: list[Json] = []
        for slot in await self._kind.all(params):
            setting: dict[str, Any] = slot["valueElicitationSetting"]
            more = {
                "slotConstraint": setting["slotConstraint"],
                "valueElicitationPromptSpecification": setting.get("promptSpecification"),
            }
            found.append({**slot, **more})
        answer = page(found, params, "slotSummaries", _SLOTS)
        return {**given(params, (*_WHERE, "intentId")), **answer}

    async def DeleteSlot(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await draft(sheet, call, params)
            place = key(params, *_WHERE, "intentId")
            id = f"{place}/{params['slotId']}"
            await the(sheet, call, SLOT, id)
            sheet.delete(SLOT, id)
            intent = await the(sheet, call, INTENT, place)
            left = parts(intent, "slotPriorities")
            kept = [each for each in left if each["slotId"] != params["slotId"]]
            if len(kept) != len(left):
                sheet.put(INTENT, place, {**intent, "slotPriorities": kept})
            return {}

        return await self._book.edit(call, work)


class SlotTypes:
    """Operations on slot types."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._kind = _Kind(book, TYPE, "slotTypeId", "slotTypeName", _WHERE)

    async def CreateSlotType(self, call: Call, params: Json) -> Json:
        check_type(params)
        new = await self._kind.create(call, params, _TYPE_GIVEN, {"slotTypeCategory": "Custom"})
        return shown(new, created(_TYPE))

    async def DescribeSlotType(self, call: Call, params: Json) -> Json:
        return shown(await self._kind.describe(call, params), _TYPE)

    async def UpdateSlotType(self, call: Call, params: Json) -> Json:
        check_type(params)
        return shown(await self._kind.update(call, params, _TYPE_GIVEN), _TYPE)

    async def ListSlotTypes(self, call: Call, params: Json) -> Json:
        found = page(await self._kind.all(params), params, "slotTypeSummaries", _TYPES)
        return {**given(params, _WHERE), **found}

    async def DeleteSlotType(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await draft(sheet, call, params)
            id = key(params, *_WHERE, "slotTypeId")
            await the(sheet, call, TYPE, id)
            prefix = key(params, *_WHERE)
            if not params.get("skipResourceInUseCheck"):
                async for _, slot in sheet.scan(SLOT, f"{prefix}/"):
                    if slot.get("slotTypeId") == params["slotTypeId"]:
                        raise conflict(f"The slot type is in use by the slot {slot['slotName']}")
            sheet.delete(TYPE, id)
            return {}

        return await self._book.edit(call, work)
