"""Functions: made, edited, called, their log read."""

from playwright.sync_api import Page, expect

from tests.console.browser.acting import saved, write

CODE = """def handler(event, context):
    print("weighing", event["fruit"])
    return {"grams": len(event["fruit"]) * 100}
"""


def test_a_function_is_written_and_called(page: Page, console: str) -> None:
    page.goto(f"{console}/functions")
    page.get_by_role("button", name="Create function").first.click()
    page.get_by_role("textbox", name="Name").fill("scales")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_label("Code of app.py")).to_contain_text("def handler")
    write(page, "Code of app.py", CODE)
    with saved(page, "The code was saved"):
        page.get_by_role("button", name="Save", exact=True).click()
    write(page, "Event", '{"fruit": "apple"}')
    page.get_by_role("button", name="Invoke").click()
    result = page.get_by_role("region", name="Result")
    expect(result).to_contain_text('"grams": 500', timeout=15_000)
    expect(result).to_contain_text("weighing apple")
    write(page, "Event", "{}")
    page.get_by_role("button", name="Invoke").click()
    expect(result).to_contain_text("Unhandled")
    expect(result).to_contain_text("KeyError")

    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("log")).to_contain_text("weighing apple", timeout=15_000)
    page.get_by_role("tab", name="Settings").click()
    page.get_by_role("textbox", name="Memory").fill("512")
    with saved(page, "Saved"):
        page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Functions").last.click()
    expect(page.get_by_role("row", name="scales")).to_contain_text("512 MB")
