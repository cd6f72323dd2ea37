"""Bots, their numbered versions, their aliases and their tags."""

from time import time

from torana.services.lex.book import (
    ALIAS,
    BOT,
    INSIDE,
    LOCALE,
    TAGS,
    TEST_ALIAS,
    VERSION,
    Book,
    Json,
    Sheet,
    arn,
    conflict,
    everything,
    given,
    invalid,
    key,
    missing,
    new_id,
    page,
    refuse,
    remove,
    shown,
    the,
    unique,
)
from torana.services.members import part
from torana.services.ports import Call

_GIVEN = ("botName", "description", "roleArn", "dataPrivacy", "idleSessionTTLInSeconds")
_BOT = ("botId", *_GIVEN, "botStatus", "creationDateTime", "lastUpdatedDateTime", "botType")
_SUMMARY = (
    *("botId", "botName", "description", "botStatus", "latestBotVersion", "lastUpdatedDateTime"),
    "botType",
)
_VERSION = ("botId", "botVersion", *_GIVEN, "botStatus", "creationDateTime", "botType")
_VERSIONS = ("botName", "botVersion", "description", "botStatus", "creationDateTime")
_ALIAS_GIVEN = (
    *("botAliasName", "description", "botVersion", "botAliasLocaleSettings"),
    "sentimentAnalysisSettings",
)
_ALIAS = (
    *("botAliasId", *_ALIAS_GIVEN, "botAliasStatus", "botId", "creationDateTime"),
    "lastUpdatedDateTime",
)
_ALIASES = tuple(name for name in _ALIAS if name not in ("botId", *_ALIAS_GIVEN[3:]))


