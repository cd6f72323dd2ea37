"""Models side by side, virtual keys, and what they cost."""

from datetime import date

from playwright.sync_api import Page, expect

from tests.app.test_serve_command import Running
from tests.console.browser.acting import saved, write


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
    page.get_by_role("combobox", name="Of").click()
    page.get_by_role("option", name="ann").click()
    page.get_by_role("textbox", name="Budget").fill("5")
    page.get_by_role("button", name="Create", exact=True).click()
    key = page.get_by_label("The key", exact=True).inner_text()
    page.get_by_role("button", name="I have it").click()
    asked = {"model": "fast", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    proof = {"authorization": f"Bearer {key}"}
    assert "heard:" in served.ask("/v1/chat/completions", asked, **proof)[1]
    row = page.get_by_role("region", name="virtual keys").get_by_role("row", name="notebook")
    expect(row).to_contain_text("$5.00 a month")
    page.get_by_role("combobox", name="By").click()
    page.get_by_role("option", name="organization").click()
    expect(page.get_by_role("region", name="spend").get_by_role("row", name="acme")).to_be_visible()
    holders = page.get_by_role("region", name="organizations")
    above = holders.get_by_role("row", name="acme organization")
    expect(above).to_contain_text("$500.00 a month · 1M tokens a day")
    row.get_by_label("notebook is enabled").click(force=True)
    expect(row.get_by_label("notebook is enabled")).not_to_be_checked()
    assert served.ask("/v1/chat/completions", asked, **proof)[0] == 401


def test_what_has_no_price_and_what_was_saved_are_told_apart(page: Page, console: str) -> None:
    sums = {"requests": 7, "failed": 0, "input": 9, "output": 9, "cached": 0, "usd": 0.5}
    total = {"group": {"day": date.today().isoformat(), "key": "odd"}, **sums}
    told = {"totals": [{**total, "unpriced": 2, "hits": 3, "saved": 0.25}]}
    page.route("**/desk/usage?*", lambda route: route.fulfill(json=told))
    page.goto(f"{console}/spend")
    row = page.get_by_role("region", name="spend").get_by_role("row", name="odd")
    expect(row).to_contain_text("3 (saved $0.25)")
    expect(row).to_contain_text("$0.50 and 2 without a price")


def test_a_prompt_is_tried_frozen_and_compared_with_its_draft(page: Page, console: str) -> None:
    page.goto(f"{console}/prompts")
    page.get_by_role("button", name="Create prompt").first.click()
    page.get_by_role("textbox", name="Name").fill("shout")
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="wise").click()
    page.get_by_role("button", name="Create", exact=True).click()
    write(page, "Template", "Say it louder: {{phrase}}")
    page.get_by_label("phrase", exact=True).fill("hello")
    page.get_by_role("button", name="Ask").click()
    answer = page.get_by_role("region", name="Answer")
    expect(answer).to_have_text("large heard: Say it louder: hello")
    with saved(page, "The draft was saved"):
        page.get_by_role("button", name="Save draft").click()
    with saved(page, "A version was frozen"):
        page.get_by_role("button", name="Freeze a version").click()
    versions = page.get_by_role("region", name="versions")
    expect(versions.get_by_role("cell", name="1", exact=True)).to_be_visible()
    write(page, "Template", "Whisper to {{whom}}: {{phrase}}")
    with saved(page, "The draft was saved"):
        page.get_by_role("button", name="Save draft").click()
    page.get_by_label("phrase, for both").fill("psst")
    page.get_by_label("whom, for both").fill("Bob")
    page.get_by_role("button", name="Compare").click()
    frozen = page.get_by_role("region", name="Answer of 1")
    expect(frozen).to_contain_text("large heard: Say it louder: psst")
    expect(frozen).to_contain_text("12 + 6 tokens")
    draft = page.get_by_role("region", name="Answer of DRAFT")
    expect(draft).to_contain_text("large heard: Whisper to Bob: psst")
