"""What the service refuses, in its words."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, told
from tests.services.apigatewayv2.test_lifecycle import PROXY, WEBSOCKET, api, asking

BAD, CONFLICT, NOT_FOUND = "BadRequestException", "ConflictException", "NotFoundException"


async def refused(ask: Asking, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        await getattr(ask, operation)(**params)
    return told(error.value)


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"Name": ""}, "Name is a required parameter"),
        ({"ProtocolType": "FTP"}, "Member must satisfy enum value set: [WEBSOCKET, HTTP]"),
        ({"RouteSelectionExpression": "$request.body.a"}, "Invalid routeSelectionExpression"),
        ({"ProtocolType": "WEBSOCKET"}, "Invalid routeSelectionExpression"),
        ({**WEBSOCKET, "CorsConfiguration": {"AllowOrigins": ["*"]}}, "only for HTTP APIs"),
        ({**WEBSOCKET, "Target": "http://a"}, "Target is supported only for HTTP APIs"),
        ({"RouteKey": "GET /"}, "RouteKey needs a Target"),
        ({"Target": "ftp://a"}, "Invalid target specified"),
        (
            {"CorsConfiguration": {"AllowOrigins": ["*"], "AllowCredentials": True}},
            "* cannot be combined with AllowCredentials",
        ),
    ],
)
async def test_apis(params: dict[str, Any], why: str) -> None:
    async with asking() as ask:
        given = {"Name": "a", "ProtocolType": "HTTP", **params}
        code, message = await refused(ask, "create_api", **given)
        assert (code, why in message) == (BAD, True), message


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"IntegrationType": "MOCK"}, "HTTP APIs support HTTP_PROXY and AWS_PROXY"),
        ({"IntegrationUri": "ftp://a"}, "must be a fully qualified URL"),
        ({"IntegrationMethod": "FETCH"}, "IntegrationMethod is a required parameter"),
        ({"PayloadFormatVersion": "2.0"}, "must be 1.0 for this integration"),
        ({"TimeoutInMillis": 30001}, "less than or equal to 30000"),
        ({"ConnectionType": "VPC_LINK"}, "ConnectionId is required"),
        ({"RequestTemplates": {"a": "b"}}, "supported only for WebSocket APIs"),
        ({"ResponseParameters": {"20x": {"append:header.a": "1"}}}, "Invalid response status"),
        ({"IntegrationType": "AWS_PROXY"}, "must be a Lambda function's ARN"),
        (
            {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": ""},
            "PayloadFormatVersion is a required",
        ),
    ],
)
async def test_integrations(params: dict[str, Any], why: str) -> None:
    async with asking() as ask:
        given = {"ApiId": await api(ask), **PROXY, **params}
        code, message = await refused(ask, "create_integration", **given)
        assert (code, why in message) == (BAD, True), message


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"IntegrationSubtype": "SNS-Publish"}, "Invalid integration subtype SNS-Publish"),
        ({"IntegrationSubtype": "SQS-PurgeQueue", "CredentialsArn": ""}, "CredentialsArn is req"),
        ({"IntegrationSubtype": "SQS-PurgeQueue"}, "Parameter QueueUrl is required"),
        (
            {
                "IntegrationSubtype": "SQS-PurgeQueue",
                "RequestParameters": {"QueueUrl": "a", "Body": "b"},
            },
            "Parameter Body is not one of",
        ),
    ],
)
async def test_subtypes(params: dict[str, Any], why: str) -> None:
    async with asking() as ask:
        given = {"IntegrationType": "AWS_PROXY", "CredentialsArn": "arn:aws:iam::1:role/r"}
        place = {"ApiId": await api(ask), "PayloadFormatVersion": "1.0"}
        code, message = await refused(ask, "create_integration", **place, **{**given, **params})
        assert (code, why in message) == (BAD, True), message


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"RouteKey": "/pets"}, "not formatted properly for HTTP protocol"),
        ({"RouteKey": "FETCH /pets"}, "not formatted properly"),
        ({"RouteKey": "GET /{a+}/b"}, "not formatted properly"),
        ({"RouteKey": "GET /{a}/{a}"}, "not formatted properly"),
        ({"Target": "integrations/none"}, "Invalid target specified"),
        ({"ApiKeyRequired": True}, "supported only for WebSocket APIs"),
        ({"AuthorizationType": "JWT"}, "AuthorizerId is required"),
        ({"AuthorizationType": "JWT", "AuthorizerId": "none"}, "Invalid authorizer specified"),
        ({"AuthorizationScopes": ["a"]}, "only with authorization type JWT"),
    ],
)
async def test_routes(params: dict[str, Any], why: str) -> None:
    async with asking() as ask:
        given = {"ApiId": await api(ask), "RouteKey": "GET /", **params}
        code, message = await refused(ask, "create_route", **given)
        assert (code, why in message) == (BAD, True), message


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"JwtConfiguration": {"Audience": ["a"]}}, "Invalid issuer"),
        ({"JwtConfiguration": {"Issuer": "https://i"}}, "Audience list must have at least 1"),
        ({"IdentitySource": ["a"]}, "Invalid identity source"),
        ({"AuthorizerType": "REQUEST"}, "AuthorizerPayloadFormatVersion is a required"),
        (
            {"AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "2.0"},
            "Invalid Authorizer URI",
        ),
    ],
)
async def test_authorizers(params: dict[str, Any], why: str) -> None:
    async with asking() as ask:
        given = {
            "Name": "a",
            "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"Issuer": "https://i", "Audience": ["a"]},
        }
        place = {"ApiId": await api(ask)}
        code, message = await refused(ask, "create_authorizer", **place, **{**given, **params})
        assert (code, why in message) == (BAD, True), message


async def test_what_is_not_there() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask)}
        for operation, params in (
            ("get_route", {"RouteId": "x"}),
            ("get_integration", {"IntegrationId": "x"}),
            ("get_authorizer", {"AuthorizerId": "x"}),
            ("get_stage", {"StageName": "x"}),
            ("get_deployment", {"DeploymentId": "x"}),
        ):
            code, message = await refused(ask, operation, **place, **params)
            assert (code, "identifier specified" in message) == (NOT_FOUND, True)
        code, message = await refused(ask, "get_api", ApiId="x")
        assert message == "Invalid API identifier specified 000000000000:x"
        assert (await refused(ask, "get_vpc_link", VpcLinkId="x"))[0] == NOT_FOUND
        assert (await refused(ask, "get_domain_name", DomainName="x"))[0] == NOT_FOUND


async def test_what_is_there_twice_or_in_use() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask)}
        integration = (await ask.create_integration(**place, **PROXY))["IntegrationId"]
        route = {"RouteKey": "GET /", "Target": f"integrations/{integration}"}
        await ask.create_route(**place, **route)
        assert (await refused(ask, "create_route", **place, **route))[0] == CONFLICT
        code, _ = await refused(ask, "delete_integration", **place, IntegrationId=integration)
        assert code == CONFLICT
        await ask.create_stage(**place, StageName="dev")
        assert (await refused(ask, "create_stage", **place, StageName="dev"))[0] == CONFLICT
        await ask.create_domain_name(DomainName="a.example.com")
        mapping = {"DomainName": "a.example.com", **place, "Stage": "dev"}
        await ask.create_api_mapping(**mapping)
        assert (await refused(ask, "create_api_mapping", **mapping))[0] == CONFLICT
        assert (await refused(ask, "delete_api", **place))[0] == BAD
        assert (await refused(ask, "delete_stage", **place, StageName="dev"))[0] == BAD


async def test_deployments_that_cannot_be() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask)}
        code, message = await refused(ask, "create_deployment", **place)
        assert message.startswith("Unable to deploy API because at least one route is required")
        stage = await ask.create_stage(**place, StageName="$default", AutoDeploy=True)
        assert stage["LastDeploymentStatusMessage"].startswith("Deployment attempt failed: Unable")
        await ask.create_integration(**place, **PROXY)
        code, _ = await refused(ask, "create_deployment", **place, StageName="$default")
        assert code == BAD
        assert (await refused(ask, "create_stage", **place, StageName="a b"))[0] == BAD


async def test_only_http_apis_have_documents() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask, **WEBSOCKET)}
        out = {"Specification": "OAS30", "OutputType": "JSON"}
        assert (await refused(ask, "export_api", **place, **out))[0] == BAD
        code, message = await refused(ask, "import_api", Body='{"swagger": "2.0", "info": {}}')
        assert (code, "Errors found during import" in message) == (BAD, True)
