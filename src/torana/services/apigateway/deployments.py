"""Deployments: an API as it was, ready to be served by stages."""

from datetime import UTC, datetime
from time import time

import msgspec

from torana.model.lifecycle import Lifecycle
from torana.model.rest import RestApi, Stage
from torana.net.pauses import at_once, with_pauses
from torana.openapi import write
from torana.services.apigateway.apis import the_api
from torana.services.apigateway.assemble import SNAPSHOT, assemble, restoring, snapshot
from torana.services.apigateway.book import (
    DEPLOYMENT,
    LIFECYCLE,
    STAGE,
    Book,
    Json,
    Sheet,
    new_id,
    page,
)
from torana.services.apigateway.faults import bad, missing
from torana.services.apigateway.patch import CLEAR, EDIT, Rule, patch
from torana.services.apigateway.stages import Stages, new_stage
from torana.services.ports import Call
from torana.services.promises import Definition, Policy, broken

_RULES = (Rule("/description", EDIT, null=CLEAR),)


class Deployments:
    """Operations on deployments."""

    def __init__(self, book: Book, stages: Stages, breaking: Policy) -> None:
        self._book, self._stages = book, stages
        self._breaking: Policy = breaking

    async def CreateDeployment(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            model = await assemble(sheet, api)
            made: Json = {"id": new_id(6), "createdDate": int(time())}
            if params.get("description"):
                made["description"] = params["description"]
            sheet.put(DEPLOYMENT, f"{api['id']}/{made['id']}", {**made, **snapshot(model)})
            name = params.get("stageName")
            stage = await sheet.get(STAGE, f"{api['id']}/{name}") if name else None
            if stage is not None:
                await self._check_promise(sheet, stage, model)
            if name:
                fresh = stage or new_stage(name, params)
                if params.get("stageDescription"):
                    fresh["description"] = params["stageDescription"]
                if params.get("variables"):
                    fresh["variables"] = params["variables"]
                self._deploy(fresh, made["id"], params)
                await self._stages.save(sheet, api, fresh, {made["id"]: model})
            else:
                await self._stages.attempt(model, Stage(), None)
            return _shown(made)

        return await self._book.edit(call, work)

    async def _check_promise(self, sheet: Sheet, stage: Json, model: RestApi) -> None:
        """Raises the service's error for what breaks the clients of a published stage."""
        place = f"{model.id}/{stage['stageName']}"
        own = await sheet.get(LIFECYCLE, place)
        life = msgspec.convert(own, Lifecycle | None) or model.lifecycle
        if life is None or self._breaking == "allow":
            return
        before = await _deployment(sheet, model.id, stage["deploymentId"])
        old = await with_pauses(restoring(before))
        why = await broken(self._breaking, place, life, _definition(old), _definition(model))
        if why is not None:
            raise bad(why)

    def _deploy(self, stage: Json, deployment: str, params: Json) -> None:
        """To the stage, or to its canary where one is asked for."""
        canary = params.get("canarySettings")
        if canary is not None and stage.get("deploymentId"):
            stage["canarySettings"] = {**canary, "deploymentId": deployment}
        else:
            stage["deploymentId"] = deployment
        stage["lastUpdatedDate"] = int(time())

    async def GetDeployment(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["restApiId"])
            found = _shown(await _deployment(sheet, params["restApiId"], params["deploymentId"]))
            if "apisummary" in (params.get("embed") or ()):
                document = await _deployment(sheet, params["restApiId"], params["deploymentId"])
                found["apiSummary"] = _summary(document)
            return found

        return await self._book.read(work)

    async def GetDeployments(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            found = [_shown(each) async for _, each in sheet.scan(DEPLOYMENT, f"{api['id']}/")]
            return page(found, params)

        return await self._book.read(work)

    async def UpdateDeployment(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            found = await _deployment(sheet, api["id"], params["deploymentId"])
            patch(found, params.get("patchOperations"), _RULES)
            sheet.put(DEPLOYMENT, f"{api['id']}/{found['id']}", found)
            return _shown(found)

        return await self._book.edit(call, work)

    async def DeleteDeployment(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            found = await _deployment(sheet, api["id"], params["deploymentId"])
            async for _, stage in sheet.scan(STAGE, f"{api['id']}/"):
                canary = stage.get("canarySettings", {}).get("deploymentId")
                if found["id"] in (stage.get("deploymentId"), canary):
                    raise bad("Active stages pointing to this deployment must be moved or deleted")
            sheet.delete(DEPLOYMENT, f"{api['id']}/{found['id']}")
            return {}

        return await self._book.edit(call, work)


async def _deployment(sheet: Sheet, api_id: str, deployment_id: str) -> Json:
    found = await sheet.get(DEPLOYMENT, f"{api_id}/{deployment_id}")
    if found is None:
        raise missing("Deployment")
    return found


def _definition(api: RestApi) -> Definition:
    return Definition(api.version, lambda: write(api, Stage()))


def _shown(deployment: Json) -> Json:
    created = datetime.fromtimestamp(deployment["createdDate"], UTC)
    kept = {name: value for name, value in deployment.items() if name not in SNAPSHOT}
    return {**kept, "createdDate": created}


def _summary(deployment: Json) -> Json:
    api = at_once(restoring(deployment))
    found: Json = {}
    for method in api.methods:
        found.setdefault(method.path, {})[method.http_method] = {
            "authorizationType": method.authorization_type,
            "apiKeyRequired": method.api_key_required,
        }
    return found
