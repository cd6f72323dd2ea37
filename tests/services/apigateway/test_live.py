"""APIs made with boto3 are served: at once, beside what runs, and again after a crash."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, Running, gateway, mock, told, until


async def pets(running: Running) -> tuple[Asking, str, str]:
    """An API with `GET /pets/{id}`."""
    ask = Asking(running.client())
    api = await ask.create_rest_api(name="pets")
    pets = await ask.create_resource(
        restApiId=api["id"], parentId=api["rootResourceId"], pathPart="pets"
    )
    pet = await ask.create_resource(restApiId=api["id"], parentId=pets["id"], pathPart="{id}")
    return ask, api["id"], pet["id"]


async def test_an_api_is_live_within_a_second_of_its_deployment(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, '{"id": "$input.params(\'id\')", "v": "$stageVariables.v"}')
        await ask.create_deployment(restApiId=api, stageName="prod", variables={"v": "1"})
        url = f"{running.door}/restapis/{api}/prod/_user_request_/pets/7"
        assert (await until(url, 200)).json() == {"id": "7", "v": "1"}
        host = {"host": f"{api}.execute-api.localhost"}
        async with httpx.AsyncClient() as client:
            reply = await client.get(f"{running.door}/prod/pets/8", headers=host)
            assert reply.json()["id"] == "8"


async def test_a_change_is_served_only_once_it_is_deployed(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, {"say": "one"})
        await ask.create_deployment(restApiId=api, stageName="prod")
        url = f"{running.door}/restapis/{api}/prod/_user_request_/pets/7"
        await until(url, 200, "one")
        await ask.update_integration_response(
            restApiId=api,
            resourceId=pet,
            httpMethod="GET",
            statusCode="200",
            patchOperations=[
                {
                    "op": "replace",
                    "path": "/responseTemplates/application~1json",
                    "value": '{"say": "two"}',
                }
            ],
        )
        await asyncio.sleep(0.3)
        await until(url, 200, "one")
        first = (await ask.get_deployments(restApiId=api))["items"][0]["id"]
        await ask.create_deployment(restApiId=api, stageName="prod")
        await until(url, 200, "two")
        back = [{"op": "replace", "path": "/deploymentId", "value": first}]
        await ask.update_stage(restApiId=api, stageName="prod", patchOperations=back)
        await until(url, 200, "one")


async def test_what_cannot_be_served_is_refused_and_the_old_serves_on(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, {"say": "one"})
        await ask.create_deployment(restApiId=api, stageName="prod")
        url = f"{running.door}/restapis/{api}/prod/_user_request_/pets/7"
        await until(url, 200, "one")
        await ask.put_integration(
            restApiId=api,
            resourceId=pet,
            httpMethod="GET",
            type="MOCK",
            requestTemplates={"application/json": "#if($x"},
        )
        with pytest.raises(ClientError) as caught:
            await ask.create_deployment(restApiId=api, stageName="prod")
        assert told(caught.value)[0] == "BadRequestException"
        await until(url, 200, "one")


async def test_a_key_made_here_opens_the_stages_of_its_plan(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, {"say": "one"}, apiKeyRequired=True)
        await ask.create_deployment(restApiId=api, stageName="prod")
        key = await ask.create_api_key(name="k", enabled=True)
        plan = await ask.create_usage_plan(
            name="p",
            apiStages=[{"apiId": api, "stage": "prod"}],
            throttle={"rateLimit": 0.01, "burstLimit": 2},
        )
        await ask.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
        url = f"{running.door}/restapis/{api}/prod/_user_request_/pets/7"
        await until(url, 403)
        await until(url, 200, **{"x-api-key": key["value"]})
        await until(url, 429, **{"x-api-key": key["value"]})
        off = [{"op": "replace", "path": "/enabled", "value": "false"}]
        await ask.update_api_key(apiKey=key["id"], patchOperations=off)
        await until(url, 403, **{"x-api-key": key["value"]})
        found = await ask.get_api_keys(includeValues=True)
        assert "value" not in found["items"][0]
        body = await running.node._store.get("api-key", key["id"])  # pyright: ignore[reportPrivateUsage]
        assert body is not None
        assert key["value"].encode() not in body.body


async def test_a_stage_that_is_deleted_is_gone(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, {"say": "one"})
        await ask.create_deployment(restApiId=api, stageName="prod")
        url = f"{running.door}/restapis/{api}/prod/_user_request_/pets/7"
        await until(url, 200)
        await ask.delete_stage(restApiId=api, stageName="prod")
        await until(url, 403)


async def test_what_was_deployed_is_served_after_a_new_start(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, {"say": "one"})
        await ask.create_deployment(restApiId=api, stageName="prod")
    async with gateway(tmp_path) as running:
        await until(f"{running.door}/restapis/{api}/prod/_user_request_/pets/7", 200, "one")


async def test_two_nodes_of_one_store_serve_the_same(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/shared.db"
    async with (
        gateway(tmp_path / "a", store) as first,
        gateway(tmp_path / "b", store) as second,
    ):
        ask, api, pet = await pets(first)
        await mock(ask, api, pet, {"say": "one"})
        await ask.create_deployment(restApiId=api, stageName="prod")
        for each in (first, second):
            await until(f"{each.door}/restapis/{api}/prod/_user_request_/pets/7", 200, "one")


async def test_concurrent_edits_lose_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = await ask.create_rest_api(name="many")
        place = {"restApiId": api["id"], "parentId": api["rootResourceId"]}
        names = [f"r{n}" for n in range(20)]
        await asyncio.gather(*(ask.create_resource(**place, pathPart=name) for name in names))
        found = await ask.get_resources(restApiId=api["id"], limit=500)
        assert sorted(each["path"] for each in found["items"]) == sorted(
            ["/", *(f"/{name}" for name in names)]
        )
        makings = [ask.create_resource(**place, pathPart="one") for _ in range(5)]
        made = await asyncio.gather(*makings, return_exceptions=True)
        assert sum(isinstance(each, dict) for each in made) == 1


async def test_a_canary_takes_its_share_until_it_is_promoted(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        shown = '{"v": "$stageVariables.v", "canary": $context.isCanaryRequest}'
        await mock(ask, api, pet, shown)
        await ask.create_deployment(restApiId=api, stageName="prod", variables={"v": "old"})
        url = f"{running.door}/restapis/{api}/prod/_user_request_/pets/7"
        await until(url, 200, "old")
        await ask.create_deployment(
            restApiId=api,
            stageName="prod",
            canarySettings={"percentTraffic": 50.0, "stageVariableOverrides": {"v": "new"}},
        )
        await until(url, 200, "new")
        async with httpx.AsyncClient() as client:
            seen = [(await client.get(url)).text for _ in range(100)]
        both = {'{"v": "old", "canary": false}', '{"v": "new", "canary": true}'}
        assert set(seen) == both
        promote = [
            {
                "op": "copy",
                "from": "/canarySettings/stageVariableOverrides",
                "path": "/variables",
            },
            {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"},
            {"op": "remove", "path": "/canarySettings"},
        ]
        stage = await ask.update_stage(restApiId=api, stageName="prod", patchOperations=promote)
        assert "canarySettings" not in stage
        await asyncio.sleep(0.5)
        async with httpx.AsyncClient() as client:
            seen = [(await client.get(url)).text for _ in range(20)]
        assert set(seen) == {'{"v": "new", "canary": false}'}


async def test_what_a_stage_asks_for_in_vain_is_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, {})
        await ask.create_deployment(restApiId=api, stageName="prod")
        change = [{"op": "replace", "path": "/clientCertificateId", "value": "abc"}]
        with pytest.raises(ClientError, match="Invalid client certificate identifier"):
            await ask.update_stage(restApiId=api, stageName="prod", patchOperations=change)


async def test_a_domain_name_answers_by_its_base_paths(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, {"say": "one"})
        await ask.create_deployment(restApiId=api, stageName="prod")
        await ask.create_domain_name(domainName="api.example.com")
        mapping = {"domainName": "api.example.com", "restApiId": api, "stage": "prod"}
        assert (await ask.create_base_path_mapping(**mapping))["basePath"] == "(none)"
        await ask.create_base_path_mapping(**mapping, basePath="v1/shop")
        host = {"host": "api.example.com"}
        await until(f"{running.door}/pets/7", 200, "one", **host)
        await until(f"{running.door}/v1/shop/pets/7", 200, "one", **host)
        await ask.delete_domain_name(domainName="api.example.com")
        await until(f"{running.door}/pets/7", 403, **host)


async def test_a_method_is_tried_before_it_is_deployed(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, '{"id": "$input.params(\'id\')"}', apiKeyRequired=True)
        tried = await ask.test_invoke_method(
            restApiId=api, resourceId=pet, httpMethod="GET", pathWithQueryString="/pets/9?a=1"
        )
        assert (tried["status"], tried["body"]) == (200, '{"id": "9"}')
        assert tried["headers"] == {"Content-Type": "application/json"}
        first, *lines = tried["log"].splitlines()
        id = first.removeprefix("Execution log for request ")
        assert [line.partition(" UTC ")[2].partition(" : ")[2] for line in lines] == [
            f"Starting execution for request: {id}",
            "HTTP Method: GET, Resource Path: /pets/9",
            "Method request path: {id=9}",
            "Method request query string: {a=1}",
            "Method request headers: {}",
            "Method request body before transformations: ",
            'Method response body after transformations: {"id": "9"}',
            "Method response headers: {Content-Type=application/json}",
            "Successfully completed execution",
            "Method completed with status: 200",
        ]


async def test_tags_are_kept_where_their_arn_says(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = (await ask.create_rest_api(name="a", tags={"team": "x"}))["id"]
        arn = f"arn:aws:apigateway:us-east-1::/restapis/{api}"
        await ask.tag_resource(resourceArn=arn, tags={"stage": "dev"})
        await ask.untag_resource(resourceArn=arn, tagKeys=["team"])
        assert (await ask.get_tags(resourceArn=arn))["tags"] == {"stage": "dev"}
        assert (await ask.get_rest_api(restApiId=api))["tags"] == {"stage": "dev"}
        with pytest.raises(ClientError, match="ARN is not well formed invalid-arn"):
            await ask.get_tags(resourceArn="invalid-arn")


async def test_documentation_is_kept_by_its_location(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = (await ask.create_rest_api(name="a"))["id"]
        given = {"location": {"type": "API"}, "properties": '{"description": "d"}'}
        part = await ask.create_documentation_part(restApiId=api, **given)
        found = await ask.get_documentation_parts(restApiId=api)
        assert found["items"] == [{"id": part["id"], **given}]
        with pytest.raises(ClientError, match="already exists for the specified location"):
            await ask.create_documentation_part(restApiId=api, **given)
        await ask.create_documentation_version(restApiId=api, documentationVersion="v1")
        versions = (await ask.get_documentation_versions(restApiId=api))["items"]
        assert [each["version"] for each in versions] == ["v1"]


PETSTORE = Path("examples/petstore.yaml").read_bytes()


async def test_a_document_is_imported_served_and_exported_again(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = (await ask.import_rest_api(body=PETSTORE))["id"]
        await ask.create_deployment(restApiId=api, stageName="prod")
        wanted = {"extensions": "apigateway"}
        place = {"stageName": "prod", "exportType": "oas30", "parameters": wanted}
        exported = (await ask.get_export(restApiId=api, **place))["body"].read()
        again = (await ask.import_rest_api(body=exported))["id"]
        await ask.create_deployment(restApiId=again, stageName="prod")
        second = (await ask.get_export(restApiId=again, **place))["body"].read()
        assert json.loads(second)["paths"] == json.loads(exported)["paths"]
        put = await ask.put_rest_api(restApiId=again, mode="overwrite", body=PETSTORE)
        assert put["name"] == json.loads(exported)["info"]["title"]


async def test_a_stages_cache_is_flushed_on_request(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, '{"at": "$context.requestId"}')
        await ask.create_deployment(
            restApiId=api, stageName="prod", cacheClusterEnabled=True, cacheClusterSize="0.5"
        )
        switch = [{"op": "replace", "path": "/*/*/caching/enabled", "value": "true"}]
        stage = await ask.update_stage(restApiId=api, stageName="prod", patchOperations=switch)
        assert stage["cacheClusterStatus"] == "AVAILABLE"
        url = f"{running.door}/restapis/{api}/prod/_user_request_/pets/7"
        first = (await until(url, 200)).text
        async with httpx.AsyncClient() as client:
            while (again := (await client.get(url)).text) != first:
                first = again
            await ask.flush_stage_cache(restApiId=api, stageName="prod")
            async with asyncio.timeout(5):
                while (await client.get(url)).text == first:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        with pytest.raises(ClientError, match="Invalid stage identifier specified"):
            await ask.flush_stage_cache(restApiId=api, stageName="none")
        await ask.flush_stage_authorizers_cache(restApiId=api, stageName="prod")
        await ask.delete_stage(restApiId=api, stageName="prod")


async def test_execution_logs_are_kept_under_their_groups_name(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask, api, pet = await pets(running)
        await mock(ask, api, pet, {"say": "one"})
        await ask.create_deployment(restApiId=api, stageName="prod")
        level = [{"op": "replace", "path": "/*/*/logging/loglevel", "value": "INFO"}]
        await ask.update_stage(restApiId=api, stageName="prod", patchOperations=level)
        url = f"{running.door}/restapis/{api}/prod/_user_request_/pets/7"
        file = tmp_path / "logs" / f"API-Gateway-Execution-Logs_{api}_prod.log"
        async with asyncio.timeout(5):
            while not file.exists() or not file.stat().st_size:
                await until(url, 200)
        assert "Resource Path: /pets/{id}" in file.read_text()
