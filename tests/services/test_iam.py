"""IAM and STS as boto3 drives them, and what the policies then allow, over real sockets."""

import csv
import json
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.services.running import Clients, services
from tests.services.serving import client
from torana.services.iam.last_used import LastUsed
from torana.services.ports import Credential, Principal
from torana.state.memory import MemoryStore

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("iam")) as found:
        yield found


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal: dict[str, str], **more: Any) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


def failure(operation: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        operation(**params)
    error: dict[str, str] = cast(Any, caught.value.response)["Error"]
    return error["Code"], error["Message"]


class Person:
    """A user with a key of its own."""

    def __init__(self, at: Clients, name: str, *statements: dict[str, Any]) -> None:
        self._at, self.name, self.iam = at, name, at("iam")
        self.arn = self.iam.create_user(UserName=name)["User"]["Arn"]
        self.key = self.iam.create_access_key(UserName=name)["AccessKey"]
        if statements:
            self.may(*statements)

    def may(self, *statements: dict[str, Any]) -> None:
        self.iam.put_user_policy(
            UserName=self.name, PolicyName="own", PolicyDocument=document(*statements)
        )

    def __call__(self, service: str, region: str = "eu-west-1") -> Any:
        return as_key(self._at, service, self.key, region)


def as_key(at: Clients, service: str, key: dict[str, str], region: str = "eu-west-1") -> Any:

    endpoint = at(service).meta.endpoint_url
    return cast(Any, boto3).client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
    )


def test_a_user_lives_from_creation_to_deletion(at: Clients) -> None:
    iam = at("iam")
    made = iam.create_user(UserName="Ada", Path="/team/", Tags=[{"Key": "cost", "Value": "1"}])
    user = made["User"]
    assert user["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/Ada"
    assert user["UserId"].startswith("AIDA")
    assert len(user["UserId"]) == 21
    assert iam.get_user(UserName="Ada")["User"] == user
    assert failure(iam.create_user, UserName="ADA") == (
        "EntityAlreadyExists",
        "User with name ADA already exists.",
    )
    assert [each["UserName"] for each in iam.list_users(PathPrefix="/team/")["Users"]] == ["Ada"]
    iam.create_access_key(UserName="Ada")
    iam.update_user(UserName="Ada", NewUserName="Eve", NewPath="/")
    assert iam.list_access_keys(UserName="Eve")["AccessKeyMetadata"][0]["UserName"] == "Eve"
    assert failure(iam.get_user, UserName="Ada") == (
        "NoSuchEntity",
        "The user with name Ada cannot be found.",
    )
    assert failure(iam.delete_user, UserName="Eve") == (
        "DeleteConflict",
        "Cannot delete entity, must delete access keys first.",
    )
    for key in iam.list_access_keys(UserName="Eve")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="Eve", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="Eve")
    assert failure(iam.list_user_tags, UserName="Eve")[0] == "NoSuchEntity"


