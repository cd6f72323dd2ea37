"""Lex V1's operations on bots, their aliases and their tags."""

from time import time

from torana.services.background import Background
from torana.services.lex.book import BUILT
from torana.services.lex_v1.builds import BotBuilds, built_id
from torana.services.lex_v1.shelf import (
    ALIAS,
    BOT,
    INTENT,
    LATEST,
    TAGS,
    Book,
    Json,
    Sheet,
    Shelf,
    agree,
    bad,
    checksum,
    in_use,
    missing,
    page,
    shown,
)
from torana.services.members import parts
from torana.services.ports import Call

BOT_MEMBERS = (
    *("description", "intents", "nluIntentConfidenceThreshold", "clarificationPrompt"),
    *("abortStatement", "idleSessionTTLInSeconds", "voiceId", "locale", "childDirected"),
    *("enableModelImprovements", "detectSentiment"),
)
_ALIAS_MEMBERS = ("description", "botVersion")


async def _check_bot(sheet: Sheet, document: Json) -> None:
    for each in parts(document, "intents"):
        name, version = each["intentName"], each["intentVersion"]
        if await sheet.get(INTENT, f"{name}/{version}") is None:
            raise bad(f"There is no intent {name}:{version}")
        if document["version"] != LATEST and version == LATEST:
            raise bad(f"A version of a bot needs numbered intents, not {name}:{LATEST}")


async def _of_aliases(sheet: Sheet, name: str, version: str) -> None:
    """Raises the service's error when an alias points to the bot."""
    async for _, alias in sheet.scan(ALIAS, f"{name}/"):
        if version in ("", alias["botVersion"]):
            raise in_use("BotAlias", alias["name"], alias["botVersion"])


