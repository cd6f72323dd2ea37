"""A running gateway, its control plane and its front door, for tests that drive both."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError
from msgspec import Struct

from torana.app.node import Node
from torana.settings import Settings
from torana.wire.model import OWN


class Running(Struct):
    """A gateway in this process."""

    node: Node
    data: Path

    @property
    def door(self) -> str:
        """The front door's address."""
        return f"http://127.0.0.1:{self.node.front_port}"

    def client(
        self, service: str = "apigateway", *, validate: bool = True, key: tuple[str, str] = ("", "")
    ) -> Any:
        """A boto3 client. It blocks: see `Asking`. `validate`: refuse wrong params on its own;
        `key`: another one than the account's own."""
        text = (self.data / "credentials").read_text()
        given = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
        session: Any = boto3.Session()
        if service == "torana":
            session._session.get_component("data_loader").search_paths.append(str(OWN))
        return session.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.node.management.port}",
            region_name="us-east-1",
            aws_access_key_id=key[0] or given["aws_access_key_id"],
            aws_secret_access_key=key[1] or given["aws_secret_access_key"],
            config=Config(retries={"max_attempts": 1}, parameter_validation=validate),
        )


@asynccontextmanager
async def gateway(
    data: Path, store: str = "", environment: dict[str, str] | None = None, **settings: Any
) -> AsyncGenerator[Running]:
    """Start a gateway with nothing in it."""
    wanted = Settings(data=str(data), port=0, management_port=0, store=store, **settings)
    node = Node(wanted, environment or {})
    await node.start("all", None)
    try:
        yield Running(node, data)
    finally:
        await node.stop()


class Asking:
    """A client whose operations are awaited: `await ask.get_rest_api(restApiId=…)`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        async def operation(**params: Any) -> dict[str, Any]:
            done = await asyncio.to_thread(getattr(self._client, name), **params)
            done.pop("ResponseMetadata", None)
            return done

        return operation


def told(error: ClientError) -> tuple[str, str]:
    """The code and the message of an error."""
    said = cast(Any, error).response["Error"]
    return said["Code"], said["Message"]


async def until(url: str, status: int, text: str = "", **fields: str) -> httpx.Response:
    """Ask until the answer is as expected; fails after the second that a deployment may take."""
    async with httpx.AsyncClient() as client:
        end = asyncio.get_running_loop().time() + 1.0
        while True:
            reply = await client.get(url, headers=fields)
            if reply.status_code == status and text in reply.text:
                return reply
            late = asyncio.get_running_loop().time() > end
            assert not late, f"{reply.status_code} {reply.text}"
            await asyncio.sleep(0.02)


async def mock(ask: Asking, api: str, resource: str, body: Any, **method: Any) -> None:
    """A GET that answers `body`."""
    place: dict[str, Any] = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
    await ask.put_method(**place, **{"authorizationType": "NONE", **method})
    request = {"application/json": '{"statusCode": 200}'}
    await ask.put_integration(**place, type="MOCK", requestTemplates=request)
    await ask.put_method_response(**place, statusCode="200")
    text = body if isinstance(body, str) else json.dumps(body)
    await ask.put_integration_response(
        **place, statusCode="200", responseTemplates={"application/json": text}
    )
