"""Makes the chat: a bucket, the function, a WebSocket API with a stage. Prints its address.

Needs nothing but boto3's usual settings (AWS_ENDPOINT_URL, AWS_PROFILE, …).
"""

import io
import sys
import zipfile
from pathlib import Path

import boto3

REGION, ROLE = "us-east-1", "arn:aws:iam::000000000000:role/chat"
s3, lambdas = boto3.client("s3", REGION), boto3.client("lambda", REGION)
apis = boto3.client("apigatewayv2", REGION)

s3.create_bucket(Bucket="chat")

package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    archive.write(Path(__file__).with_name("app.py"), "app.py")
function = lambdas.create_function(
    FunctionName="chat",
    Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
    Handler="app.handler",
    Role=ROLE,
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
deployment = apis.create_deployment(ApiId=id)
apis.create_stage(ApiId=id, StageName="prod", DeploymentId=deployment["DeploymentId"])
print(f"{api['ApiEndpoint']}/prod, or with no DNS: /apis/{id}/prod")