def test_a_user_has_two_keys_at_most_and_an_inactive_one_opens_nothing(at: Clients) -> None:
    person = Person(at, "keys")
    who = person("sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/keys"
    iam = person.iam
    iam.create_access_key(UserName="keys")
    assert failure(iam.create_access_key, UserName="keys") == (
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    id = person.key["AccessKeyId"]
    iam.update_access_key(UserName="keys", AccessKeyId=id, Status="Inactive")
    code, _ = failure(person("sts").get_caller_identity)
    assert code == "InvalidClientTokenId"


def test_lists_come_in_pages(at: Clients) -> None:
    iam = at("iam")
    for number in range(5):
        iam.create_group(GroupName=f"page{number}", Path="/pages/")
    pages = iam.get_paginator("list_groups").paginate(
        PathPrefix="/pages/", PaginationConfig={"PageSize": 2}
    )
    names = [[group["GroupName"] for group in page["Groups"]] for page in pages]
    assert names == [["page0", "page1"], ["page2", "page3"], ["page4"]]


def test_what_is_not_allowed_is_denied_in_the_services_words(at: Clients) -> None:
    person = Person(at, "denied")
    code, message = failure(person("sqs").list_queues)
    assert code == "AccessDeniedException"
    assert message == (
        f"User: {person.arn} is not authorized to perform: sqs:ListQueues on resource: * "
        "because no identity-based policy allows the sqs:ListQueues action"
    )
    person.may(allow("sqs:*"), {"Effect": "Deny", "Action": "sqs:ListQueues", "Resource": "*"})
    _, message = failure(person("sqs").list_queues)
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_actions_and_resources_are_those_of_each_service(at: Clients) -> None:
    person = Person(
        at,
        "services",
        allow("sqs:*", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:mine-*"),
        allow("s3:ListBucket", "arn:aws:s3:::box", Condition={"StringLike": {"s3:prefix": "a/*"}}),
        allow("s3:GetObject", "arn:aws:s3:::box/a/*"),
        allow("apigateway:GET", "arn:aws:apigateway:eu-west-1::/restapis"),
        allow("comprehend:DetectDominantLanguage"),
    )
    sqs = person("sqs")
    url = sqs.create_queue(QueueName="mine-1")["QueueUrl"]
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}])
    assert failure(sqs.create_queue, QueueName="other")[0] == "AccessDeniedException"
    root = at("s3")
    root.create_bucket(Bucket="box")
    root.put_object(Bucket="box", Key="a/1", Body=b"1")
    root.put_object(Bucket="box", Key="b/1", Body=b"1")
    s3 = person("s3")
    assert s3.list_objects_v2(Bucket="box", Prefix="a/")["KeyCount"] == 1
    assert failure(s3.list_objects_v2, Bucket="box")[0] == "AccessDenied"
    assert s3.get_object(Bucket="box", Key="a/1")["Body"].read() == b"1"
    code, message = failure(s3.get_object, Bucket="box", Key="b/1")
    assert (code, "s3:GetObject on resource: arn:aws:s3:::box/b/1" in message) == (
        "AccessDenied",
        True,
    )
    assert failure(s3.put_object, Bucket="box", Key="a/2", Body=b"2")[0] == "AccessDenied"
    apis = person("apigateway")
    assert apis.get_rest_apis()["items"] == []
    assert failure(apis.create_rest_api, name="x")[0] == "AccessDeniedException"
    person("comprehend").detect_dominant_language(Text="hello there, all of you")


def test_groups_and_managed_policies_count_and_their_versions(at: Clients) -> None:
    person, iam = Person(at, "grouped"), at("iam")
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="grouped")
    made = iam.create_policy(PolicyName="sqs-list", PolicyDocument=document(allow("sqs:List*")))
    arn = made["Policy"]["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/sqs-list"
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    person("sqs").list_queues()
    nothing = document(allow("sqs:GetQueueUrl"))
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=nothing, SetAsDefault=True)
    assert second["PolicyVersion"]["VersionId"] == "v2"
    assert failure(person("sqs").list_queues)[0] == "AccessDeniedException"
    shown = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert shown["Document"] == json.loads(nothing)
    iam.attach_user_policy(
        UserName="grouped", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    person("sqs").list_queues()
    assert failure(iam.delete_policy, PolicyArn=arn) == (
        "DeleteConflict",
        "Cannot delete a policy attached to entities.",
    )
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [each["GroupName"] for each in entities["PolicyGroups"]] == ["readers"]
    assert failure(iam.attach_user_policy, UserName="grouped", PolicyArn=arn + "x")[1] == (
        f"Policy {arn}x does not exist or is not attachable."
    )


def test_a_boundary_limits_what_policies_allow(at: Clients) -> None:
    person, iam = Person(at, "bounded", allow("*")), at("iam")
    arn = iam.create_policy(PolicyName="bound", PolicyDocument=document(allow("sqs:*")))["Policy"][
        "Arn"
    ]
    iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=arn)
    person("sqs").list_queues()
    _, message = failure(person("s3").list_buckets)
    assert message.endswith("because no permissions boundary allows the s3:ListAllMyBuckets action")
    shown = iam.get_user(UserName="bounded")["User"]["PermissionsBoundary"]
    assert shown["PermissionsBoundaryArn"] == arn


