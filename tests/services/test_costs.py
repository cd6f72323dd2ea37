"""Cost Explorer and Budgets through boto3, over a real ledger and real metrics."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests.services.serving import called, client, make_router, parts, serving
from torana.app.costs import Costs
from torana.llm.spend import Spent
from torana.services.apigateway.book import Book
from torana.services.budgets.budgets import Budgets
from torana.services.budgets.spending import Spending
from torana.services.costs.explorer import Explorer
from torana.services.costs.forecast import forecast, total
from torana.services.costs.rows import Where
from torana.services.sns import Sns
from torana.settings import Prices
from torana.telemetry.distribution import Distribution
from torana.telemetry.recorder import Point, Series, dimensions
from torana.telemetry.timeseries import TimeSeries

TODAY = date(2026, 3, 20)
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC).timestamp()
WHERE = Where("eu-west-1", "000000000000")
PRICES = Prices(requests=3.5, invocations=0.2, gb_seconds=0.0000166667)


class Desk:
    def __init__(self, port: int, series: TimeSeries, usage: Path, spending: Spending) -> None:
        self.port, self.series, self.usage, self.spending = port, series, usage, spending
        self.clients = {name: client(name, port) for name in ("ce", "budgets", "sns", "sqs")}

    async def __call__(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return await called(getattr(self.clients[service], operation), **params)

    def spent(self, day: date, usd: float, **more: Any) -> None:
        given: dict[str, Any] = {"key": "k", "model": "fast", "provider": "up", "target": "x",
                                 "status": 200, "input": 90, "output": 10, "team": "a"}  # fmt: skip
        at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC).timestamp()
        line = msgspec.json.encode(Spent(at, **{**given, **more}, usd=usd))
        with (self.usage / f"usage-{day}.jsonl").open("ab") as file:
            file.write(line + b"\n")

    async def count(self, namespace: str, name: str, value: float, **dims: str) -> None:
        values = Distribution()
        values.add(value)
        series = Series(namespace, name, dimensions(**dims), "Count")
        await self.series.keep([Point(series, int(NOW) - 3600, values)])

    async def usage_of(
        self, start: str = "2026-03-01", end: str = "2026-03-21", **params: Any
    ) -> list[Any]:
        """The groups' amounts of each span, or the total."""
        given: dict[str, Any] = {"Granularity": "MONTHLY", "Metrics": ["UnblendedCost"], **params}
        found = await self(
            "ce", "get_cost_and_usage", TimePeriod={"Start": start, "End": end}, **given
        )
        name = given["Metrics"][0]
        return [
            {"/".join(g["Keys"]): float(g["Metrics"][name]["Amount"]) for g in each["Groups"]}
            if "GroupBy" in params
            else float(each["Total"][name]["Amount"])
            for each in found["ResultsByTime"]
        ]


@asynccontextmanager
async def desk(folder: Path) -> AsyncGenerator[Desk]:
    usage = folder / "usage"
    usage.mkdir()
    series = TimeSeries(folder / "metrics.db", clock=lambda: NOW)
    await series.open()
    plain = parts()
    explorer = Explorer(Costs(series, usage, PRICES).daily, WHERE, series.clock)
    spending = Spending(plain.store, explorer, WHERE, plain.reach)
    budgets = Budgets(Book(plain.store, "budgets"), spending, WHERE, series.clock)
    made = msgspec.structs.replace(
        plain,
        spent=(explorer, budgets),
        topics=Sns(plain.store, plain.background, plain.reach, "node"),
    )
    async with serving(make_router(of=made).handle) as listener:
        yield Desk(listener.port, series, usage, spending)
    await plain.background.aclose()
    await series.close()


