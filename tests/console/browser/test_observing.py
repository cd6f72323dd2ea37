"""Metrics, alarms and logs, as CloudWatch keeps them."""

import json
import re
import time

from playwright.sync_api import Page, expect

from tests.app.test_serve_command import ROOT, Running
from tests.console.browser.acting import saved, write


def test_a_metric_is_drawn_and_watched_by_an_alarm(
    page: Page, console: str, served: Running
) -> None:
    watch = served.client("cloudwatch")
    watch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Orders", "Value": 7, "Unit": "Count"}]
    )
    page.goto(f"{console}/metrics")
    page.get_by_role("combobox", name="Statistic").click()
    page.get_by_role("option", name="Maximum").click()
    page.get_by_role("combobox", name="Add a metric").fill("Orders")
    page.get_by_role("option", name="Orders").click()
    drawn = page.get_by_role("img", name=re.compile("^Maximum of each 1 min: Shop Orders 7"))
    expect(drawn).to_be_visible(timeout=15_000)
    page.get_by_role("tab", name="Alarms").click()
    page.get_by_role("button", name="Create alarm").click()
    page.get_by_role("textbox", name="Name").fill("too many orders")
    page.get_by_role("combobox", name="Metric").fill("Shop Orders")
    page.get_by_role("option", name="Shop Orders").click()
    page.get_by_role("textbox", name="Threshold").fill("5")
    with saved(page, "was created"):
        page.get_by_role("button", name="Create", exact=True).click()
    row = page.get_by_role("row", name="too many orders")
    expect(row).to_contain_text("Sum of Orders > 5")
    expect(row.get_by_role("cell").first).to_have_text(re.compile("OK|ALARM|INSUFFICIENT_DATA"))
    [alarm] = watch.describe_alarms(AlarmNames=["too many orders"])["MetricAlarms"]
    told = alarm["MetricName"], alarm["ComparisonOperator"], alarm["Threshold"], alarm["Period"]
    assert told == ("Orders", "GreaterThanThreshold", 5.0, 60)


def test_a_dashboard_draws_its_widgets(page: Page, console: str, served: Running) -> None:
    watch = served.client("cloudwatch")
    for shop in ("here", "there"):
        watch.put_metric_data(
            Namespace="Shops",
            MetricData=[
                {
                    "MetricName": "Sales",
                    "Value": 5,
                    "Dimensions": [{"Name": "Shop", "Value": shop}],
                }
            ],
        )
    lines = [["Shops", "Sales", "Shop", "here"], ["...", "there", {"label": "Over there"}]]
    shown = {"title": "Sold", "metrics": lines, "stat": "Maximum", "period": 60}
    text = {"type": "text", "width": 24, "height": 2, "properties": {"markdown": "Our shops"}}
    widgets = [text, {"type": "metric", "y": 2, "width": 12, "height": 6, "properties": shown}]
    page.goto(f"{console}/metrics/dashboards")
    page.get_by_role("button", name="Create dashboard").click()
    page.get_by_role("textbox", name="Name").fill("shops")
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_role("button", name="Edit").click()
    write(page, "Definition", json.dumps({"widgets": widgets}))
    with saved(page, "was saved"):
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Our shops", exact=True)).to_be_visible()
    drawn = page.get_by_role("img", name=re.compile("^Sold: Sales here 5, Over there 5"))
    expect(drawn).to_be_visible()


def test_a_budget_shows_what_is_left_of_it(page: Page, console: str, served: Running) -> None:
    page.goto(f"{console}/costs")
    page.get_by_role("button", name="Create a budget").click()
    page.get_by_role("textbox", name="Name").fill("research")
    page.get_by_role("textbox", name="Dollars").fill("250")
    with saved(page, "was created"):
        page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("row", name="research")).to_contain_text("$250.00")
    expect(page.get_by_label("0% of research is spent")).to_have_count(1)
    [budget] = served.client("budgets").describe_budgets(AccountId="000000000000")["Budgets"]
    assert (budget["TimeUnit"], budget["BudgetLimit"]["Unit"]) == ("MONTHLY", "USD")


def test_log_lines_are_found_followed_and_counted(
    page: Page, console: str, served: Running
) -> None:
    logs = served.client("logs")
    logs.create_log_group(logGroupName="/shop/orders")
    logs.create_log_stream(logGroupName="/shop/orders", logStreamName="till")

    def put(*lines: str) -> None:
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines]
        place = {"logGroupName": "/shop/orders", "logStreamName": "till"}
        logs.put_log_events(**place, logEvents=events)

    put("sold 3 apples", "ERROR no pears left")
    page.goto(f"{console}/logs")
    page.get_by_role("combobox", name="Log group").fill("orders")
    page.get_by_role("option", name="/shop/orders").click()
    lines = page.get_by_role("log", name="Log lines")
    expect(lines).to_contain_text("sold 3 apples", timeout=10_000)
    page.get_by_role("textbox", name="Pattern").fill("ERROR")
    page.get_by_role("button", name="Search").click()
    expect(lines).not_to_contain_text("sold 3 apples")
    put("ERROR no plums left")
    expect(lines).to_contain_text("no plums left", timeout=10_000)
    page.get_by_label("In the language of Logs Insights").fill("stats count(*) as lines")
    page.get_by_role("button", name="Run").click()
    results = page.get_by_role("region", name="results")
    expect(results.get_by_role("cell")).to_have_text("3", timeout=10_000)


def test_a_request_is_shown_as_a_waterfall(page: Page, console: str, served: Running) -> None:
    plane = served.client("apigateway")
    api = plane.import_rest_api(body=(ROOT / "examples/petstore.yaml").read_bytes())["id"]
    plane.create_deployment(restApiId=api, stageName="prod")
    page.goto(f"{console}/apis/{api}/stages/prod")
    page.get_by_role("switch", name="Trace requests").click(force=True)
    with saved(page, "The settings were saved"):
        page.get_by_role("button", name="Save settings").click()
    trace = f"1-{int(time.time()):08x}-0123456789abcdef01234567"
    said = {"x_amzn_trace_id": f"Root={trace};Sampled=1"}
    served.ask(f"/restapis/{api}/prod/_user_request_/pets", **said)
    page.goto(f"{console}/traces")
    link = page.get_by_role("link", name=trace)
    for _ in range(20):
        page.get_by_role("button", name="Search").click()
        if link.count():
            break
        page.wait_for_timeout(300)
    link.click()
    steps = page.get_by_role("list", name="Steps")
    expect(steps.get_by_role("listitem").first).to_contain_text("prod")
    expect(page.get_by_label("The step")).to_contain_text('"status"')
    page.goto(f"{console}/traces/map")
    services = page.get_by_role("region", name="services")
    expect(services.get_by_role("row", name="prod")).to_contain_text("AWS::ApiGateway::Stage")
    expect(page.get_by_role("img", name="calls")).to_be_visible()