def test_policy_variables_and_tags_of_the_caller_are_conditions(at: Clients) -> None:
    person = Person(
        at,
        "tagged",
        allow("sqs:*", f"arn:aws:sqs:*:{ACCOUNT}:${{aws:username}}-*"),
        allow("s3:ListAllMyBuckets", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}),
        allow(
            "sqs:CreateQueue",
            Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["cost"]}},
        ),
    )
    person("sqs").create_queue(QueueName="tagged-1")
    assert failure(person("s3").list_buckets)[0] == "AccessDenied"
    person.iam.tag_user(UserName="tagged", Tags=[{"Key": "Team", "Value": "red"}])
    person("s3").list_buckets()
    person("sqs").create_queue(QueueName="any", tags={"cost": "1"})
    assert failure(person("sqs").create_queue, QueueName="more", tags={"x": "1"})[0] == (
        "AccessDeniedException"
    )


def test_what_is_denied_in_one_region_is_denied_in_all(at: Clients) -> None:
    deny = {
        "Effect": "Deny",
        "Action": "sqs:*",
        "Resource": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:secret",
    }
    person = Person(at, "regions", allow("*"), deny)
    at("sqs").create_queue(QueueName="secret")
    for region in ("eu-west-1", "us-west-2"):
        assert failure(person("sqs", region).get_queue_url, QueueName="secret")[0] == (
            "AccessDeniedException"
        )


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{", "Syntax errors in policy."),
        (document({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions."),
        (
            document({"Effect": "Allow", "Action": "s3:*"}),
            "Policy statement must contain resources.",
        ),
        (
            document({**allow("s3:*"), "Principal": "*"}),
            "Policy document should not specify a principal.",
        ),
        (
            document(allow("list")),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (document(allow("s3:*", "box")), 'Resource box must be in ARN format or "*".'),
        (document({**allow("s3:*"), "Effect": "Maybe"}), "Syntax errors in policy."),
    ],
)
def test_a_malformed_policy_is_refused(at: Clients, policy: str, message: str) -> None:
    found = failure(at("iam").create_policy, PolicyName="bad", PolicyDocument=policy)
    assert found == ("MalformedPolicyDocument", message)


def test_a_role_is_assumed_by_whom_it_trusts(at: Clients) -> None:
    person, iam = Person(at, "assumes"), at("iam")
    role = iam.create_role(
        RoleName="reader",
        AssumeRolePolicyDocument=trust(
            {"AWS": person.arn}, Condition={"StringEquals": {"sts:ExternalId": "42"}}
        ),
        MaxSessionDuration=7200,
    )["Role"]
    iam.put_role_policy(
        RoleName="reader", PolicyName="p", PolicyDocument=document(allow(["sqs:*", "s3:*"]))
    )
    ask = {"RoleArn": role["Arn"], "RoleSessionName": "tour"}
    code, message = failure(person("sts").assume_role, **ask)
    assert (code, message) == (
        "AccessDenied",
        f"User: {person.arn} is not authorized to perform: sts:AssumeRole on resource: "
        f"{role['Arn']}",
    )
    made = person("sts").assume_role(**ask, ExternalId="42")
    assert made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/tour"
    session = made["Credentials"]
    assert as_key(at, "sts", session).get_caller_identity()["UserId"] == f"{role['RoleId']}:tour"
    as_key(at, "sqs", session).list_queues()
    narrow = person("sts").assume_role(
        **ask, ExternalId="42", Policy=document(allow("s3:*")), DurationSeconds=7200
    )["Credentials"]
    _, message = failure(as_key(at, "sqs", narrow).list_queues)
    assert message.endswith("because no session policy allows the sqs:ListQueues action")
    assert failure(person("sts").assume_role, **ask, ExternalId="42", DurationSeconds=7201)[0] == (
        "ValidationError"
    )
    forged = {**session, "SessionToken": narrow["SessionToken"]}
    assert failure(as_key(at, "sqs", forged).list_queues)[0] == "UnrecognizedClientException"
    iam.delete_role_policy(RoleName="reader", PolicyName="p")
    assert failure(as_key(at, "sqs", session).list_queues)[0] == "AccessDeniedException"
    iam.delete_role(RoleName="reader")
    assert failure(as_key(at, "sqs", session).list_queues)[0] == "UnrecognizedClientException"


def test_an_account_that_is_trusted_leaves_it_to_the_callers_policies(at: Clients) -> None:
    person, iam = Person(at, "delegate"), at("iam")
    arn = iam.create_role(
        RoleName="shared",
        AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
    )["Role"]["Arn"]
    ask = {"RoleArn": arn, "RoleSessionName": "tour"}
    assert failure(person("sts").assume_role, **ask)[0] == "AccessDenied"
    person.may(allow("sts:AssumeRole", arn))
    person("sts").assume_role(**ask)


def test_session_tags_need_permission_and_are_conditions(at: Clients) -> None:
    person, iam = Person(at, "tagger"), at("iam")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": person.arn},
        "Action": "sts:AssumeRole",
    }
    arn = iam.create_role(RoleName="project", AssumeRolePolicyDocument=document(statement))["Role"][
        "Arn"
    ]
    iam.put_role_policy(
        RoleName="project",
        PolicyName="p",
        PolicyDocument=document(allow("sqs:*", "arn:aws:sqs:*:*:${aws:PrincipalTag/project}")),
    )
    ask = {
        "RoleArn": arn,
        "RoleSessionName": "tour",
        "Tags": [{"Key": "Project", "Value": "moon"}],
    }
    assert "sts:TagSession" in failure(person("sts").assume_role, **ask)[1]
    more = {**statement, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    iam.update_assume_role_policy(RoleName="project", PolicyDocument=document(more))
    sqs = as_key(at, "sqs", person("sts").assume_role(**ask)["Credentials"])
    sqs.create_queue(QueueName="moon")
    assert failure(sqs.create_queue, QueueName="mars")[0] == "AccessDeniedException"


def test_sessions_are_revoked_by_the_time_they_were_issued(at: Clients) -> None:
    person, iam = Person(at, "revoked"), at("iam")
    arn = iam.create_role(RoleName="leaky", AssumeRolePolicyDocument=trust({"AWS": person.arn}))[
        "Role"
    ]["Arn"]
    iam.put_role_policy(RoleName="leaky", PolicyName="p", PolicyDocument=document(allow("sqs:*")))
    session = person("sts").assume_role(RoleArn=arn, RoleSessionName="tour")["Credentials"]
    sqs = as_key(at, "sqs", session)
    sqs.list_queues()
    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}},
    }
    iam.put_role_policy(
        RoleName="leaky", PolicyName="AWSRevokeOlderSessions", PolicyDocument=document(deny)
    )
    assert failure(sqs.list_queues)[0] == "AccessDeniedException"


