"""CloudWatch's metrics through boto3, on a real file."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import asyncio
import json
import os
import statistics
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ServiceModel

from tests.services.serving import ROOT, called
from tests.services.watching import HOUR, maths, minute, stat, watching

OF_ONE_TO_TEN = {
    "SampleCount": 10, "Sum": 55, "Average": 5.5, "Minimum": 1, "Maximum": 10,
    "p50": 5, "p90": 9, "p100": 10, "tm90": 5, "TM(10%:90%)": 5.5, "IQM": 5.5,
    "TM(2:5)": 4, "TC(:3)": 3, "TS(8:)": 19, "PR(:5)": 50, "wm90": 5.4,
    "tc80": 8, "WM(3:6)": 4.8,
}  # fmt: skip


async def test_statistics_of_ten_values(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        await cloudwatch.put(Values=[float(each) for each in range(1, 11)])
        asked = [stat(f"s{n}", name, Label=name) for n, name in enumerate(OF_ONE_TO_TEN)]
        found = await cloudwatch.data(*asked)
        assert found == {name: [pytest.approx(value)] for name, value in OF_ONE_TO_TEN.items()}


async def test_percentiles_of_many_values_are_right_within_one_percent(tmp_path: Path) -> None:
    random = Random(7)
    values = [random.lognormvariate(3, 1.5) for _ in range(3000)]
    async with watching(tmp_path) as cloudwatch:
        for number in range(20):
            part = values[number * 150 : number * 150 + 150]
            await cloudwatch.put(Values=part, at=number % 10)
        found = await cloudwatch.data(
            stat("p50", "p50", period=600), stat("p99", "p99", period=600)
        )
        cuts = statistics.quantiles(values, n=100)
        assert found["p50"] == [pytest.approx(cuts[49], rel=0.012)]
        assert found["p99"] == [pytest.approx(cuts[98], rel=0.03)]


async def test_summed_up_values_have_no_percentiles(tmp_path: Path) -> None:
    summary = {"SampleCount": 4, "Sum": 20, "Minimum": 1, "Maximum": 9}
    async with watching(tmp_path) as cloudwatch:
        await cloudwatch.put(StatisticValues=summary)
        found = await cloudwatch.data(stat("avg", "Average"), stat("p", "p50"))
        assert found == {"avg": [5], "p": []}


async def test_values_and_counts_add_up_over_calls_and_restarts(tmp_path: Path) -> None:
    for _ in range(2):
        async with watching(tmp_path) as cloudwatch:
            await cloudwatch.put(Values=[1.0, 2.0], Counts=[3, 2])
            await cloudwatch.put(Value=5.0, at=1)
    async with watching(tmp_path) as cloudwatch:
        found = await cloudwatch.data(stat("sum", "Sum"), stat("n", "SampleCount"))
        assert found == {"sum": [14, 10], "n": [10, 2]}


MATHS: dict[str, Any] = {
    "a + b": [11, 22, 33],
    "100 * a / b": [10, 10, 10],
    "-a ^ 2": [-1, -4, -9],
    "a > 1 && b < 30": [0, 1, 0],
    "IF(a == 2, b, 0)": [0, 20, 0],
    "SUM([a, b])": [11, 22, 33],
    "SUM(METRICS())": [11, 22, 33],
    "a - MIN(a)": [0, 1, 2],
    "RUNNING_SUM(a)": [1, 3, 6],
    "DIFF(b)": [10, 10],
    "RATE(b)": [pytest.approx(1 / 12)] * 2,
    "FILL(a, 7)": [1, 7, 2, 7, 3, 7, 7, 7, 7, 7],
    "FILL(a, LINEAR)": [1, 1.5, 2, 2.5, 3],
    "FILL(a, REPEAT)": [1, 1, 2, 2, 3, 3, 3, 3, 3, 3],
    "MINUTE(a)": [0, 2, 4],
    "a / (a - 2)": [-1, 3],
    "FIRST(SORT([a, b], MAX, DESC))": [10, 20, 30],
    "ABS(CEIL(a / -2)) + METRIC_COUNT([a, b])": [2, 3, 3],
}


async def test_metric_maths(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        for number in (1, 2, 3):
            await cloudwatch.put("a", at=2 * number - 2, Value=float(number))
            await cloudwatch.put("b", at=2 * number - 2, Value=10.0 * number)
        asked = [
            {"Id": f"e{n}", "Label": expression, "Expression": expression}
            for n, expression in enumerate(MATHS)
        ]
        found = await cloudwatch.data(
            stat("a", "Sum", "a", ReturnData=False), stat("b", "Sum", "b", ReturnData=False), *asked
        )
        assert found == MATHS


WRONG = {
    "a +": "unexpected 'end'",
    "a + c": "c is not the id of a query",
    "e * 2": "refers to itself",
    "NONSENSE(a)": "no function NONSENSE",
    "SUM(a)": "must be a time series",
    "SELECT MODE(m) FROM N": "no function MODE",
    "SELECT AVG(m) FROM N WHERE a > 1": "Error in the query at",
    "((((((((((((((((((((((((((((((((((((((((((((((((((((((a": "nested too deeply",
}


async def test_expressions_that_cannot_be_are_refused(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        for expression, why in WRONG.items():
            with pytest.raises(ClientError, match=why) as caught:
                await cloudwatch.data(stat("a", "Sum"), maths(expression))
            assert caught.value.response["Error"]["Code"] == "ValidationError"


async def test_search_finds_metrics_by_words_and_dimensions(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        for name in ("orders", "orders-old", "users"):
            await cloudwatch.put("Latency", dims={"Api": name}, Value=1.0)
        await cloudwatch.put("Count", dims={"Api": "orders"}, Value=2.0)
        await cloudwatch.put("Latency", Value=9.0)
        found = await cloudwatch.data(
            {"Id": "s", "Expression": "SEARCH('{N,Api} MetricName=\"Latency\" orders', 'Sum', 60)"}
        )
        assert found == {"orders": [1], "orders-old": [1]}
        one = maths("SUM(SEARCH('{N,Api} Api=(orders OR users) NOT old', 'Sum', 60))")
        assert await cloudwatch.data(one) == {"e": [4]}


SELECTS: dict[str, dict[str, list[float]]] = {
    "SELECT SUM(Latency) FROM SCHEMA(N, Api) GROUP BY Api": {"a": [4], "b": [10]},
    'SELECT AVG(Latency) FROM SCHEMA("N", Api, Stage)': {"Latency": [9]},
    "SELECT MAX(Latency) FROM N WHERE Api = 'a' AND Stage != 'dev'": {"Latency": [3]},
    "SELECT COUNT(Latency) FROM SCHEMA(N, Api) GROUP BY Api ORDER BY SUM() DESC LIMIT 1": {
        "a": [2]
    },
}


async def test_metrics_insights_queries(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        await cloudwatch.put("Latency", dims={"Api": "a"}, Values=[1.0, 3.0])
        await cloudwatch.put("Latency", dims={"Api": "b"}, Value=10.0)
        await cloudwatch.put("Latency", dims={"Api": "b", "Stage": "dev"}, Value=9.0)
        for text, wanted in SELECTS.items():
            query = {"Id": "q", "Expression": text, "Period": 600}
            assert await cloudwatch.data(query) == wanted, text


async def test_metrics_are_listed_by_what_is_asked(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        await cloudwatch.put("a", dims={"X": "1", "Y": "2"}, Value=1.0)
        await cloudwatch.put("a", dims={"X": "3"}, Value=1.0, Unit="Seconds")
        await cloudwatch.put("b", Value=1.0)
        listed = await cloudwatch("list_metrics", Namespace="N", Dimensions=[{"Name": "X"}])
        assert [each["Dimensions"] for each in listed["Metrics"]] == [
            [{"Name": "X", "Value": "1"}, {"Name": "Y", "Value": "2"}],
            [{"Name": "X", "Value": "3"}],
        ]
        listed = await cloudwatch("list_metrics", MetricName="b")
        assert listed["Metrics"] == [{"Namespace": "N", "MetricName": "b", "Dimensions": []}]


async def test_statistics_come_by_unit(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        await cloudwatch.put(Values=[1.0, 3.0], Unit="Seconds")
        await cloudwatch.put(Value=8.0, Unit="Bytes")
        found = await cloudwatch(
            "get_metric_statistics",
            Namespace="N",
            MetricName="m",
            StartTime=minute(0),
            EndTime=minute(5),
            Period=300,
            Statistics=["Average", "Maximum"],
            ExtendedStatistics=["p90"],
        )
        points = {each["Unit"]: each for each in found["Datapoints"]}
        assert points["Bytes"]["Average"] == 8
        assert points["Seconds"]["Timestamp"] == HOUR
        assert points["Seconds"]["Maximum"] == 3
        assert points["Seconds"]["ExtendedStatistics"] == {"p90": 3}


async def test_too_many_datapoints_are_refused(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        with pytest.raises(ClientError, match="exceeds the limit of 1,440") as caught:
            await cloudwatch(
                "get_metric_statistics",
                Namespace="N", MetricName="m", Statistics=["Sum"], Period=60,
                StartTime=minute(-3000), EndTime=minute(0),
            )  # fmt: skip
        assert caught.value.response["Error"]["Code"] == "InvalidParameterCombination"


async def test_an_answer_comes_in_pages(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        for at in range(5):
            await cloudwatch.put(at=at, Value=float(at))
        values, token, pages = list[float](), {}, 0
        while True:
            found = await cloudwatch(
                "get_metric_data",
                MetricDataQueries=[stat("a", "Sum"), stat("b", "Maximum")],
                StartTime=minute(0), EndTime=minute(10), MaxDatapoints=3, **token,
            )  # fmt: skip
            values += [value for each in found["MetricDataResults"] for value in each["Values"]]
            pages += 1
            if "NextToken" not in found:
                break
            token = {"NextToken": found["NextToken"]}
        assert (values, pages) == ([4, 3, 2, 1, 0, 4, 3, 2, 1, 0], 4)


BAD_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination"),
    ({}, "MissingParameter"),
    ({"Value": float("nan")}, "InvalidParameterValue"),
    ({"Value": 1.0, "StorageResolution": 7}, "InvalidParameterValue"),
    ({"Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterCombination"),
    ({"Value": 1.0, "Timestamp": minute(-60 * 24 * 15)}, "InvalidParameterValue"),
]


async def test_values_that_cannot_be_are_refused(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        for datum, code in BAD_VALUES:
            with pytest.raises(ClientError) as caught:
                await cloudwatch.put(**datum)
            assert caught.value.response["Error"]["Code"] == code, datum


async def test_namespaces_of_the_services_are_theirs(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        with pytest.raises(ClientError, match="AWS/ApiGateway for parameter Namespace"):
            await cloudwatch(
                "put_metric_data",
                Namespace="AWS/ApiGateway",
                MetricData=[{"MetricName": "Count", "Value": 1.0}],
            )


async def test_a_large_put_comes_compressed(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        data = [
            {"MetricName": "m", "Timestamp": minute(0), "Values": [float(n) for n in range(150)]}
            for _ in range(20)
        ]
        await cloudwatch("put_metric_data", Namespace="N", MetricData=data)
        assert await cloudwatch.data(stat("n", "SampleCount")) == {"n": [3000]}


@pytest.mark.parametrize("protocol", ["query", "json", "smithy-rpc-v2-cbor"])
async def test_every_protocol_of_the_service_is_spoken(
    tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServiceModel, "resolved_protocol", protocol, raising=False)
    async with watching(tmp_path) as cloudwatch:
        old = boto3.client(
            "cloudwatch",
            endpoint_url=f"http://127.0.0.1:{cloudwatch.port}",
            region_name="eu-west-1",
            aws_access_key_id=ROOT.access_key_id,
            aws_secret_access_key=ROOT.secret_access_key,
            config=Config(retries={"max_attempts": 1}),
        )
        assert old.meta.service_model.resolved_protocol == protocol
        data = [{"MetricName": "m", "Timestamp": minute(1), "Value": 4.0}]
        await called(old.put_metric_data, Namespace="N", MetricData=data)
        found = await called(
            old.get_metric_statistics,
            Namespace="N", MetricName="m", StartTime=minute(0), EndTime=minute(5),
            Period=60, Statistics=["Sum"],
        )  # fmt: skip
        assert [(p["Timestamp"], p["Sum"]) for p in found["Datapoints"]] == [(minute(1), 4.0)]
        with pytest.raises(ClientError) as caught:
            await called(old.put_metric_data, Namespace="N", MetricData=[{"MetricName": "m"}])
        assert caught.value.response["Error"]["Code"] == "MissingParameter"


async def test_the_aws_cli_puts_and_reads(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:

        async def aws(*words: str) -> dict[str, Any]:
            process = await asyncio.create_subprocess_exec(
                "aws", "cloudwatch", *words, "--region", "eu-west-1", "--output", "json",
                "--endpoint-url", f"http://127.0.0.1:{cloudwatch.port}",
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(tmp_path),
                    "AWS_ACCESS_KEY_ID": ROOT.access_key_id,
                    "AWS_SECRET_ACCESS_KEY": ROOT.secret_access_key,
                },
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, _ = await process.communicate()
            assert process.returncode == 0
            return json.loads(out or b"{}")

        at = minute(1).strftime("%Y-%m-%dT%H:%M:%SZ")
        await aws(
            "put-metric-data", "--namespace", "Shop", "--metric-name", "Orders", "--value", "3",
            "--dimensions", "Store=Rome", "--timestamp", at,
        )  # fmt: skip
        found = await aws(
            "get-metric-statistics", "--namespace", "Shop", "--metric-name", "Orders",
            "--dimensions", "Name=Store,Value=Rome", "--statistics", "Sum", "--period", "60",
            "--start-time", "2026-03-01T10:00:00Z", "--end-time", "2026-03-01T11:00:00Z",
        )  # fmt: skip
        assert [each["Sum"] for each in found["Datapoints"]] == [3]
