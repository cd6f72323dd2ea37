"""WebSocket APIs as they are made through boto3, call by call."""

import asyncio
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.app.lambdas import PYTHON, ROLE, zipped
from tests.services.apigateway.making import Asking

SAYS = '{"statusCode": 200}'


class Making:
    """An API as it is made, call by call."""

    def __init__(self, client: Any, port: int) -> None:
        """`client` is boto3's of apigatewayv2, `port` the front door's."""
        self.ask, self.port, self.id = Asking(client), port, ""

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


async def create(client: Any, name: str, code: str) -> None:
    """A function of one Python file that APIs may call; `client` is boto3's of lambda."""
    ask = Asking(client)
    await ask.create_function(
        FunctionName=name,
        Runtime=PYTHON,
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": code})},
        Timeout=20,
    )
    await ask.add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )


async def eventually(url: str, port: int, **options: Any) -> Any:
    """A client at an address that only this gateway knows, within the second that a change may
    take."""
    end = asyncio.get_running_loop().time() + 1.0
    while True:
        try:
            where: dict[str, Any] = {"host": "127.0.0.1", "port": port, "open_timeout": 60}
            return await connect(url, ping_interval=None, **where, **options)
        except InvalidStatus:
            if asyncio.get_running_loop().time() > end:
                raise
            await asyncio.sleep(0.02)
