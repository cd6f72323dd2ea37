"""A bot's languages: locales and their building, and what the service brings itself."""

from time import time

from torana.services.background import Background
from torana.services.lex.book import (
    BOT,
    FALLBACK,
    INSIDE,
    INTENT,
    LOCALE,
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
    page,
    remove,
    shown,
    the,
)
from torana.services.lex.builds import Builds
from torana.services.lex.builtins import INTENTS, LOCALES, SLOT_TYPES, slot_types
from torana.services.lex.refusals import check_locale
from torana.services.ports import Call

_WHERE = ("botId", "botVersion", "localeId")
_LOCALE_GIVEN = (
    *("description", "nluIntentConfidenceThreshold", "voiceSettings"),
    "speechDetectionSensitivity",
)
_LOCALE = (
    *(*_WHERE, "localeName", *_LOCALE_GIVEN, "botLocaleStatus", "failureReasons"),
    *("creationDateTime", "lastUpdatedDateTime", "lastBuildSubmittedDateTime"),
)
_LOCALES = (
    *("localeId", "localeName", "description", "botLocaleStatus", "lastUpdatedDateTime"),
    "lastBuildSubmittedDateTime",
)


class Locales:
    """Operations on locales."""

    def __init__(self, book: Book, builds: Builds, background: Background) -> None:
        self._book, self._builds, self._background = book, builds, background

    async def CreateBotLocale(self, call: Call, params: Json) -> Json:
        check_locale(params)
        if params["localeId"] not in LOCALES:
            raise invalid(f"localeId {params['localeId']} is not one of {', '.join(LOCALES)}")

        async def work(sheet: Sheet) -> Json:
            await the(sheet, call, BOT, params["botId"])
            id = key(params, *_WHERE)
            if params["botVersion"] != "DRAFT":
                raise invalid("Only the DRAFT version can be changed")
            if await sheet.get(LOCALE, id) is not None:
                raise conflict(f"The locale {params['localeId']} exists")
            locale = {
                **made(params, (*_WHERE, *_LOCALE_GIVEN)),
                "localeName": LOCALES[params["localeId"]],
                "botLocaleStatus": "NotBuilt",
            }
            sheet.put(LOCALE, id, locale)
            fallback = {
                **made(params, _WHERE),
                "intentId": FALLBACK,
                "intentName": "FallbackIntent",
                "description": "Default intent when no other intent matches",
                "parentIntentSignature": "AMAZON.FallbackIntent",
            }
            sheet.put(INTENT, f"{id}/{FALLBACK}", fallback)
            names = tuple(n for n in created(_LOCALE) if n[:4] != "fail" and "Build" not in n)
            return shown(locale, names)

        return await self._book.edit(call, work)

    async def DescribeBotLocale(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            id = key(params, *_WHERE)
            found = shown(await the(sheet, call, LOCALE, id), _LOCALE)
            for kind, name in ((INTENT, "intentsCount"), (TYPE, "slotTypesCount")):
                found[name] = len([each async for each, _ in sheet.scan(kind, f"{id}/")])
            return found

        return await self._book.read(work)

    async def UpdateBotLocale(self, call: Call, params: Json) -> Json:
        check_locale(params)

        async def work(sheet: Sheet) -> Json:
            locale = changed(await draft(sheet, call, params), params, _LOCALE_GIVEN)
            sheet.put(LOCALE, key(params, *_WHERE), locale)
            return shown(locale, tuple(name for name in _LOCALE if "Build" not in name))

        return await self._book.edit(call, work)

    async def ListBotLocales(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            prefix = key(params, "botId", "botVersion")
            found = [each async for _, each in sheet.scan(LOCALE, f"{prefix}/")]
            answer = page(found, params, "botLocaleSummaries", _LOCALES)
            return {**given(params, ("botId", "botVersion")), **answer}

        return await self._book.read(work)

    async def DeleteBotLocale(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await draft(sheet, call, params)
            id = key(params, *_WHERE)
            await remove(sheet, INSIDE[1:], f"{id}")
            sheet.delete(LOCALE, id)
            return {**given(params, _WHERE), "botLocaleStatus": "Deleting"}

        return await self._book.edit(call, work)

    async def BuildBotLocale(self, call: Call, params: Json) -> Json:
        """Accepted now, trained in the background."""
        now, id = time(), key(params, *_WHERE)

        async def work(sheet: Sheet) -> Json:
            locale = await draft(sheet, call, params)
            locale.pop("failureReasons", None)
            locale |= {"botLocaleStatus": "Building", "lastBuildSubmittedDateTime": now}
            sheet.put(LOCALE, id, locale)
            names = (*_WHERE, "botLocaleStatus", "lastBuildSubmittedDateTime")
            return shown(locale, names)

        answer = await self._book.edit(call, work)
        self._background.start(self._builds.build(id), f"the building of the bot locale {id}")
        return answer

    async def ListBuiltInIntents(self, call: Call, params: Json) -> Json:
        found = [
            {"intentSignature": name, "description": f"{name} of the service"} for name in INTENTS
        ]
        answer = page(found, params, "builtInIntentSummaries", ("intentSignature", "description"))
        return {"localeId": params["localeId"], **answer}

    async def ListBuiltInSlotTypes(self, call: Call, params: Json) -> Json:
        """Those that are understood here in the locale's language."""
        found = [
            {"slotTypeSignature": name, "description": SLOT_TYPES[name]}
            for name in slot_types(params["localeId"])
        ]
        names = ("slotTypeSignature", "description")
        answer = page(found, params, "builtInSlotTypeSummaries", names)
        return {"localeId": params["localeId"], **answer}
