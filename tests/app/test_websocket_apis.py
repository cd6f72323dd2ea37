"""WebSocket APIs made through boto3, and used by real clients."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.app.lambdas import PYTHON, ROLE, zipped
from tests.gateway.websocket.test_routes import told
from tests.services.apigateway.making import Asking, Running, gateway

SAYS = '{"statusCode": 200}'


class Making:
    """An API as it is made, call by call."""

    def __init__(self, running: Running) -> None:
        self.ask = Asking(running.client("apigatewayv2"))
        self.port = running.node.front_port
        self.id = ""

    async def api(self, **fields: Any) -> None:
        made = await self.ask.create_api(
            Name="chat",
            ProtocolType="WEBSOCKET",
            RouteSelectionExpression="$request.body.action",
            **fields,
        )
        self.id = made["ApiId"]

    async def mock(self, key: str, answer: str = "", **fields: Any) -> None:
        """A route that answers by itself."""
        made = await self.ask.create_integration(
            ApiId=self.id, IntegrationType="MOCK", RequestTemplates={"$default": SAYS}
        )
        id = made["IntegrationId"]
        await self.ask.create_integration_response(
            ApiId=self.id,
            IntegrationId=id,
            IntegrationResponseKey="$default",
            ResponseTemplates={"$default": answer},
        )
        await self.route(key, id, **fields)

    async def function(self, key: str, name: str, **fields: Any) -> None:
        """A route to a function."""
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        path = f"path/2015-03-31/functions/{arn}/invocations"
        made = await self.ask.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=f"arn:aws:apigateway:us-east-1:lambda:{path}",
        )
        await self.route(key, made["IntegrationId"], **fields)

    async def route(self, key: str, integration: str, **fields: Any) -> None:
        two_ways = not key.startswith(("$connect", "$disconnect"))
        if two_ways:
            fields["RouteResponseSelectionExpression"] = "$default"
        made = await self.ask.create_route(
            ApiId=self.id, RouteKey=key, Target=f"integrations/{integration}", **fields
        )
        if two_ways:
            await self.ask.create_route_response(
                ApiId=self.id, RouteId=made["RouteId"], RouteResponseKey="$default"
            )

    async def deploy(self, stage: str = "prod", **fields: Any) -> None:
        made = await self.ask.create_deployment(ApiId=self.id)
        await self.ask.create_stage(
            ApiId=self.id, StageName=stage, DeploymentId=made["DeploymentId"], **fields
        )

    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/apis/{self.id}/prod"

    async def connect(self, **options: Any) -> Any:
        """A client, once the deployment is live."""
        return await eventually(self.url(), self.port, **options)


async def test_an_api_made_by_boto3_talks_to_a_client(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        making = Making(running)
        await making.api()
        await making.mock("hello", "hello from $context.stage, $stageVariables.who")
        await making.mock("$default", "what?")
        await making.deploy(StageVariables={"who": "Ada"})
        client = await making.connect()
        assert await told(client, '{"action": "hello"}') == "hello from prod, Ada"
        assert await told(client, "else") == "what?"
        await client.close()


async def test_every_address_of_a_stage_leads_to_it(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        making = Making(running)
        await making.api()
        await making.mock("$default", "$context.domainName")
        await making.deploy()
        await (await making.connect()).close()
        ask = making.ask
        await ask.create_domain_name(
            DomainName="chat.example.com",
            DomainNameConfigurations=[{"EndpointType": "REGIONAL"}],
        )
        for key in ("", "v1"):
            await ask.create_api_mapping(
                DomainName="chat.example.com", ApiId=making.id, Stage="prod", ApiMappingKey=key
            )
        own = f"{making.id}.execute-api.localhost:{making.port}"
        for host, path in (
            (own, "/prod"),
            ("chat.example.com", "/"),
            ("chat.example.com", "/v1"),
        ):
            url = f"ws://{host}{path}"
            client = await eventually(url, making.port)
            assert await told(client, "x") == host
            await client.close()
        await ask.update_api(ApiId=making.id, DisableExecuteApiEndpoint=True)
        made = await ask.create_deployment(ApiId=making.id)
        await ask.update_stage(ApiId=making.id, StageName="prod", DeploymentId=made["DeploymentId"])
        client = await eventually("ws://chat.example.com/v1", making.port)
        await client.close()
        await refused(making.url())


async def eventually(url: str, port: int, **options: Any) -> Any:
    """A client at an address that only this gateway knows, within the second that a change may
    take."""
    end = asyncio.get_running_loop().time() + 1.0
    while True:
        try:
            return await connect(url, host="127.0.0.1", port=port, ping_interval=None, **options)
        except InvalidStatus:
            if asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(0.02)


async def refused(url: str) -> int:
    """The status of a handshake that fails, within a second."""
    end = asyncio.get_running_loop().time() + 1.0
    while True:
        try:
            await (await connect(url)).close()
        except InvalidStatus as error:
            return error.response.status_code
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.02)


async def test_keys_of_a_usage_plan_let_in(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        making = Making(running)
        await making.api()
        await making.mock("$connect", ApiKeyRequired=True)
        await making.mock("$default", "$context.identity.apiKeyId")
        await making.deploy()
        rest = Asking(running.client())
        key = await rest.create_api_key(name="k", enabled=True)
        plan = await rest.create_usage_plan(
            name="p", apiStages=[{"apiId": making.id, "stage": "prod"}]
        )
        await rest.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
        client = await making.connect(additional_headers={"x-api-key": key["value"]})
        await client.close()
        with pytest.raises(InvalidStatus) as caught:
            await connect(making.url())
        assert caught.value.response.status_code == 403
        assert json.loads(caught.value.response.body or b"")["message"] == "Forbidden"


async def test_a_new_deployment_reaches_who_is_connected_and_a_deleted_stage_ends_them(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as running:
        making = Making(running)
        await making.api()
        await making.mock("one", "1")
        await making.deploy()
        client = await making.connect()
        assert json.loads(await told(client, '{"action": "two"}'))["message"] == "Forbidden"
        await making.mock("two", "2")
        made = await making.ask.create_deployment(ApiId=making.id)
        await making.ask.update_stage(
            ApiId=making.id, StageName="prod", DeploymentId=made["DeploymentId"]
        )
        for _ in range(50):
            if await told(client, '{"action": "two"}') == "2":
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the deployment is not live")
        await making.ask.delete_stage(ApiId=making.id, StageName="prod")
        with pytest.raises(ConnectionClosed) as caught:
            await asyncio.wait_for(client.recv(), 5)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001


CHAT = """
import boto3, json
connections = {}
def handler(event, context):
    asked = event['requestContext']
    id, kind = asked['connectionId'], asked['eventType']
    if kind == 'MESSAGE':
        manager = boto3.client('apigatewaymanagementapi')
        manager.post_to_connection(ConnectionId=id, Data=('you said ' + event['body']).encode())
    return {'statusCode': 200}
