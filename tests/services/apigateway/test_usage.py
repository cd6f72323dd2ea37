"""Usage of plans, imports of keys and documentation, templates of models."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.services.apigateway.making import Asking, gateway, mock, until
from torana.message import Headers
from torana.services.apigateway.model_template import template
from torana.services.apigateway.usage import daily
from torana.vtl import Input, Parameters, compile

VALUE = "0123456789-0123456789"


async def test_usage_is_what_the_quota_counts(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = await ask.create_rest_api(name="a")
        await mock(ask, api["id"], api["rootResourceId"], {}, apiKeyRequired=True)
        await ask.create_deployment(restApiId=api["id"], stageName="prod")
        plan = await ask.create_usage_plan(
            name="p",
            apiStages=[{"apiId": api["id"], "stage": "prod"}],
            quota={"limit": 3, "period": "DAY"},
        )
        key = await ask.create_api_key(name="k", value=VALUE, enabled=True)
        await ask.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
        url = f"{running.door}/restapis/{api['id']}/prod/_user_request_/"
        await until(url, 200, **{"x-api-key": VALUE})
        async with httpx.AsyncClient() as client:
            statuses = [
                (await client.get(url, headers={"x-api-key": VALUE})).status_code for _ in range(3)
            ]
        assert statuses == [200, 200, 429]
        today = datetime.now(UTC).date().isoformat()
        usage = await ask.get_usage(usagePlanId=plan["id"], startDate=today, endDate=today)
        assert usage["items"] == {key["id"]: [[3, 0]]}
        more = [{"op": "replace", "path": "/remaining", "value": "1"}]
        place = {"usagePlanId": plan["id"], "keyId": key["id"]}
        extended = await ask.update_usage(**place, patchOperations=more)
        assert extended["items"] == {key["id"]: [[3, 1]]}
        async with httpx.AsyncClient() as client, asyncio.timeout(5):
            while (await client.get(url, headers={"x-api-key": VALUE})).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert (await client.get(url, headers={"x-api-key": VALUE})).status_code == 429
        with pytest.raises(ClientError, match="must not be negative"):
            less = [{"op": "replace", "path": "/remaining", "value": "-1"}]
            await ask.update_usage(**place, patchOperations=less)
        with pytest.raises(ClientError, match="before the start date"):
            await ask.get_usage(usagePlanId=plan["id"], startDate=today, endDate="2020-01-01")


def test_what_is_left_follows_the_period() -> None:
    used = {"2026-11-21": 2.0, "2026-11-22": 3.0, "2026-11-23": 1.0}
    more = {"2026-11-23": 5.0}
    since, until_day = date(2026, 11, 21), date(2026, 11, 24)
    week = list(daily(used, more, {"limit": 10, "period": "WEEK"}, since, until_day))
    assert week == [[2, 8], [3, 7], [1, 6], [0, 6]]
    day = list(daily(used, more, {"limit": 10, "period": "DAY"}, since, until_day))
    assert day == [[2, 8], [3, 7], [1, 14], [0, 10]]


async def test_keys_are_imported_from_csv(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        plan = await ask.create_usage_plan(name="p")
        text = (
            "Name,key,description,Enabled,usageplanIds\n"
            f'first,{VALUE},a key,TRUE,"{plan["id"]},none"\n'
            f"second,{VALUE}x,,false,\n"
            "third,short,,true,\n"
        )
        done = await ask.import_api_keys(body=text.encode(), format="csv")
        assert len(done["ids"]) == 2
        assert [each.partition(" of ")[0] for each in done["warnings"]] == [
            "Usage plan 'none'",
            "API Key value",
        ]
        keys = {key["name"]: key for key in (await ask.get_api_keys())["items"]}
        assert (keys["first"]["enabled"], keys["second"]["enabled"]) == (True, False)
        members = (await ask.get_usage_plan_keys(usagePlanId=plan["id"]))["items"]
        assert [each["id"] for each in members] == [keys["first"]["id"]]
        with pytest.raises(ClientError, match="already exists"):
            await ask.import_api_keys(body=text.encode(), format="csv", failOnWarnings=True)


async def test_documentation_parts_are_imported_merged_and_overwritten(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = (await ask.create_rest_api(name="a"))["id"]
        first = b'{"documentationParts": [{"location": {"type": "API"}, "properties": {"a": 1}}]}'
        second = (
            b'{"openapi": "3.0.1", "x-amazon-apigateway-documentation": {"documentationParts": ['
            b'{"location": {"type": "API"}, "properties": {"b": 2}}]}}'
        )
        ids = (await ask.import_documentation_parts(restApiId=api, body=first))["ids"]
        assert (await ask.import_documentation_parts(restApiId=api, body=second))["ids"] == ids
        (part,) = (await ask.get_documentation_parts(restApiId=api))["items"]
        assert part["properties"] == '{"a":1,"b":2}'
        await ask.import_documentation_parts(restApiId=api, body=second, mode="overwrite")
        (part,) = (await ask.get_documentation_parts(restApiId=api))["items"]
        assert part["properties"] == '{"b":2}'


async def test_a_model_has_a_template_to_begin_with(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        ask = Asking(running.client())
        api = (await ask.create_rest_api(name="a"))["id"]
        schema = '{"type": "object", "properties": {"id": {"type": "integer"}}}'
        await ask.create_model(
            restApiId=api, name="Pet", contentType="application/json", schema=schema
        )
        found = await ask.get_model_template(restApiId=api, modelName="Pet")
        assert found["value"] == "#set($inputRoot = $input.path('$'))\n{\n  \"id\" : 42\n}"
        with pytest.raises(ClientError, match="Invalid model name specified: None"):
            await ask.get_model_template(restApiId=api, modelName="None")


def test_a_models_template_is_one() -> None:
    tags = {"type": "array", "items": {"type": "string"}}
    schema = {"type": "object", "properties": {"tags": tags, "owner": {"$ref": "x/Owner"}}}
    text = template(
        schema, {"Owner": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}
    )
    given = Input(b'{"tags": [1, 2]}', lambda: Parameters({}, {}, Headers()))
    assert "".join(compile(text).render({"input": given}).split()) == (
        '{"tags":["foo","foo"],"owner":{"ok":true}}'
    )
