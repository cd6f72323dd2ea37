"""The pictures in the documentation. `TORANA_PICTURES=docs/images` takes them anew."""

import io
import json
import os
import random
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.app.test_serve_command import ROOT, Running
from tests.console.browser.test_apis import deploy

FOLDER = os.environ.get("TORANA_PICTURES", "")
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="TORANA_PICTURES names no folder for them"),
    pytest.mark.timeout(180),
]


def take(page: Page, name: str) -> None:
    path = ROOT / FOLDER / f"{name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.save(path, quality=80, method=6)


@contextmanager
def busy(served: Running, seconds: int) -> Generator[threading.Event]:
    """Clients of the sentiment example, for as long as the picture wants them."""
    enough = threading.Event()
    base = "/restapis/sentiment/prod/_user_request_"
    texts = ("What a lovely day!", "The waiter was rude.", "It is a table.")

    def client(seed: int) -> None:
        chance = random.Random(seed)
        while not enough.is_set():
            if chance.random() < 0.7:
                served.ask(f"{base}/health")
            elif chance.random() < 0.9:
                served.ask(f"{base}/sentiment", {"text": chance.choice(texts)})
            else:
                served.ask(f"{base}/nothere")
            enough.wait(chance.expovariate(6))

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(4)]
    for each in clients:
        each.start()
    enough.wait(seconds)
    try:
        yield enough
    finally:
        enough.set()
        for each in clients:
            each.join()


def test_an_api_and_the_overview(context: BrowserContext, console: str, served: Running) -> None:
    page = context.new_page()
    page.goto(f"{console}/apis")
    page.get_by_role("link", name="Sentiment").first.click()
    page.get_by_role("button", name="Take a copy to edit").click()
    page.get_by_label("POST /sentiment", exact=True).click()
    expect(page.get_by_label("Mapping templates for application/json")).to_be_visible()
    page.get_by_role("alert").get_by_role("button").click()
    page.wait_for_timeout(500)
    take(page, "console-method")
    deploy(page, "first")
    page.goto(f"{console}/ai/text")
    page.get_by_role("button", name="Analyse").click()
    page.get_by_label("The text with its findings").wait_for(timeout=60_000)
    take(page, "console-text")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{console}/playground")
    page.get_by_role("textbox", name="Message").fill("What does an API gateway do?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("12 + ")).to_have_count(2)
    take(page, "console-playground")
    page.emulate_media(color_scheme="light")
    page.goto(console)
    with busy(served, 60):
        take(page, "console-overview")
    assert (Path(ROOT) / FOLDER / "console-overview.webp").stat().st_size > 10_000


def test_the_map_and_a_dashboard(context: BrowserContext, console: str, served: Running) -> None:
    plane, watch = served.client("apigateway"), served.client("cloudwatch")
    api = plane.import_rest_api(body=(ROOT / "examples/insight.yaml").read_bytes())["id"]
    plane.create_deployment(restApiId=api, stageName="prod", tracingEnabled=True)
    stage = ["ApiName", "Sentiment", "Stage", "prod"]
    widgets = [
        {"type": "metric", "x": x, "y": 0, "width": 12, "height": 8, "properties": properties}
        for x, properties in enumerate(
            (
                {
                    "title": "Requests a minute",
                    "stat": "Sum",
                    "metrics": [
                        ["AWS/ApiGateway", "Count", *stage],
                        [".", "4XXError", *("." * 4), {"label": "refused"}],
                    ],
                },
                {
                    "title": "Milliseconds",
                    "metrics": [
                        ["AWS/ApiGateway", "Latency", *stage, {"stat": "p50", "label": "p50"}],
                        ["...", {"stat": "p99", "label": "p99"}],
                    ],
                },
            )
        )
    ]
    watch.put_dashboard(DashboardName="sentiment", DashboardBody=json.dumps({"widgets": widgets}))
    page = context.new_page()
    with busy(served, 5):
        for number in range(20):
            path = "insight" if number % 5 else "nowhere"
            served.ask(f"/restapis/{api}/prod/_user_request_/{path}", {"text": "A lovely day"})
        page.goto(f"{console}/traces/map")
        page.get_by_role("img", name="calls").wait_for()
        take(page, "console-map")
        page.goto(f"{console}/metrics/dashboards/sentiment")
        page.wait_for_timeout(45_000)
        take(page, "console-dashboard")
    assert (Path(ROOT) / FOLDER / "console-dashboard.webp").stat().st_size > 5_000
