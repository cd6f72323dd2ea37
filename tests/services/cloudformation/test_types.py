"""Resources of other services than API Gateway: made, changed in place, and gone with the stack."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic

import json
import sys
from collections.abc import Generator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services import serving
from tests.services.cloudformation.stacking import create, delete, ids, reasons, update
from tests.services.running import Clients, services

pytestmark = pytest.mark.timeout(180)

RUNTIME = f"python3.{sys.version_info.minor}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "cloudformation.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
IAM = ["CAPABILITY_NAMED_IAM"]


def allow(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def several() -> dict[str, Any]:
    function, pool = {"FunctionName": {"Ref": "Function"}}, {"UserPoolId": {"Ref": "Pool"}}
    shown = {
        "SampledRequestsEnabled": True,
        "CloudWatchMetricsEnabled": True,
        "MetricName": "m",
    }
    arn = {"Fn::GetAtt": ["Queue", "Arn"]}
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "Role": (
            "IAM::Role",
            {
                "AssumeRolePolicyDocument": TRUST,
                "Policies": [{"PolicyName": "own", "PolicyDocument": allow("s3:*")}],
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
            },
        ),
        "Policy": (
            "IAM::Policy",
            {"PolicyName": "p", "Roles": [{"Ref": "Role"}], "PolicyDocument": allow("sqs:*")},
        ),
        "Managed": (
            "IAM::ManagedPolicy",
            {"Roles": [{"Ref": "Role"}], "PolicyDocument": allow("sns:*")},
        ),
        "Group": ("IAM::Group", {}),
        "User": ("IAM::User", {"Groups": [{"Ref": "Group"}]}),
        "Access": ("IAM::AccessKey", {"UserName": {"Ref": "User"}}),
        "Function": (
            "Lambda::Function",
            {
                "Runtime": RUNTIME,
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": "def handler(event, context):\n    return 'one'\n"},
                "Environment": {"Variables": {"VALUE": {"Ref": "Value"}}},
                "ReservedConcurrentExecutions": 2,
            },
        ),
        "Version": ("Lambda::Version", function),
        "Alias": (
            "Lambda::Alias",
            {
                **function,
                "Name": "live",
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            },
        ),
        "Permission": (
            "Lambda::Permission",
            {
                **function,
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
            },
        ),
        "Url": (
            "Lambda::Url",
            {"TargetFunctionArn": {"Fn::GetAtt": ["Function", "Arn"]}, "AuthType": "NONE"},
        ),
        "Queue": (
            "SQS::Queue",
            {
                "VisibilityTimeout": 30,
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                    "maxReceiveCount": 3,
                },
            },
        ),
        "Dead": ("SQS::Queue", {}),
        "Topic": ("SNS::Topic", {"DisplayName": "one"}),
        "Subscription": (
            "SNS::Subscription",
            {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": arn,
                "RawMessageDelivery": True,
            },
        ),
        "Bucket": ("S3::Bucket", {"Tags": [{"Key": "team", "Value": "red"}]}),
        "Pool": ("Cognito::UserPool", {"AutoVerifiedAttributes": ["email"]}),
        "Client": ("Cognito::UserPoolClient", {**pool, "GenerateSecret": True}),
        "Members": ("Cognito::UserPoolGroup", {**pool, "GroupName": "members"}),
        "Key": ("KMS::Key", {"Description": "one", "EnableKeyRotation": True}),
        "Called": ("KMS::Alias", {"AliasName": "alias/pets", "TargetKeyId": {"Ref": "Key"}}),
        "Ips": (
            "WAFv2::IPSet",
            {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": ["10.0.0.0/8"]},
        ),
        "Acl": (
            "WAFv2::WebACL",
            {
                "Scope": "REGIONAL",
                "DefaultAction": {"Allow": {}},
                "VisibilityConfig": shown,
                "Rules": [
                    {
                        "Name": "ips",
                        "Priority": 1,
                        "Action": {"Block": {}},
                        "VisibilityConfig": shown,
                        "Statement": {
                            "IPSetReferenceStatement": {"Arn": {"Fn::GetAtt": ["Ips", "Arn"]}}
                        },
                    }
                ],
            },
        ),
        "Parameter": (
            "SSM::Parameter",
            {"Name": "/made", "Type": "String", "Value": "{{resolve:ssm:/given}}!"},
        ),
        "Metadata": ("CDK::Metadata", {"Analytics": "x"}),
    }
    return {
        "Parameters": {
            "Value": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/given"},
            "Secret": {"Type": "String", "NoEcho": True, "Default": "hush"},
        },
        "Resources": {
            name: {"Type": f"AWS::{type}", "Properties": properties}
            for name, (type, properties) in made.items()
        },
        "Outputs": {
            "Url": {"Value": {"Fn::GetAtt": "Url.FunctionUrl"}},
            "Secret": {"Value": {"Fn::GetAtt": "Client.ClientSecret"}},
            "Access": {"Value": {"Fn::GetAtt": "Access.SecretAccessKey"}},
        },
    }


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clients]:
    with services(tmp_path_factory.mktemp("types")) as made:
        made("ssm").put_parameter(Name="/given", Value="kept", Type="String")
        yield made


def test_resources_of_many_services_live_and_end_with_their_stack(clients: Clients) -> None:
    cfn, iam, functions = clients("cloudformation"), clients("iam"), clients("lambda")
    template = several()
    with pytest.raises(ClientError, match=r"InsufficientCapabilities.*CAPABILITY_IAM"):
        create(cfn, "many", template)
    made = create(cfn, "many", template, Capabilities=IAM)
    assert made["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, "many")
    there = ids(cfn, "many")
    shown = {each["ParameterKey"]: each for each in made["Parameters"]}
    assert shown["Value"]["ResolvedValue"] == "kept"
    assert shown["Secret"]["ParameterValue"] == "****"
    role = there["Role"]
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["own", "p"]
    assert len(iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]) == 2
    assert iam.list_groups_for_user(UserName=there["User"])["Groups"]
    found = functions.get_function(FunctionName=there["Function"])
    assert found["Configuration"]["Environment"]["Variables"] == {"VALUE": "kept"}
    assert found["Concurrency"]["ReservedConcurrentExecutions"] == 2
    assert functions.get_alias(FunctionName=there["Function"], Name="live")
    ssm = clients("ssm")
    assert ssm.get_parameter(Name="/made")["Parameter"]["Value"] == "kept!"
    key = clients("kms").describe_key(KeyId="alias/pets")["KeyMetadata"]
    assert key["KeyId"] == there["Key"]

    resources = template["Resources"]
    changes = (
        ("Role", "ManagedPolicyArns", []),
        ("Function", "Timeout", 7),
        ("Function", "Code", {"ZipFile": "def handler(event, context):\n    return 'two'\n"}),
        ("Queue", "VisibilityTimeout", 40),
        ("Topic", "DisplayName", "two"),
        ("Subscription", "RawMessageDelivery", False),
        ("Pool", "AutoVerifiedAttributes", []),
        ("Key", "Description", "two"),
        ("Ips", "Addresses", ["11.0.0.0/8"]),
        ("Parameter", "Value", "other"),
        ("Bucket", "Tags", []),
    )
    for name, member, value in changes:
        resources[name]["Properties"][member] = value
    changed = update(cfn, "many", template, Capabilities=IAM)
    assert changed["StackStatus"] == "UPDATE_COMPLETE", reasons(cfn, "many")
    assert ids(cfn, "many") == there
    assert len(iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]) == 1
    assert functions.get_function(FunctionName=there["Function"])["Configuration"]["Timeout"] == 7
    queue = clients("sqs").get_queue_attributes(QueueUrl=there["Queue"], AttributeNames=["All"])
    assert queue["Attributes"]["VisibilityTimeout"] == "40"
    assert ssm.get_parameter(Name="/made")["Parameter"]["Value"] == "other"

    assert delete(cfn, "many")["StackStatus"] == "DELETE_COMPLETE"
    assert [each["RoleName"] for each in iam.list_roles()["Roles"]] == []
    assert functions.list_functions()["Functions"] == []
    assert clients("s3").list_buckets()["Buckets"] == []


def test_a_stack_may_do_what_its_caller_or_its_role_may(clients: Clients) -> None:
    cfn, iam = clients("cloudformation"), clients("iam")
    iam.create_user(UserName="builder")
    policy = json.dumps(allow("cloudformation:*", "iam:PassRole"))
    iam.put_user_policy(UserName="builder", PolicyName="p", PolicyDocument=policy)
    made = iam.create_access_key(UserName="builder")["AccessKey"]
    port = int(cfn.meta.endpoint_url.rpartition(":")[2])
    builder = serving.client(
        "cloudformation", port, key=made["AccessKeyId"], secret=made["SecretAccessKey"]
    )
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    refused = create(builder, "alone", template)
    assert refused["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "is not authorized to perform: sqs:" in reasons(cfn, "alone")[0]

    iam.create_role(RoleName="maker", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName="maker", PolicyName="p", PolicyDocument=json.dumps(allow("sqs:*")))
    role = "arn:aws:iam::000000000000:role/maker"
    assert create(builder, "helped", template, RoleARN=role)["StackStatus"] == "CREATE_COMPLETE"
    assert delete(builder, "helped")["StackStatus"] == "DELETE_COMPLETE"


def test_stacks_hold_stacks(clients: Clients) -> None:
    cfn, s3 = clients("cloudformation"), clients("s3")
    inner = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}
        },
        "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}},
    }
    s3.create_bucket(
        Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    s3.put_object(Bucket="templates", Key="inner.json", Body=json.dumps(inner))
    outer = {
        "Resources": {
            "Inner": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {
                    "TemplateURL": "https://templates.s3.eu-west-1.amazonaws.com/inner.json",
                    "Parameters": {"Name": "within"},
                },
            }
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Arn"]}}},
    }
    made = create(cfn, "outer", outer)
    assert made["Outputs"][0]["OutputValue"].endswith(":within")
    assert delete(cfn, "outer")["StackStatus"] == "DELETE_COMPLETE"
    assert clients("sns").list_topics()["Topics"] == []


def test_sam_templates_are_transformed_by_its_own_library(clients: Clients) -> None:
    cfn = clients("cloudformation")
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Hello": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": RUNTIME,
                    "Handler": "index.handler",
                    "InlineCode": "def handler(event, context):\n    return {}\n",
                    "Policies": ["AmazonS3ReadOnlyAccess"],
                    "Events": {
                        "Get": {"Type": "Api", "Properties": {"Path": "/hi", "Method": "get"}},
                        "Http": {"Type": "HttpApi", "Properties": {"Path": "/hi", "Method": "get"}},
                    },
                },
            }
        },
    }
    with pytest.raises(ClientError, match="CAPABILITY_AUTO_EXPAND"):
        create(cfn, "sam", template, Capabilities=IAM)
    expand = [*IAM, "CAPABILITY_AUTO_EXPAND"]
    made = create(cfn, "sam", template, Capabilities=expand)
    assert made["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, "sam")
    there = ids(cfn, "sam")
    api = clients("apigateway")
    resources = api.get_resources(restApiId=there["ServerlessRestApi"])["items"]
    assert sorted(each["path"] for each in resources) == ["/", "/hi"]
    (route,) = clients("apigatewayv2").get_routes(ApiId=there["ServerlessHttpApi"])["Items"]
    assert route["RouteKey"] == "GET /hi"
    processed = cfn.get_template(StackName="sam", TemplateStage="Processed")["TemplateBody"]
    assert "AWS::Serverless" not in json.dumps(processed)
    assert delete(cfn, "sam")["StackStatus"] == "DELETE_COMPLETE"
