"""Operations of services from the console: the same contract, errors and audit as an SDK's."""

import base64
import json
from pathlib import Path

import pytest

from tests.console.opening import opened


async def test_an_operation_is_asked_and_answered_as_boto3_does(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        made = (await console.call("apigateway", "CreateRestApi", name="pets")).json()
        listed = (await console.call("apigateway", "GetRestApis", limit=500)).json()
    assert [each["id"] for each in listed["items"]] == [made["id"]]
    assert made["createdDate"].startswith("20")


async def test_the_gateways_own_aws_settings_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    async with opened(tmp_path) as console:
        await console.sign_in()
        assert (await console.call("apigateway", "GetRestApis")).json() == {"items": []}


async def test_blobs_travel_in_base64_both_ways(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        await console.call("s3", "CreateBucket", Bucket="pictures")
        body = base64.b64encode(b"\x00\xff picture").decode()
        await console.call("s3", "PutObject", Bucket="pictures", Key="a/b c.png", Body=body)
        found = (await console.call("s3", "GetObject", Bucket="pictures", Key="a/b c.png")).json()
    assert found["Body"] == body


async def test_errors_are_the_services_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        reply = await console.call("apigateway", "GetRestApi", restApiId="nothere")
    assert reply.status_code == 404
    assert reply.json()["code"] == "NotFoundException"
    assert "Invalid API identifier specified" in reply.json()["message"]


async def test_parameters_that_do_not_fit_are_named(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        missing = await console.call("apigateway", "GetRestApi")
        unknown = await console.call("apigateway", "Nothing")
        nowhere = await console.call("nothing", "Nothing")
        no_blob = await console.call("s3", "PutObject", Bucket="b", Key="k", Body="not base64!")
    assert missing.status_code == 400
    assert "restApiId" in missing.json()["message"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "UnknownOperation")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "UnknownService")
    assert (no_blob.status_code, no_blob.json()["code"]) == (400, "Malformed")


async def test_a_change_is_audited_under_who_is_signed_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        await console.call("apigateway", "CreateRestApi", name="pets")
        events = (await console.call("cloudtrail", "LookupEvents")).json()["Events"]
    told = json.loads(events[0]["CloudTrailEvent"])
    assert told["eventName"] == "CreateRestApi"
    assert told["userIdentity"]["arn"] == "arn:aws:iam::000000000000:root"
    assert told["sourceIPAddress"] == "127.0.0.1"
    assert "torana-console" in told["userAgent"]


async def test_nothing_is_answered_to_who_is_not_signed_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        replies = [
            await console.call("apigateway", "GetRestApis"),
            await console.browser.get("/console/live"),
            await console.browser.get("/console/served"),
            await console.browser.get("/console/definition/a/draft"),
            await console.browser.get("/console/desk/keys"),
            await console.browser.get("/console/llm"),
            await console.browser.post("/console/llm/v1/chat/completions", json={}),
        ]
    assert [reply.status_code for reply in replies] == [401] * len(replies)


async def test_a_definition_is_as_it_was_deployed(tmp_path: Path) -> None:
    async with opened(tmp_path) as console:
        await console.sign_in()
        api = (await console.call("apigateway", "CreateRestApi", name="pets")).json()["id"]
        root = (await console.call("apigateway", "GetResources", restApiId=api)).json()["items"][0]
        place = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
        await console.call("apigateway", "PutMethod", **place, authorizationType="NONE")
        await console.call("apigateway", "PutIntegration", **place, type="MOCK")
        made = await console.call("apigateway", "CreateDeployment", restApiId=api)
        place["httpMethod"] = "DELETE"
        await console.call("apigateway", "PutMethod", **place, authorizationType="NONE")
        half_done = await console.browser.get(f"/console/definition/{api}/draft")
        await console.call("apigateway", "PutIntegration", **place, type="MOCK")
        deployed = await console.browser.get(f"/console/definition/{api}/{made.json()['id']}")
        now = await console.browser.get(f"/console/definition/{api}/draft")
        gone = await console.browser.get(f"/console/definition/{api}/nothere")
    assert "get:" in deployed.json()["text"]
    assert "delete:" not in deployed.json()["text"]
    assert "delete:" in now.json()["text"]
    assert half_done.status_code == 400
    assert "integration" in half_done.json()["message"]
    assert gone.status_code == 404
