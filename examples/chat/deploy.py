"""Makes the chat: a bucket, the function, a WebSocket API with a stage. Prints its address.

Needs nothing but boto3's usual settings (AWS_ENDPOINT_URL, AWS_PROFILE, …).
"""

import io
import json
import sys
import zipfile
from pathlib import Path

import boto3

REGION = "us-east-1"
iam, s3, lambdas = (
    boto3.client("iam", REGION),
    boto3.client("s3", REGION),
    boto3.client("lambda", REGION),
)
apis = boto3.client("apigatewayv2", REGION)

s3.create_bucket(Bucket="chat")


def allow(actions, resource):
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


trusts = {"Service": "lambda.amazonaws.com"}
role = iam.create_role(
    RoleName="chat",
    AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"}
    ),
)
iam.put_role_policy(
    RoleName="chat",
    PolicyName="chat",
    PolicyDocument=document(
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::chat/*"),
        allow("s3:ListBucket", "arn:aws:s3:::chat"),
        allow("execute-api:ManageConnections", "*"),
    ),
)

package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    archive.write(Path(__file__).with_name("app.py"), "app.py")
function = lambdas.create_function(
    FunctionName="chat",
    Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
    Handler="app.handler",
    Role=role["Role"]["Arn"],
    Code={"ZipFile": package.getvalue()},
    Environment={"Variables": {"CHAT_BUCKET": "chat"}},
    Timeout=20,
)

api = apis.create_api(
    Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
)
id = api["ApiId"]
invocations = f"path/2015-03-31/functions/{function['FunctionArn']}/invocations"
integration = apis.create_integration(
    ApiId=id,
    IntegrationType="AWS_PROXY",
    IntegrationUri=f"arn:aws:apigateway:{REGION}:lambda:{invocations}",
)
for key in ("$connect", "$disconnect", "say"):
    target = f"integrations/{integration['IntegrationId']}"
    apis.create_route(ApiId=id, RouteKey=key, Target=target)
lambdas.add_permission(
    FunctionName="chat",
    StatementId="api",
    Action="lambda:InvokeFunction",
    Principal="apigateway.amazonaws.com",
    SourceArn=f"arn:aws:execute-api:{REGION}:{function['FunctionArn'].split(':')[4]}:{id}/*",
)
deployment = apis.create_deployment(ApiId=id)
apis.create_stage(ApiId=id, StageName="prod", DeploymentId=deployment["DeploymentId"])
print(f"{api['ApiEndpoint']}/prod, or with no DNS: /apis/{id}/prod")
