"""WebSocket APIs of a whole gateway with several workers: any of them reaches any connection."""
# pyright: basic

import asyncio
import signal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.app.socket_making import Making, create, eventually
from tests.app.test_serve_command import Running, gateway
from tests.gateway.websocket.test_routes import ended, told
from tests.services.apigateway.making import Asking

CODE = """
import boto3
def handler(event, context):
    asked = event['requestContext']
    print(asked['eventType'], asked['connectionId'], asked.get('disconnectStatusCode'))
    if asked['eventType'] == 'MESSAGE':
        boto3.client('apigatewaymanagementapi').post_to_connection(
            ConnectionId=event['body'], Data=b'from the function')
    return {'statusCode': 200}
"""


def manager(running: Running, api: str) -> Any:
    key, secret = running.credentials()
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"http://127.0.0.1:{running.run['port']}/apis/{api}/prod",
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


async def chat(running: Running) -> Making:
    await create(running.client("lambda"), "chat", CODE)
    making = Making(running.client("apigatewayv2"), running.run["port"])
    await making.api()
    await making.function("$disconnect", "chat")
    await making.mock("who", "$context.connectionId")
    await making.function("$default", "chat")
    await making.deploy()
    return making


async def scenario(running: Running) -> None:
    making = await chat(running)
    clients: dict[str, Any] = {}
    while len({id[:5] for id in clients}) < 2 or len(clients) < 8:
        assert len(clients) < 100, "one worker took every connection"
        client = await eventually(making.url(), making.port)
        for _ in range(50):
            id = await told(client, '{"action": "who"}')
            if not id.startswith("{"):
                break
            await asyncio.sleep(0.02)
        clients[id] = client
    for _ in range(2):
        back = Asking(manager(running, making.id))
        for id, client in clients.items():
            await back.post_to_connection(ConnectionId=id, Data=b"from outside")
            assert await told(client) == "from outside"
    ids = list(clients)
    for sender, receiver in ((ids[0], ids[-1]), (ids[-1], ids[0])):
        await clients[sender].send(receiver)
        assert await asyncio.wait_for(clients[receiver].recv(), 20) == "from the function"
    direct = Asking(running.client("apigatewaymanagementapi"))
    first, last = ids[0], ids[-1]
    assert (await direct.get_connection(ConnectionId=last))["Identity"]["SourceIp"] == "127.0.0.1"
    await direct.delete_connection(ConnectionId=first)
    assert await ended(clients.pop(first)) == (1000, "Connection Closed Normally")
    for service in (back, direct):
        with pytest.raises(ClientError, match="GoneException"):
            await service.get_connection(ConnectionId=first)
    running.process.send_signal(signal.SIGTERM)
    for client in clients.values():
        assert await ended(client) == (1001, "Going away")
    assert await asyncio.to_thread(running.process.wait, 20) == 0
    log = (running.data / "logs" / "_aws_lambda_chat.log").read_text()
    for id in clients:
        assert f"DISCONNECT {id} 1001" in log
    assert f"DISCONNECT {first} 1000" in log


def test_any_worker_reaches_any_connection_and_a_drain_loses_no_goodbye(tmp_path: Path) -> None:
    with gateway(tmp_path, "--workers", "2") as running:
        asyncio.run(scenario(running))
