"""Types of Amazon API Gateway's REST APIs.

Source: AWS CloudFormation Template Reference, "AWS::ApiGateway".
"""

from typing import Any

from torana.services.cloudformation.types.kind import Kind, Made, Named, Task, refuse
from torana.services.cloudformation.types.methods import METHOD
from torana.services.cloudformation.types.plain import (
    Patches,
    plain,
    seen,
)
from torana.services.cloudformation.types.rest_api import REST_API, endpoint
from torana.services.cloudformation.types.rest_plans import PLANS
from torana.services.cloudformation.types.rest_tags import tagging
from torana.services.cloudformation.types.stages import STAGE

_S = "apigateway"
_API = {"restApiId": "{prop.RestApiId}"}


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
    "RestApi": REST_API,
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
    **PLANS,
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
                each for each in endpoint(before, after) if "ipAddressType" in each["path"]
            ],
            frozenset({"EndpointConfiguration"}),
        ),
        tags="Tags",
        tagging=tagging("domainnames/{ref}"),
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
        tagging=tagging("vpclinks/{ref}"),
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
        tagging=tagging("clientcertificates/{ref}"),
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
