"""Types of Amazon API Gateway's HTTP and WebSocket APIs.

Source: AWS CloudFormation Template Reference, "AWS::ApiGatewayV2".
"""

from typing import Any

from torana.services.cloudformation.types.bodies import body_of
from torana.services.cloudformation.types.kind import Json, Kind, Made, Task
from torana.services.cloudformation.types.plain import Tagging, plain, seen

_S = "apigatewayv2"
_API = {"ApiId": "{prop.ApiId}"}
_BODY = ("Body", "BodyS3Location", "BasePath", "FailOnWarnings")
_QUICK = ("Target", "RouteKey", "CredentialsArn")


def _tagging(path: str) -> Tagging:
    arn = f"arn:aws:apigateway:{{region}}::/{path}"
    return Tagging("TagResource", "UntagResource", {"ResourceArn": arn})


_PLAIN_API = plain(
    _S,
    "CreateApi",
    "{out.ApiId}",
    attributes={"ApiId": "{out.ApiId}", "ApiEndpoint": "{out.ApiEndpoint}"},
    delete=("DeleteApi", {"ApiId": "{ref}"}),
    update=("UpdateApi", {"ApiId": "{ref}"}),
    see=seen(_S, ("GetApis", {}), "Items", "{out.ApiId}"),
    replaces="ProtocolType",
    tags="Tags",
    tagging=_tagging("apis/{ref}"),
    resets={
        "Description": "",
        "Version": "",
        "DisableExecuteApiEndpoint": False,
        "RouteSelectionExpression": "$request.method $request.path",
    },
)


def _without(properties: Json, *names: str) -> Json:
    return {name: each for name, each in properties.items() if name not in names}


async def _import(task: Task, operation: str, body: bytes, **more: Any) -> Json:
    asked = task.properties
    params: Json = {"Body": body.decode(), **more}
    if asked.get("BasePath"):
        params["Basepath"] = asked["BasePath"]
    params["FailOnWarnings"] = str(asked.get("FailOnWarnings", "")).lower() == "true"
    return await task.calls(_S, operation, **params)


async def _create(task: Task) -> Made:
    body, whole = await body_of(task), task.properties
    if body is None:
        return await _PLAIN_API.create(task)
    out = await _import(task, "ImportApi", body.data)
    task.made = Made(out["ApiId"], {"ApiId": out["ApiId"], "ApiEndpoint": out.get("ApiEndpoint")})
    task.properties, task.before = _without(whole, *_BODY, "ProtocolType"), {}
    assert _PLAIN_API.update is not None
    await _PLAIN_API.update(task)
    task.properties = whole
    return task.made


async def _update(task: Task) -> Made:
    body, whole, before = await body_of(task), task.properties, task.before
    if body is not None and task.changed() & set(_BODY):
        await _import(task, "ReimportApi", body.data, ApiId=task.made.id)
    # What a new definition overwrote is said again.
    again = {} if body is not None else _without(before, *_BODY, *_QUICK)
    task.properties, task.before = _without(whole, *_BODY, *_QUICK), again
    if body is not None:
        task.properties = _without(task.properties, "ProtocolType")
    if _QUICK and task.changed():
        assert _PLAIN_API.update is not None
        await _PLAIN_API.update(task)
    task.properties, task.before = whole, before
    return task.made


def _part(name: str, *, replaces: str = "ApiId", **more: Any) -> Kind:
    """What belongs to an API and has an id of its own."""
    id = f"{name}Id"
    where = {**_API, id: "{ref}"}
    listed = f"Get{name}s"
    return plain(
        _S,
        f"Create{name}",
        f"{{out.{id}}}",
        attributes={id: f"{{out.{id}}}"},
        delete=(f"Delete{name}", where),
        update=(f"Update{name}", where),
        see=seen(_S, (listed, _API), "Items", f"{{out.{id}}}"),
        replaces=replaces,
        **more,
    )


_RESPONSE = {**_API, "IntegrationId": "{prop.IntegrationId}", "IntegrationResponseId": "{ref}"}
_ROUTE_RESPONSE = {**_API, "RouteId": "{prop.RouteId}", "RouteResponseId": "{ref}"}
_STAGE = {**_API, "StageName": "{ref}"}
_MAPPING = {"DomainName": "{prop.DomainName}", "ApiMappingId": "{ref}"}

