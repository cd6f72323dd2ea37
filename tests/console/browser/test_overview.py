"""The overview: what the front door serves, as it happens."""

from playwright.sync_api import Page, expect

from tests.app.test_serve_command import Running

HEALTH = "/restapis/sentiment/prod/_user_request_/health"


def test_requests_are_counted_as_they_come(page: Page, console: str, served: Running) -> None:
    page.goto(console)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    row = page.get_by_role("row", name="Sentiment prod")
    expect(row).to_be_visible()
    for _ in range(20):
        assert served.ask(HEALTH)[0] == 200
    expect(row.get_by_role("cell").nth(3)).not_to_have_text("0", timeout=8000)
    expect(page.get_by_role("img", name="Requests a second: requests")).to_be_visible()
