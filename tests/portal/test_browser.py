"""A developer's way through the portal, in a real browser: from signing up to a client's zip."""

import io
import os
import re
import zipfile
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.base import (  # pyright: ignore[reportMissingTypeStubs]
    AXE_FILE_PATH,
)
from PIL import Image
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from tests.app.test_serve_command import ROOT, gateway
from tests.console.browser.acting import saved
from tests.console.browser.conftest import ARGUMENTS, chromium
from tests.console.browser.test_entrance import VIOLATIONS
from tests.portal.making import PASSWORD, Browser, Shop, settings, shop

PICTURES = os.environ.get("TORANA_PICTURES", "")
EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    chromium()
    folder = tmp_path_factory.mktemp("portal")
    with gateway(folder / "data", "--config", str(settings(folder))) as running:
        made = shop(running)
        place = {"apiId": made.api, "stage": "prod"}
        told = {"since": "2026-01-01", "sunset": "2099-01-01"}
        made.aws("torana").put_version(**place, state="deprecated", deprecation=told)
        yield made
        made.close()


@pytest.fixture(scope="module")
def page(pets: Shop) -> Generator[Page]:
    """One for all acts. Whatever the browser complains of fails the test."""
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if (
            message.type == "error"
            and "the server responded with a status of 4" not in message.text
        ):
            complaints.append(f"{message.text} ({message.location})")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        context = browser.new_context(
            viewport={"width": 1360, "height": 850}, reduced_motion="reduce"
        )
        context.set_default_timeout(20_000)
        opened = context.new_page()
        opened.add_init_script(path=AXE_FILE_PATH)
        opened.on("console", hear)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        browser.close()
    assert complaints == []


def looked_at(page: Page, picture: str = "") -> None:
    """The page is accessible in light and dark, and fits a phone."""
    page.get_by_role("heading", level=1).first.wait_for()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    expect(page.get_by_role("alert").locator("button")).to_have_count(0)
    assert page.evaluate(VIOLATIONS, ["body", []]) == []
    if PICTURES and picture:
        image = Image.open(io.BytesIO(page.screenshot()))
        image.save(ROOT / PICTURES / f"{picture}.webp", quality=80, method=6)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    assert page.evaluate(VIOLATIONS, ["body", ["color-contrast"]]) == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 375, "height": 740})
    expect(page.locator("html")).to_have_js_property("scrollWidth", 375)
    page.set_viewport_size({"width": 1360, "height": 850})


@pytest.mark.timeout(180)
def test_a_developer_signs_up_subscribes_calls_and_takes_a_client(
    page: Page, pets: Shop, tmp_path: Path
) -> None:
    pets.offer(approval="manual")
    _signs_up(page, pets)
    _subscribes(page, pets)
    key = _gets_a_key(page, pets)
    _tries(page)
    _sees_usage(page)
    _rotates(page, pets, key)
    _takes_a_client(page, tmp_path)


def test_an_operator_offers_a_product_in_the_console(page: Page, pets: Shop) -> None:
    operator = _console(page, pets)
    operator.goto("console/portals/portals")
    expect(operator.get_by_role("link", name="Pet developers")).to_be_visible()
    looked_at(operator)
    operator.get_by_role("tab", name="Products").click()
    operator.get_by_role("button", name="Create product").click()
    operator.get_by_role("textbox", name="Name").fill("Toys")
    operator.get_by_role("button", name="Create", exact=True).click()
    for what, choice in (("Stages", "Pet shop / prod"), ("Usage plans", "basic")):
        operator.get_by_role("combobox", name=what).click()
        operator.get_by_role("option", name=choice).click()
        operator.keyboard.press("Escape")
    operator.get_by_role("textbox", name="A month").fill("3.5")
    operator.get_by_text("Everybody").click()
    with saved(operator, "The offer stands"):
        operator.get_by_role("button", name="Save the offer").click()
    operator.get_by_role("button", name="New page").click()
    operator.get_by_role("textbox", name="Title").fill("Play")
    operator.get_by_role("textbox", name="Text, in Markdown").fill("Throw it <script>.")
    with saved(operator, "The page was made"):
        operator.get_by_role("button", name="Save", exact=True).click()
    with saved(operator, "Pet developers is published"):
        operator.get_by_role("checkbox", name="Pet developers").click()
    looked_at(operator, "console-portal")
    operator.context.close()
    toys = next(
        each for each in Browser(pets).get("products").json()["products"] if each["name"] == "Toys"
    )
    assert toys["plans"][0]["price"]["monthly"] == 3.5
    page.goto(f"{pets.address}/products/{toys['id']}")
    expect(page.get_by_text("Throw it <script>.")).to_be_visible()


