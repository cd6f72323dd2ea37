"""Stages: under which name, and how, clients of an API get a deployment."""

import re
from datetime import UTC, datetime
from time import time

import msgspec

from torana.model.rest import RestApi, Stage
from torana.net.pauses import with_pauses
from torana.services.apigateway.apis import the_api
from torana.services.apigateway.assemble import restoring, stage_of
from torana.services.apigateway.book import (
    API,
    CLIENT_CERTIFICATE,
    DEPLOYMENT,
    FLUSH,
    LIFECYCLE,
    STAGE,
    Book,
    Json,
    Sheet,
)
from torana.services.apigateway.faults import bad, conflict, missing
from torana.services.apigateway.plane import Check
from torana.services.apigateway.stage_patch import patch_stage
from torana.services.ports import Call

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


class Stages:
    """Operations on stages. `check` tries to compile what is to be served."""

    def __init__(self, book: Book, check: Check) -> None:
        self._book, self._check = book, check

    async def attempt(self, api: RestApi, stage: Stage, canary: RestApi | None) -> None:
        """Raises the service's error for what cannot be served."""
        why = await self._check(api, stage, canary)
        if why is not None:
            raise bad(why)

    async def save(
        self, sheet: Sheet, api: Json, stage: Json, made: dict[str, RestApi] | None = None
    ) -> None:
        """Write a stage that can be served. `made`: a deployment not written yet, by its id.

        The API is written too, as it is, so that neither it nor a deployment of it is deleted at
        the same time.
        """
        try:
            model = stage_of(stage)
        except msgspec.ValidationError as error:
            raise bad(f"Invalid stage: {error}") from error

        async def deployed(id: str) -> RestApi:
            return made[id] if made and id in made else await _snapshot(sheet, api["id"], id)

        certificate = stage.get("clientCertificateId")
        if certificate and await sheet.get(CLIENT_CERTIFICATE, certificate) is None:
            raise bad(f"Invalid client certificate identifier specified: {certificate}")
        canary = stage.get("canarySettings", {}).get("deploymentId")
        other = await deployed(canary) if canary else None
        await self.attempt(await deployed(stage["deploymentId"]), model, other)
        sheet.put(API, api["id"], api)
        sheet.put(STAGE, f"{api['id']}/{stage['stageName']}", stage)

    async def CreateStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            name = params["stageName"]
            if await sheet.get(STAGE, f"{api['id']}/{name}") is not None:
                raise conflict("Stage already exists")
            stage = new_stage(name, params)
            stage["deploymentId"] = params["deploymentId"]
            await self.save(sheet, api, stage)
            return _stage(stage)

        return await self._book.edit(call, work)

    async def GetStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["restApiId"])
            return _stage(await _the_stage(sheet, params))

        return await self._book.read(work)

    async def GetStages(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            wanted = params.get("deploymentId")
            found = [
                _stage(each)
                async for _, each in sheet.scan(STAGE, f"{api['id']}/")
                if wanted in (None, each.get("deploymentId"))
            ]
            return {"item": found}

        return await self._book.read(work)

    async def UpdateStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            stage = await _the_stage(sheet, params)
            for operation in params.get("patchOperations") or ():
                patch_stage(stage, operation)
            stage["lastUpdatedDate"] = int(time())
            await self.save(sheet, api, stage)
            return _stage(stage)

        return await self._book.edit(call, work)

    async def DeleteStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            stage = await _the_stage(sheet, params)
            place = f"{api['id']}/{stage['stageName']}"
            sheet.delete(STAGE, place)
            for kind in (FLUSH, LIFECYCLE):
                if await sheet.get(kind, place) is not None:
                    sheet.delete(kind, place)
            return {}

        return await self._book.edit(call, work)

    async def FlushStageCache(self, call: Call, params: Json) -> Json:
        return await self._flush(call, params, "cache")

    async def FlushStageAuthorizersCache(self, call: Call, params: Json) -> Json:
        return await self._flush(call, params, "authorizers")

    async def _flush(self, call: Call, params: Json, what: str) -> Json:
        """Counts on; whoever serves the stage sees that and forgets."""

        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            stage = await _the_stage(sheet, params)
            place = f"{api['id']}/{stage['stageName']}"
            counts = await sheet.get(FLUSH, place) or {}
            sheet.put(FLUSH, place, {**counts, what: counts.get(what, 0) + 1})
            return {}

        return await self._book.edit(call, work)


def new_stage(name: str, params: Json) -> Json:
    """A stage that is served by nothing yet. Raises the service's error."""
    if not _NAME.fullmatch(name):
        raise bad("Stage name only allows a-zA-Z0-9_-")
    kept = ("description", "variables", "documentationVersion", "canarySettings", "tags")
    return {
        "stageName": name,
        **{each: params[each] for each in kept if params.get(each)},
        "cacheClusterEnabled": bool(params.get("cacheClusterEnabled")),
        **(
            {"cacheClusterSize": params["cacheClusterSize"]}
            if params.get("cacheClusterSize")
            else {}
        ),
        "methodSettings": {},
        "tracingEnabled": bool(params.get("tracingEnabled")),
        "createdDate": int(time()),
        "lastUpdatedDate": int(time()),
    }


async def _the_stage(sheet: Sheet, params: Json) -> Json:
    found = await sheet.get(STAGE, f"{params['restApiId']}/{params['stageName']}")
    if found is None:
        raise missing("stage")
    return found


async def _snapshot(sheet: Sheet, api_id: str, deployment_id: str) -> RestApi:
    document = await sheet.get(DEPLOYMENT, f"{api_id}/{deployment_id}")
    if document is None:
        raise bad("Deployment id does not exist")
    return await with_pauses(restoring(document))


def _stage(stage: Json) -> Json:
    """A stage as the service answers it."""
    dates = {
        name: datetime.fromtimestamp(stage[name], UTC)
        for name in ("createdDate", "lastUpdatedDate")
        if name in stage
    }
    status = "AVAILABLE" if stage.get("cacheClusterEnabled") else "NOT_AVAILABLE"
    return {"cacheClusterStatus": status, **stage, **dates}
