"""Prompts: drafts, and versions that never change.

Source: Amazon Bedrock User Guide, "Prompt management"; the `bedrock-agent` service model.
"""

from datetime import UTC, datetime
from random import choices
from string import ascii_uppercase, digits
from typing import Any

from torana.services.apigateway.book import Book, Sheet
from torana.services.bedrock_agent.template import variant_of, version_of
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Json = dict[str, Any]

DRAFT = "bedrock-prompt"
"""Under the prompt's id."""
VERSION = "bedrock-prompt-version"
"""Under `{id}/{version}`."""
NAME = "bedrock-prompt-name"
"""Under its name: no two prompts of one."""
_DRAFT = "DRAFT"
_GIVEN = ("name", "description", "defaultVariant", "variants")
_MOST_VERSIONS = 100


class Prompts:
    """The operations."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreatePrompt(self, call: Call, params: Json) -> Json:
        _check(params)

        async def work(sheet: Sheet) -> Json:
            id = "".join(choices(ascii_uppercase + digits, k=10))  # noqa: S311
            await _take_name(sheet, params["name"], id)
            now = _now()
            made = _given(params) | {"id": id, "createdAt": now, "updatedAt": now}
            made |= {"arn": _arn(call, id), "lastVersion": 0, "tags": params.get("tags", {})}
            sheet.put(DRAFT, id, made)
            return _shown(made, _DRAFT)

        return await self._book.edit(call, work)

    async def UpdatePrompt(self, call: Call, params: Json) -> Json:
        _check(params)

        async def work(sheet: Sheet) -> Json:
            before = await _draft(sheet, params["promptIdentifier"])
            if before["name"] != params["name"]:
                await sheet.get(NAME, before["name"])
                sheet.delete(NAME, before["name"])
                await _take_name(sheet, params["name"], before["id"])
            kept = {name: value for name, value in before.items() if name not in _GIVEN}
            made = kept | _given(params) | {"updatedAt": _now()}
            sheet.put(DRAFT, before["id"], made)
            return _shown(made, _DRAFT)

        return await self._book.edit(call, work)

    async def GetPrompt(self, call: Call, params: Json) -> Json:
        identifier, version = _split(params["promptIdentifier"])
        version = params.get("promptVersion") or version or _DRAFT

        async def work(sheet: Sheet) -> Json:
            found = await _draft(sheet, identifier)
            if version != _DRAFT:
                found = await _version(sheet, found["id"], version)
            return _shown(found, version)

        return await self._book.read(work)

    async def CreatePromptVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            draft = await _draft(sheet, params["promptIdentifier"])
            version_of(variant_of(draft))
            number = draft["lastVersion"] + 1
            if number > _MOST_VERSIONS:
                raise ServiceError(
                    "ServiceQuotaExceededException", f"over {_MOST_VERSIONS} versions of a prompt"
                )
            now = _now()
            made = draft | {"createdAt": now, "updatedAt": now}
            made |= {"arn": f"{draft['arn']}:{number}", "tags": params.get("tags", {})}
            if "description" in params:
                made["description"] = params["description"]
            await sheet.get(VERSION, f"{draft['id']}/{number}")
            sheet.put(VERSION, f"{draft['id']}/{number}", made)
            sheet.put(DRAFT, draft["id"], draft | {"lastVersion": number})
            return _shown(made, str(number))

        return await self._book.edit(call, work)

    async def ListPrompts(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            if "promptIdentifier" in params:
                draft = await _draft(sheet, params["promptIdentifier"])
                shown = [_summary(draft, _DRAFT)]
                for number in range(1, draft["lastVersion"] + 1):
                    found = await sheet.get(VERSION, f"{draft['id']}/{number}")
                    shown += [_summary(found, str(number))] if found else []
            else:
                shown = [_summary(each, _DRAFT) async for _, each in sheet.scan(DRAFT)]
            return _page(shown, params)

        return await self._book.read(work)

    async def DeletePrompt(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            draft = await _draft(sheet, params["promptIdentifier"])
            version = params.get("promptVersion")
            if version:
                await _version(sheet, draft["id"], version)
                sheet.delete(VERSION, f"{draft['id']}/{version}")
                return {"id": draft["id"], "version": version}
            async for id, _ in sheet.scan(VERSION, f"{draft['id']}/"):
                sheet.delete(VERSION, id)
            await sheet.get(NAME, draft["name"])
            sheet.delete(NAME, draft["name"])
            sheet.delete(DRAFT, draft["id"])
            return {"id": draft["id"]}

        return await self._book.edit(call, work)

    async def TagResource(self, call: Call, params: Json) -> Json:
        return await self._retag(call, params["resourceArn"], params["tags"], set())

    async def UntagResource(self, call: Call, params: Json) -> Json:
        return await self._retag(call, params["resourceArn"], {}, set(params["tagKeys"]))

    async def ListTagsForResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"tags": (await _by_arn(sheet, params["resourceArn"]))[2]["tags"]}

        return await self._book.read(work)

    async def _retag(self, call: Call, arn: str, more: Json, gone: set[str]) -> Json:
        async def work(sheet: Sheet) -> Json:
            kind, id, found = await _by_arn(sheet, arn)
            tags = {name: value for name, value in found["tags"].items() if name not in gone}
            sheet.put(kind, id, found | {"tags": tags | more})
            return {}

        return await self._book.edit(call, work)


def _check(params: Json) -> None:
    """What can be known before a version is made. Raises `ServiceError`."""
    if "customerEncryptionKeyArn" in params:
        raise ServiceError(
            "ValidationException", "customerEncryptionKeyArn is not supported for prompts here"
        )
    names = [variant["name"] for variant in params.get("variants", ())]
    wanted = params.get("defaultVariant")
    if wanted is not None and wanted not in names:
        raise ServiceError(
            "ValidationException", f"defaultVariant {wanted!r} is none of the variants"
        )
    for variant in params.get("variants", ()):
        version_of({"modelId": "-"} | variant)


def _given(params: Json) -> Json:
    return {name: params[name] for name in _GIVEN if name in params}


async def _take_name(sheet: Sheet, name: str, id: str) -> None:
    taken = await sheet.get(NAME, name)
    if taken is not None:
        raise ServiceError("ConflictException", f"A prompt with the name {name} exists already")
    sheet.put(NAME, name, {"id": id})


def _split(identifier: str) -> tuple[str, str]:
    """Id and version of an id or an ARN."""
    last = identifier.rpartition("/")[2]
    id, _, version = last.partition(":")
    return id, version


async def _draft(sheet: Sheet, identifier: str) -> Json:
    id = _split(identifier)[0]
    found = await sheet.get(DRAFT, id)
    if found is None:
        raise ServiceError("ResourceNotFoundException", f"The prompt {id} does not exist")
    return found


async def _version(sheet: Sheet, id: str, version: str) -> Json:
    found = await sheet.get(VERSION, f"{id}/{version}")
    if found is None:
        raise ServiceError("ResourceNotFoundException", f"The prompt {id} has no version {version}")
    return found


async def _by_arn(sheet: Sheet, arn: str) -> tuple[str, str, Json]:
    id, version = _split(arn)
    draft = await _draft(sheet, id)
    if not version:
        return DRAFT, id, draft
    return VERSION, f"{id}/{version}", await _version(sheet, id, version)


def _shown(prompt: Json, version: str) -> Json:
    told = {name: prompt[name] for name in (*_GIVEN, "id", "arn") if name in prompt}
    return told | _times(prompt) | {"version": version}


def _summary(prompt: Json, version: str) -> Json:
    told = {name: prompt[name] for name in ("name", "description", "id", "arn") if name in prompt}
    return told | _times(prompt) | {"version": version}


def _times(prompt: Json) -> Json:
    return {name: datetime.fromtimestamp(prompt[name], UTC) for name in ("createdAt", "updatedAt")}


def _page(items: list[Json], params: Json) -> Json:
    token = params.get("nextToken", "0")
    start = int(token) if token.isdigit() else 0
    limit = params.get("maxResults") or 100
    answer: Json = {"promptSummaries": items[start : start + limit]}
    if start + limit < len(items):
        answer["nextToken"] = str(start + limit)
    return answer


def _arn(call: Call, id: str) -> str:
    return f"arn:aws:bedrock:{call.region}:{call.principal.account}:prompt/{id}"


def _now() -> float:
    return datetime.now(UTC).timestamp()
