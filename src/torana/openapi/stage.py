"""`x-torana-stage`: the stage that a file is served as."""

import re
from typing import Any

from msgspec.structs import replace

from torana.model.rest import Method, MethodSettings, Stage
from torana.openapi.place import Place
from torana.openapi.shape import make

EXTENSION = "x-torana-stage"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VARIABLE = re.compile(r"[A-Za-z0-9_]+")
_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,]*")
_REQUEST_ID = ("$context.requestId", "$context.extendedRequestId")


def read_stage(root: Place, methods: tuple[Method, ...]) -> Stage:
    """The stage; `prod` with nothing set when the document says nothing."""
    place = root.extension(EXTENSION)
    if place is None:
        return Stage()
    stage: Stage | None = make(
        place, Stage, renamed={"name": "stageName"}, skip=("methodSettings",), strict=True
    )
    if stage is None:
        return Stage()
    name_at = place.find("stageName") or place.find("name") or place
    if not _NAME.fullmatch(stage.stage_name):
        name_at.fail("stage", f"a stage cannot be called {stage.stage_name[:80]!r}", "a-zA-Z0-9_-")
    _variables(place)
    _missing(place, stage)
    _access_log(place, stage)
    _canary(place, stage)
    return replace(stage, method_settings=_method_settings(place, methods))


def _variables(place: Place) -> None:
    for name, at in place.members("variables"):
        if not _VARIABLE.fullmatch(name):
            at.fail("stage-variable", f"a stage variable cannot be called {name[:80]!r}")
        elif isinstance(at.value, str) and not _VALUE.fullmatch(at.value):
            at.fail(
                "stage-variable",
                f"the value of {name} may hold only A-Z a-z 0-9 - . _ ~ : / ? # & = ,",
            )


def _missing(place: Place, stage: Stage) -> None:
    """The service notices only when a request comes."""
    for at, name in place.sheet.variables:
        if name not in stage.variables:
            at.warn("stage-variable", f"the stage has no variable {name!r}", "add it to variables")


def _access_log(place: Place, stage: Stage) -> None:
    settings, at = stage.access_log_settings, place.find("accessLogSettings")
    if settings is None or at is None or not settings.format:
        return
    if not any(name in settings.format for name in _REQUEST_ID):
        (at.find("format") or at).warn(
            "access-log", "the service wants $context.requestId in an access log format"
        )


def _canary(place: Place, stage: Stage) -> None:
    at = place.find("canarySettings")
    if at is not None and stage.canary_settings is not None:
        percent = stage.canary_settings.percent_traffic
        if not 0 <= percent <= 100:
            (at.find("percentTraffic") or at).fail(
                "stage", f"percentTraffic must be 0 to 100, not {percent}"
            )


def _method_settings(place: Place, methods: tuple[Method, ...]) -> dict[str, Any]:
    """Keys in the service's own spelling, `~1pets~1{id}/GET`, however they are written."""
    known = {(method.path, method.http_method) for method in methods}
    found: dict[str, Any] = {}
    for key, at in place.members("methodSettings"):
        settings = make(at, MethodSettings, strict=True)
        path, _, verb = key.rpartition("/")
        path = path.replace("~1", "/")
        if path.strip("/") == "*" and verb == "*":
            name = "*/*"
        else:
            path = "/" + path.strip("/")
            if (path, verb) not in known:
                at.fail("stage-method", f"no method {verb[:20]} {path[:200]} for these settings")
            name = f"{path.replace('/', '~1')}/{verb}"
        if settings is not None:
            found[name] = settings
    return found
