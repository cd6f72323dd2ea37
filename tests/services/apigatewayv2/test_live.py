"""HTTP APIs made with boto3 are served: at once, beside what runs, and again after a restart."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from botocore.exceptions import ClientError

from tests.app.lambdas import PYTHON, ROLE, zipped
from tests.builders import serving
from tests.services.apigateway.making import Asking, Running, gateway, told, until
from torana.message import Headers, Reply, Request

EXAMPLE = Path(__file__).parents[3] / "examples/quotes.yaml"


async def echo(request: Request) -> Reply:
    return Reply(200, Headers(), f"{request.method} {request.target}".encode())


@asynccontextmanager
async def quick(data: Path, **settings: Any) -> AsyncGenerator[tuple[Running, Asking, str, str]]:
    """A gateway with an API of quick create in front of a backend: its id, and its address."""
    async with serving(echo) as up, gateway(data, **settings) as running:
        ask = Asking(running.client("apigatewayv2"))
        target = f"http://127.0.0.1:{up.port}"
        id = (await ask.create_api(Name="q", ProtocolType="HTTP", Target=target))["ApiId"]
        yield running, ask, id, f"{running.door}/apis/{id}"


async def get(running: Running, target: str, **fields: str) -> tuple[int, str]:
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{running.door}{target}", headers=fields)
        return reply.status_code, reply.text


async def test_an_api_is_live_at_the_address_that_it_names(tmp_path: Path) -> None:
    async with quick(tmp_path) as (running, ask, id, url):
        await until(f"{url}/a", 200, "GET /a")
        endpoint = (await ask.get_api(ApiId=id))["ApiEndpoint"]
        host = endpoint.removeprefix("http://")
        assert host == f"{id}.execute-api.localhost:{running.node.front_port}"
        assert await get(running, "/b?c=d", host=host) == (200, "GET /b?c=d")


async def test_a_route_is_served_once_it_is_there_and_no_more_once_it_is_not(
    tmp_path: Path,
) -> None:
    async with quick(tmp_path) as (_, ask, id, url):
        default = (await ask.get_routes(ApiId=id))["Items"][0]
        route = {"RouteKey": "GET /pets/{id}", "Target": default["Target"]}
        made = await ask.create_route(ApiId=id, **route)
        await until(f"{url}/pets/7", 200, "GET /")
        await ask.delete_route(ApiId=id, RouteId=default["RouteId"])
        await until(f"{url}/other", 404, '{"message":"Not Found"}')
        key = {"RouteKey": "GET /cats/{id}"}
        await ask.update_route(ApiId=id, RouteId=made["RouteId"], **key)
        await until(f"{url}/pets/7", 404)
        await until(f"{url}/cats/7", 200)


async def test_what_cannot_be_served_is_not_deployed_and_the_old_serves_on(tmp_path: Path) -> None:
    async with quick(tmp_path) as (_, ask, id, url):
        await until(f"{url}/a", 200)
        integration = (await ask.get_integrations(ApiId=id))["Items"][0]["IntegrationId"]
        wrong = {"append:header.Authorization": "x"}
        there = {"ApiId": id, "IntegrationId": integration}
        await ask.update_integration(**there, RequestParameters=wrong)
        stage = await ask.get_stage(ApiId=id, StageName="$default")
        assert (
            "operations on header Authorization are restricted"
            in (stage["LastDeploymentStatusMessage"])
        )
        await asyncio.sleep(0.2)
        await until(f"{url}/a", 200, "GET /a")
        with pytest.raises(ClientError) as error:
            await ask.create_deployment(ApiId=id, StageName="$default")
        assert told(error.value)[0] == "BadRequestException"
        mended = {"append:header.Authorization": ""}
        await ask.update_integration(**there, RequestParameters=mended)
        stage = await ask.get_stage(ApiId=id, StageName="$default")
        assert stage["LastDeploymentStatusMessage"].startswith("Successfully deployed")


async def test_settings_that_a_stage_cannot_have_are_refused(tmp_path: Path) -> None:
    async with quick(tmp_path) as (_, ask, id, _):
        place = {"ApiId": id, "StageName": "$default"}
        wrong = {"DestinationArn": "stdout", "Format": "$context.nonsense"}
        with pytest.raises(ClientError) as error:
            await ask.update_stage(**place, AccessLogSettings=wrong)
        assert told(error.value)[0] == "BadRequestException"
        assert "no variable $context.nonsense" in told(error.value)[1]
        assert "AccessLogSettings" not in await ask.get_stage(**place)


async def test_a_stage_without_auto_deploy_serves_what_was_deployed_to_it(tmp_path: Path) -> None:
    async with quick(tmp_path) as (_, ask, id, url):
        first = (await ask.create_deployment(ApiId=id))["DeploymentId"]
        await ask.create_stage(ApiId=id, StageName="dev", DeploymentId=first)
        await until(f"{url}/dev/a", 200, "GET /a")
        default = (await ask.get_routes(ApiId=id))["Items"][0]
        await ask.create_route(ApiId=id, RouteKey="GET /", Target=default["Target"])
        await ask.delete_route(ApiId=id, RouteId=default["RouteId"])
        await until(f"{url}/a", 404)
        await until(f"{url}/dev/a", 200)
        await ask.create_deployment(ApiId=id, StageName="dev")
        await until(f"{url}/dev/a", 404)
        await ask.update_stage(ApiId=id, StageName="dev", DeploymentId=first)
        await until(f"{url}/dev/a", 200)


async def test_what_was_deployed_is_there_after_a_restart(tmp_path: Path) -> None:
    async with quick(tmp_path) as (_, _, _, url):
        await until(f"{url}/a", 200)
        path = httpx.URL(url).path
    async with gateway(tmp_path) as running:
        # The backend is gone, the API is not.
        assert (await get(running, f"{path}/a"))[0] == 503


async def test_a_domain_name_leads_by_mappings_and_by_rules(tmp_path: Path) -> None:
    async with quick(tmp_path) as (running, ask, id, _):
        place = {"DomainName": "api.example.com"}
        await ask.create_domain_name(**place)
        await ask.create_api_mapping(**place, ApiId=id, Stage="$default", ApiMappingKey="v1/q")
        host = {"host": "api.example.com"}
        await until(f"{running.door}/v1/q/a", 200, "GET /a", **host)
        rule = {
            "Priority": 1,
            "Conditions": [
                {"MatchHeaders": {"AnyOf": [{"Header": "X-Who", "ValueGlob": "ada*"}]}},
                {"MatchBasePaths": {"AnyOf": ["ruled"]}},
            ],
            "Actions": [{"InvokeApi": {"ApiId": id, "Stage": "$default", "StripBasePath": True}}],
        }
        await ask.create_routing_rule(**place, **rule)
        await ask.update_domain_name(**place, RoutingMode="ROUTING_RULE_THEN_API_MAPPING")
        ruled = f"{running.door}/ruled/a"
        await until(ruled, 200, "GET /a", **host, **{"x-who": "ada lovelace"})
        assert (await get(running, "/ruled/a", **host))[0] == 403
        await until(f"{running.door}/v1/q/a", 200, "GET /a", **host)
        await ask.update_domain_name(**place, RoutingMode="ROUTING_RULE_ONLY")
        await until(f"{running.door}/v1/q/a", 403, **host)


async def test_an_export_comes_back_equal(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client("apigatewayv2"))
        out = {"Specification": "OAS30", "OutputType": "YAML"}
        made = await ask.import_api(Body=EXAMPLE.read_text())
        first = (await ask.export_api(ApiId=made["ApiId"], **out))["body"].read().decode()
        again = await ask.import_api(Body=first, FailOnWarnings=True)
        second = (await ask.export_api(ApiId=again["ApiId"], **out))["body"].read().decode()
        assert second.replace(again["ApiId"], made["ApiId"]) == first
        cors = yaml.safe_load(first)["x-amazon-apigateway-cors"]
        assert cors["allowMethods"] == ["GET", "POST"]
        less = first.replace("allowMethods:\n  - GET\n  - POST", "allowMethods:\n  - GET")
        await ask.reimport_api(ApiId=made["ApiId"], Body=less)
        assert (await ask.get_api(ApiId=made["ApiId"]))["CorsConfiguration"]["AllowMethods"] == [
            "GET"
        ]
        third = (await ask.export_api(ApiId=made["ApiId"], **out))["body"].read().decode()
        assert third == less


async def test_an_imported_api_is_served_as_the_same_file_is(tmp_path: Path) -> None:
    async with gateway(tmp_path, apis=[str(EXAMPLE)]) as running:
        ask, sqs = Asking(running.client("apigatewayv2")), Asking(running.client("sqs"))
        queue = (await sqs.create_queue(QueueName="quotes"))["QueueUrl"]
        made = await ask.import_api(Body=EXAMPLE.read_text())
        variables = {"queue": queue}
        place = {"ApiId": made["ApiId"], "StageName": "$default"}
        await ask.create_stage(**place, AutoDeploy=True, StageVariables=variables)
        await until(f"{running.door}/apis/{made['ApiId']}/nowhere", 404, "Not Found")
        async with httpx.AsyncClient() as client:
            for id in ("quotes", made["ApiId"]):
                url = f"{running.door}/apis/{id}/quotes"
                assert (await client.post(f"{url}/ada", content="hello")).status_code == 202
                message = (await client.get(url)).json()["Messages"][0]
                assert message["Body"] == "ada: hello"
                await sqs.purge_queue(QueueUrl=queue)


async def test_a_function_of_the_gateway_answers_a_route(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    return {'for': event['pathParameters']['who']}\n"
    async with gateway(tmp_path) as running:
        function = Asking(running.client("lambda"))
        made = await function.create_function(
            FunctionName="greet",
            Runtime=PYTHON,
            Handler="app.handler",
            Role=ROLE,
            Code={"ZipFile": zipped({"app.py": code})},
        )
        ask = Asking(running.client("apigatewayv2"))
        arn, key = made["FunctionArn"], "GET /greet/{who}"
        api = await ask.create_api(Name="g", ProtocolType="HTTP", Target=arn, RouteKey=key)
        await function.add_permission(
            FunctionName="greet",
            StatementId="s",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api['ApiId']}/*/GET/greet/*",
        )
        url = f"{running.door}/apis/{api['ApiId']}/greet/ada"
        await until(f"{running.door}/apis/{api['ApiId']}/none", 404)
        async with httpx.AsyncClient(timeout=20) as client:
            assert (await client.get(url)).json() == {"for": "ada"}


async def test_concurrent_edits_lose_nothing(tmp_path: Path) -> None:
    async with quick(tmp_path) as (_, ask, id, url):
        target = (await ask.get_routes(ApiId=id))["Items"][0]["Target"]
        await asyncio.gather(
            *(
                ask.create_route(ApiId=id, RouteKey=f"GET /r{number}", Target=target)
                for number in range(8)
            )
        )
        document = await ask.export_api(ApiId=id, Specification="OAS30", OutputType="JSON")
        paths = json.loads(document["body"].read())["paths"]
        assert {f"/r{number}" for number in range(8)} < paths.keys()
        deployed = {"Specification": "OAS30", "OutputType": "JSON", "StageName": "$default"}
        document = await ask.export_api(ApiId=id, **deployed)
        assert json.loads(document["body"].read())["paths"].keys() == paths.keys()
        await until(f"{url}/r7", 200)


async def test_authorizers_forget_what_they_are_told_to(tmp_path: Path) -> None:
    async with quick(tmp_path) as (running, ask, id, url):
        await until(f"{url}/a", 200)
        before = running.node.door.table.stages[id, "$default"]
        await ask.reset_authorizers_cache(ApiId=id, StageName="$default")
        end = asyncio.get_running_loop().time() + 1
        while running.node.door.table.stages[id, "$default"] is before:
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.02)