async def test_tokens_are_grouped_by_team_and_model(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        costs.spent(date(2026, 3, 2), 0.5)
        costs.spent(date(2026, 3, 3), 0.25, team="b", model="slow")
        costs.spent(date(2026, 3, 3), 1.0, team="b")
        by = [{"Type": "TAG", "Key": "team"}, {"Type": "TAG", "Key": "model"}]
        assert await costs.usage_of(GroupBy=by) == [
            {"team$a/model$fast": 0.5, "team$b/model$fast": 1.0, "team$b/model$slow": 0.25}
        ]
        daily = await costs.usage_of("2026-03-02", "2026-03-05", Granularity="DAILY")
        assert daily == [0.5, 1.25, 0.0]
        tokens = {"Dimensions": {"Key": "USAGE_TYPE", "Values": ["Tokens"]}}
        assert await costs.usage_of(Metrics=["UsageQuantity"], Filter=tokens) == [300]


async def test_requests_and_functions_cost_what_the_settings_say(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        await costs.count("AWS/ApiGateway", "Count", 2_000_000, ApiName="Orders")
        await costs.count("AWS/ApiGateway", "Count", 2_000_000, ApiName="Orders", Stage="prod")
        await costs.count("AWS/Lambda", "Invocations", 1_000_000, FunctionName="f")
        await costs.count("Torana/Functions", "GBSeconds", 60_000, FunctionName="f")
        by = [{"Type": "DIMENSION", "Key": "SERVICE"}]
        [found] = await costs.usage_of(GroupBy=by)
        assert found == {"AWS Lambda": pytest.approx(1.200002), "Amazon API Gateway": 7.0}
        requests = {"Dimensions": {"Key": "USAGE_TYPE", "Values": ["Requests"]}}
        only = {"And": [{"Tags": {"Key": "function", "Values": ["f"]}}, {"Not": requests}]}
        assert await costs.usage_of(Filter=only) == [pytest.approx(1.000002)]


async def test_what_the_cache_saved_is_told_and_not_charged(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        costs.spent(TODAY, 0.0, hit=True, saved=0.3, input=0, output=0)
        saved = {"Dimensions": {"Key": "USAGE_TYPE", "Values": ["CacheSavings"]}}
        assert await costs.usage_of(Metrics=["UsageQuantity"], Filter=saved) == [0.3]
        assert await costs.usage_of() == [0.0]


async def test_values_of_dimensions_and_tags_are_listed(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        costs.spent(TODAY, 1.0, key="alice")
        costs.spent(TODAY, 1.0, key="bob")
        period = {"Start": "2026-03-01", "End": "2026-03-21"}
        found = await costs("ce", "get_tags", TimePeriod=period, TagKey="key", SearchString="BO")
        assert found["Tags"] == ["bob"]
        found = await costs("ce", "get_dimension_values", TimePeriod=period, Dimension="SERVICE")
        assert [each["Value"] for each in found["DimensionValues"]] == ["LLM API"]


async def test_questions_that_cannot_be_are_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        wrong: list[dict[str, Any]] = [
            {"Granularity": "HOURLY"},
            {"Metrics": ["Dollars"]},
            {"GroupBy": [{"Type": "TAG", "Key": "colour"}]},
            {"GroupBy": [{"Type": "COST_CATEGORY", "Key": "x"}]},
            {"Filter": {"CostCategories": {"Key": "x", "Values": ["y"]}}},
            {"start": "2026-03-21"},
            {"start": "yesterday"},
        ]
        for params in wrong:
            with pytest.raises(ClientError) as caught:
                await costs.usage_of(**params)
            assert caught.value.response["Error"]["Code"] == "ValidationException", params


def test_a_forecast_knows_trend_and_days_of_the_week() -> None:
    random = Random(5)

    def real(at: int) -> float:
        return 10 + 0.1 * at + (5 if at % 7 < 5 else 0)

    past = [real(at) + random.gauss(0, 0.3) for at in range(70)]
    past[33] = 400.0
    found = forecast(past, 1, 14, 80)
    for ahead, day in enumerate(found, 1):
        assert day.low <= day.mean <= day.high
        assert abs(day.mean - real(69 + ahead)) < 1.5
    assert abs(total(found).mean - sum(real(70 + n) for n in range(14))) < 10


AHEAD: dict[str, Any] = {
    "TimePeriod": {"Start": "2026-03-21", "End": "2026-04-10"},
    "Metric": "UNBLENDED_COST",
    "Granularity": "MONTHLY",
}


async def test_nothing_is_foretold_of_a_short_past(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        costs.spent(TODAY - timedelta(days=3), 2.0)
        with pytest.raises(ClientError, match="Insufficient amount"):
            await costs("ce", "get_cost_forecast", **AHEAD)


async def test_days_to_come_are_foretold(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        for number in range(1, 31):
            costs.spent(TODAY - timedelta(days=number), 2.0)
        found = await costs("ce", "get_cost_forecast", **AHEAD)
        assert float(found["Total"]["Amount"]) == pytest.approx(40)
        means = [float(each["MeanValue"]) for each in found["ForecastResultsByTime"]]
        assert means == [pytest.approx(22), pytest.approx(18)]


BUDGET: dict[str, Any] = {
    "BudgetName": "team a",
    "BudgetType": "COST",
    "TimeUnit": "MONTHLY",
    "BudgetLimit": {"Amount": "50", "Unit": "USD"},
    "CostFilters": {"TagKeyValue": ["user:team$a"]},
}
ACCOUNT = {"AccountId": "000000000000"}


async def test_a_budget_tells_its_topic_once_in_a_period(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        topic = (await costs("sns", "create_topic", Name="money"))["TopicArn"]
        url = (await costs("sqs", "create_queue", QueueName="q"))["QueueUrl"]
        await costs(
            "sns", "subscribe", TopicArn=topic, Protocol="sqs",
            Endpoint="arn:aws:sqs:eu-west-1:000000000000:q",
        )  # fmt: skip
        notification = {
            "NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0,
        }  # fmt: skip
        subscriber = {"SubscriptionType": "SNS", "Address": topic}
        told = [{"Notification": notification, "Subscribers": [subscriber]}]
        await costs(
            "budgets", "create_budget", **ACCOUNT, Budget=BUDGET, NotificationsWithSubscribers=told
        )
        costs.spent(TODAY, 39.0)
        costs.spent(TODAY, 500.0, team="b")
        await costs.spending.look()
        costs.spent(TODAY, 2.5)
        await costs.spending.look()
        await costs.spending.look()
        found = await costs("sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=5,
                            MaxNumberOfMessages=10)  # fmt: skip
        [message] = found["Messages"]
        text = json.loads(message["Body"])["Message"]
        assert "Alert threshold: greater than 80 % of $50" in text
        assert "Actual amount: $41.50" in text
        own = {**ACCOUNT, "BudgetName": "team a"}
        found = await costs("budgets", "describe_budget", **own)
        assert found["Budget"]["CalculatedSpend"]["ActualSpend"]["Amount"] == "41.5"
        [state] = (await costs("budgets", "describe_notifications_for_budget", **own))[
            "Notifications"
        ]
        assert state["NotificationState"] == "ALARM"


async def test_budgets_and_their_notifications_are_managed(tmp_path: Path) -> None:
    async with desk(tmp_path) as costs:
        own = {**ACCOUNT, "BudgetName": "team a"}
        await costs("budgets", "create_budget", **ACCOUNT, Budget=BUDGET)
        with pytest.raises(ClientError, match="already exists"):
            await costs("budgets", "create_budget", **ACCOUNT, Budget=BUDGET)
        first = {"NotificationType": "FORECASTED", "ComparisonOperator": "GREATER_THAN",
                 "Threshold": 100.0, "ThresholdType": "ABSOLUTE_VALUE"}  # fmt: skip
        topics = [{"SubscriptionType": "SNS", "Address": f"arn:aws:sns:x:0:{n}"} for n in "ab"]
        await costs(
            "budgets", "create_notification", **own, Notification=first, Subscribers=topics[:1]
        )
        second = {**first, "Threshold": 120.0}
        await costs(
            "budgets", "update_notification", **own, OldNotification=first, NewNotification=second
        )
        await costs(
            "budgets", "create_subscriber", **own, Notification=second, Subscriber=topics[1]
        )
        found = await costs(
            "budgets", "describe_subscribers_for_notification", **own, Notification=second
        )
        assert found["Subscribers"] == topics
        more = {**BUDGET, "BudgetLimit": {"Amount": "70", "Unit": "USD"}}
        await costs("budgets", "update_budget", **ACCOUNT, NewBudget=more)
        [shown] = (await costs("budgets", "describe_budgets", **ACCOUNT))["Budgets"]
        assert shown["BudgetLimit"]["Amount"] == "70"
        await costs("budgets", "delete_budget", **own)
        with pytest.raises(ClientError) as caught:
            await costs("budgets", "describe_budget", **own)
        assert caught.value.response["Error"]["Code"] == "NotFoundException"
        for wrong in (
            {"BudgetType": "USAGE"},
            {"BudgetLimit": {"Amount": "0", "Unit": "USD"}},
            {"CostFilters": {"TagKeyValue": ["user:colour$red"]}},
        ):
            with pytest.raises(ClientError) as caught:
                await costs("budgets", "create_budget", **ACCOUNT, Budget={**BUDGET, **wrong})
            assert caught.value.response["Error"]["Code"] == "InvalidParameterException", wrong
