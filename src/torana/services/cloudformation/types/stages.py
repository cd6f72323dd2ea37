"""`AWS::ApiGateway::Stage`, whose settings are mostly patches."""

from typing import Any, cast

from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.shaping import text
from torana.services.cloudformation.types.kind import Json, Kind, Made, Task
from torana.services.cloudformation.types.plain import Patches, Tagging, plain

_S = "apigateway"
_STAGE = {"restApiId": "{prop.RestApiId}", "stageName": "{ref}"}
_SETTINGS = {
    "MetricsEnabled": "metrics/enabled",
    "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace",
    "ThrottlingRateLimit": "throttling/rateLimit",
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
    "CacheDataEncrypted": "caching/dataEncrypted",
}


def _key(setting: Json) -> str:
    """A method's place in a patch: the template writes `/~1pets~1dogs`, and `/*` for any."""
    path = str(setting.get("ResourcePath") or "/*").removeprefix("/")
    if path != "*" and not path.startswith("~1"):
        path = "~1" + path.replace("/", "~1")
    return f"/{path}/{setting.get('HttpMethod') or '*'}"


def _settings(document: Json) -> dict[str, Json]:
    return {_key(each): each for each in cast(list[Json], document.get("MethodSettings") or [])}


def _patches(before: Json, after: Json) -> list[Json]:
    was, wanted = _settings(before), _settings(after)
    made = [{"op": "remove", "path": key} for key, each in was.items() if wanted.get(key) != each]
    for key, each in wanted.items():
        for name, value in each.items() if was.get(key) != each else ():
            if name in ("ResourcePath", "HttpMethod"):
                continue
            if name not in _SETTINGS:
                raise Unmade(f"Encountered unsupported property {name}")
            made.append({"op": "replace", "path": f"{key}/{_SETTINGS[name]}", "value": text(value)})
    return made + _access_log(before, after) + _canary(before, after)


def _access_log(before: Json, after: Json) -> list[Json]:
    was, wanted = before.get("AccessLogSetting"), after.get("AccessLogSetting")
    if was == wanted:
        return []
    if not wanted:
        return [{"op": "remove", "path": "/accessLogSettings"}]
    paths = {"DestinationArn": "destinationArn", "Format": "format"}
    return [
        {"op": "replace", "path": f"/accessLogSettings/{member}", "value": wanted[name]}
        for name, member in paths.items()
        if wanted.get(name)
    ]


def _canary(before: Json, after: Json) -> list[Json]:
    was, wanted = before.get("CanarySetting"), after.get("CanarySetting")
    if was == wanted:
        return []
    if not wanted:
        return [{"op": "remove", "path": "/canarySettings"}]
    made: list[Json] = []
    for name, value in wanted.items():
        member = name[0].lower() + name[1:]
        if isinstance(value, dict):
            made += [
                {"op": "replace", "path": f"/canarySettings/{member}/{key}", "value": text(each)}
                for key, each in cast(Json, value).items()
            ]
        else:
            path = f"/canarySettings/{member}"
            made.append({"op": "replace", "path": path, "value": text(value)})
    return made


_ALSO = ("MethodSettings", "AccessLogSetting", "CanarySetting")
_LATER = (*_ALSO, "ClientCertificateId")
_PATCHES = Patches(
    ("UpdateStage", _STAGE),
    {
        "DeploymentId": "/deploymentId",
        "Description": "/description",
        "DocumentationVersion": "-/documentationVersion",
        "CacheClusterEnabled": "/cacheClusterEnabled",
        "CacheClusterSize": "/cacheClusterSize",
        "ClientCertificateId": "/clientCertificateId",
        "TracingEnabled": "/tracingEnabled",
        "Variables": "/variables/*",
    },
    _patches,
    frozenset(_ALSO),
)
_ARN = "arn:aws:apigateway:{region}::/restapis/{prop.RestApiId}/stages/{ref}"
_PLAIN = plain(
    _S,
    "CreateStage",
    "{out.stageName}",
    delete=("DeleteStage", _STAGE),
    update=_PATCHES,
    tags="Tags",
    tagging=Tagging("TagResource", "UntagResource", {"resourceArn": _ARN}, "tags", "tagKeys"),
    replaces="RestApiId StageName",
)


async def _create(task: Task) -> Made:
    whole = task.properties
    if not whole.get("StageName"):
        whole = {**whole, "StageName": "default"}
    task.properties = {name: each for name, each in whole.items() if name not in _LATER}
    await _PLAIN.create(task)
    task.properties = whole
    operations = _PATCHES.of({}, {name: each for name, each in whole.items() if name in _LATER})
    if operations:
        where: dict[str, Any] = task.filled(_STAGE)
        await task.calls(_S, "UpdateStage", **where, patchOperations=operations)
    return task.made


STAGE = Kind(_create, _PLAIN.delete, _PLAIN.update, keeps=_PLAIN.keeps)