class Bots:
    """Operations on bots."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateBot(self, call: Call, params: Json) -> Json:
        refuse(params, "botMembers", "errorLogSettings")
        if params.get("botType", "Bot") != "Bot":
            raise invalid("botType: networks of bots are not supported here")

        async def work(sheet: Sheet) -> Json:
            await unique(sheet, BOT, "", "botName", params["botName"])
            now, id = time(), new_id()
            bot = {
                **given(params, _GIVEN),
                "botId": id,
                "botStatus": "Available",
                "botType": "Bot",
                "creationDateTime": now,
                "lastUpdatedDateTime": now,
                "last": 0,
            }
            test = {
                "botAliasId": TEST_ALIAS,
                "botAliasName": "TestBotAlias",
                "botVersion": "DRAFT",
                "botAliasStatus": "Available",
                "botId": id,
                "creationDateTime": now,
                "lastUpdatedDateTime": now,
            }
            sheet.put(BOT, id, bot)
            sheet.put(ALIAS, f"{id}/{TEST_ALIAS}", test)
            for name, place in (("botTags", id), ("testBotAliasTags", f"{id}/{TEST_ALIAS}")):
                if params.get(name):
                    kind = "bot-alias" if "/" in place else "bot"
                    sheet.put(TAGS, arn(call, f"{kind}/{place}"), params[name])
            members = tuple(name for name in _BOT if name != "lastUpdatedDateTime")
            return shown(bot, members) | given(params, ("botTags", "testBotAliasTags"))

        return await self._book.edit(call, work)

    async def DescribeBot(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(await the(sheet, call, BOT, params["botId"]), _BOT)

        return await self._book.read(work)

    async def UpdateBot(self, call: Call, params: Json) -> Json:
        refuse(params, "botMembers", "errorLogSettings")

        async def work(sheet: Sheet) -> Json:
            id = params["botId"]
            bot = await the(sheet, call, BOT, id)
            await unique(sheet, BOT, "", "botName", params["botName"], id)
            kept = {name: value for name, value in bot.items() if name not in _GIVEN}
            bot = {**kept, **given(params, _GIVEN), "lastUpdatedDateTime": time()}
            sheet.put(BOT, id, bot)
            return shown(bot, _BOT)

        return await self._book.edit(call, work)

    async def ListBots(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [
                {**bot, "latestBotVersion": str(bot["last"] or "DRAFT")}
                async for _, bot in sheet.scan(BOT)
            ]
            return page(found, params, "botSummaries", _SUMMARY)

        return await self._book.read(work)

    async def DeleteBot(self, call: Call, params: Json) -> Json:
        """With all that belongs to it."""
        id = params["botId"]

        async def work(sheet: Sheet) -> Json:
            await the(sheet, call, BOT, id)
            aliases = [each async for each, _ in sheet.scan(ALIAS, f"{id}/")]
            if len(aliases) > 1 and not params.get("skipResourceInUseCheck"):
                raise conflict(f"Bot {id} is in use: it has aliases")
            sheet.delete(BOT, id)
            await remove(sheet, (VERSION, ALIAS, *INSIDE), f"{id}/")
            for place in (f"bot/{id}", *(f"bot-alias/{each}" for each in aliases)):
                if await sheet.get(TAGS, arn(call, place)) is not None:
                    sheet.delete(TAGS, arn(call, place))
            return {"botId": id, "botStatus": "Deleting"}

        return await self._book.edit(call, work)


class Versions:
    """Operations on numbered versions: the draft as it was built."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateBotVersion(self, call: Call, params: Json) -> Json:
        id, wanted = params["botId"], params["botVersionLocaleSpecification"]

        async def work(sheet: Sheet) -> Json:
            bot = await the(sheet, call, BOT, id)
            number = str(bot["last"] + 1)
            for locale, where in wanted.items():
                await _copy(sheet, call, id, where["sourceBotVersion"], number, locale)
            bot["last"] += 1
            kept = {name: bot[name] for name in (*_GIVEN, "botType", "botId") if name in bot}
            version = {
                **kept,
                "description": params.get("description"),
                "botVersion": number,
                "botStatus": "Available",
                "creationDateTime": time(),
            }
            sheet.put(BOT, id, bot)
            sheet.put(VERSION, f"{id}/{number}", version)
            names = ("botId", "description", "botVersion", "botStatus", "creationDateTime")
            return {**shown(version, names), "botVersionLocaleSpecification": wanted}

        return await self._book.edit(call, work)

    async def DescribeBotVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            if params["botVersion"] == "DRAFT":
                bot = await the(sheet, call, BOT, params["botId"])
                return shown({**bot, "botVersion": "DRAFT"}, _VERSION)
            found = await the(sheet, call, VERSION, key(params, "botId", "botVersion"))
            return shown(found, _VERSION)

        return await self._book.read(work)

    async def ListBotVersions(self, call: Call, params: Json) -> Json:
        id = params["botId"]

        async def work(sheet: Sheet) -> Json:
            bot = await the(sheet, call, BOT, id)
            found = [each async for _, each in sheet.scan(VERSION, f"{id}/")]
            found.append({**bot, "botVersion": "DRAFT"})
            return {"botId": id} | page(found, params, "botVersionSummaries", _VERSIONS)

        return await self._book.read(work)

    async def DeleteBotVersion(self, call: Call, params: Json) -> Json:
        id, number = params["botId"], params["botVersion"]

        async def work(sheet: Sheet) -> Json:
            await the(sheet, call, VERSION, f"{id}/{number}")
            async for _, alias in sheet.scan(ALIAS, f"{id}/"):
                if alias.get("botVersion") == number and not params.get("skipResourceInUseCheck"):
                    raise conflict(f"Version {number} is in use: an alias points to it")
            sheet.delete(VERSION, f"{id}/{number}")
            await remove(sheet, INSIDE, f"{id}/{number}/")
            return {"botId": id, "botVersion": number, "botStatus": "Deleting"}

        return await self._book.edit(call, work)


async def _copy(sheet: Sheet, call: Call, bot: str, source: str, number: str, locale: str) -> None:
    found = await the(sheet, call, LOCALE, f"{bot}/{source}/{locale}")
    if found["botLocaleStatus"] != "Built":
        raise invalid(f"The locale {locale} of version {source} is not built")
    before, after = f"{bot}/{source}/{locale}", f"{bot}/{number}/{locale}"
    copied = [each async for each in everything(sheet, INSIDE, before)]
    for kind, id, document in copied:
        if id == before or id.startswith(f"{before}/"):
            sheet.put(kind, after + id[len(before) :], {**document, "botVersion": number})


