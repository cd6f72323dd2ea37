"""Types of AWS Lambda.

Source: AWS CloudFormation Template Reference, "AWS::Lambda".
"""

import io
import zipfile
from typing import Any, cast

from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.types.kind import Json, Kind, Made, Named, Task, refuse
from torana.services.cloudformation.types.plain import Row, Step, Tagging, got, plain, seen
from torana.services.members import part

_S = "lambda"
_FUNCTION = {"FunctionName": "{prop.FunctionName}"}
_EXTENSIONS = {"python": "py", "nodejs": "js"}


def _zipped(source: str, runtime: str) -> bytes:
    """Code within a template, as the package that a function has."""
    found = [end for start, end in _EXTENSIONS.items() if runtime.startswith(start)]
    if not found:
        raise Unmade(f"ZipFile can only be used with Python and Node.js, not {runtime}")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(f"index.{found[0]}", (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, source)
    return out.getvalue()


def _code(properties: Json) -> Json:
    code = part(properties, "Code")
    refuse(code, "SourceKMSKeyArn")
    if "ZipFile" in code:
        runtime = str(properties.get("Runtime") or "")
        return {"ZipFile": _zipped(str(code["ZipFile"]), runtime)}
    return dict(code)


_ROW = Row(
    _S,
    "CreateFunction",
    "{out.FunctionName}",
    attributes={"Arn": "{out.FunctionArn}"},
    delete=("DeleteFunction", {"FunctionName": "{ref}"}),
    update=("UpdateFunctionConfiguration", {"FunctionName": "{ref}"}),
    replaces="FunctionName PackageType",
    see=got(
        _S,
        ("GetFunctionConfiguration", {"FunctionName": "{prop.FunctionName}"}),
        "{out.FunctionName}",
    ),
    named=Named("FunctionName"),
    steps=(
        Step(
            "ReservedConcurrentExecutions",
            (
                "PutFunctionConcurrency",
                {
                    "FunctionName": "{ref}",
                    "ReservedConcurrentExecutions": "{prop.ReservedConcurrentExecutions}",
                },
            ),
            ("DeleteFunctionConcurrency", {"FunctionName": "{ref}"}),
        ),
    ),
    tags="Tags",
    tagging=Tagging("TagResource", "UntagResource", {"Resource": "{at.Arn}"}),
    resets={
        "Description": "",
        "Environment": {"Variables": {}},
        "Timeout": 3,
        "MemorySize": 128,
        "Layers": [],
        "DeadLetterConfig": {"TargetArn": ""},
        "TracingConfig": {"Mode": "PassThrough"},
    },
    refused=("RuntimeManagementConfig", "RecursiveLoop", "TenancyConfig"),
)


async def _create(task: Task) -> Made:
    whole = task.properties
    task.properties = {**whole, "Code": _code(whole)}
    await _ROW.make(task)
    task.properties = whole
    return task.made


async def _update(task: Task) -> Made:
    changed = task.changed()
    if "Code" in changed:
        code = _code(task.properties)
        await task.calls(_S, "UpdateFunctionCode", FunctionName=task.made.id, **code)
    whole, before = task.properties, task.before
    for one in ("properties", "before"):
        given = cast(Json, getattr(task, one))
        setattr(task, one, {name: each for name, each in given.items() if name != "Code"})
    await _ROW.change(task)
    task.properties, task.before = whole, before
    return task.made


def _weights(properties: Json) -> Json:
    """The traffic of other versions, as the service has it."""
    routing = part(properties, "RoutingConfig")
    if not routing:
        return properties
    pairs = cast(list[Json], routing.get("AdditionalVersionWeights") or [])
    weights = {str(each["FunctionVersion"]): each["FunctionWeight"] for each in pairs}
    return {**properties, "RoutingConfig": {"AdditionalVersionWeights": weights}}


_QUALIFIED = {"FunctionName": "{prop.FunctionName}", "Name": "{prop.Name}"}
_ALIAS = Row(
    _S,
    "CreateAlias",
    "{out.AliasArn}",
    attributes={"AliasArn": "{out.AliasArn}"},
    delete=("DeleteAlias", _QUALIFIED),
    update=("UpdateAlias", _QUALIFIED),
    replaces="FunctionName Name",
    see=got(_S, ("GetAlias", _QUALIFIED), "{out.AliasArn}"),
    resets={"Description": "", "RoutingConfig": {"AdditionalVersionWeights": {}}},
    steps=(
        Step(
            "ProvisionedConcurrencyConfig",
            (
                "PutProvisionedConcurrencyConfig",
                {
                    "FunctionName": "{prop.FunctionName}",
                    "Qualifier": "{prop.Name}",
                    "ProvisionedConcurrentExecutions": (
                        "{prop.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions}"
                    ),
                },
            ),
            (
                "DeleteProvisionedConcurrencyConfig",
                {"FunctionName": "{prop.FunctionName}", "Qualifier": "{prop.Name}"},
            ),
        ),
    ),
)


async def _create_alias(task: Task) -> Made:
    task.properties = _weights(task.properties)
    return await _ALIAS.make(task)


async def _update_alias(task: Task) -> Made:
    task.properties, task.before = _weights(task.properties), _weights(task.before)
    return await _ALIAS.change(task)


_PERMISSION = Row(
    _S,
    "AddPermission",
    "{prop.StatementId}",
    delete=("RemovePermission", {**_FUNCTION, "StatementId": "{ref}"}),
    named=Named("StatementId", 100),
    attributes={"Id": "{prop.StatementId}"},
)


async def _undo_permission(task: Task) -> None:
    task.made = Made(str(task.properties["StatementId"]))
    await _PERMISSION.away(task)


_URL = {"FunctionName": "{prop.TargetFunctionArn}", "Qualifier": "{prop.Qualifier}"}
_INVOKE = {"FunctionName": "{prop.FunctionName}", "Qualifier": "{prop.Qualifier}"}


def _part(row: Row, **more: Any) -> Kind:
    return Kind(
        row.make,
        row.away,
        more.pop("update", None),
        attributes=frozenset(row.attributes),
        named=row.named,
        **more,
    )


TYPES: dict[str, Kind] = {
    "Function": Kind(
        _create,
        _ROW.away,
        _update,
        keeps=lambda name: name == "Code" or _ROW.keeps(name),
        attributes=frozenset(_ROW.attributes),
        see=_ROW.see,
        named=_ROW.named,
        unique="FunctionName",
    ),
    "Version": plain(
        _S,
        "PublishVersion",
        "{out.FunctionArn}",
        attributes={"Version": "{out.Version}", "FunctionArn": "{out.FunctionArn}"},
        delete=("DeleteFunction", {"FunctionName": "{ref}"}),
        see=seen(_S, ("ListVersionsByFunction", _FUNCTION), "Versions", "{out.FunctionArn}"),
        refused=("RuntimePolicy", "ProvisionedConcurrencyConfig", "FunctionScalingConfig"),
    ),
    "Alias": Kind(
        _create_alias,
        _ALIAS.away,
        _update_alias,
        keeps=_ALIAS.keeps,
        attributes=frozenset(_ALIAS.attributes),
        see=_ALIAS.see,
        unique="Name",
    ),
    "Permission": _part(_PERMISSION, undo=_undo_permission),
    "LayerVersion": plain(
        _S,
        "PublishLayerVersion",
        "{out.LayerVersionArn}",
        attributes={"LayerVersionArn": "{out.LayerVersionArn}", "version": "{out.Version}"},
        delete=(
            "DeleteLayerVersion",
            {"LayerName": "{prop.LayerName}", "VersionNumber": "{at.version}"},
        ),
        named=Named("LayerName", 140),
        shared=True,
    ),
    "EventSourceMapping": plain(
        _S,
        "CreateEventSourceMapping",
        "{out.UUID}",
        attributes={"Id": "{out.UUID}", "EventSourceMappingArn": "{out.EventSourceMappingArn}"},
        delete=("DeleteEventSourceMapping", {"UUID": "{ref}"}),
        update=("UpdateEventSourceMapping", {"UUID": "{ref}"}),
        see=seen(_S, ("ListEventSourceMappings", _FUNCTION), "EventSourceMappings", "{out.UUID}"),
        resets={"Enabled": True, "FilterCriteria": {}, "FunctionResponseTypes": []},
    ),
    "Url": plain(
        _S,
        "CreateFunctionUrlConfig",
        "{out.FunctionArn}",
        attributes={"FunctionArn": "{out.FunctionArn}", "FunctionUrl": "{out.FunctionUrl}"},
        names={"TargetFunctionArn": "FunctionName"},
        delete=("DeleteFunctionUrlConfig", _URL),
        update=("UpdateFunctionUrlConfig", _URL),
        replaces="TargetFunctionArn Qualifier",
        resets={"Cors": {}, "InvokeMode": "BUFFERED"},
    ),
    "EventInvokeConfig": plain(
        _S,
        "PutFunctionEventInvokeConfig",
        "{prop.FunctionName}:{prop.Qualifier}",
        delete=("DeleteFunctionEventInvokeConfig", _INVOKE),
        update=("PutFunctionEventInvokeConfig", _INVOKE),
        replaces="FunctionName Qualifier",
        whole=True,
    ),
}
