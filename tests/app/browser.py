"""Chromium, driven over the W3C WebDriver protocol by its own chromedriver."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One window."""

    def __init__(self, client: httpx.AsyncClient, session: str) -> None:
        self._client, self._session = client, session

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        reply = await self._client.request(method, f"{self._session}/{path}", json=body)
        said = reply.json()["value"]
        assert reply.status_code == 200, said
        return said

    async def go(self, url: str) -> None:
        await self._ask("POST", "url", {"url": url})

    async def url(self) -> str:
        return await self._ask("GET", "url")

    async def find(self, css: str) -> list[str]:
        found = await self._ask("POST", "elements", {"using": "css selector", "value": css})
        return [each[_ELEMENT] for each in found]

    async def only(self, css: str) -> str:
        """Once it is there."""
        end = asyncio.get_running_loop().time() + 10
        while len(found := await self.find(css)) != 1:
            late = asyncio.get_running_loop().time() > end
            assert not late, f"{css}: {len(found)} in {await self.text()}"
            await asyncio.sleep(0.05)
        return found[0]

    async def text(self, css: str = "body") -> str:
        return await self._ask("GET", f"element/{await self.only(css)}/text")

    async def texts(self, css: str) -> list[str]:
        return [await self._ask("GET", f"element/{id}/text") for id in await self.find(css)]

    async def fill(self, **fields: str) -> None:
        """By name, as with a keyboard."""
        for name, value in fields.items():
            id = await self.only(f'[name="{name}"]')
            await self._ask("POST", f"element/{id}/clear", {})
            await self._ask("POST", f"element/{id}/value", {"text": value})

    async def title(self, wanted: str) -> None:
        """Wait for a page."""
        end = asyncio.get_running_loop().time() + 10
        while (found := await self._ask("GET", "title")) != wanted:
            late = asyncio.get_running_loop().time() > end
            assert not late, f"{found}: {await self.text()}"
            await asyncio.sleep(0.05)

    async def click(self, css: str = "button") -> None:
        await self._ask("POST", f"element/{await self.only(css)}/click", {})

    async def send(self, leads_to: str = "", **fields: str) -> None:
        """Fill in a form and send it."""
        await self.fill(**fields)
        await self.click()
        if leads_to:
            await self.title(leads_to)

    async def labels(self) -> list[str]:
        """What a screen reader calls the fields that can be filled in."""
        found = await self.find("input:not([type=hidden])")
        return [await self._ask("GET", f"element/{id}/computedlabel") for id in found]

    async def complaints(self) -> list[str]:
        """What the page did that its policy, or the browser, did not allow."""
        log = await self._ask("POST", "se/log", {"type": "browser"})
        return [each["message"] for each in log if "favicon" not in each["message"]]


@asynccontextmanager
async def chromium(folder: Path) -> AsyncGenerator[Browser]:
    """Skips the test where there is none, but where everything must be there."""
    driver, binary = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or binary is None:
        if os.environ.get("TORANA_REQUIRE_SERVICES") == "1":
            pytest.fail("chromium and chromedriver are not installed")
        pytest.skip("chromium and chromedriver are not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        driver, f"--port={port}", stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(timeout=60, base_url=f"http://127.0.0.1:{port}") as client:
            session = await _opened(client, binary, folder)
            try:
                yield Browser(client, session)
            finally:
                await client.delete(session)
    finally:
        process.terminate()
        await process.wait()


async def _opened(client: httpx.AsyncClient, binary: str, folder: Path) -> str:
    """The address of a session; the driver may not listen yet."""
    options = {
        "binary": binary,
        "args": [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={folder}",
        ],
    }
    wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
    async with asyncio.timeout(50):
        while True:
            try:
                await client.get("/status")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
    made = await client.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
    assert made.status_code == 200, made.text
    return f"/session/{made.json()['value']['sessionId']}"
