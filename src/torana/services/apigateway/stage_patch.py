"""Patch operations of stages: their own members, and settings by method.

Source: API Gateway API reference, "UpdateStage", and "Patch operations".
"""

from collections.abc import Callable

from torana.services.apigateway.book import Json
from torana.services.apigateway.faults import bad
from torana.services.apigateway.patch import CLEAR, EDIT, Rule, boolean, integer, number, patch
from torana.wire.faults import ServiceError

Setting = tuple[str, str, Callable[[str], object]]
"""Key (`~1pets/GET`), name and how to read the value; no name for the whole key."""

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
    Rule("/description", EDIT, null=CLEAR),
    Rule("/variables/*", EDIT),
    Rule("/cacheClusterEnabled", ("replace",), boolean),
    Rule("/cacheClusterSize"),
    Rule("/clientCertificateId", EDIT, null=CLEAR),
    Rule("/documentationVersion", EDIT, null=CLEAR),
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


def patch_stage(stage: Json, operation: Json) -> None:
    """Change a stage in place. Raises the service's error."""
    path, op = operation.get("path") or "", operation.get("op")
    if op == "copy":
        _copy(stage, operation)
    elif path.startswith("/accessLogSettings"):
        _access_log(stage, operation)
    elif (setting := _setting(path)) is not None:
        _method_setting(stage, setting, operation)
    else:
        patch(stage, [operation], _RULES)


_LOG_PATHS = ("/accessLogSettings/destinationArn", "/accessLogSettings/format")


def _access_log(stage: Json, operation: Json) -> None:
    """Set one by one, removed as a whole."""
    path, op = operation["path"], operation.get("op")
    if op == "remove":
        if path != "/accessLogSettings":
            raise _no_setting(path[1:])
        stage.pop("accessLogSettings", None)
        return
    if path not in _LOG_PATHS:
        paths = ", ".join(_LOG_PATHS)
        raise bad(f"Invalid accessLogSettings path. Must be one of : [{paths}]")
    if not operation.get("value"):
        raise bad("Access Log value must not be empty")
    patch(stage, [operation], _RULES)


def _no_setting(key: str) -> ServiceError:
    return bad(
        f"Cannot remove method setting {key} because there is no method setting for this method "
    )


def _method_setting(stage: Json, setting: Setting, operation: Json) -> None:
    key, name, convert = setting
    settings = stage.setdefault("methodSettings", {})
    if operation.get("op") == "remove":
        if key not in settings:
            raise _no_setting(key)
        settings[key].pop(name, None) if name else settings.pop(key)
    elif name:
        settings.setdefault(key, dict(_DEFAULTS))[name] = convert(str(operation.get("value") or ""))
    else:
        raise bad(f"Invalid patch path {operation.get('path')}")


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


def _setting(path: str) -> Setting | None:
    """`/~1pets/GET/throttling/rateLimit` as key, setting and reading; the setting is empty for
    the whole key."""
    parts = path.split("/")[1:]
    if len(parts) not in (2, 4) or parts[0] in ("variables", "canarySettings"):
        return None
    key = f"{parts[0]}/{parts[1]}"
    if len(parts) == 2:
        return key, "", str
    name, convert = _SETTINGS.get(f"{parts[2]}/{parts[3]}", ("", str))
    if not name:
        raise bad(f"Invalid patch path {path}")
    return key, name, convert
