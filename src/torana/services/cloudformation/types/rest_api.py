"""`AWS::ApiGateway::RestApi`: an API, from properties or from a definition."""

from torana.services.cloudformation.types.bodies import body_of
from torana.services.cloudformation.types.kind import Json, Kind, Made, Task, refuse
from torana.services.cloudformation.types.plain import Patches, escaped, plain, seen
from torana.services.cloudformation.types.rest_tags import tagging
from torana.services.members import part

_S = "apigateway"


def endpoint(before: Json, after: Json) -> list[Json]:
    """Patches of how an API or a domain name is reached."""
    was, wanted = part(before, "EndpointConfiguration"), part(after, "EndpointConfiguration")
    made: list[Json] = []
    old = (was.get("Types") or ["EDGE"])[0]
    for kind in wanted.get("Types") or ["EDGE"]:
        if kind != old:
            path = f"/endpointConfiguration/types/{old}"
            made.append({"op": "replace", "path": path, "value": kind})
    address = wanted.get("IpAddressType")
    if address and address != was.get("IpAddressType"):
        path = "/endpointConfiguration/ipAddressType"
        made.append({"op": "replace", "path": path, "value": address})
    return made


_API_PATCHES = Patches(
    ("UpdateRestApi", {"restApiId": "{ref}"}),
    {
        "Name": "/name",
        "Description": "-/description",
        "ApiKeySourceType": "/apiKeySource",
        "BinaryMediaTypes": "/binaryMediaTypes/[]",
        "MinimumCompressionSize": "/minimumCompressionSize",
        "DisableExecuteApiEndpoint": "/disableExecuteApiEndpoint",
        "Policy": "-/policy",
        "SecurityPolicy": "/securityPolicy",
    },
    endpoint,
    frozenset({"EndpointConfiguration"}),
)
_BODY = ("Body", "BodyS3Location", "Mode", "Parameters", "FailOnWarnings")

_PLAIN_API = plain(
    _S,
    "CreateRestApi",
    "{out.id}",
    attributes={"RootResourceId": "{out.rootResourceId}", "RestApiId": "{out.id}"},
    delete=("DeleteRestApi", {"restApiId": "{ref}"}),
    update=_API_PATCHES,
    see=seen(_S, ("GetRestApis", {"limit": "500"}), "items", "{out.id}"),
    names={"ApiKeySourceType": "apiKeySource"},
    tags="Tags",
    tagging=tagging("restapis/{ref}"),
)


async def _import(task: Task, body: bytes) -> None:
    asked = task.properties
    await task.calls(
        _S,
        "PutRestApi",
        restApiId=task.made.id,
        mode=asked.get("Mode") or "overwrite",
        failOnWarnings=str(asked.get("FailOnWarnings", "")).lower() == "true",
        parameters={k: str(v) for k, v in part(asked, "Parameters").items()},
        body=body,
    )
    # A definition that overwrites the API leaves what the template says beside it.
    own = {name: each for name, each in asked.items() if name != "EndpointConfiguration"}
    operations = [
        each
        for each in _API_PATCHES.of({}, own)
        if "/binaryMediaTypes/" not in each["path"] or asked.get("Mode") != "merge"
    ]
    there = await task.calls(_S, "GetRestApi", restApiId=task.made.id)
    kept = {f"/binaryMediaTypes/{escaped(each)}" for each in there.get("binaryMediaTypes") or ()}
    operations = [each for each in operations if each["path"] not in kept]
    if operations:
        await task.calls(_S, "UpdateRestApi", restApiId=task.made.id, patchOperations=operations)


async def _create_api(task: Task) -> Made:
    refuse(task.properties, "CloneFrom", "EndpointAccessMode")
    body = await body_of(task)
    whole = task.properties
    plainly = {name: each for name, each in whole.items() if name not in _BODY}
    if body is not None and not plainly.get("Name"):
        plainly["Name"] = body.title or task.name(128)
    task.properties = plainly
    await _PLAIN_API.create(task)
    task.properties = whole
    if body is not None:
        await _import(task, body.data)
    return task.made


async def _update_api(task: Task) -> Made:
    refuse(task.properties, "CloneFrom", "EndpointAccessMode")
    whole, before = task.properties, task.before
    changed = task.changed() & set(_BODY)
    body = await body_of(task)
    task.properties, task.before = (
        {name: each for name, each in one.items() if name not in _BODY} for one in (whole, before)
    )
    if body is not None and "Name" not in task.properties:
        task.before.pop("Name", None)
    assert _PLAIN_API.update is not None
    await _PLAIN_API.update(task)
    task.properties, task.before = whole, before
    if body is not None and changed:
        await _import(task, body.data)
    return task.made


REST_API = Kind(
    _create_api,
    _PLAIN_API.delete,
    _update_api,
    keeps=lambda name: name in _BODY or _PLAIN_API.keeps(name),
    attributes=_PLAIN_API.attributes,
    see=_PLAIN_API.see,
)
