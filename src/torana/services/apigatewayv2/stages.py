"""Stages and deployments: under which name, and how, clients of an API get it."""

import re
from collections.abc import Callable
from time import time

import msgspec

from torana.services.apigateway.faults import bad, conflict, not_found
from torana.services.apigatewayv2.book import (
    DEPLOYMENT,
    FLUSH,
    LIFECYCLE,
    MAPPING,
    STAGE,
    Book,
    Json,
    Sheet,
    change,
    dated,
    every,
    given,
    merge,
    one,
    page,
    part,
    parts,
    the_api,
)
from torana.services.apigatewayv2.deploying import NO_ROUTES, Deploying
from torana.services.apigatewayv2.snapshot import SNAPSHOT, snapshot, stage_of
from torana.services.ports import Call

_NAME = re.compile(r"\$default|[a-zA-Z0-9_-]{1,128}")
_VARIABLE, _VALUE = re.compile(r"[A-Za-z0-9_]+"), re.compile(r"[A-Za-z0-9\-._~:/?#&=,]+")
_GIVEN = (
    "AccessLogSettings",
    "ClientCertificateId",
    "DefaultRouteSettings",
    "DeploymentId",
    "Description",
    "RouteSettings",
    "StageVariables",
    "Tags",
)
_CHANGED = (
    "AccessLogSettings",
    "AutoDeploy",
    "ClientCertificateId",
    "DeploymentId",
    "Description",
)


def new_stage(name: str, params: Json) -> Json:
    """A stage's document."""
    now = int(time())
    return {
        "StageName": name,
        "ApiGatewayManaged": False,
        "AutoDeploy": bool(params.get("AutoDeploy")),
        "DefaultRouteSettings": {"DetailedMetricsEnabled": False},
        "RouteSettings": {},
        "StageVariables": {},
        "Tags": {},
        "CreatedDate": now,
        "LastUpdatedDate": now,
        **given(params, _GIVEN),
    }


def _check(api: Json, stage: Json) -> None:
    """Raises the service's error for a stage that cannot be."""
    if not _NAME.fullmatch(stage["StageName"]):
        raise bad("Stage name only allows a-zA-Z0-9_-")
    if stage["StageName"] == "$default" and api["ProtocolType"] != "HTTP":
        raise bad("The $default stage is supported only for HTTP APIs")
    for name, value in stage.get("StageVariables", {}).items():
        if not _VARIABLE.fullmatch(name) or not _VALUE.fullmatch(value):
            raise bad(f"Invalid stage variable {name}: [A-Za-z0-9_]+ = [A-Za-z0-9-._~:/?#&=,]+")
    log = stage.get("AccessLogSettings")
    if log is not None and not (log.get("DestinationArn") and log.get("Format")):
        raise bad("Access log settings need a destination ARN and a format")
    if api["ProtocolType"] == "HTTP":
        _check_http(stage)


def _check_http(stage: Json) -> None:
    if stage.get("ClientCertificateId"):
        raise bad("ClientCertificateId is supported only for WebSocket APIs")
    for settings in (stage.get("DefaultRouteSettings", {}), *stage["RouteSettings"].values()):
        if settings.get("DataTraceEnabled") or settings.get("LoggingLevel", "OFF") != "OFF":
            raise bad("Execution logs are not supported on protocol type HTTP")
    try:
        stage_of(stage)
    except msgspec.ValidationError as error:
        raise bad(f"Invalid stage: {error}") from None