def _console(page: Page, pets: Shop) -> Page:
    """A page of who operates the gateway."""
    url = f"http://127.0.0.1:{pets.running.run['management_port']}"
    key, secret = pets.running.credentials()
    form = {"accessKeyId": key, "secretAccessKey": secret}
    [(name, value)] = httpx.post(f"{url}/console/session", json=form).cookies.items()
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(
        base_url=url, viewport={"width": 1360, "height": 850}, reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    context.add_cookies([{"name": name, "value": value, "url": f"{url}/console"}])
    opened = context.new_page()
    opened.add_init_script(path=AXE_FILE_PATH)
    return opened


def _signs_up(page: Page, pets: Shop) -> None:
    page.goto(f"{pets.door}/portal")
    expect(page.get_by_role("link", name="Pets")).to_be_visible()
    looked_at(page)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Create an account").click()
    page.get_by_role("textbox", name="Name").fill("Ada")
    page.get_by_role("textbox", name="Mail address").fill(EMAIL)
    page.get_by_role("textbox", name="Password").fill("short")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_contain_text("Password did not conform with policy")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("textbox", name="Code").wait_for()
    looked_at(page)
    page.get_by_role("textbox", name="Code").fill(pets.code(EMAIL))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("banner")).to_contain_text("Ada")


def _subscribes(page: Page, pets: Shop) -> None:
    page.get_by_role("link", name="Pets", exact=True).click()
    expect(page.get_by_text("Pet shop 1.2 is deprecated")).to_be_visible()
    expect(page.get_by_text("2099-01-01")).to_be_visible()
    expect(page.get_by_text("$5.00 a month, $0.50 a call")).to_be_visible()
    looked_at(page, "portal-product")
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("textbox", name="Name of your application").fill("Shop window")
    with saved(page, "Asked for"):
        page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_text("Waiting for approval")).to_be_visible()
    operator = _console(page, pets)
    operator.goto("console/portals")
    with saved(operator, f"{EMAIL} may get a key"):
        operator.get_by_role("button", name="Approve").click()
    expect(operator.get_by_role("row", name=EMAIL)).to_contain_text("active")
    looked_at(operator)
    operator.context.close()


def _gets_a_key(page: Page, pets: Shop) -> str:
    page.get_by_role("button", name="Get a key").click()
    key = page.get_by_label("The key", exact=True).inner_text()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_role("row", name=key[-4:])).to_be_visible()
    looked_at(page, "portal-applications")
    pets.until(key, 200)
    return key


def _tries(page: Page) -> None:
    page.get_by_role("link", name="Pets", exact=True).click()
    page.get_by_role("link", name="Read the reference").click()
    search = page.get_by_role("textbox", name="Search the reference")
    search.fill("listens to")
    expect(page.get_by_role("link", name="Pet", exact=True).first).to_be_visible()
    expect(page.get_by_role("link", name="Take in a pet")).to_have_count(0)
    search.fill("take in")
    expect(page.get_by_role("link", name="One pet by its number")).to_have_count(0)
    page.get_by_role("link", name="Take in a pet").click()
    expect(page.get_by_role("textbox", name="Body")).to_have_value(re.compile('"tags": \\['))
    search.fill("")
    page.get_by_role("link", name="One pet by its number").click()
    page.get_by_role("textbox", name="petId").fill("42")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Body of the answer")).to_contain_text('"id": "42"')
    looked_at(page, "portal-reference")


def _sees_usage(page: Page) -> None:
    page.get_by_role("link", name="Usage and invoices").click()
    expect(page.get_by_role("row", name="Pets Shop window Basic 2")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Total 6.00 USD")).to_be_visible(timeout=30_000)
    looked_at(page, "portal-usage")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Print").click()
    paper = opened.value
    expect(paper.get_by_role("heading", name="Invoice")).to_be_visible()
    expect(paper.get_by_text("6.00 USD")).to_be_visible()
    paper.close()


def _rotates(page: Page, pets: Shop, key: str) -> None:
    page.get_by_role("link", name="Applications").click()
    page.get_by_role("button", name="Rotate key").click()
    page.get_by_role("textbox", name="Hours that the old key goes on").fill("2")
    page.get_by_role("button", name="Make the new key").click()
    other = page.get_by_label("The key", exact=True).inner_text()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_role("row", name=key[-4:])).to_contain_text("in 2 hours")
    pets.until(other, 200)
    assert pets.calls(key).status_code == 200
    page.get_by_role("row", name=key[-4:]).get_by_role("button", name="Revoke").click()
    with saved(page, "The key was revoked"):
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name=key[-4:])).to_have_count(0)
    pets.until(key, 403)


def _takes_a_client(page: Page, folder: Path) -> None:
    page.get_by_role("link", name="Pets", exact=True).click()
    for language, file in (
        ("Python", "pet-shop-python/pet_shop/client.py"),
        ("TypeScript", "pet-shop-typescript/src/client.ts"),
    ):
        with page.expect_download() as loaded:
            page.get_by_role("link", name=f"{language} client").click()
        loaded.value.save_as(folder / language)
        assert file in zipfile.ZipFile(folder / language).namelist()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
