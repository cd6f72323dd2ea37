"""What is said of versions at run time, in the place of what their definitions declare."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from torana.model.lifecycle import NEXT, Deprecation, Entry, Lifecycle, moment, wrong
from torana.openapi.compare import breaks
from torana.openapi.lifecycle import plain
from torana.services.apigateway.book import API, LIFECYCLE, STAGE, Book, Json, Sheet
from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.apigateway.plane import DataPlane, Version
from torana.services.apigatewayv2 import book as v2
from torana.services.lifecycle.comparing import Comparing
from torana.services.ports import Call
from torana.services.promises import major, number, refusal

_MOST_ENTRIES = 1000


class Versions:
    """Operations on versions."""

    def __init__(self, book: Book, plane: DataPlane, comparing: Comparing) -> None:
        self._book, self._served, self._breaking = book, plane.versions, plane.breaking
        self._comparing = comparing

    async def ListVersions(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            own = {id: each async for id, each in sheet.scan(LIFECYCLE)}
            found = [
                shown(each, own.get(f"{each.api_id}/{each.stage}"))
                for each in self._served()
                if params.get("apiId") in (None, each.api_id)
            ]
            wanted = params.get("state")
            return {"versions": [each for each in found if wanted in (None, each["state"])]}

        return await self._book.read(work)

    async def GetVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            return shown(*await self._find(sheet, params))

        return await self._book.read(work)

    async def PutVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            version, own = await self._find(sheet, params)
            before = life(version, own)
            made = _given(params, before)
            if not params.get("force"):
                _check_promises(before, made)
            shown = self._keep(sheet, version, made)
            if (before.state, made.state) == ("design", "published"):
                shown["changes"] = await self._published(sheet, version, params)
            return shown

        return await self._book.edit(call, work)

    async def ResetVersion(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            version, own = await self._find(sheet, params)
            if own is not None:
                sheet.delete(LIFECYCLE, f"{version.api_id}/{version.stage}")
            return {}

        return await self._book.edit(call, work)

    async def AddChange(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            version, own = await self._find(sheet, params)
            before = life(version, own)
            entry = Entry(
                params.get("date") or today(),
                params["text"],
                params.get("kind") or "changed",
                params.get("version") or version.version,
            )
            changelog = (entry, *before.changelog)[:_MOST_ENTRIES]
            made = msgspec.structs.replace(before, changelog=changelog)
            _check(made)
            return self._keep(sheet, version, made)

        return await self._book.edit(call, work)

    async def _published(self, sheet: Sheet, version: Version, params: Json) -> list[Json]:
        """What changed since the version before, of the same major number. Raises the service's
        error where that breaks clients and must not."""
        before = [
            each
            for each in self._served()
            if each.api_id == version.api_id
            and each.stage != version.stage
            and major(each.version) == major(version.version)
            and life(each, await sheet.get(LIFECYCLE, f"{each.api_id}/{each.stage}")).state
            in ("published", "deprecated")
        ]
        if not before or self._breaking == "allow":
            return []
        last = max(before, key=lambda each: number(each.version))
        pair = [{"apiId": each.api_id, "stage": each.stage} for each in (last, version)]
        found = await self._comparing.compare(sheet, *pair)
        if self._breaking == "refuse" and breaks(found) and not params.get("force"):
            raise conflict(refusal(f"{last.api_id}/{last.stage}", found))
        return [msgspec.to_builtins(each) for each in found]

    def _keep(self, sheet: Sheet, version: Version, made: Lifecycle) -> Json:
        document: Json = msgspec.to_builtins(made)
        sheet.put(LIFECYCLE, f"{version.api_id}/{version.stage}", document)
        return shown(version, document)

    async def _find(self, sheet: Sheet, params: Json) -> tuple[Version, Json | None]:
        """A version, and what was said of it. Raises the service's error."""
        api_id, stage = params["apiId"], params["stage"]
        own = await sheet.get(LIFECYCLE, f"{api_id}/{stage}")
        for each in self._served():
            if (each.api_id, each.stage) == (api_id, stage):
                return each, own
        # One that was made a moment ago is in the store before it is served.
        for kind, of, name in ((STAGE, API, "name"), (v2.STAGE, v2.API, "Name")):
            if await sheet.get(kind, f"{api_id}/{stage}") is not None:
                api = await sheet.get(of, api_id) or {}
                protocol = "REST" if of == API else "HTTP"
                if api.get("ProtocolType") != "WEBSOCKET":
                    version = str(api.get("version") or api.get("Version") or "")
                    return Version(
                        api_id, stage, api.get(name, ""), version, protocol, "", None
                    ), own
        raise not_found(f"There is no version {api_id}/{stage} of a REST or an HTTP API")


def today() -> str:
    """In UTC."""
    return datetime.now(UTC).date().isoformat()


def life(version: Version, own: Json | None) -> Lifecycle:
    """What holds for a version."""
    if own is not None:
        return msgspec.convert(own, Lifecycle)
    return version.declared or Lifecycle()


def shown(version: Version, own: Json | None) -> Json:
    """A version as clients see it."""
    return {
        "apiId": version.api_id,
        "stage": version.stage,
        "name": version.name,
        "version": version.version,
        "protocol": version.protocol,
        "path": version.path,
        "declared": own is None,
        "state": "published",
        "owners": [],
        "changelog": [],
        "operations": {},
        **plain(life(version, own)),
    }


def _given(params: Json, before: Lifecycle) -> Lifecycle:
    """What is said now; members that are left out stay as they are. Raises the service's error."""
    fields: dict[str, Any] = msgspec.to_builtins(before)
    fields |= {name: params[name] for name in fields if params.get(name) is not None}
    deprecation: Json = fields["deprecation"] or {}
    if fields["state"] == "deprecated" and not deprecation.get("since"):
        fields["deprecation"] = {**deprecation, "since": today()}
    try:
        made = msgspec.convert(fields, Lifecycle)
    except msgspec.ValidationError as error:
        raise bad(str(error)) from error
    if made.deprecation == Deprecation():
        made = msgspec.structs.replace(made, deprecation=None)
    _check(made)
    return made


def _check(made: Lifecycle) -> None:
    mistakes = [f"{'.'.join(map(str, path))}: {why}" for path, why in wrong(made)]
    if len(made.changelog) > _MOST_ENTRIES:
        mistakes.append(f"changelog: there can be at most {_MOST_ENTRIES} entries")
    if mistakes:
        raise bad("; ".join(mistakes))


def _check_promises(before: Lifecycle, after: Lifecycle) -> None:
    """What clients were told is kept. Raises the service's error."""
    if after.state not in (before.state, *NEXT[before.state]):
        raise conflict(
            f"A version that is {before.state} cannot be {after.state}: what may follow is "
            f"{' or '.join(NEXT[before.state])}"
        )
    told = before.deprecation.sunset if before.deprecation else ""
    sunset = moment(told)
    if after.state == "retired" and sunset is not None and datetime.now(UTC) < sunset:
        raise conflict(f"Clients were told that it answers until {told}")
