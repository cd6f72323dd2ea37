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


def test_what_was_before_is_drawn_as_cloudwatch_kept_it(
    page: Page, console: str, served: Running
) -> None:
    missing = HEALTH.replace("health", "nothere")
    assert served.ask(missing)[0] == 403
    page.goto(console)
    page.get_by_text("1 hour", exact=True).click()
    errors = page.get_by_role("img", name="Errors in percent of requests")
    expect(errors).to_be_visible()
    figure = page.locator(".kpi", has_text="Client errors (4XX)").locator(".value")
    expect(figure).not_to_have_text("0.0%", timeout=20_000)
