"""Stacks of a REST API: made, changed in place, put back, deleted, resumed after a kill."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic

import asyncio
import json
from collections.abc import Generator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from msgspec import structs

from tests.services.cloudformation.stacking import (
    api_template,
    create,
    delete,
    ids,
    reasons,
    settled,
    update,
)
from tests.services.running import Clients, services
from torana.services.cloudformation.types import TYPES
from torana.services.cloudformation.types.kind import Made, Task
from torana.state.memory import MemoryStore

pytestmark = pytest.mark.timeout(180)

KEY = {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Name": "of-a-stack", "Enabled": True}}
BAD = {
    "Type": "AWS::ApiGateway::Model",
    "DependsOn": ["StageOne"],
    "Properties": {
        "RestApiId": {"Ref": "Api"},
        "ContentType": "application/json",
        "Colour": "red",
    },
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("stacks")) as made:
        yield made


def test_a_stack_is_made_changed_in_place_and_deleted(clients: Clients) -> None:
    cfn, api = clients("cloudformation"), clients("apigateway")
    template = api_template()
    made = create(cfn, "life", template, Tags=[{"Key": "team", "Value": "red"}])
    assert made["StackStatus"] == "CREATE_COMPLETE"
    before = ids(cfn, "life")
    assert made["Outputs"] == [{"OutputKey": "ApiId", "OutputValue": before["Api"]}]
    found = api.get_rest_api(restApiId=before["Api"])
    assert found["name"] == "life-api"
    assert found["tags"] | {"team": "red", "aws:cloudformation:logical-id": "Api"} == found["tags"]
    stage = api.get_stage(restApiId=before["Api"], stageName="prod")
    assert stage["deploymentId"] == before["Deployment"]
    assert stage["methodSettings"]["~1pets/GET"]["throttlingRateLimit"] == 5
    happened = [
        (e["LogicalResourceId"], e["ResourceStatus"])
        for e in reversed(cfn.describe_stack_events(StackName="life")["StackEvents"])
    ]
    assert happened[0] == ("life", "CREATE_IN_PROGRESS")
    assert happened[-1] == ("life", "CREATE_COMPLETE")
    assert happened.index(("Get", "CREATE_COMPLETE")) < happened.index(
        ("Deployment", "CREATE_IN_PROGRESS")
    )

    template["Resources"]["Api"]["Properties"]["Description"] = "two"
    template["Resources"]["Pets"]["Properties"]["PathPart"] = "cats"
    template["Resources"]["StageOne"]["Properties"]["Variables"] = {"shape": "round"}
    changed = update(cfn, "life", template)
    assert changed["StackStatus"] == "UPDATE_COMPLETE"
    after = ids(cfn, "life")
    assert api.get_rest_api(restApiId=after["Api"])["description"] == "two"
    assert (after["Api"], after["Deployment"]) == (before["Api"], before["Deployment"])
    assert after["Pets"] != before["Pets"]
    paths = [each["path"] for each in api.get_resources(restApiId=after["Api"])["items"]]
    assert sorted(paths) == ["/", "/cats"]
    stage = api.get_stage(restApiId=after["Api"], stageName="prod")
    assert stage["variables"] == {"shape": "round"}
    with pytest.raises(ClientError, match="No updates are to be performed"):
        update(cfn, "life", template)
    kept = update(
        cfn, "life", template, Parameters=[{"ParameterKey": "Stage", "ParameterValue": "x"}]
    )
    assert kept["StackStatus"] == "UPDATE_COMPLETE"
    assert [s["stageName"] for s in api.get_stages(restApiId=after["Api"])["item"]] == ["x"]

    assert delete(cfn, "life")["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="Stack with id life does not exist"):
        cfn.describe_stacks(StackName="life")
    with pytest.raises(ClientError, match="NotFoundException"):
        api.get_rest_api(restApiId=after["Api"])
    listed = cfn.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert "life" in [each["StackName"] for each in listed]


def test_a_stack_that_cannot_be_made_leaves_nothing(clients: Clients) -> None:
    cfn, api = clients("cloudformation"), clients("apigateway")
    made = create(cfn, "bad", api_template(Bad=BAD))
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "extraneous key [Colour] is not permitted" in reasons(cfn, "bad")[0]
    assert "bad-api" not in [each["name"] for each in api.get_rest_apis(limit=500)["items"]]
    kept = create(cfn, "kept", api_template(Bad=BAD), DisableRollback=True)
    assert kept["StackStatus"] == "CREATE_FAILED"
    mended = update(cfn, "kept", api_template())
    assert mended["StackStatus"] == "UPDATE_COMPLETE"
    gone = create(cfn, "gone", api_template(Bad=BAD), OnFailure="DELETE")
    assert gone["StackStatus"] == "DELETE_COMPLETE"


def test_an_update_that_fails_is_put_back(clients: Clients) -> None:
    cfn, api = clients("cloudformation"), clients("apigateway")
    template = api_template(Key=KEY)
    before = create(cfn, "back", template)["Outputs"]
    there = ids(cfn, "back")
    template = api_template(Bad=BAD)
    template["Resources"]["Api"]["Properties"]["Description"] = "two"
    template["Resources"]["Pets"]["Properties"]["PathPart"] = "cats"
    template["Outputs"] = {}
    undone = update(cfn, "back", template)
    assert undone["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert undone["Outputs"] == before
    assert ids(cfn, "back") == there
    assert api.get_rest_api(restApiId=there["Api"])["description"] == "one"
    paths = [each["path"] for each in api.get_resources(restApiId=there["Api"])["items"]]
    assert sorted(paths) == ["/", "/pets"]
    assert api.get_api_key(apiKey=there["Key"])["name"] == "of-a-stack"
    delete(cfn, "back")


def test_change_sets_tell_what_would_change_and_do_it(clients: Clients) -> None:
    cfn = clients("cloudformation")
    template = api_template(Key=KEY)
    asked = {"StackName": "reviewed", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    made = cfn.create_change_set(**asked, TemplateBody=json.dumps(template))
    assert cfn.describe_stacks(StackName="reviewed")["Stacks"][0]["StackStatus"] == (
        "REVIEW_IN_PROGRESS"
    )
    changes = cfn.describe_change_set(ChangeSetName=made["Id"])["Changes"]
    assert {each["ResourceChange"]["Action"] for each in changes} == {"Add"}
    cfn.execute_change_set(ChangeSetName=made["Id"])
    settled(cfn, "reviewed")
    done = cfn.describe_change_set(ChangeSetName=made["Id"])
    assert done["ExecutionStatus"] == "EXECUTE_COMPLETE"

    template = api_template()
    template["Resources"]["Api"]["Properties"]["Description"] = "two"
    template["Resources"]["Pets"]["Properties"]["PathPart"] = "cats"
    asked = {"StackName": "reviewed", "ChangeSetName": "second"}
    cfn.create_change_set(**asked, TemplateBody=json.dumps(template))
    changes = {
        each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"]
        for each in cfn.describe_change_set(**asked)["Changes"]
    }
    told = {name: (each["Action"], each.get("Replacement")) for name, each in changes.items()}
    assert told == {
        "Api": ("Modify", "False"),
        "Pets": ("Modify", "True"),
        "Get": ("Modify", "Conditional"),
        "Key": ("Remove", None),
    }
    cfn.execute_change_set(**asked)
    assert settled(cfn, "reviewed")["StackStatus"] == "UPDATE_COMPLETE"
    same = {"StackName": "reviewed", "ChangeSetName": "third"}
    cfn.create_change_set(**same, TemplateBody=json.dumps(template))
    nothing = cfn.describe_change_set(**same)
    assert nothing["Status"] == "FAILED"
    assert nothing["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        cfn.execute_change_set(**same)
    cfn.delete_change_set(**same)
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        cfn.describe_change_set(**same)
    delete(cfn, "reviewed")


def test_exports_are_kept_while_they_are_imported(clients: Clients) -> None:
    cfn = clients("cloudformation")
    template = api_template()
    template["Outputs"]["ApiId"]["Export"] = {"Name": "shared-api"}
    create(cfn, "exporting", template)
    using = {
        "Resources": {
            "Model": {
                "Type": "AWS::ApiGateway::Model",
                "Properties": {
                    "RestApiId": {"Fn::ImportValue": "shared-api"},
                    "ContentType": "application/json",
                    "Schema": {"type": "object", "properties": {"id": {"type": "string"}}},
                },
            }
        }
    }
    assert create(cfn, "importing", using)["StackStatus"] == "CREATE_COMPLETE"
    assert cfn.list_imports(ExportName="shared-api")["Imports"] == ["importing"]
    assert [e["Name"] for e in cfn.list_exports()["Exports"]] == ["shared-api"]
    assert create(cfn, "twice", template)["StackStatus"] == "ROLLBACK_COMPLETE"
    used = "Delete canceled. Cannot delete export shared-api as it is in use by importing."
    assert delete(cfn, "exporting")["StackStatusReason"] == used
    del template["Outputs"]["ApiId"]["Export"]
    assert update(cfn, "exporting", template)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    delete(cfn, "importing")
    assert delete(cfn, "exporting")["StackStatus"] == "DELETE_COMPLETE"


def test_policies_decide_what_stays(clients: Clients) -> None:
    cfn, api = clients("cloudformation"), clients("apigateway")
    key = {**KEY, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    create(cfn, "retaining", api_template(Key=key))
    first = ids(cfn, "retaining")["Key"]
    named = {**key, "Properties": {"Name": "another", "Enabled": True}}
    update(cfn, "retaining", api_template(Key=named))
    second = ids(cfn, "retaining")["Key"]
    cfn.update_termination_protection(StackName="retaining", EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="cannot be deleted while TerminationProtection"):
        cfn.delete_stack(StackName="retaining")
    cfn.update_termination_protection(StackName="retaining", EnableTerminationProtection=False)
    delete(cfn, "retaining")
    for kept in (first, second):
        api.delete_api_key(apiKey=kept)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"A": {"Type": "AWS::EC2::Instance"}}, "Unrecognized resource types"),
        ({"A": {**KEY, "DependsOn": "B"}}, r"Unresolved resource dependencies \[B\]"),
        ({"A": {**KEY, "Condition": "C"}}, "Unresolved condition dependency C"),
    ],
)
def test_templates_are_refused_before_anything_is_made(
    clients: Clients, template: dict[str, object], said: str
) -> None:
    cfn = clients("cloudformation")
    text = json.dumps({"Resources": template})
    with pytest.raises(ClientError, match=said):
        cfn.create_stack(StackName="never", TemplateBody=text)
    if "condition" not in said:
        with pytest.raises(ClientError, match=said):
            cfn.validate_template(TemplateBody=text)


def test_what_was_half_made_when_the_process_was_killed_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process makes the key, and never learns of it."""
    kind, store = TYPES["AWS::ApiGateway::ApiKey"], MemoryStore(100)

    async def forget(task: Task) -> Made:
        await kind.create(task)
        await asyncio.sleep(3600)
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setitem(TYPES, "AWS::ApiGateway::ApiKey", structs.replace(kind, create=forget))  # type: ignore[arg-type]
        with services(tmp_path, store=store) as clients:
            cfn, api = clients("cloudformation"), clients("apigateway")
            cfn.create_stack(StackName="cut", TemplateBody=json.dumps(api_template(Key=KEY)))
            while not api.get_api_keys()["items"]:
                pass
    with services(tmp_path, store=store) as clients:
        cfn, api = clients("cloudformation"), clients("apigateway")
        assert settled(cfn, "cut")["StackStatus"] == "CREATE_COMPLETE"
        (key,) = api.get_api_keys()["items"]
        assert key["id"] == ids(cfn, "cut")["Key"]
        (found,) = api.get_rest_apis()["items"]
        assert found["id"] == ids(cfn, "cut")["Api"]
