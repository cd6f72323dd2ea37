"""What tests of several screens do."""

from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

_PASTE = """(editor, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  const how = { clipboardData, bubbles: true, cancelable: true };
  editor.dispatchEvent(new ClipboardEvent("paste", how));
}"""


@contextmanager
def saved(page: Page, what: str) -> Generator[None]:
    """What is done within is told to have succeeded."""
    yield
    notice = page.get_by_role("alert").filter(has_text=what)
    expect(notice.first).to_be_visible()
    notice.first.get_by_role("button").click()
    expect(notice).to_have_count(0)


def write(page: Page, editor: str, text: str) -> None:
    """Replace what an editor holds, as by pasting."""
    page.get_by_label(editor).click()
    page.keyboard.press("Control+a")
    page.get_by_label(editor).evaluate(_PASTE, text)