def test_a_users_session_token_has_the_users_rights(at: Clients) -> None:
    person = Person(at, "session", allow("sqs:*"))
    session = person("sts").get_session_token()["Credentials"]
    as_key(at, "sqs", session).list_queues()
    assert as_key(at, "sts", session).get_caller_identity()["Arn"] == person.arn
    assert failure(as_key(at, "sts", session).get_session_token)[0] == "AccessDenied"
    key = person.key["AccessKeyId"]
    assert person.iam.list_access_keys(UserName="session")["AccessKeyMetadata"]
    assert at("sts").get_access_key_info(AccessKeyId=key)["Account"] == ACCOUNT


def test_passing_a_role_needs_permission(at: Clients) -> None:
    iam = at("iam")
    arn = iam.create_role(
        RoleName="passed",
        AssumeRolePolicyDocument=trust({"Service": "apigateway.amazonaws.com"}),
    )["Role"]["Arn"]
    person = Person(at, "passes", allow("apigateway:*"))
    apis = person("apigateway")
    api = apis.create_rest_api(name="p")["id"]
    root = apis.get_resources(restApiId=api)["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    apis.put_method(**place, authorizationType="NONE")
    integration = {
        **place,
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": "arn:aws:apigateway:us-east-1:sqs:action/ListQueues",
        "credentials": arn,
    }
    code, message = failure(apis.put_integration, **integration)
    assert code == "AccessDeniedException"
    assert f"iam:PassRole on resource: {arn}" in message
    to_it = {"StringEquals": {"iam:PassedToService": "apigateway.amazonaws.com"}}
    person.may(allow("apigateway:*"), allow("iam:PassRole", arn, Condition=to_it))
    apis.put_integration(**integration)


def test_simulation_says_what_policies_would(at: Clients) -> None:
    person = Person(at, "simulated", allow("s3:GetObject", "arn:aws:s3:::box/*"))
    iam = at("iam")
    found = iam.simulate_principal_policy(
        PolicySourceArn=person.arn,
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::box/a", "arn:aws:s3:::other/a"],
    )["EvaluationResults"]
    assert [(each["EvalActionName"], each["EvalDecision"]) for each in found] == [
        ("s3:GetObject", "allowed"),
        ("s3:GetObject", "implicitDeny"),
        ("s3:PutObject", "implicitDeny"),
        ("s3:PutObject", "implicitDeny"),
    ]
    assert found[0]["MatchedStatements"][0]["SourcePolicyId"] == "user_simulated_own"
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    text = document(allow("sqs:*", Condition=condition))
    asked = {"PolicyInputList": [text], "ActionNames": ["sqs:ListQueues"]}
    assert iam.simulate_custom_policy(**asked)["EvaluationResults"][0]["MissingContextValues"] == [
        "aws:SecureTransport"
    ]
    entry = {
        "ContextKeyName": "aws:SecureTransport",
        "ContextKeyValues": ["true"],
        "ContextKeyType": "boolean",
    }
    found = iam.simulate_custom_policy(**asked, ContextEntries=[entry])["EvaluationResults"]
    assert found[0]["EvalDecision"] == "allowed"


def test_the_accounts_details_hold_everything(at: Clients) -> None:
    iam = at("iam")
    Person(at, "detailed", allow("s3:*"))
    pages = iam.get_paginator("get_account_authorization_details").paginate()
    users = [user for page in pages for user in page["UserDetailList"]]
    found = next(user for user in users if user["UserName"] == "detailed")
    assert found["UserPolicyList"][0]["PolicyDocument"]["Statement"] == [allow("s3:*")]
    assert iam.get_account_summary()["SummaryMap"]["Users"] >= 1


def test_instance_profiles_hold_a_role(at: Clients) -> None:
    iam = at("iam")
    iam.create_role(
        RoleName="box", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"})
    )
    iam.create_instance_profile(InstanceProfileName="box")
    iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="box")
    shown = iam.list_instance_profiles_for_role(RoleName="box")["InstanceProfiles"]
    assert shown[0]["Roles"][0]["RoleName"] == "box"
    assert failure(iam.delete_role, RoleName="box")[0] == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="box", RoleName="box")
    iam.delete_instance_profile(InstanceProfileName="box")
    iam.delete_role(RoleName="box")


