"""A gateway with its console, in this process, and a browser's way to it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from tests.services.apigateway.making import Running
from torana.app.node import Node
from torana.console import Console
from torana.settings import Settings


class Opened(Struct):
    """A console that nobody has signed in to yet."""

    running: Running
    browser: httpx.AsyncClient

    def keys(self) -> tuple[str, str]:
        """The access key of the first start."""
        text = (self.running.data / "credentials").read_text()
        given = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
        return given["aws_access_key_id"], given["aws_secret_access_key"]

    async def sign_in(self, secret: str | None = None) -> httpx.Response:
        """Sends the form; from then on the browser has the cookie and shows the page's proof."""
        key, right = self.keys()
        form = {"accessKeyId": key, "secretAccessKey": secret or right}
        reply = await self.browser.post("/console/session", json=form)
        if reply.status_code == 200:
            self.browser.headers["x-torana-csrf"] = reply.json()["csrf"]
        return reply

    async def call(self, service: str, operation: str, **params: Any) -> httpx.Response:
        """An operation of a service."""
        return await self.browser.post(f"/console/api/{service}/{operation}", json=params)


@asynccontextmanager
async def opened(data: Path, **settings: Any) -> AsyncGenerator[Opened]:
    """Start a gateway with nothing in it but the console."""
    fresh = Settings(data=str(data), port=0, management_port=0, **settings)
    node = Node(fresh, {}, Console)
    await node.start("all", None)
    url = f"http://127.0.0.1:{node.management.port}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=20) as browser:
            yield Opened(Running(node, data), browser)
    finally:
        await node.stop()
