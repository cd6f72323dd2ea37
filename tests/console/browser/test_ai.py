"""The AI services, tried on what one types or brings."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import numpy
import pytest
import soundfile  # pyright: ignore[reportMissingTypeStubs]
from playwright.sync_api import Page, expect

from tests.app.test_serve_command import ROOT, Running

# The first question to an engine loads its models.
pytestmark = pytest.mark.timeout(120)


def test_a_text_shows_what_is_in_it(page: Page, console: str) -> None:
    page.goto(f"{console}/ai/text")
    text = "Anna Schmidt is wonderful, I love her work! Write to anna@example.com."
    page.get_by_label("Text to analyse").fill(text)
    page.get_by_role("button", name="Analyse").click()
    shown = page.get_by_label("The text with its findings")
    expect(shown.locator("mark").first).to_have_text("Anna SchmidtPERSON", timeout=50_000)
    expect(page.get_by_text("Sentiment POSITIVE")).to_be_visible()
    page.get_by_role("button", name="Personal data").click()
    expect(shown.locator("mark", has_text="anna@example.com")).to_contain_text("EMAIL")


def test_a_text_is_translated(page: Page, console: str) -> None:
    page.goto(f"{console}/ai/translation")
    page.get_by_role("textbox", name="Text", exact=True).fill("Good morning")
    page.get_by_role("button", name="Translate").click()
    shown = page.get_by_role("region", name="Translation").or_(page.get_by_role("alert"))
    expect(shown.first).not_to_be_empty(timeout=50_000)


def test_a_text_is_spoken(page: Page, console: str) -> None:
    page.goto(f"{console}/ai/speech")
    page.get_by_role("button", name="Speak").click()
    audio = page.get_by_label("The spoken text")
    expect(audio).to_be_visible(timeout=50_000)
    script = "(audio) => new Promise((told) => audio.duration ? told(audio.duration)"
    script += " : (audio.onloadedmetadata = () => told(audio.duration)))"
    assert audio.evaluate(script) > 1


def test_boxes_are_drawn_around_faces(page: Page, console: str) -> None:
    page.goto(f"{console}/ai/pictures")
    page.get_by_role("button", name="Faces").click()
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose a picture").click()
    choosing.value.set_files(ROOT / "tests/data/obama.jpg")
    box = page.locator("[data-box='Face 1']")
    expect(box).to_be_visible(timeout=50_000)
    drawn, picture = box.bounding_box(), page.get_by_alt_text("The chosen one").bounding_box()
    assert drawn is not None
    assert picture is not None
    assert picture["x"] < drawn["x"] < picture["x"] + picture["width"] / 2
    assert 0.1 < drawn["width"] / picture["width"] < 0.9


def test_a_recording_is_transcribed(
    page: Page, console: str, served: Running, tmp_path: Path
) -> None:
    spoken = served.client("polly").synthesize_speech(
        Text="the train leaves tomorrow morning", VoiceId="Joey", OutputFormat="pcm"
    )
    sound = numpy.frombuffer(spoken["AudioStream"].read(), dtype="<i2")
    cast(Any, soundfile).write(tmp_path / "train.wav", sound, 16000)
    page.goto(f"{console}/ai/recordings")
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="Choose a recording").click()
    choosing.value.set_files(tmp_path / "train.wav")
    transcript = page.get_by_role("region", name="Transcript")
    expect(transcript).to_contain_text("tomorrow morning", timeout=60_000, ignore_case=True)


class Model(BaseHTTPRequestHandler):
    """A container that adds up."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps([sum(row) for row in rows]).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def test_a_model_is_served_and_tried(page: Page, console: str) -> None:
    container = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=container.serve_forever, daemon=True).start()
    page.goto(f"{console}/ai/endpoints")
    page.get_by_role("button", name="Serve a model").click()
    page.get_by_role("textbox", name="Name").fill("adder")
    page.get_by_role("textbox", name="Container").fill(f"http://127.0.0.1:{container.server_port}")
    page.get_by_role("button", name="Serve", exact=True).click()
    page.get_by_role("link", name="adder").click()
    page.get_by_role("button", name="Invoke").click(timeout=50_000)
    # Of [[1, 2]], which is there to begin with.
    expect(page.get_by_label("Answer")).to_contain_text("3")
    expect(page.get_by_role("region", name="Result")).to_contain_text("application/json, by all")
    container.shutdown()
    container.server_close()
