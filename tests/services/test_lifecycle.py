"""Lives of versions, told at run time: with botocore, over our own service model."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from click.testing import CliRunner

from tests.services.apigateway.making import Asking, Running, gateway, mock, told, until
from torana.app.configuration import BadConfiguration, check, documents
from torana.cli.diff import diff
from torana.model.lifecycle import Deprecation, Entry, Lifecycle, Owner
from torana.openapi import InvalidDocument, read, write
from torana.services.apigateway.book import LIFECYCLE, VERSION_SET
from torana.settings import Versions

LIFE = {
    "state": "published",
    "owners": [{"name": "Ann", "contact": "mailto:ann@example.com"}],
    "changelog": [{"date": "2026-01-01", "text": "Pets", "kind": "added"}],
}
INTEGRATION = {
    "type": "mock",
    "requestTemplates": {"application/json": '{"statusCode": 200}'},
    "responses": {"default": {"statusCode": "200"}},
}


def document(life: Any = LIFE, **operation: Any) -> str:
    responses = {"200": {"description": ""}}
    get = {"responses": responses, "x-amazon-apigateway-integration": INTEGRATION, **operation}
    return json.dumps(
        {
            "openapi": "3.0.1",
            "info": {"title": "pets", "version": "1.2.0"},
            "x-torana-stage": {"name": "v1"},
            "x-torana-lifecycle": life,
            "paths": {"/pets": {"get": get}},
        },
        indent=1,
    )


def test_a_document_declares_it_and_reads_back_equal() -> None:
    since = {"since": "2026-05-01"}
    text = document(**{"deprecated": True, "x-torana-deprecation": since})
    found = read(text, "pets.json")
    assert found.api.lifecycle == Lifecycle(
        "published",
        owners=(Owner("Ann", "mailto:ann@example.com"),),
        changelog=(Entry("2026-01-01", "Pets", "added"),),
        operations={"GET /pets": Deprecation("2026-05-01")},
    )
    assert read(write(found.api, found.stage), "again.json").api.lifecycle == found.api.lifecycle


@pytest.mark.parametrize(
    ("life", "said"),
    [
        ({"state": "gone"}, "value: state cannot be 'gone'"),
        ({"state": "deprecated"}, "lifecycle: a deprecated version needs deprecation.since"),
        ({"deprecation": {"since": "soon"}}, "lifecycle: 'soon' is no date"),
        ({"sunset": "2027-01-01"}, "unknown-field: x-torana-lifecycle has no field 'sunset'"),
    ],
)
def test_a_mistake_in_a_document_has_its_line(life: Any, said: str) -> None:
    text = document(life)
    with pytest.raises(InvalidDocument) as caught:
        read(text, "pets.json")
    [mistake] = caught.value.mistakes
    assert said in str(mistake)
    assert 9 <= mistake.line <= 13, text


async def test_a_files_version_lives_and_dies_at_run_time(tmp_path: Path) -> None:
    (tmp_path / "pets.json").write_text(document())
    async with gateway(tmp_path / "data", apis=(str(tmp_path),)) as running:
        ask = Asking(running.client("torana"))
        url = f"{running.door}/restapis/pets/v1/_user_request_/pets"
        place = {"apiId": "pets", "stage": "v1"}
        [listed] = (await ask.list_versions(state="published"))["versions"]
        assert (listed["version"], listed["declared"]) == ("1.2.0", True)
        assert listed["owners"] == LIFE["owners"]

        dates = {"since": "2026-06-01", "sunset": "2026-10-01"}
        await ask.put_version(**place, state="deprecated", deprecation=dates)
        async with httpx.AsyncClient() as client:
            for _ in range(500):
                if "sunset" in (await client.get(url)).headers:
                    break
                await asyncio.sleep(0.02)
        await ask.add_change(**place, text="Cats", kind="added")
        found = await ask.get_version(**place)
        assert [each["text"] for each in found["changelog"]] == ["Cats", "Pets"]
        assert (found["declared"], found["owners"]) == (False, LIFE["owners"])
        callers: list[dict[str, Any]] = []
        while not callers:
            callers = (await ask.list_callers(**place))["callers"]
        assert (callers[0]["caller"], callers[0]["operation"]) == ("anonymous", "GET /pets")

        bare = {"document": json.dumps({"paths": {}})}
        found = await ask.compare_definitions(old=place, new=bare)
        assert [each["rule"] for each in found["changes"] if each["level"] == "breaking"] == [
            "operation-removed"
        ]
        with pytest.raises(ClientError, match="There is no pets/v9"):
            await ask.compare_definitions(old={"apiId": "pets", "stage": "v9"}, new=bare)

        await ask.put_version(**place, state="retired")
        await until(url, 410, "retired")
        with pytest.raises(ClientError, match="what may follow is deprecated"):
            await ask.put_version(**place, state="design")
        await ask.reset_version(**place)
        await until(url, 200)

        history = Asking(running.client("cloudtrail"))
        events = (await history.lookup_events(MaxResults=10))["Events"]
        assert [each["EventName"] for each in events] == [
            *("ResetVersion", "PutVersion", "AddChange", "PutVersion"),
        ]


async def test_a_promise_to_clients_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "pets.json").write_text(document())
    async with gateway(tmp_path / "data", apis=(str(tmp_path),)) as running:
        ask = Asking(running.client("torana"))
        place = {"apiId": "pets", "stage": "v1"}
        with pytest.raises(ClientError, match="what may follow is deprecated"):
            await ask.put_version(**place, state="retired")
        await ask.put_version(**place, state="deprecated", deprecation={"sunset": "2999-01-01"})
        with pytest.raises(ClientError) as caught:
            await ask.put_version(**place, state="retired")
        assert told(caught.value) == (
            "ConflictException",
            "Clients were told that it answers until 2999-01-01",
        )
        assert (await ask.put_version(**place, state="retired", force=True))["state"] == "retired"
        with pytest.raises(ClientError, match=r"owners\.0\.contact: 'x' is no address"):
            await ask.put_version(**place, owners=[{"name": "A", "contact": "x"}])
        with pytest.raises(ClientError, match="no version pets/v9"):
            await ask.get_version(apiId="pets", stage="v9")


async def test_a_stage_of_the_control_plane_has_a_life_that_ends_with_it(tmp_path: Path) -> None:
    async with gateway(tmp_path / "data") as running:
        rest, ask = Asking(running.client()), Asking(running.client("torana"))
        iam = Asking(running.client("iam"))
        api = (await rest.create_rest_api(name="pets"))["id"]
        [root] = (await rest.get_resources(restApiId=api))["items"]
        await mock(rest, api, root["id"], {"ok": 1})
        await rest.create_deployment(restApiId=api, stageName="v1")
        url = f"{running.door}/restapis/{api}/v1/_user_request_/"
        place = {"apiId": api, "stage": "v1"}
        await ask.put_version(**place, state="design", force=True)
        await until(url, 403, "Missing Authentication Token")

        await iam.create_user(UserName="dev")
        key = (await iam.create_access_key(UserName="dev"))["AccessKey"]
        assert (await _signed(running, url, key)).status_code == 403
        statement = {"Effect": "Allow", "Action": "torana:PreviewApi", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        await iam.put_user_policy(UserName="dev", PolicyName="see", PolicyDocument=policy)
        reply = await _signed(running, url, key)
        assert (reply.status_code, reply.json()) == (200, {"ok": 1})

        await rest.delete_stage(restApiId=api, stageName="v1")
        await rest.create_deployment(restApiId=api, stageName="v1")
        assert (await ask.get_version(**place))["state"] == "published"


async def _signed(running: Running, url: str, key: dict[str, str]) -> httpx.Response:
    request = AWSRequest("GET", url)
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    async with httpx.AsyncClient() as client:
        return await client.get(url, headers=dict(request.headers))


async def test_two_files_are_compared_for_a_pipeline(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(document())
    new.write_text(document(parameters=[{"name": "by", "in": "query", "required": True}]))
    run = CliRunner().invoke
    broken = run(diff, ["--breaking", str(old), str(new)])
    assert broken.exit_code == 1
    assert broken.output == (
        "breaking: GET /pets: the query parameter 'by' was added and is required [parameter-added] "
        "/paths/~1pets/get/parameters/0\n"
    )
    back = run(diff, ["--breaking", "--format", "json", str(new), str(old)])
    assert json.loads(back.output)["changes"][0]["level"] == "breaking"
    same = run(diff, ["--breaking", "--format", "markdown", str(old), str(old)])
    assert (same.exit_code, same.output) == (0, "No changes.\n")
    new.write_text("paths: [")
    assert "new.json:1:" in run(diff, ["--breaking", str(old), str(new)]).output


async def test_a_published_version_does_not_break_its_clients(tmp_path: Path) -> None:
    apis = tmp_path / "apis"
    apis.mkdir()
    (apis / "pets.json").write_text(document())
    broken = document(parameters=[{"name": "by", "in": "query", "required": True}])
    policy = Versions(breaking="refuse")
    async with gateway(tmp_path / "data", apis=(str(apis),), versions=policy) as running:
        # A file: the one before goes on, until the major number says that clients must look.
        (apis / "pets.json").write_text(broken)
        assert running.node.reload() is False
        (apis / "pets.json").write_text(broken.replace("1.2.0", "2.0.0"))
        assert running.node.reload() is True

        # A REST API of the control plane.
        rest, ask = Asking(running.client()), Asking(running.client("torana"))
        api = (await rest.import_rest_api(body=document()))["id"]
        await rest.create_deployment(restApiId=api, stageName="v1")
        await rest.put_rest_api(restApiId=api, mode="overwrite", body=broken)
        with pytest.raises(ClientError, match="'by' was added and is required"):
            await rest.create_deployment(restApiId=api, stageName="v1")

        # The next version, beside it: published under another major number, or not at all.
        await rest.create_deployment(restApiId=api, stageName="v2")
        second = {"apiId": api, "stage": "v2"}
        await ask.put_version(**second, state="design", force=True)
        with pytest.raises(ClientError, match=f"breaks clients of {api}/v1"):
            await ask.put_version(**second, state="published")
        made = await ask.put_version(**second, state="published", force=True)
        assert [each["rule"] for each in made["changes"]] == ["parameter-added"]

        # Both below one address, told apart by a header.
        await rest.create_domain_name(domainName="pets.example.com")
        versions = {"1": {"apiId": api, "stage": "v1"}, "2": second}
        given = {"domainName": "pets.example.com", "header": "Accept-Version"}
        with pytest.raises(ClientError, match="the default '3' is none of 1, 2"):
            await ask.put_version_set(**given, versions=versions, defaultVersion="3")
        await ask.put_version_set(**given, versions=versions)
        assert [each["header"] for each in (await ask.list_version_sets())["versionSets"]] == [
            "Accept-Version"
        ]
        named = {"Host": "pets.example.com", "Accept-Version": "1"}
        reply = await until(f"{running.door}/pets", 200, **named)
        assert reply.headers["vary"] == "Accept-Version"
        await until(
            f"{running.door}/pets", 400, "There is no version", **{**named, "Accept-Version": "9"}
        )
        await ask.delete_version_set(domainName="pets.example.com")
        await until(f"{running.door}/pets", 403, **named)

        # An HTTP API whose stage deploys by itself: it stays as it is, and says why.
        http = Asking(running.client("apigatewayv2"))
        first = http_document("/pets", "/cats")
        api = (await http.import_api(Body=first))["ApiId"]
        await http.create_stage(ApiId=api, StageName="v1", AutoDeploy=True)
        await http.reimport_api(ApiId=api, Body=http_document("/pets"))
        stage = await http.get_stage(ApiId=api, StageName="v1")
        assert "GET /cats: was removed" in stage["LastDeploymentStatusMessage"]


def http_document(*paths: str) -> str:
    """An HTTP API that is published."""
    proxy = {
        "type": "http_proxy",
        "httpMethod": "GET",
        "uri": "http://127.0.0.1:9/",
        "payloadFormatVersion": "1.0",
    }
    route = {"responses": {}, "x-amazon-apigateway-integration": proxy}
    return json.dumps(
        {
            "openapi": "3.0.1",
            "info": {"title": "pets", "version": "1"},
            "x-torana-lifecycle": {"state": "published", "owners": [{"name": "Ann"}]},
            "paths": {path: {"get": route} for path in paths},
        }
    )


@pytest.mark.parametrize(
    ("kind", "folder", "value", "why"),
    [
        (LIFECYCLE, "lifecycles", {"state": "gone"}, "Invalid enum value 'gone'"),
        (LIFECYCLE, "lifecycles", {"state": "deprecated"}, "needs deprecation.since"),
        (VERSION_SET, "domain-names", {"basePath": "", "versions": {}}, "must be named"),
        (VERSION_SET, "domain-names", {}, "no 'basePath'"),
    ],
)
def test_a_configuration_that_says_something_impossible_is_refused(
    kind: str, folder: str, value: Any, why: str
) -> None:
    text = json.dumps({kind: {"pets/v1": value}})
    with pytest.raises(BadConfiguration, match=why):
        check(documents({f"{folder}/pets.yaml": text}))
