"""HTTP APIs: made, routed and served from the screens."""

import re

from playwright.sync_api import Page, expect

from tests.app.test_serve_command import Running
from tests.console.browser.acting import saved


def test_a_route_to_a_backend_is_served_at_once(page: Page, console: str, served: Running) -> None:
    backend = f"http://127.0.0.1:{served.run['port']}"
    page.goto(f"{console}/http")
    page.get_by_role("button", name="Create API").first.click()
    page.get_by_role("textbox", name="Name").fill("Shop")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", name="Shop")).to_be_visible()
    api = page.url.rpartition("/")[2]
    page.get_by_role("button", name="Add a route").click()
    page.get_by_role("textbox", name="Route").fill("GET /well")
    health = f"{backend}/restapis/sentiment/prod/_user_request_/health"
    page.get_by_role("textbox", name="Goes to").fill(health)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("row", name="GET /well")).to_contain_text("HTTP_PROXY")
    page.get_by_role("tab", name="Stages").click()
    with saved(page, "was added"):
        page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("row", name=re.compile(r"\$default"))).to_be_visible()
    host = f"{api}.execute-api.localhost"
    status, body = served.ask("/well", host=host)
    assert (status, "ok" in body) == (200, True)