class Aliases:
    """Operations on aliases: what clients talk to."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateBotAlias(self, call: Call, params: Json) -> Json:
        bot, id, now = params["botId"], new_id(), time()

        async def work(sheet: Sheet) -> Json:
            await the(sheet, call, BOT, bot)
            await unique(sheet, ALIAS, f"{bot}/", "botAliasName", params["botAliasName"])
            await _check_alias(sheet, call, params)
            alias = {
                **given(params, _ALIAS_GIVEN),
                "botAliasId": id,
                "botId": bot,
                "botAliasStatus": "Available",
                "creationDateTime": now,
                "lastUpdatedDateTime": now,
            }
            sheet.put(ALIAS, f"{bot}/{id}", alias)
            if params.get("tags"):
                sheet.put(TAGS, arn(call, f"bot-alias/{bot}/{id}"), params["tags"])
            return shown(alias, _ALIAS[:-1]) | given(params, ("tags",))

        return await self._book.edit(call, work)

    async def DescribeBotAlias(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(await the(sheet, call, ALIAS, key(params, "botId", "botAliasId")), _ALIAS)

        return await self._book.read(work)

    async def UpdateBotAlias(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            id = key(params, "botId", "botAliasId")
            alias = await the(sheet, call, ALIAS, id)
            name = params["botAliasName"]
            await unique(sheet, ALIAS, f"{params['botId']}/", "botAliasName", name, id)
            await _check_alias(sheet, call, params)
            kept = {name: value for name, value in alias.items() if name not in _ALIAS_GIVEN}
            alias = {**kept, **given(params, _ALIAS_GIVEN), "lastUpdatedDateTime": time()}
            sheet.put(ALIAS, id, alias)
            return shown(alias, _ALIAS)

        return await self._book.edit(call, work)

    async def ListBotAliases(self, call: Call, params: Json) -> Json:
        id = params["botId"]

        async def work(sheet: Sheet) -> Json:
            await the(sheet, call, BOT, id)
            found = [each async for _, each in sheet.scan(ALIAS, f"{id}/")]
            return {"botId": id} | page(found, params, "botAliasSummaries", _ALIASES)

        return await self._book.read(work)

    async def DeleteBotAlias(self, call: Call, params: Json) -> Json:
        bot, id = params["botId"], params["botAliasId"]
        if id == TEST_ALIAS:
            raise invalid("The test alias cannot be deleted")

        async def work(sheet: Sheet) -> Json:
            await the(sheet, call, ALIAS, f"{bot}/{id}")
            sheet.delete(ALIAS, f"{bot}/{id}")
            return {"botId": bot, "botAliasId": id, "botAliasStatus": "Deleting"}

        return await self._book.edit(call, work)


async def _check_alias(sheet: Sheet, call: Call, params: Json) -> None:
    refuse(params, "conversationLogSettings")
    version = params.get("botVersion", "DRAFT")
    if version != "DRAFT":
        await the(sheet, call, VERSION, f"{params['botId']}/{version}")
    for settings in part(params, "botAliasLocaleSettings").values():
        hook = part(part(settings, "codeHookSpecification"), "lambdaCodeHook")
        if hook and hook["codeHookInterfaceVersion"] != "1.0":
            raise invalid("codeHookInterfaceVersion must be 1.0")


class Tags:
    """Operations on tags."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def TagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await self._of(sheet, call, params["resourceARN"])
            sheet.put(TAGS, params["resourceARN"], {**found, **params["tags"]})
            return {}

        return await self._book.edit(call, work)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await self._of(sheet, call, params["resourceARN"])
            left = {name: each for name, each in found.items() if name not in params["tagKeys"]}
            sheet.put(TAGS, params["resourceARN"], left)
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"tags": await self._of(sheet, call, params["resourceARN"])}

        return await self._book.read(work)

    async def _of(self, sheet: Sheet, call: Call, name: str) -> Json:
        kind, _, id = name.rpartition(":")[2].partition("/")
        kinds = {"bot": BOT, "bot-alias": ALIAS}
        if kind not in kinds or await sheet.get(kinds[kind], id) is None:
            raise missing(call, name)
        return await sheet.get(TAGS, name) or {}
