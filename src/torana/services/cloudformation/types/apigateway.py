"""Types of Amazon API Gateway's REST APIs.

Source: AWS CloudFormation Template Reference, "AWS::ApiGateway".
"""

from typing import Any, cast

from torana.services.cloudformation.calls import Refused
from torana.services.cloudformation.types.bodies import body_of
from torana.services.cloudformation.types.kind import Json, Kind, Made, Named, Task, refuse
from torana.services.cloudformation.types.methods import METHOD
from torana.services.cloudformation.types.plain import (
    Patches,
    Tagging,
    escaped,
    plain,
    seen,
)
from torana.services.cloudformation.types.stages import STAGE
from torana.services.members import part

_S = "apigateway"
_API = {"restApiId": "{prop.RestApiId}"}


def _tagging(path: str) -> Tagging:
    arn = f"arn:aws:apigateway:{{region}}::/{path}"
    return Tagging("TagResource", "UntagResource", {"resourceArn": arn}, "tags", "tagKeys")


def _endpoint(before: Json, after: Json) -> list[Json]:
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
    _endpoint,
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
    tagging=_tagging("restapis/{ref}"),
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


def _stages_of(before: Json, after: Json) -> list[Json]:
    """Of a usage plan."""

    def keyed(document: Json) -> dict[str, Any]:
        stages = cast(list[Json], document.get("ApiStages") or [])
        return {f"{each.get('ApiId')}:{each.get('Stage')}": each for each in stages}

    was, wanted = keyed(before), keyed(after)
    # Removing what is not there is no error, and makes adding it again none either.
    made = [
        {"op": "remove", "path": "/apiStages", "value": key}
        for key in {**was, **wanted}
        if wanted.get(key) != was.get(key)
    ]
    for key, each in wanted.items():
        if was.get(key) == each:
            continue
        made.append({"op": "add", "path": "/apiStages", "value": key})
        for path, limit in part(each, "Throttle").items():
            at = f"/apiStages/{escaped(key)}/throttle{path if path[:1] == '/' else '/' + path}"
            for name, member in (("RateLimit", "rateLimit"), ("BurstLimit", "burstLimit")):
                if limit.get(name) is not None:
                    value = str(limit[name])
                    made.append({"op": "replace", "path": f"{at}/{member}", "value": value})
    return made + _limits(before, after, "Throttle") + _limits(before, after, "Quota")


def _limits(before: Json, after: Json, name: str) -> list[Json]:
    was, wanted, path = before.get(name), after.get(name), f"/{name.lower()}"
    if was == wanted:
        return []
    if not wanted:
        return [{"op": "remove", "path": path}]
    return [
        {"op": "replace", "path": f"{path}/{key[0].lower()}{key[1:]}", "value": str(value)}
        for key, value in wanted.items()
    ]


async def _create_deployment(task: Task) -> Made:
    refuse(task.properties, "StageDescription")
    return await _PLAIN_DEPLOYMENT.create(task)


async def _delete_deployment(task: Task) -> None:
    """With the stage that it made, if that still has it."""
    stage = task.properties.get("StageName")
    if stage:
        api = task.properties["RestApiId"]
        out = await task.calls(_S, "GetStages", restApiId=api, deploymentId=task.made.id)
        for each in out.get("item") or ():
            if each["stageName"] == stage:
                await task.calls(_S, "DeleteStage", restApiId=api, stageName=stage)
    await _PLAIN_DEPLOYMENT.delete(task)


_PLAIN_DEPLOYMENT = plain(
    _S,
    "CreateDeployment",
    "{out.id}",
    attributes={"DeploymentId": "{out.id}"},
    delete=("DeleteDeployment", {**_API, "deploymentId": "{ref}"}),
    update=Patches(
        ("UpdateDeployment", {**_API, "deploymentId": "{ref}"}), {"Description": "-/description"}
    ),
    see=seen(_S, ("GetDeployments", {**_API, "limit": "500"}), "items", "{out.id}"),
    names={"DeploymentCanarySettings": "canarySettings"},
)


async def _put_response(task: Task) -> Made:
    return await _RESPONSE_ROW.create(task)


_RESPONSE_ROW = plain(
    _S,
    "PutGatewayResponse",
    "{prop.RestApiId}/{prop.ResponseType}",
    delete=("DeleteGatewayResponse", {**_API, "responseType": "{prop.ResponseType}"}),
)


async def _set_account(task: Task) -> Made:
    refuse(task.properties, *(name for name in task.properties if name != "CloudWatchRoleArn"))
    role = task.properties.get("CloudWatchRoleArn")
    operation = {"op": "replace" if role else "remove", "path": "/cloudwatchRoleArn"}
    patch = {**operation, "value": role} if role else operation
    await task.calls(_S, "UpdateAccount", patchOperations=[patch])
    return Made(task.made.id or task.name(64))


async def _leave_account(task: Task) -> None:
    """The account's settings stay as they are, as with the service."""
    del task


