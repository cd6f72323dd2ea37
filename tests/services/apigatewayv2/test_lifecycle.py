"""Every resource as Terraform drives it: created, read back equal, changed in place, deleted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, told
from tests.services.serving import client, make_router, serving

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
INVOCATION = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
WEBSOCKET = {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"}
PROXY = {
    "IntegrationType": "HTTP_PROXY",
    "IntegrationUri": "http://127.0.0.1/",
    "IntegrationMethod": "ANY",
    "PayloadFormatVersion": "1.0",
}


@asynccontextmanager
async def asking() -> AsyncGenerator[Asking]:
    async with serving(make_router().handle) as listener:
        yield Asking(client("apigatewayv2", listener.port))


async def api(ask: Asking, **fields: Any) -> str:
    made = await ask.create_api(**{"Name": "a", "ProtocolType": "HTTP", **fields})
    return made["ApiId"]


async def lived(
    ask: Asking, noun: str, place: dict[str, Any], given: dict[str, Any], changed: dict[str, Any]
) -> None:
    """The whole life of a resource; what it is called is the last of its names."""
    create, read = getattr(ask, f"create_{noun}"), getattr(ask, f"get_{noun}")
    made = await create(**place, **given)
    assert {name: made[name] for name in given} == given
    id = NAMES.get(noun) or "".join(part.title() for part in noun.split("_")) + "Id"
    there = {**place, id: made[id]}
    assert await read(**there) == made
    assert made in (await getattr(ask, f"get_{noun}s")(**place))["Items"]
    if changed:
        after = await getattr(ask, f"update_{noun}")(**{**there, **_needed(noun, made), **changed})
        kept = {name: value for name, value in made.items() if name not in changed}
        shown = {name: after[name] for name in kept if name not in MOVING}
        assert shown == {name: value for name, value in kept.items() if name not in MOVING}
        assert {name: after[name] for name in changed} == changed
        found = await read(**there)
        assert {k: v for k, v in found.items() if k not in MOVING} == {
            k: v for k, v in after.items() if k not in MOVING
        }
    await getattr(ask, f"delete_{noun}")(**there)
    with pytest.raises(ClientError) as error:
        await read(**there)
    assert told(error.value)[0] == "NotFoundException"


NAMES = {"stage": "StageName", "domain_name": "DomainName"}
MOVING = ("LastUpdatedDate", "LastDeploymentStatusMessage", "DeploymentId")


def _needed(noun: str, made: dict[str, Any]) -> dict[str, Any]:
    return {"ApiId": made["ApiId"]} if noun == "api_mapping" else {}


async def test_apis() -> None:
    cors = {"AllowOrigins": ["https://a.b"], "AllowMethods": ["GET"], "MaxAge": 5}
    async with asking() as ask:
        given = {"Name": "pets", "ProtocolType": "HTTP", "Description": "d", "Tags": {"a": "b"}}
        changed = {"Name": "cats", "CorsConfiguration": cors, "DisableExecuteApiEndpoint": True}
        await lived(ask, "api", {}, given, changed)
        await lived(ask, "api", {}, {"Name": "w", **WEBSOCKET}, {"Description": "d"})


async def test_integrations() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask)}
        given = {**PROXY, "TimeoutInMillis": 500, "RequestParameters": {"append:header.a": "1"}}
        changed = {"IntegrationUri": "http://127.0.0.2/", "Description": "d"}
        await lived(ask, "integration", place, given, changed)
        function = {
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": FUNCTION,
            "PayloadFormatVersion": "2.0",
        }
        await lived(ask, "integration", place, function, {"PayloadFormatVersion": "1.0"})
        mock = {"IntegrationType": "MOCK", "RequestTemplates": {"$default": "{}"}}
        there = {"ApiId": await api(ask, **WEBSOCKET)}
        await lived(ask, "integration", there, mock, {"TimeoutInMillis": 60})


async def test_authorizers() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask)}
        tokens = {
            "Name": "t",
            "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"Issuer": "https://i.example", "Audience": ["a"]},
        }
        issuer = {"Issuer": "https://j.example", "Audience": ["b"]}
        await lived(ask, "authorizer", place, tokens, {"JwtConfiguration": issuer})
        asks = {
            "Name": "r",
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": INVOCATION,
            "IdentitySource": ["$request.header.a"],
            "AuthorizerPayloadFormatVersion": "2.0",
            "EnableSimpleResponses": True,
        }
        await lived(ask, "authorizer", place, asks, {"AuthorizerResultTtlInSeconds": 60})


async def test_routes() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask)}
        first = (await ask.create_integration(**place, **PROXY))["IntegrationId"]
        other = (await ask.create_integration(**place, **PROXY))["IntegrationId"]
        given = {"RouteKey": "GET /a/{b}", "Target": f"integrations/{first}", "OperationName": "o"}
        changed = {"RouteKey": "ANY /b/{c+}", "Target": f"integrations/{other}"}
        await lived(ask, "route", place, given, {**changed, "AuthorizationType": "AWS_IAM"})


async def test_what_only_websocket_apis_have() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask, **WEBSOCKET)}
        model = {"Name": "M", "Schema": '{"type": "object"}', "ContentType": "application/json"}
        await lived(ask, "model", place, model, {"Description": "d"})
        made = await ask.create_model(**place, **model)
        template = await ask.get_model_template(**place, ModelId=made["ModelId"])
        assert template["Value"].startswith("#set($inputRoot")
        route = {"RouteKey": "say", "RouteResponseSelectionExpression": "$default"}
        there = {**place, "RouteId": (await ask.create_route(**place, **route))["RouteId"]}
        answer = {"RouteResponseKey": "$default", "ResponseModels": {"$default": "M"}}
        await lived(ask, "route_response", there, answer, {"ModelSelectionExpression": "x"})
        mock = await ask.create_integration(**place, IntegrationType="MOCK")
        there = {**place, "IntegrationId": mock["IntegrationId"]}
        given = {"IntegrationResponseKey": "$default", "ResponseTemplates": {"$default": "{}"}}
        changed = {"IntegrationResponseKey": "/200/"}
        await lived(ask, "integration_response", there, given, changed)


async def test_stages_and_deployments() -> None:
    async with asking() as ask:
        place = {
            "ApiId": (await ask.create_api(Name="a", ProtocolType="HTTP", Target="http://a"))[
                "ApiId"
            ]
        }
        made = await ask.create_deployment(**place, Description="one")
        there = {**place, "DeploymentId": made["DeploymentId"]}
        assert (made["DeploymentStatus"], made["AutoDeployed"]) == ("DEPLOYED", False)
        assert await ask.get_deployment(**there) == made
        assert (await ask.update_deployment(**there, Description="d"))["Description"] == "d"
        given = {
            "StageName": "dev",
            "DeploymentId": made["DeploymentId"],
            "StageVariables": {"a": "b"},
            "RouteSettings": {"$default": {"ThrottlingRateLimit": 1.0}},
            "AccessLogSettings": {"DestinationArn": "stdout", "Format": "$context.requestId"},
        }
        await lived(ask, "stage", place, given, {"Description": "d"})
        await ask.delete_deployment(**there)


async def test_vpc_links_and_domain_names() -> None:
    async with asking() as ask:
        given = {"Name": "l", "SubnetIds": ["s-1"], "SecurityGroupIds": ["g-1"]}
        await lived(ask, "vpc_link", {}, given, {"Name": "m"})
        await lived(ask, "domain_name", {}, {"DomainName": "a.example.com"}, {})


async def test_api_mappings_and_routing_rules() -> None:
    async with asking() as ask:
        id = (await ask.create_api(Name="a", ProtocolType="HTTP", Target="http://a"))["ApiId"]
        place = {"DomainName": "a.example.com"}
        await ask.create_domain_name(**place, RoutingMode="ROUTING_RULE_ONLY")
        given = {"ApiId": id, "Stage": "$default", "ApiMappingKey": "v1/pets"}
        await lived(ask, "api_mapping", place, given, {"ApiMappingKey": "v2"})
        rule = {
            "Priority": 5,
            "Conditions": [
                {"MatchHeaders": {"AnyOf": [{"Header": "x", "ValueGlob": "a*"}]}},
                {"MatchBasePaths": {"AnyOf": ["v1"]}},
            ],
            "Actions": [{"InvokeApi": {"ApiId": id, "Stage": "$default", "StripBasePath": True}}],
        }
        made = await ask.create_routing_rule(**place, **rule)
        there = {**place, "RoutingRuleId": made["RoutingRuleId"]}
        assert await ask.get_routing_rule(**there) == made
        after = await ask.put_routing_rule(**there, **{**rule, "Priority": 6})
        assert (await ask.list_routing_rules(**place))["RoutingRules"] == [after]
        await ask.delete_routing_rule(**there)
        assert (await ask.list_routing_rules(**place))["RoutingRules"] == []


async def test_an_update_merges_maps_and_an_empty_value_takes_one_away() -> None:
    async with asking() as ask:
        place = {"ApiId": await api(ask)}
        given = {"append:header.a": "1", "append:header.b": "2"}
        made = await ask.create_integration(**place, **PROXY, RequestParameters=given)
        changed = {"append:header.a": "", "append:header.c": "3"}
        there = {**place, "IntegrationId": made["IntegrationId"]}
        after = await ask.update_integration(**there, RequestParameters=changed)
        assert after["RequestParameters"] == {"append:header.b": "2", "append:header.c": "3"}


async def test_tags() -> None:
    async with asking() as ask:
        arn = f"arn:aws:apigateway:us-east-1::/apis/{await api(ask, Tags={'a': '1'})}"
        await ask.tag_resource(ResourceArn=arn, Tags={"b": "2"})
        await ask.untag_resource(ResourceArn=arn, TagKeys=["a"])
        assert (await ask.get_tags(ResourceArn=arn))["Tags"] == {"b": "2"}


async def test_quick_create_makes_an_api_of_one_line() -> None:
    async with asking() as ask:
        made = await ask.create_api(Name="q", ProtocolType="HTTP", Target=FUNCTION)
        place = {"ApiId": made["ApiId"]}
        route = (await ask.get_routes(**place))["Items"][0]
        integration = (await ask.get_integrations(**place))["Items"][0]
        stage = (await ask.get_stages(**place))["Items"][0]
        assert (route["RouteKey"], route["ApiGatewayManaged"]) == ("$default", True)
        assert (integration["IntegrationType"], integration["PayloadFormatVersion"]) == (
            "AWS_PROXY",
            "2.0",
        )
        assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
        assert stage["LastDeploymentStatusMessage"].startswith("Successfully deployed stage with")
        await ask.update_api(**place, Target="http://a.example", RouteKey="GET /x")
        assert (await ask.get_routes(**place))["Items"][0]["RouteKey"] == "GET /x"
        assert (await ask.get_integrations(**place))["Items"][0]["IntegrationType"] == "HTTP_PROXY"


async def test_pages_go_on_where_they_ended() -> None:
    async with asking() as ask:
        for name in "abc":
            await api(ask, Name=name)
        first = await ask.get_apis(MaxResults="2")
        rest = await ask.get_apis(MaxResults="2", NextToken=first["NextToken"])
        assert {each["Name"] for each in first["Items"] + rest["Items"]} == {"a", "b", "c"}
        assert "NextToken" not in rest


async def test_what_is_taken_away_by_operations_of_its_own() -> None:
    cors = {"AllowOrigins": ["*"]}
    async with asking() as ask:
        made = await ask.create_api(
            Name="q", ProtocolType="HTTP", Target="http://a.example", CorsConfiguration=cors
        )
        api = {"ApiId": made["ApiId"]}
        await ask.delete_cors_configuration(**api)
        assert "CorsConfiguration" not in await ask.get_api(**api)
        place = {**api, "StageName": "$default"}
        log = {"DestinationArn": "stdout", "Format": "$context.requestId"}
        settings = {"$default": {"ThrottlingRateLimit": 5.0}}
        await ask.update_stage(**place, AccessLogSettings=log, RouteSettings=settings)
        await ask.delete_access_log_settings(**place)
        await ask.delete_route_settings(**place, RouteKey="$default")
        stage = await ask.get_stage(**place)
        assert ("AccessLogSettings" in stage, stage["RouteSettings"]) == (False, {})