TYPES: dict[str, Kind] = {
    "Api": Kind(
        _create,
        _PLAIN_API.delete,
        _update,
        keeps=lambda name: name in _BODY or (name not in _QUICK and _PLAIN_API.keeps(name)),
        attributes=_PLAIN_API.attributes,
        see=_PLAIN_API.see,
    ),
    "Route": _part(
        "Route",
        resets={
            "AuthorizationType": "NONE",
            "AuthorizerId": "",
            "AuthorizationScopes": [],
            "OperationName": "",
            "ApiKeyRequired": False,
        },
    ),
    "Integration": _part("Integration", resets={"Description": "", "CredentialsArn": ""}),
    "Authorizer": _part("Authorizer", resets={"AuthorizerCredentialsArn": ""}),
    "Deployment": _part("Deployment", resets={"Description": ""}, replaces="ApiId StageName"),
    "Model": _part("Model", resets={"Description": ""}),
    "IntegrationResponse": plain(
        _S,
        "CreateIntegrationResponse",
        "{out.IntegrationResponseId}",
        attributes={"IntegrationResponseId": "{out.IntegrationResponseId}"},
        delete=("DeleteIntegrationResponse", _RESPONSE),
        update=("UpdateIntegrationResponse", _RESPONSE),
        replaces="ApiId IntegrationId",
    ),
    "RouteResponse": plain(
        _S,
        "CreateRouteResponse",
        "{out.RouteResponseId}",
        attributes={"RouteResponseId": "{out.RouteResponseId}"},
        delete=("DeleteRouteResponse", _ROUTE_RESPONSE),
        update=("UpdateRouteResponse", _ROUTE_RESPONSE),
        replaces="ApiId RouteId",
    ),
    "Stage": plain(
        _S,
        "CreateStage",
        "{out.StageName}",
        delete=("DeleteStage", _STAGE),
        update=("UpdateStage", _STAGE),
        replaces="ApiId StageName",
        tags="Tags",
        tagging=_tagging("apis/{prop.ApiId}/stages/{ref}"),
        refused=("AccessPolicyId",),
        resets={"Description": "", "StageVariables": {}, "AutoDeploy": False},
    ),
    "DomainName": plain(
        _S,
        "CreateDomainName",
        "{out.DomainName}",
        attributes={
            "RegionalDomainName": "{out.DomainNameConfigurations.0.ApiGatewayDomainName}",
            "RegionalHostedZoneId": "{out.DomainNameConfigurations.0.HostedZoneId}",
            "DomainNameArn": "{out.DomainNameArn}",
        },
        delete=("DeleteDomainName", {"DomainName": "{ref}"}),
        update=("UpdateDomainName", {"DomainName": "{ref}"}),
        replaces="DomainName",
        tags="Tags",
        tagging=_tagging("domainnames/{ref}"),
        unique="DomainName",
    ),
    "ApiMapping": plain(
        _S,
        "CreateApiMapping",
        "{out.ApiMappingId}",
        attributes={"ApiMappingId": "{out.ApiMappingId}"},
        delete=("DeleteApiMapping", _MAPPING),
        update=("UpdateApiMapping", _MAPPING),
        replaces="DomainName",
        see=seen(
            _S,
            ("GetApiMappings", {"DomainName": "{prop.DomainName}"}),
            "Items",
            "{out.ApiMappingId}",
        ),
        resets={"ApiMappingKey": ""},
    ),
    "VpcLink": plain(
        _S,
        "CreateVpcLink",
        "{out.VpcLinkId}",
        attributes={"VpcLinkId": "{out.VpcLinkId}"},
        delete=("DeleteVpcLink", {"VpcLinkId": "{ref}"}),
        update=("UpdateVpcLink", {"VpcLinkId": "{ref}"}),
        see=seen(_S, ("GetVpcLinks", {}), "Items", "{out.VpcLinkId}"),
        tags="Tags",
        tagging=_tagging("vpclinks/{ref}"),
    ),
}