class Stages:
    """Operations on stages."""

    def __init__(self, book: Book, deploying: Deploying) -> None:
        self._book, self._deploying = book, deploying

    async def CreateStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            stage = new_stage(params["StageName"], params)
            if stage["AutoDeploy"]:
                stage.pop("DeploymentId", None)
            _check(api, stage)
            if await sheet.get(STAGE, f"{api['ApiId']}/{stage['StageName']}") is not None:
                raise conflict("Stage already exists")
            await self._keep(sheet, api, stage)
            return dated(stage)

        return await self._book.edit(call, work)

    async def _keep(self, sheet: Sheet, api: Json, stage: Json) -> None:
        """What is deployed already must do with the settings; then the API is deployed anew."""
        if stage.get("DeploymentId") or not stage["AutoDeploy"]:
            await self._deploying.save(sheet, api, stage)
        if stage["AutoDeploy"]:
            await self._deploying.follow(sheet, api, stage)

    async def GetStage(self, call: Call, params: Json) -> Json:
        return await one(self._book, call, params, STAGE, "StageName")

    async def GetStages(self, call: Call, params: Json) -> Json:
        return await every(self._book, call, params, STAGE)

    async def UpdateStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            stage = await part(sheet, STAGE, api["ApiId"], params["StageName"])
            automatic = params.get("AutoDeploy", stage["AutoDeploy"])
            if automatic and params.get("DeploymentId"):
                raise bad("A deployment cannot be chosen for a stage with AutoDeploy enabled")
            change(stage, params, _CHANGED)
            merge(stage, params, "StageVariables")
            stage.setdefault("StageVariables", {})
            for name in ("DefaultRouteSettings", "RouteSettings"):
                stage[name] = {**stage[name], **(params.get(name) or {})}
            stage["LastUpdatedDate"] = int(time())
            _check(api, stage)
            await self._keep(sheet, api, stage)
            return dated(stage)

        return await self._book.edit(call, work)

    async def DeleteStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            stage = await part(sheet, STAGE, api["ApiId"], params["StageName"])
            place = (api["ApiId"], stage["StageName"])
            async for _, mapping in sheet.scan(MAPPING):
                if (mapping["restApiId"], mapping.get("stage")) == place:
                    raise bad(
                        "Deleting stage failed. Please remove all base path mappings related to "
                        "the stage in your domains"
                    )
            id = "/".join(place)
            for kind in (FLUSH, LIFECYCLE):
                if await sheet.get(kind, id) is not None:
                    sheet.delete(kind, id)
            sheet.delete(STAGE, id)
            return {}

        return await self._book.edit(call, work)

    async def DeleteAccessLogSettings(self, call: Call, params: Json) -> Json:
        return await self._without(call, params, lambda stage: stage.pop("AccessLogSettings", None))

    async def DeleteRouteSettings(self, call: Call, params: Json) -> Json:
        def remove(stage: Json) -> None:
            if stage["RouteSettings"].pop(params["RouteKey"], None) is None:
                raise not_found(f"Unable to find route settings for {params['RouteKey']}")

        return await self._without(call, params, remove)

    async def _without(self, call: Call, params: Json, remove: Callable[[Json], object]) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            stage = await part(sheet, STAGE, api["ApiId"], params["StageName"])
            remove(stage)
            stage["LastUpdatedDate"] = int(time())
            await self._keep(sheet, api, stage)
            return {}

        return await self._book.edit(call, work)

    async def ResetAuthorizersCache(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            await part(sheet, STAGE, api["ApiId"], params["StageName"])
            id = f"{api['ApiId']}/{params['StageName']}"
            flush = await sheet.get(FLUSH, id) or {"authorizers": 0}
            sheet.put(FLUSH, id, {"authorizers": flush["authorizers"] + 1})
            return {}

        return await self._book.edit(call, work)


class Deployments:
    """Operations on deployments."""

    def __init__(self, book: Book, deploying: Deploying) -> None:
        self._book, self._deploying = book, deploying

    async def CreateDeployment(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            found = await snapshot(sheet, api)
            name = params.get("StageName")
            stage = await part(sheet, STAGE, api["ApiId"], name) if name else None
            if stage is not None and stage["AutoDeploy"]:
                raise bad(f"Stage '{name}' deploys by itself: AutoDeploy is enabled")
            made = self._deploying.put(sheet, found, params.get("Description") or "", False)
            if stage is not None:
                stage["DeploymentId"] = made["DeploymentId"]
                stage["LastUpdatedDate"] = int(time())
                await self._deploying.save(sheet, api, stage, found)
            elif not found["Routes"]:
                raise bad(NO_ROUTES)
            return dated(made)

        return await self._book.edit(call, work)

    async def GetDeployment(self, call: Call, params: Json) -> Json:
        return await one(self._book, call, params, DEPLOYMENT, "DeploymentId")

    async def GetDeployments(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            await the_api(sheet, call, params["ApiId"])
            found = await parts(sheet, DEPLOYMENT, params["ApiId"])
            shown = [{k: v for k, v in each.items() if k != SNAPSHOT} for each in found]
            return page(sorted(shown, key=lambda each: -each["CreatedDate"]), params)

        return await self._book.read(work)

    async def UpdateDeployment(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            found = await part(sheet, DEPLOYMENT, api["ApiId"], params["DeploymentId"])
            change(found, params, ("Description",))
            sheet.put(DEPLOYMENT, f"{api['ApiId']}/{found['DeploymentId']}", found)
            return dated(found)

        return await self._book.edit(call, work)

    async def DeleteDeployment(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["ApiId"])
            found = await part(sheet, DEPLOYMENT, api["ApiId"], params["DeploymentId"])
            for stage in await parts(sheet, STAGE, api["ApiId"]):
                if stage.get("DeploymentId") == found["DeploymentId"]:
                    raise bad("Active stages pointing to this deployment must be moved or deleted")
            sheet.delete(DEPLOYMENT, f"{api['ApiId']}/{found['DeploymentId']}")
            return {}

        return await self._book.edit(call, work)