def test_the_account_itself_may_do_everything_and_forged_keys_nothing(at: Clients) -> None:
    user = at("iam").get_user()["User"]
    assert user["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    port = int(at("iam").meta.endpoint_url.rpartition(":")[2])
    forged = client("iam", port, key="AKIAFORGEDFORGEDFORG", secret="x" * 40)
    assert failure(forged.list_users)[0] == "InvalidClientTokenId"


def test_a_queues_own_policy_lets_an_identity_in(at: Clients) -> None:
    person = Person(at, "invited")
    url = at("sqs").create_queue(QueueName="shared")["QueueUrl"]
    assert failure(person("sqs").send_message, QueueUrl=url, MessageBody="x")[0] == (
        "AccessDeniedException"
    )
    statement = {**allow("sqs:SendMessage"), "Principal": {"AWS": person.arn}}
    at("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(statement)})
    until(lambda: person("sqs").send_message(QueueUrl=url, MessageBody="x"))
    assert failure(at("sqs").set_queue_attributes, QueueUrl=url, Attributes={"Policy": "{"})[0] == (
        "InvalidAttributeValue"
    )


def test_a_service_reads_no_object_that_its_caller_may_not_read(at: Clients) -> None:
    root = at("s3")
    root.create_bucket(Bucket="pictures")
    person = Person(at, "looks", allow("rekognition:*"))
    picture = {"S3Object": {"Bucket": "pictures", "Name": "secret.png"}}
    _, message = failure(person("rekognition").detect_faces, Image=picture)
    assert "s3:GetObject on resource: arn:aws:s3:::pictures/secret.png" in message
    code = {"S3Bucket": "pictures", "S3Key": "code.zip"}
    person.may(allow(["lambda:*", "iam:PassRole"]))
    made = {"FunctionName": "f", "Role": f"arn:aws:iam::{ACCOUNT}:role/f", "Code": code}
    _, message = failure(person("lambda").create_function, **made)
    assert "s3:GetObject on resource: arn:aws:s3:::pictures/code.zip" in message


def until(operation: Callable[[], object]) -> None:
    """What another part of the process follows is there within a second."""
    end = time.monotonic() + 5
    while True:
        try:
            operation()
            return
        except ClientError:
            assert time.monotonic() < end
            time.sleep(0.02)


async def test_the_last_use_of_a_key_is_kept(tmp_path: Path) -> None:
    store = MemoryStore(100)
    with services(tmp_path, store=store) as at:
        person = Person(at, "used", allow("sqs:*"))
        key = person.key["AccessKeyId"]
        before = person.iam.get_access_key_last_used(AccessKeyId=key)
        assert before["AccessKeyLastUsed"]["ServiceName"] == "N/A"
        found = await store.get("iam-access-key", key)
        assert found is not None
        assert person.key["SecretAccessKey"].encode() not in found.body
    notes = LastUsed(store)
    who = Principal(ACCOUNT, person.arn, "AIDA")
    notes.note(Credential(key, "secret", who), "sqs", "eu-west-1")
    await notes.write()
    kept = await store.get("iam-used", key)
    assert kept is not None
    assert json.loads(kept.body)["Service"] == "sqs"


def test_the_credential_report_tells_of_every_users_keys(at: Clients) -> None:
    iam = at("iam")
    assert failure(iam.get_credential_report)[0] == "ReportNotPresent"
    Person(at, "audited")
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv"
    rows = {row["user"]: row for row in csv.DictReader(report["Content"].decode().splitlines())}
    assert rows["<root_account>"]["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    audited = rows["audited"]
    assert (audited["access_key_1_active"], audited["access_key_2_active"]) == ("true", "false")
    assert audited["access_key_1_last_rotated"].startswith("20")
    assert audited["password_enabled"] == "false"


def test_who_is_no_user_names_one_to_ask_for_a_login_profile(at: Clients) -> None:
    iam = at("iam")
    assert failure(iam.get_login_profile)[0] == "ValidationError"
    Person(at, "passwordless")
    assert failure(iam.get_login_profile, UserName="passwordless")[0] == "NoSuchEntity"