_DOMAIN = {"domainName": "{ref}"}
_DOMAIN_ATTRIBUTES = {
    "DistributionDomainName": "{out.distributionDomainName}",
    "DistributionHostedZoneId": "{out.distributionHostedZoneId}",
    "RegionalDomainName": "{out.regionalDomainName}",
    "RegionalHostedZoneId": "{out.regionalHostedZoneId}",
    "DomainNameArn": "arn:aws:apigateway:{region}:{account}:/domainnames/{out.domainName}",
}
_MAPPING = {"domainName": "{prop.DomainName}", "basePath": "{at.path}"}


_PLAIN_PLAN = plain(
    _S,
    "CreateUsagePlan",
    "{out.id}",
    attributes={"Id": "{out.id}"},
    delete=("DeleteUsagePlan", {"usagePlanId": "{ref}"}),
    update=Patches(
        ("UpdateUsagePlan", {"usagePlanId": "{ref}"}),
        {"UsagePlanName": "/name", "Description": "/description"},
        _stages_of,
        frozenset({"ApiStages", "Throttle", "Quota"}),
    ),
    see=seen(_S, ("GetUsagePlans", {"limit": "500"}), "items", "{out.id}"),
    names={"UsagePlanName": "name"},
    named=Named("UsagePlanName", 128),
    shared=True,
    tags="Tags",
    tagging=_tagging("usageplans/{ref}"),
)


async def _delete_plan(task: Task) -> None:
    """The service wants its stages gone first."""
    gone = _stages_of(task.properties, {})
    stages = [each for each in gone if each["path"] == "/apiStages"]
    if stages:
        try:
            await task.calls(
                _S, "UpdateUsagePlan", usagePlanId=task.made.id, patchOperations=stages
            )
        except Refused as error:
            if not error.gone:
                raise
    await _PLAIN_PLAN.delete(task)


_USAGE_PLAN = Kind(
    _PLAIN_PLAN.create,
    _delete_plan,
    _PLAIN_PLAN.update,
    keeps=_PLAIN_PLAN.keeps,
    attributes=_PLAIN_PLAN.attributes,
    see=_PLAIN_PLAN.see,
    named=_PLAIN_PLAN.named,
)


def _api_part(
    create: str,
    delete: str,
    update: str,
    list: str,
    member: str,
    paths: dict[str, str],
    **more: Any,
) -> Kind:
    """What belongs to an API: models, validators, authorizers and the like."""
    where = {**_API, member: "{ref}"}
    key = "{out.name}" if member == "modelName" else "{out.id}"
    return plain(
        _S,
        create,
        key,
        delete=(delete, where),
        update=Patches((update, where), paths),
        see=seen(_S, (list, {**_API, "limit": "500"}), "items", key),
        **more,
    )


