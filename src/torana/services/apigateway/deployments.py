"""Deployments and stages: what clients of an API get, and under which name."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from time import time

import msgspec

from torana.model.rest import RestApi, Stage
from torana.services.apigateway.apis import the_api
from torana.services.apigateway.assemble import assemble, stage_of
from torana.services.apigateway.book import DEPLOYMENT, STAGE, Book, Json, Sheet, new_id, page
from torana.services.apigateway.faults import bad, conflict, missing, not_found
from torana.services.apigateway.patch import EDIT, Rule, boolean, integer, number, patch
from torana.services.apigateway.plane import Check
from torana.services.ports import Call

_SETTINGS = {
    "metrics/enabled": ("metricsEnabled", boolean),
    "logging/loglevel": ("loggingLevel", str),
    "logging/dataTrace": ("dataTraceEnabled", boolean),
    "throttling/rateLimit": ("throttlingRateLimit", number),
    "throttling/burstLimit": ("throttlingBurstLimit", integer),
    "caching/enabled": ("cachingEnabled", boolean),
    "caching/ttlInSeconds": ("cacheTtlInSeconds", integer),
    "caching/dataEncrypted": ("cacheDataEncrypted", boolean),
    "caching/requireAuthorizationForCacheControl": (
        "requireAuthorizationForCacheControl",
        boolean,
    ),
    "caching/unauthorizedCacheControlHeaderStrategy": (
        "unauthorizedCacheControlHeaderStrategy",
        str,
    ),
}
_DEFAULTS: Json = {
    "metricsEnabled": False,
    "loggingLevel": "OFF",
    "dataTraceEnabled": False,
    "cachingEnabled": False,
    "cacheTtlInSeconds": 300,
    "cacheDataEncrypted": False,
    "requireAuthorizationForCacheControl": True,
    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
}
_RULES = (
    Rule("/deploymentId"),
    Rule("/description", EDIT),
    Rule("/variables/*", EDIT),
    Rule("/cacheClusterEnabled", ("replace",), boolean),
    Rule("/cacheClusterSize"),
    Rule("/clientCertificateId", EDIT),
    Rule("/documentationVersion", EDIT),
    Rule("/tracingEnabled", ("replace",), boolean),
    Rule("/accessLogSettings/destinationArn", EDIT),
    Rule("/accessLogSettings/format", EDIT),
    Rule("/canarySettings", ("remove",)),
    Rule("/canarySettings/deploymentId"),
    Rule("/canarySettings/stageVariableOverrides", ("remove",)),
    Rule("/canarySettings/percentTraffic", EDIT, number),
    Rule("/canarySettings/stageVariableOverrides/*", EDIT),
    Rule("/canarySettings/useStageCache", EDIT, boolean),
)
_DEPLOYMENT_RULES = (Rule("/description"),)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


class Deployments:
    """Operations on deployments and stages. `check` tries to compile what is to be served."""

    def __init__(self, book: Book, check: Check) -> None:
        self._book, self._check = book, check

    async def CreateDeployment(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            model = await assemble(sheet, api)
            made: Json = {"id": new_id(6), "createdDate": int(time())}
            if params.get("description"):
                made["description"] = params["description"]
            snapshot = {**made, "api": msgspec.json.encode(model).decode()}
            sheet.put(DEPLOYMENT, f"{api['id']}/{made['id']}", snapshot)
            name = params.get("stageName")
            stage = await sheet.get(STAGE, f"{api['id']}/{name}") if name else None
            if name:
                fresh = stage or _new_stage(name, params)
                if params.get("stageDescription"):
                    fresh["description"] = params["stageDescription"]
                if params.get("variables"):
                    fresh["variables"] = params["variables"]
                self._deploy(fresh, made["id"], params)
                await self._save(sheet, api["id"], fresh, {made["id"]: model})
            else:
                self._try(model, Stage(), None)
            return _shown(made)

        return await self._book.edit(call, work)

    def _deploy(self, stage: Json, deployment: str, params: Json) -> None:
        """To the stage, or to its canary where one is asked for."""
        canary = params.get("canarySettings")
        if canary is not None and stage.get("deploymentId"):
            stage["canarySettings"] = {**canary, "deploymentId": deployment}
        else:
            stage["deploymentId"] = deployment
        stage["lastUpdatedDate"] = int(time())

    def _try(self, api: RestApi, stage: Stage, canary: RestApi | None) -> None:
        why = self._check(api, stage, canary)
        if why is not None:
            raise bad(why)

    async def _save(
        self, sheet: Sheet, api_id: str, stage: Json, made: dict[str, RestApi] | None = None
    ) -> None:
        """`made`: a deployment that is not written yet, by its id."""
        try:
            model = stage_of(stage)
        except msgspec.ValidationError as error:
            raise bad(f"Invalid stage: {error}") from error

        async def deployed(id: str) -> RestApi:
            return made[id] if made and id in made else await _snapshot(sheet, api_id, id)

        canary = stage.get("canarySettings", {}).get("deploymentId")
        other = await deployed(canary) if canary else None
        self._try(await deployed(stage["deploymentId"]), model, other)
        sheet.put(STAGE, f"{api_id}/{stage['stageName']}", stage)

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
            patch(found, params.get("patchOperations"), _DEPLOYMENT_RULES)
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

    async def CreateStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            name = params["stageName"]
            if await sheet.get(STAGE, f"{api['id']}/{name}") is not None:
                raise conflict("Stage already exists")
            stage = _new_stage(name, params)
            stage["deploymentId"] = params["deploymentId"]
            await self._save(sheet, api["id"], stage)
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
                _patch_stage(stage, operation)
            stage["lastUpdatedDate"] = int(time())
            await self._save(sheet, api["id"], stage)
            return _stage(stage)

        return await self._book.edit(call, work)

    async def DeleteStage(self, call: Call, params: Json) -> Json:
        async def work(sheet: Sheet) -> Json:
            api = await the_api(sheet, call, params["restApiId"])
            stage = await _the_stage(sheet, params)
            sheet.delete(STAGE, f"{api['id']}/{stage['stageName']}")
            return {}

        return await self._book.edit(call, work)


def _new_stage(name: str, params: Json) -> Json:
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


async def _deployment(sheet: Sheet, api_id: str, deployment_id: str) -> Json:
    found = await sheet.get(DEPLOYMENT, f"{api_id}/{deployment_id}")
    if found is None:
        raise missing("Deployment")
    return found


async def _snapshot(sheet: Sheet, api_id: str, deployment_id: str) -> RestApi:
    document = await sheet.get(DEPLOYMENT, f"{api_id}/{deployment_id}")
    if document is None:
        raise bad("Deployment id does not exist")
    return msgspec.json.decode(document["api"], type=RestApi)


def _shown(deployment: Json) -> Json:
    created = datetime.fromtimestamp(deployment["createdDate"], UTC)
    kept = {name: value for name, value in deployment.items() if name != "api"}
    return {**kept, "createdDate": created}


def _summary(deployment: Json) -> Json:
    api = msgspec.json.decode(deployment["api"], type=RestApi)
    found: Json = {}
    for method in api.methods:
        found.setdefault(method.path, {})[method.http_method] = {
            "authorizationType": method.authorization_type,
            "apiKeyRequired": method.api_key_required,
        }
    return found


def _stage(stage: Json) -> Json:
    """A stage as the service answers it."""
    dates = {
        name: datetime.fromtimestamp(stage[name], UTC)
        for name in ("createdDate", "lastUpdatedDate")
        if name in stage
    }
    status = "AVAILABLE" if stage.get("cacheClusterEnabled") else "NOT_AVAILABLE"
    return {"cacheClusterStatus": status, **stage, **dates}


def _patch_stage(stage: Json, operation: Json) -> None:
    path = operation.get("path") or ""
    setting = _setting(path)
    if setting is None:
        if operation.get("op") == "copy":
            _copy(stage, operation)
        else:
            patch(stage, [operation], _RULES)
        return
    key, name, convert = setting
    settings = stage.setdefault("methodSettings", {})
    if operation.get("op") == "remove":
        if key not in settings:
            raise not_found(
                f"Cannot remove method setting {key} because there is no method setting for this "
                "method "
            )
        settings[key].pop(name, None) if name else settings.pop(key)
    elif name:
        settings.setdefault(key, dict(_DEFAULTS))[name] = convert(str(operation.get("value") or ""))
    else:
        raise bad(f"Invalid patch path {path}")


def _copy(stage: Json, operation: Json) -> None:
    """From the canary to the stage: how a canary is promoted."""
    canary = stage.get("canarySettings", {})
    wanted = (operation.get("from"), operation.get("path"))
    if wanted == ("/canarySettings/deploymentId", "/deploymentId") and canary:
        stage["deploymentId"] = canary["deploymentId"]
    elif wanted == ("/canarySettings/stageVariableOverrides", "/variables") and canary:
        overrides = canary.get("stageVariableOverrides", {})
        stage["variables"] = {**stage.get("variables", {}), **overrides}
    else:
        raise bad(f"Invalid patch path {operation.get('path')} for op copy")


def _setting(path: str) -> tuple[str, str, Callable[[str], object]] | None:
    """`/~1pets/GET/throttling/rateLimit` as key, setting and reading; the setting is empty for
    the whole key."""
    parts = path.split("/")[1:]
    if len(parts) not in (2, 4) or parts[0] in ("variables", "accessLogSettings", "canarySettings"):
        return None
    key = f"{parts[0]}/{parts[1]}"
    if len(parts) == 2:
        return key, "", str
    name, convert = _SETTINGS.get(f"{parts[2]}/{parts[3]}", ("", str))
    if not name:
        raise bad(f"Invalid patch path {path}")
    return key, name, convert
