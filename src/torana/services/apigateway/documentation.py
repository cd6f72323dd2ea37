"""Documentation parts and versions."""

from datetime import UTC, datetime
from time import time

from torana.services.apigateway.apis import the_api
from torana.services.apigateway.book import PART, Book, Json, Sheet, new_id, page
from torana.services.apigateway.faults import bad, conflict, missing
from torana.services.apigateway.patch import Rule, patch
from torana.services.ports import Call

_PART_RULES = (Rule("/properties"),)
_VERSION_RULES = (Rule("/description"),)


def _dated(version: Json) -> Json:
    return {**version, "createdDate": datetime.fromtimestamp(version["createdDate"], UTC)}


class Documentation:
    """Operations on documentation."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateDocumentationPart(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            if not params.get("properties"):
                raise bad("Documentation part properties must be non-empty")
            async for _, each in sheet.scan(PART, f"{api['id']}/documentation/"):
                if each["location"] == params["location"]:
                    raise conflict(
                        "Documentation part already exists for the specified location: type "
                        f"'{params['location']['type']}'"
                    )
            made: Json = {
                "id": new_id(6),
                "location": params["location"],
                "properties": params["properties"],
            }
            sheet.put(PART, f"{api['id']}/documentation/{made['id']}", made)
            return made

        return await self._book.edit(call, work)

    async def GetDocumentationPart(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return await _part(sheet, params)

        return await self._book.read(work)

    async def GetDocumentationParts(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            kind = params.get("type")
            found = [
                each
                async for _, each in sheet.scan(PART, f"{api['id']}/documentation/")
                if kind in (None, each["location"]["type"])
            ]
            return page(found, params)

        return await self._book.read(work)

    async def UpdateDocumentationPart(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _part(sheet, params)
            patch(found, params.get("patchOperations"), _PART_RULES, lists_paths=True)
            sheet.put(PART, f"{params['restApiId']}/documentation/{found['id']}", found)
            return found

        return await self._book.edit(call, work)

    async def DeleteDocumentationPart(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["restApiId"])
            found = await _part(sheet, params)
            sheet.delete(PART, f"{params['restApiId']}/documentation/{found['id']}")
            return {}

        return await self._book.edit(call, work)

    async def CreateDocumentationVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            version = params["documentationVersion"]
            place = f"{api['id']}/documentation-version/{version}"
            if await sheet.get(PART, place) is not None:
                raise conflict(f"Documentation version already exists: {version}")
            made: Json = {"version": version, "createdDate": int(time())}
            if params.get("description"):
                made["description"] = params["description"]
            sheet.put(PART, place, made)
            return _dated(made)

        return await self._book.edit(call, work)

    async def GetDocumentationVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return _dated(await _version(sheet, call, params))

        return await self._book.read(work)

    async def GetDocumentationVersions(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            prefix = f"{api['id']}/documentation-version/"
            return page(
                [_dated(each) async for _, each in sheet.scan(PART, prefix)], params, "version"
            )

        return await self._book.read(work)

    async def UpdateDocumentationVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _version(sheet, call, params)
            patch(found, params.get("patchOperations"), _VERSION_RULES, lists_paths=True)
            place = f"{params['restApiId']}/documentation-version/{found['version']}"
            sheet.put(PART, place, found)
            return _dated(found)

        return await self._book.edit(call, work)

    async def DeleteDocumentationVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            found = await _version(sheet, call, params)
            place = f"{params['restApiId']}/documentation-version/{found['version']}"
            sheet.delete(PART, place)
            return {}

        return await self._book.edit(call, work)


async def _part(sheet: Sheet, params: Json) -> Json:
    place = f"{params['restApiId']}/documentation/{params['documentationPartId']}"
    found = await sheet.get(PART, place)
    if found is None:
        raise missing("Documentation part")
    return found


async def _version(sheet: Sheet, call: Call, params: Json) -> Json:
    api = await the_api(sheet, call, params["restApiId"])
    place = f"{api['id']}/documentation-version/{params['documentationVersion']}"
    found = await sheet.get(PART, place)
    if found is None:
        raise missing("Documentation version")
    return found
