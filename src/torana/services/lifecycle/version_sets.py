"""Sets of versions: which stage clients get below a base path of a domain, by their headers."""

from torana.model.version_set import VersionSet
from torana.services.apigateway.book import VERSION_SET, Book, Json, Sheet
from torana.services.apigateway.faults import bad, not_found
from torana.services.apigatewayv2.domains import check_stage, the_domain
from torana.services.ports import Call

_NO_BASE = "(none)"


class VersionSets:
    """Operations on sets of versions."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def PutVersionSet(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            domain = (await the_domain(sheet, params["domainName"]))["domainName"]
            made: Json = {name: each for name, each in params.items() if each}
            made |= {"domainName": domain, "basePath": (params.get("basePath") or "").strip("/")}
            if (why := version_set(made).wrong()) is not None:
                raise bad(why)
            for each in made["versions"].values():
                await check_stage(sheet, each["apiId"], each["stage"])
            id = _id(domain, made["basePath"])
            await sheet.get(VERSION_SET, id)
            sheet.put(VERSION_SET, id, made)
            return made

        return await self._book.edit(call, work)

    async def ListVersionSets(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return {"versionSets": [each async for _, each in sheet.scan(VERSION_SET)]}

        return await self._book.read(work)

    async def DeleteVersionSet(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            id = _id(params["domainName"].lower(), (params.get("basePath") or "").strip("/"))
            if await sheet.get(VERSION_SET, id) is None:
                raise not_found("There is no such set of versions")
            sheet.delete(VERSION_SET, id)
            return {}

        return await self._book.edit(call, work)


def version_set(found: Json) -> VersionSet:
    """A set's document as the front door wants it."""
    return VersionSet(
        found["basePath"],
        {name: (each["apiId"], each["stage"]) for name, each in found["versions"].items()},
        found.get("header", ""),
        found.get("mediaTypeParameter", ""),
        found.get("defaultVersion", ""),
    )


def _id(domain: str, base: str) -> str:
    return f"{domain}/{base or _NO_BASE}"
