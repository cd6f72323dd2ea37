"""WebSocket APIs made through boto3, and used by real clients."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.app.socket_making import Making, create, eventually
from tests.gateway.websocket.test_routes import told
from tests.services.apigateway.making import Asking, Running, gateway


async def test_an_api_made_by_boto3_talks_to_a_client(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        making = Making(running.client("apigatewayv2"), running.node.front_port)
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
        making = Making(running.client("apigatewayv2"), running.node.front_port)
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
        making = Making(running.client("apigatewayv2"), running.node.front_port)
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
        making = Making(running.client("apigatewayv2"), running.node.front_port)
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
        await create(running.client("lambda"), "chat", CHAT)
        making = Making(running.client("apigatewayv2"), running.node.front_port)
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
        making = Making(running.client("apigatewayv2"), running.node.front_port)
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


async def test_the_example_is_a_chat(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{running.node.management.port}",
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_PROFILE": "torana",
        }
        deploy = Path(__file__).parents[2] / "examples/chat/deploy.py"
        made = await asyncio.create_subprocess_exec(
            sys.executable, deploy, env=environment, stdout=asyncio.subprocess.PIPE
        )
        told_where, _ = await asyncio.wait_for(made.communicate(), 30)
        path = told_where.decode().split()[-1]
        url = f"ws://127.0.0.1:{running.node.front_port}{path}"
        ada = await eventually(f"{url}?name=Ada&room=red", running.node.front_port)
        bob = await eventually(f"{url}?name=Bob&room=red", running.node.front_port)
        eve = await eventually(f"{url}?name=Eve", running.node.front_port)
        with pytest.raises(InvalidStatus) as caught:
            await connect(url)
        assert caught.value.response.status_code == 401
        for each in (ada, bob):
            await each.send('{"action": "say", "text": "hello"}')
            who = "Ada" if each is ada else "Bob"
            for listener in (ada, bob):
                heard = await asyncio.wait_for(listener.recv(), 10)
                assert json.loads(heard) == {"from": who, "text": "hello"}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(eve.recv(), 0.1)
        for each in (ada, bob, eve):
            await each.close()
