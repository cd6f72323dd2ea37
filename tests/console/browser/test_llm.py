"""Models side by side, virtual keys, and what they cost."""

from playwright.sync_api import Page, expect

from tests.app.test_serve_command import Running


def test_two_models_answer_side_by_side_and_are_paid_for(page: Page, console: str) -> None:
    page.goto(f"{console}/playground")
    page.get_by_role("textbox", name="Message").fill("what is a gateway?")
    page.keyboard.press("Enter")
    for model, target in (("fast", "small"), ("wise", "large")):
        log = page.get_by_role("log", name=f"Conversation with {model}")
        expect(log).to_contain_text(f"{target} heard: what is a gateway?")
        expect(log).to_contain_text("12 + 6 tokens")
    page.goto(f"{console}/spend")
    row = page.get_by_role("row", name="console/root")
    # Twice 12 tokens in and 6 out, at the prices of the settings.
    expect(row).to_contain_text("$0.00011")


def test_a_virtual_key_is_made_used_and_switched_off(
    page: Page, console: str, served: Running
) -> None:
    page.goto(f"{console}/spend")
    page.get_by_role("button", name="Create key").click()
    page.get_by_role("textbox", name="Name").fill("notebook")
    page.get_by_role("textbox", name="Budget").fill("5")
    page.get_by_role("button", name="Create", exact=True).click()
    key = page.get_by_label("The key", exact=True).inner_text()
    page.get_by_role("button", name="I have it").click()
    asked = {"model": "fast", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    proof = {"authorization": f"Bearer {key}"}
    assert "heard:" in served.ask("/v1/chat/completions", asked, **proof)[1]
    row = page.get_by_role("region", name="virtual keys").get_by_role("row", name="notebook")
    expect(row).to_contain_text("$5.00 a month")
    row.get_by_label("notebook is enabled").click(force=True)
    expect(row.get_by_label("notebook is enabled")).not_to_be_checked()
    assert served.ask("/v1/chat/completions", asked, **proof)[0] == 401
