"""The tree of resources."""

import re

from torana.services.apigateway.apis import the_api
from torana.services.apigateway.book import PATH, RESOURCE, Book, Json, Sheet, new_id, page
from torana.services.apigateway.faults import bad, conflict, missing
from torana.services.apigateway.patch import Rule, patch
from torana.services.ports import Call

_PLAIN = re.compile(r"[a-zA-Z0-9._\-:,;~!$&'()*+=@%]+")
_VARIABLE = re.compile(r"\{[a-zA-Z0-9._-]+\+?\}")
RULES = (Rule("/parentId"), Rule("/pathPart"))


async def the_resource(sheet: Sheet, api_id: str, resource_id: str) -> Json:
    """Raises the service's error."""
    resource = await sheet.get(RESOURCE, f"{api_id}/{resource_id}")
    if resource is None:
        raise missing("Resource")
    return resource


def shown(resource: Json, with_methods: bool = False) -> Json:
    """A resource as the service answers it: methods only by name unless asked for."""
    answer = {name: value for name, value in resource.items() if name != "methods"}
    methods = resource.get("methods")
    if methods:
        answer["resourceMethods"] = methods if with_methods else {verb: {} for verb in methods}
    return answer


def path_of(parent: Json, part: str) -> str:
    """The whole path of a child."""
    return f"{parent['path'].rstrip('/')}/{part}"


def slot(api_id: str, parent_id: str, part: str) -> str:
    """What a child takes for itself: its name, or the one place for a variable."""
    return f"{api_id}/{parent_id}/{'{}' if part.startswith('{') else part}"


async def place(sheet: Sheet, api_id: str, parent: Json, resource: Json) -> None:
    """Put a resource below another. Raises the service's error when it cannot be there."""
    part = resource["pathPart"]
    if not (_PLAIN.fullmatch(part) or _VARIABLE.fullmatch(part)):
        raise bad(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and "
            "curly braces at the beginning and the end."
        )
    if parent.get("pathPart", "").endswith("+}"):
        raise bad(
            f"Cannot create a child of a resource with a greedy path variable: {parent['pathPart']}"
        )
    taken = await sheet.get(PATH, slot(api_id, parent["id"], part))
    if taken is not None and taken["id"] != resource["id"]:
        if taken["part"] == part:
            raise conflict(f"Another resource with the same parent already has this name: {part}")
        raise bad(
            f"A sibling ({taken['part']}) of this resource already has a variable path part -- "
            "only one is allowed"
        )
    sheet.put(PATH, slot(api_id, parent["id"], part), {"id": resource["id"], "part": part})
    resource.update(parentId=parent["id"], path=path_of(parent, part))
    sheet.put(RESOURCE, f"{api_id}/{resource['id']}", resource)


class Resources:
    """Operations on resources."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def CreateResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            parent = await the_resource(sheet, api["id"], params["parentId"])
            resource: Json = {"id": new_id(6), "pathPart": params["pathPart"]}
            await place(sheet, api["id"], parent, resource)
            return shown(resource)

        return await self._book.edit(call, work)

    async def GetResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            resource = await the_resource(sheet, api["id"], params["resourceId"])
            return shown(resource, "methods" in (params.get("embed") or ()))

        return await self._book.read(work)

    async def GetResources(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            methods = "methods" in (params.get("embed") or ())
            found = [
                shown(each, methods) async for _, each in sheet.scan(RESOURCE, f"{api['id']}/")
            ]
            return page(sorted(found, key=lambda each: str(each["id"])), params)

        return await self._book.read(work)

    async def UpdateResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            resource = await the_resource(sheet, api["id"], params["resourceId"])
            before = dict(resource)
            patch(resource, params.get("patchOperations"), RULES, lists_paths=True)
            if "parentId" not in before:
                what = "parentId" if "parentId" in resource else "pathPart"
                raise bad(f"Root resource cannot update its {what}.")
            parent = await the_resource(sheet, api["id"], resource["parentId"])
            if f"{parent['path']}/".startswith(f"{before['path']}/"):
                raise bad("Resources cannot be cyclical.")
            await self._leave(sheet, api["id"], before)
            await place(sheet, api["id"], parent, resource)
            await self._repath(sheet, api["id"], before["path"], resource["path"])
            return shown(resource)

        return await self._book.edit(call, work)

    async def _leave(self, sheet: Sheet, api_id: str, resource: Json) -> None:
        taken = slot(api_id, resource["parentId"], resource["pathPart"])
        if await sheet.get(PATH, taken) is not None:
            sheet.delete(PATH, taken)

    async def _repath(self, sheet: Sheet, api_id: str, before: str, after: str) -> None:
        """What is below moves along."""
        async for id, each in sheet.scan(RESOURCE, f"{api_id}/"):
            if each["path"].startswith(f"{before}/"):
                each["path"] = after + each["path"][len(before) :]
                sheet.put(RESOURCE, id, each)

    async def DeleteResource(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            resource = await the_resource(sheet, api["id"], params["resourceId"])
            if "parentId" not in resource:
                raise bad("Cannot remove the root resource")
            async for id, each in sheet.scan(RESOURCE, f"{api['id']}/"):
                if f"{each['path']}/".startswith(f"{resource['path']}/"):
                    await self._leave(sheet, api["id"], each)
                    sheet.delete(RESOURCE, id)
            return {}

        return await self._book.edit(call, work)
