"""A gateway with a user pool, an app and a user, for tests that go through the front door."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.services.apigateway.making import Asking, Running, gateway

PASSWORD = "Correct-horse-7"
BACK = "http://localhost:1/back"
APP = {
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
    "CallbackURLs": [BACK],
    "LogoutURLs": ["http://localhost:1/bye"],
    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
}


class Pools:
    """The gateway and its administrator."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.idp = Asking(running.client("cognito-idp"))
        self.pool = self.app = ""

    @property
    def pages(self) -> str:
        """Where the pages are, without DNS."""
        return f"{self.running.door}/cognito/pets-app"

    async def make(self, **options: Any) -> None:
        made = await self.idp.create_user_pool(PoolName="pets", **options)
        self.pool = made["UserPool"]["Id"]
        await self.idp.create_user_pool_domain(UserPoolId=self.pool, Domain="pets-app")
        self.app = await self.client(**APP)
        registry = self.running.node._services.user_pools.registry
        async with asyncio.timeout(5):
            while registry.of_domain("pets-app") != self.pool:  # noqa: ASYNC110  a store tells nobody
                await asyncio.sleep(0.01)

    async def client(self, **options: Any) -> str:
        made = await self.idp.create_user_pool_client(
            UserPoolId=self.pool, ClientName="app", **options
        )
        return made["UserPoolClient"]["ClientId"]

    async def user(self, username: str = "ada", **profile: str) -> None:
        listed = [{"Name": each, "Value": value} for each, value in profile.items()]
        named = {"UserPoolId": self.pool, "Username": username}
        await self.idp.admin_create_user(**named, UserAttributes=listed, MessageAction="SUPPRESS")
        await self.idp.admin_set_user_password(**named, Password=PASSWORD, Permanent=True)

    async def tokens(self, name: str = "ada") -> dict[str, Any]:
        done = await self.idp.initiate_auth(
            ClientId=self.app,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )
        return done["AuthenticationResult"]

    def code(self) -> str:
        """Of the newest message."""
        lines = (self.running.data / "outbox.jsonl").read_text().splitlines()
        return re.findall(r"\d{6}", json.loads(lines[-1])["text"])[-1]


@asynccontextmanager
async def pools(data: Path, **settings: Any) -> AsyncGenerator[Pools]:
    async with gateway(data, **settings) as running:
        yield Pools(running)