class Bots:
    """Operations on bots."""

    def __init__(self, book: Book, builds: BotBuilds, background: Background) -> None:
        self._book, self._builds, self._background = book, builds, background
        self._shelf = Shelf(book, BOT, BOT_MEMBERS, _check_bot)

    async def PutBot(self, call: Call, params: Json) -> Json:
        """Kept now, and trained in the background unless it is only to be saved."""
        if params.get("processBehavior") == "SAVE":
            status = "NOT_BUILT"
        elif params.get("intents"):
            status = "BUILDING"
        else:
            raise bad("intents: a bot that is to be built needs one")
        given = {"idleSessionTTLInSeconds": 300, "detectSentiment": False} | params
        published: list[str] = []

        async def work(sheet: Sheet) -> Json:
            published.clear()
            new = await self._shelf.put(sheet, given, {"status": status})
            if params.get("tags"):
                await sheet.get(TAGS, _arn(call, new["name"]))
                sheet.put(TAGS, _arn(call, new["name"]), {"tags": params["tags"]})
            told = shown(new) | {name: params[name] for name in ("tags",) if params.get(name)}
            if not params.get("createVersion"):
                return told
            published.append((await self._shelf.publish(sheet, new))["version"])
            return {**told, "createVersion": True}

        answer = await self._book.edit(call, work)
        if status == "BUILDING":
            for version in (LATEST, *published):
                self._build(params["name"], version)
        return answer

    def _build(self, name: str, version: str) -> None:
        self._background.start(self._builds.build(name, version), f"building of {name}:{version}")

    async def CreateBotVersion(self, call: Call, params: Json) -> Json:
        """As the latest one is; what was built of that serves it, else it is built."""
        name = params["name"]

        async def work(sheet: Sheet) -> Json:
            latest = await self._shelf.the(sheet, name, LATEST)
            if params.get("checksum"):
                agree(latest, params)
            new = await self._shelf.publish(sheet, latest)
            built = await sheet.get(BUILT, built_id(name, LATEST))
            there = await sheet.get(BUILT, built_id(name, new["version"]))
            if there is None and built is not None and new["status"] == "READY":
                sheet.put(BUILT, built_id(name, new["version"]), built)
            elif there is None:
                new["status"] = "BUILDING"
                sheet.put(BOT, f"{name}/{new['version']}", new)
            return new

        new = await self._book.edit(call, work)
        if new["status"] == "BUILDING":
            self._build(name, new["version"])
        return shown(new)

    async def GetBot(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            name, wanted = params["name"], params["versionOrAlias"]
            alias = await sheet.get(ALIAS, f"{name}/{wanted}")
            version = alias["botVersion"] if alias else wanted
            return shown(await self._shelf.the(sheet, name, version))

        return await self._book.read(work)

    async def GetBots(self, call: Call, params: Json) -> Json:
        return await self._shelf.listed(params, "bots")

    async def GetBotVersions(self, call: Call, params: Json) -> Json:
        return await self._shelf.listed(params, "bots", params["name"])

    async def DeleteBot(self, call: Call, params: Json) -> Json:
        return await self._delete(call, params["name"], "")

    async def DeleteBotVersion(self, call: Call, params: Json) -> Json:
        return await self._delete(call, params["name"], params["version"])

    async def _delete(self, call: Call, name: str, version: str) -> Json:
        async def users(sheet: Sheet, name: str, version: str) -> None:
            await _of_aliases(sheet, name, version)
            found = [id async for id, _ in sheet.scan(BUILT, f"v1/{name}/")]
            for id in found:
                if version in ("", id.rpartition("/")[2]):
                    sheet.delete(BUILT, id)
            tags = _arn(call, name)
            if not version and await sheet.get(TAGS, tags) is not None:
                sheet.delete(TAGS, tags)

        return await self._shelf.deleted(call, name, version, users)


class Aliases:
    """Operations on aliases. No channel leads to a bot here."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def PutBotAlias(self, call: Call, params: Json) -> Json:
        if params.get("conversationLogs"):
            raise bad("conversationLogs: not supported here")
        bot, name, now = params["botName"], params["name"], time()

        async def work(sheet: Sheet) -> Json:
            if await sheet.get(BOT, f"{bot}/{params['botVersion']}") is None:
                raise bad(f"There is no bot {bot}:{params['botVersion']}")
            before = await sheet.get(ALIAS, f"{bot}/{name}")
            agree(before, params)
            given = {each: params[each] for each in _ALIAS_MEMBERS if params.get(each) is not None}
            alias = {
                **given,
                "name": name,
                "botName": bot,
                "createdDate": before["createdDate"] if before else now,
                "lastUpdatedDate": now,
                "checksum": checksum(given, _ALIAS_MEMBERS),
            }
            sheet.put(ALIAS, f"{bot}/{name}", alias)
            return shown(alias)

        return await self._book.edit(call, work)

    async def GetBotAlias(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(await self._the(sheet, params["botName"], params["name"]))

        return await self._book.read(work)

    async def GetBotAliases(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = [shown(each) async for _, each in sheet.scan(ALIAS, f"{params['botName']}/")]
            return page(found, params, "BotAliases")

        return await self._book.read(work)

    async def DeleteBotAlias(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await self._the(sheet, params["botName"], params["name"])
            sheet.delete(ALIAS, f"{params['botName']}/{params['name']}")
            return {}

        return await self._book.edit(call, work)

    async def GetBotChannelAssociation(self, call: Call, params: Json) -> Json:
        raise missing(params["name"])

    async def GetBotChannelAssociations(self, call: Call, params: Json) -> Json:
        return {"botChannelAssociations": []}

    async def _the(self, sheet: Sheet, bot: str, name: str) -> Json:
        found = await sheet.get(ALIAS, f"{bot}/{name}")
        if found is None:
            raise missing(f"{bot}:{name}")
        return found


class Tags:
    """Operations on the tags of bots."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def TagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            arn = params["resourceArn"]
            found = {each["key"]: each for each in await self._of(sheet, arn)}
            found |= {each["key"]: each for each in params["tags"]}
            sheet.put(TAGS, arn, {"tags": list(found.values())})
            return {}

        return await self._book.edit(call, work)

    async def UntagResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            arn = params["resourceArn"]
            found = await self._of(sheet, arn)
            kept = [each for each in found if each["key"] not in params["tagKeys"]]
            sheet.put(TAGS, arn, {"tags": kept})
            return {}

        return await self._book.edit(call, work)

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"tags": await self._of(sheet, params["resourceArn"])}

        return await self._book.read(work)

    async def _of(self, sheet: Sheet, arn: str) -> list[Json]:
        kind, _, name = arn.partition(":lex:")[2].partition(":")[2].partition(":")[2].partition(":")
        if kind != "bot" or await sheet.get(BOT, f"{name}/{LATEST}") is None:
            raise missing(arn)
        return (await sheet.get(TAGS, arn) or {"tags": []})["tags"]


def _arn(call: Call, name: str) -> str:
    return f"arn:aws:lex:{call.region}:{call.principal.account}:bot:{name}"