"""


async def test_a_function_posts_back_through_the_gateways_own_endpoint(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        lambdas = Asking(running.client("lambda"))
        await lambdas.create_function(
            FunctionName="chat",
            Runtime=PYTHON,
            Handler="app.handler",
            Role=ROLE,
            Code={"ZipFile": zipped({"app.py": CHAT})},
            Timeout=20,
        )
        making = Making(running)
        await making.api()
        await making.function("$default", "chat")
        await making.deploy()
        client = await making.connect()
        await client.send("hi")
        assert await asyncio.wait_for(client.recv(), 10) == "you said hi"
        await client.close()


def manager(running: Running, api: str) -> Any:
    """A boto3 client of the connections of a stage, at the front door."""
    own = running.client("sts")._request_signer._credentials
    return cast(Any, boto3).client(
        "apigatewaymanagementapi",
        endpoint_url=f"{running.door}/apis/{api}/prod",
        region_name="us-east-1",
        aws_access_key_id=own.access_key,
        aws_secret_access_key=own.secret_key,
    )


async def test_the_root_credentials_manage_connections(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        making = Making(running)
        await making.api()
        await making.mock("$default", "$context.connectionId")
        await making.deploy()
        client = await making.connect()
        id = await told(client, "who")
        back = Asking(manager(running, making.id))
        await back.post_to_connection(ConnectionId=id, Data=b"posted")
        assert await told(client) == "posted"
        assert (await back.get_connection(ConnectionId=id))["Identity"]["SourceIp"] == "127.0.0.1"
        await back.delete_connection(ConnectionId=id)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 5)
