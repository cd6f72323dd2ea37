"""What the CDK does with a template that it made of `examples/cdk`: bootstrap, assets, deployment
by change sets as its roles, a changed deployment in place, destruction."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.services.cloudformation.stacking import ids, reasons, settled
from tests.services.running import services
from torana.settings import Settings

pytestmark = pytest.mark.timeout(180)

BOOTSTRAP = Path(__file__).parents[3] / "examples" / "cdk" / "bootstrap.yaml"
TEMPLATE = Path(__file__).parent / "cdk" / "pets.template.json"
PLACE = "000000000000-eu-west-1"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


def code(greeting: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.py", f"def handler(event, context):\n    return {greeting!r}\n")
    return out.getvalue()


def deployed(client: Any, name: str, kind: str, **more: Any) -> Any:
    asked = {"StackName": name, "ChangeSetName": f"cdk-{kind.lower()}", "ChangeSetType": kind}
    client.create_change_set(
        **asked,
        Capabilities=CAPABILITIES,
        IncludeNestedStacks=True,
        DeploymentConfig={"Mode": "STANDARD", "DisableRollback": False},
        **more,
    )
    del asked["ChangeSetType"]
    assert client.describe_change_set(**asked)["Status"] == "CREATE_COMPLETE"
    client.execute_change_set(**asked)
    return settled(client, name)


def test_what_the_cdk_makes_is_deployed_as_the_cdk_does_it(tmp_path: Path) -> None:
    with services(tmp_path, Settings(data=str(tmp_path), region="eu-west-1")) as clients:
        cfn, sts = clients("cloudformation"), clients("sts")

        def as_role(name: str, service: str) -> Any:
            arn = f"arn:aws:iam::000000000000:role/cdk-hnb659fds-{name}-role-{PLACE}"
            found = sts.assume_role(RoleArn=arn, RoleSessionName="aws-cdk")["Credentials"]
            return boto3.client(
                service,
                endpoint_url=cfn.meta.endpoint_url,
                region_name="eu-west-1",
                aws_access_key_id=found["AccessKeyId"],
                aws_secret_access_key=found["SecretAccessKey"],
                aws_session_token=found["SessionToken"],
            )

        made = deployed(cfn, "CDKToolkit", "CREATE", TemplateBody=BOOTSTRAP.read_text())
        assert made["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, "CDKToolkit")
        bucket = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}["BucketName"]

        s3, deployer = as_role("file-publishing", "s3"), as_role("deploy", "cloudformation")
        role = f"arn:aws:iam::000000000000:role/cdk-hnb659fds-cfn-exec-role-{PLACE}"

        def published(greeting: str) -> str:
            template = json.loads(TEMPLATE.read_text().replace("us-east-1", "eu-west-1"))
            (function,) = [
                each
                for each in template["Resources"].values()
                if each["Type"] == "AWS::Lambda::Function"
            ]
            properties = function["Properties"]
            properties["Runtime"] = f"python3.{sys.version_info.minor}"
            properties["Code"]["S3Key"] = f"{greeting}.zip"
            s3.put_object(Bucket=bucket, Key=f"{greeting}.zip", Body=code(greeting))
            s3.put_object(Bucket=bucket, Key=f"{greeting}.json", Body=json.dumps(template))
            return f"https://{bucket}.s3.eu-west-1.amazonaws.com/{greeting}.json"

        made = deployed(deployer, "Pets", "CREATE", TemplateURL=published("hello"), RoleARN=role)
        assert made["StackStatus"] == "CREATE_COMPLETE", reasons(cfn, "Pets")
        before = ids(cfn, "Pets")
        (function,) = clients("lambda").list_functions()["Functions"]
        (plan,) = clients("apigateway").get_usage_plans()["items"]
        (api,) = clients("apigateway").get_rest_apis()["items"]
        (stage,) = plan["apiStages"]
        assert (stage["apiId"], stage["stage"]) == (api["id"], "prod")
        (route,) = clients("apigatewayv2").get_routes(
            ApiId={e["OutputKey"]: e["OutputValue"] for e in made["Outputs"]}["HttpId"]
        )["Items"]
        assert route["RouteKey"] == "GET /pets"

        changed = deployed(deployer, "Pets", "UPDATE", TemplateURL=published("ahoy"), RoleARN=role)
        assert changed["StackStatus"] == "UPDATE_COMPLETE", reasons(cfn, "Pets")
        assert ids(cfn, "Pets") == before
        (now,) = clients("lambda").list_functions()["Functions"]
        assert now["CodeSha256"] != function["CodeSha256"]

        id = changed["StackId"]
        deployer.delete_stack(StackName="Pets", RoleARN=role)
        assert settled(cfn, id)["StackStatus"] == "DELETE_COMPLETE", reasons(cfn, id)
        assert clients("apigateway").get_rest_apis()["items"] == []