TYPES: dict[str, Kind] = {
    "RestApi": Kind(
        _create_api,
        _PLAIN_API.delete,
        _update_api,
        keeps=lambda name: name in _BODY or _PLAIN_API.keeps(name),
        attributes=_PLAIN_API.attributes,
        see=_PLAIN_API.see,
    ),
    "Resource": plain(
        _S,
        "CreateResource",
        "{out.id}",
        attributes={"ResourceId": "{out.id}"},
        delete=("DeleteResource", {**_API, "resourceId": "{ref}"}),
        see=seen(
            _S,
            ("GetResources", {**_API, "limit": "500"}),
            "items",
            "{out.id}",
            {"parentId": "{prop.ParentId}", "pathPart": "{prop.PathPart}"},
        ),
    ),
    "Method": METHOD,
    "Stage": STAGE,
    "Deployment": Kind(
        _create_deployment,
        _delete_deployment,
        _PLAIN_DEPLOYMENT.update,
        keeps=_PLAIN_DEPLOYMENT.keeps,
        attributes=_PLAIN_DEPLOYMENT.attributes,
        see=_PLAIN_DEPLOYMENT.see,
    ),
    "Model": _api_part(
        *("CreateModel", "DeleteModel", "UpdateModel", "GetModels", "modelName"),
        {"Description": "/description", "Schema": "/schema"},
        named=Named("Name", dash=""),
        shared=True,
        fixed={"contentType": "{prop.ContentType}"},
    ),
    "RequestValidator": _api_part(
        *("CreateRequestValidator", "DeleteRequestValidator", "UpdateRequestValidator"),
        *("GetRequestValidators", "requestValidatorId"),
        {
            "ValidateRequestBody": "/validateRequestBody",
            "ValidateRequestParameters": "/validateRequestParameters",
        },
        attributes={"RequestValidatorId": "{out.id}"},
        named=Named("Name", 128),
        shared=True,
    ),
    "Authorizer": _api_part(
        *("CreateAuthorizer", "DeleteAuthorizer", "UpdateAuthorizer", "GetAuthorizers"),
        "authorizerId",
        {
            "Name": "/name",
            "Type": "/type",
            "AuthorizerUri": "/authorizerUri",
            "AuthorizerCredentials": "/authorizerCredentials",
            "AuthType": "/authType",
            "IdentitySource": "/identitySource",
            "IdentityValidationExpression": "/identityValidationExpression",
            "AuthorizerResultTtlInSeconds": "/authorizerResultTtlInSeconds",
            "ProviderARNs": "/providerARNs/[]",
        },
        attributes={"AuthorizerId": "{out.id}"},
    ),
    "ApiKey": plain(
        _S,
        "CreateApiKey",
        "{out.id}",
        attributes={"APIKeyId": "{out.id}"},
        delete=("DeleteApiKey", {"apiKey": "{ref}"}),
        update=Patches(
            ("UpdateApiKey", {"apiKey": "{ref}"}),
            {
                "Description": "/description",
                "Enabled": "/enabled",
                "CustomerId": "-/customerId",
            },
        ),
        see=seen(_S, ("GetApiKeys", {"limit": "500"}), "items", "{out.id}"),
        named=Named("Name", 128),
        shared=True,
        tags="Tags",
        tagging=_tagging("apikeys/{ref}"),
        replaces="Name",
    ),
    "UsagePlan": _USAGE_PLAN,
    "UsagePlanKey": plain(
        _S,
        "CreateUsagePlanKey",
        "{out.id}:{prop.UsagePlanId}",
        attributes={"Id": "{out.id}:{prop.UsagePlanId}"},
        delete=(
            "DeleteUsagePlanKey",
            {"usagePlanId": "{prop.UsagePlanId}", "keyId": "{prop.KeyId}"},
        ),
    ),
    "GatewayResponse": Kind(
        _put_response,
        _RESPONSE_ROW.delete,
        _put_response,
        keeps=lambda name: name not in ("RestApiId", "ResponseType"),
    ),
    "DomainName": plain(
        _S,
        "CreateDomainName",
        "{out.domainName}",
        attributes=_DOMAIN_ATTRIBUTES,
        delete=("DeleteDomainName", _DOMAIN),
        update=Patches(
            ("UpdateDomainName", _DOMAIN),
            {
                "CertificateArn": "/certificateArn",
                "RegionalCertificateArn": "/regionalCertificateArn",
                "SecurityPolicy": "/securityPolicy",
            },
            lambda before, after: [
                each for each in _endpoint(before, after) if "ipAddressType" in each["path"]
            ],
            frozenset({"EndpointConfiguration"}),
        ),
        tags="Tags",
        tagging=_tagging("domainnames/{ref}"),
        unique="DomainName",
    ),
    "BasePathMapping": plain(
        _S,
        "CreateBasePathMapping",
        "{prop.DomainName}|{prop.BasePath}",
        attributes={"path": "{out.basePath}"},
        delete=("DeleteBasePathMapping", _MAPPING),
        update=Patches(
            ("UpdateBasePathMapping", _MAPPING),
            {"RestApiId": "/restapiId", "Stage": "-/stage"},
        ),
        refused=("Id",),
    ),
    "VpcLink": plain(
        _S,
        "CreateVpcLink",
        "{out.id}",
        attributes={"VpcLinkId": "{out.id}"},
        delete=("DeleteVpcLink", {"vpcLinkId": "{ref}"}),
        update=Patches(
            ("UpdateVpcLink", {"vpcLinkId": "{ref}"}),
            {"Name": "/name", "Description": "-/description"},
        ),
        see=seen(_S, ("GetVpcLinks", {"limit": "500"}), "items", "{out.id}"),
        tags="Tags",
        tagging=_tagging("vpclinks/{ref}"),
    ),
    "ClientCertificate": plain(
        _S,
        "GenerateClientCertificate",
        "{out.clientCertificateId}",
        attributes={"ClientCertificateId": "{out.clientCertificateId}"},
        delete=("DeleteClientCertificate", {"clientCertificateId": "{ref}"}),
        update=Patches(
            ("UpdateClientCertificate", {"clientCertificateId": "{ref}"}),
            {"Description": "/description"},
        ),
        see=seen(
            _S, ("GetClientCertificates", {"limit": "500"}), "items", "{out.clientCertificateId}"
        ),
        tags="Tags",
        tagging=_tagging("clientcertificates/{ref}"),
    ),
    "DocumentationPart": plain(
        _S,
        "CreateDocumentationPart",
        "{out.id}",
        attributes={"DocumentationPartId": "{out.id}"},
        delete=("DeleteDocumentationPart", {**_API, "documentationPartId": "{ref}"}),
        update=Patches(
            ("UpdateDocumentationPart", {**_API, "documentationPartId": "{ref}"}),
            {"Properties": "/properties"},
        ),
        see=seen(_S, ("GetDocumentationParts", {**_API, "limit": "500"}), "items", "{out.id}"),
    ),
    "DocumentationVersion": plain(
        _S,
        "CreateDocumentationVersion",
        "{prop.DocumentationVersion}",
        delete=("DeleteDocumentationVersion", {**_API, "documentationVersion": "{ref}"}),
        update=Patches(
            ("UpdateDocumentationVersion", {**_API, "documentationVersion": "{ref}"}),
            {"Description": "/description"},
        ),
    ),
    "Account": Kind(_set_account, _leave_account, _set_account),
}
