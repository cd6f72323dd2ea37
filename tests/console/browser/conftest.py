"""One browser and one gateway for every test of the screens."""

import os
import shutil
from collections.abc import Generator

import httpx
import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.app.test_serve_command import ROOT, Running, gateway
from tests.console.browser.provider import provider

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A machine with much to do takes its time.
expect.set_options(timeout=15_000)
SETTINGS = ROOT / "tests/console/browser/settings.toml"


def chromium() -> str:
    """Debian's, or whatever `TORANA_CHROMIUM` names."""
    names = (os.environ.get("TORANA_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("TORANA_REQUIRE_SERVICES") == "1":
            pytest.fail("there is no Chromium here: install it, or name it in TORANA_CHROMIUM")
        pytest.skip("there is no Chromium here")
    return found


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A gateway for all of the screens' tests."""
    chromium()
    folder = tmp_path_factory.mktemp("console")
    with provider() as address:
        config = folder / "torana.toml"
        config.write_text(SETTINGS.read_text().replace("PROVIDER", address))
        with gateway(folder / "data", "examples", "--config", str(config), "--demo") as running:
            yield running


@pytest.fixture(scope="package")
def console(served: Running) -> str:
    """The console's address."""
    return f"http://127.0.0.1:{served.run['management_port']}/console"


@pytest.fixture(scope="package")
def cookie(served: Running, console: str) -> SetCookieParam:
    """What a browser keeps once somebody has signed in."""
    key, secret = served.credentials()
    form = {"accessKeyId": key, "secretAccessKey": secret}
    reply = httpx.post(f"{console}/session", json=form)
    [(name, value)] = reply.cookies.items()
    return {"name": name, "value": value, "url": console}


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Not kept longer: no other loop runs in this thread as long as it does."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser, cookie: SetCookieParam) -> Generator[BrowserContext]:
    """A browser of who is signed in."""
    opened = browser.new_context(viewport={"width": 1360, "height": 850}, reduced_motion="reduce")
    opened.add_cookies([cookie])
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Generator[Page]:
    """A page of who is signed in. Whatever the browser complains of fails the test."""
    opened = context.new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A refusal that a screen shows in words is no fault of the page.
        if (
            message.type == "error"
            and "the server responded with a status of 4" not in message.text
        ):
            complaints.append(f"{message.text} ({message.location})")

    opened.on("console", hear)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    assert complaints == []
