"""CloudWatch's alarms through boto3: judged by a clock that is moved, with real targets."""
# boto3 makes its clients, and so their types, at run time.
# pyright: basic, reportCallIssue=false, reportArgumentType=false
# pyright: reportTypedDictNotRequiredAccess=false

import asyncio
import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.services.serving import called, client, recording, serving
from tests.services.watching import Watch, maths, minute, stat, watching
from torana.message import Headers, Reply, Request
from torana.services.cloudwatch.judge import Datapoint, judge
from torana.state.store import Change

TABLE = [
    # datapoints (the oldest first), needed of 3, then: missing, ignore, breaching, notBreaching
    ("0-X-X", 3, "OK OK OK OK"),
    ("----0", 3, "OK OK OK OK"),
    ("-----", 3, "INSUFFICIENT_DATA same ALARM OK"),
    ("0XX-X", 3, "ALARM ALARM ALARM ALARM"),
    ("--X--", 3, "ALARM same ALARM OK"),
    ("0-X-X", 2, "ALARM ALARM ALARM ALARM"),
    ("00X0X", 2, "ALARM ALARM ALARM ALARM"),
    ("0-X--", 2, "OK OK ALARM OK"),
    ("----0", 2, "OK OK ALARM OK"),
    ("---X-", 2, "ALARM same ALARM OK"),
]
"""Source: CloudWatch User Guide, the tables of "How alarm state is evaluated when data is
missing"."""


@pytest.mark.parametrize(("points", "needed", "states"), TABLE)
def test_missing_datapoints_are_treated_as_the_service_says(
    points: str, needed: int, states: str
) -> None:
    values = {"0": 0.0, "X": 9.0, "-": None}
    given = [Datapoint(at, values[each], None, 5.0) for at, each in enumerate(points)][::-1]
    for treat, wanted in zip(
        ("missing", "ignore", "breaching", "notBreaching"), states.split(), strict=True
    ):
        found = judge(given, "GreaterThanThreshold", 3, needed, treat, "same")
        assert found.state == wanted, treat


async def put_alarm(cloudwatch: Watch, name: str = "a", **more: Any) -> None:
    given = {
        "AlarmName": name, "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 5.0, "ComparisonOperator": "GreaterThanThreshold",
        **more,
    }  # fmt: skip
    await cloudwatch("put_metric_alarm", **{k: v for k, v in given.items() if v is not None})


async def look(cloudwatch: Watch, at: float) -> dict[str, str]:
    """The alarms' states at a minute."""
    cloudwatch.clock.now = minute(0).timestamp() + 60 * at + 3
    await cloudwatch.own.watcher.look()
    found = await cloudwatch("describe_alarms", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return {
        each["AlarmName"]: each["StateValue"]
        for each in (*found["MetricAlarms"], *found["CompositeAlarms"])
    }


async def test_an_alarm_follows_its_metric(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        await put_alarm(cloudwatch, EvaluationPeriods=3, DatapointsToAlarm=2)
        assert await look(cloudwatch, 0) == {"a": "INSUFFICIENT_DATA"}
        for at, value, state in ((0, 9, "ALARM"), (1, 1, "OK"), (2, 8, "ALARM"), (3, 1, "OK")):
            await cloudwatch.put(at=at, Value=float(value))
            assert await look(cloudwatch, at + 1) == {"a": state}, at
        [alarm] = (await cloudwatch("describe_alarms", AlarmNames=["a"]))["MetricAlarms"]
        assert alarm["StateReason"].startswith("Threshold Crossed: 3 out of the last 3 datapoints")
        assert json.loads(alarm["StateReasonData"])["recentDatapoints"] == [1, 8, 1]
        history = await cloudwatch("describe_alarm_history", HistoryItemType="StateUpdate")
        assert [each["HistorySummary"] for each in history["AlarmHistoryItems"]] == [
            "Alarm updated from ALARM to OK",
            "Alarm updated from OK to ALARM",
            "Alarm updated from ALARM to OK",
            "Alarm updated from INSUFFICIENT_DATA to ALARM",
        ]


async def test_an_alarm_may_be_on_maths(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        await put_alarm(
            cloudwatch,
            **dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period")),
            Metrics=[
                stat("errors", "Sum", "errors", ReturnData=False),
                stat("all", "Sum", "all", ReturnData=False),
                {**maths("100 * errors / all"), "ReturnData": True},
            ],
        )
        await cloudwatch.put("all", Value=100.0)
        await cloudwatch.put("errors", Value=6.0)
        assert await look(cloudwatch, 1) == {"a": "ALARM"}


async def test_an_alarm_on_a_band_knows_the_hours_of_the_day(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        for hour in range(1, 12 * 24):
            at = -60 * hour
            usual = 100 + 50 * math.sin(at / 1440 * 2 * math.pi)
            await cloudwatch.put(at=at, Value=usual + hour % 5 - 2)
        band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 4)", "ReturnData": True}
        await put_alarm(
            cloudwatch,
            **dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period", "Threshold")),
            Metrics=[stat("m", "Average", period=3600), band],
            ThresholdMetricId="band",
            ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold",
        )
        await cloudwatch.put(at=0, Value=101.0)
        assert await look(cloudwatch, 60) == {"a": "OK"}
        found = await cloudwatch.data(
            stat("m", "Average", period=3600), {**band, "Label": "b"}, last=60
        )
        assert found["m"] == [101]
        await cloudwatch.put(at=60, Value=160.0)
        assert await look(cloudwatch, 120) == {"a": "ALARM"}


async def test_a_composite_alarm_follows_its_rule(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        for name in ("a", "b"):
            await put_alarm(cloudwatch, name, MetricName=name)
        rule = 'ALARM("a") AND NOT (ALARM(b) OR INSUFFICIENT_DATA(b))'
        await cloudwatch("put_composite_alarm", AlarmName="c", AlarmRule=rule)
        await cloudwatch.put("a", at=0, Value=9.0)
        assert (await look(cloudwatch, 1))["c"] == "OK"
        await cloudwatch.put("a", at=1, Value=9.0)
        await cloudwatch.put("b", at=1, Value=1.0)
        assert await look(cloudwatch, 2) == {"a": "ALARM", "b": "OK", "c": "ALARM"}
        with pytest.raises(ClientError, match="rule is a cycle"):
            await cloudwatch("put_composite_alarm", AlarmName="c", AlarmRule="ALARM(c)")
        with pytest.raises(ClientError, match="of the rule of c cannot be deleted"):
            await cloudwatch("delete_alarms", AlarmNames=["a"])


async def until_received(seen: list[Request], number: int) -> list[dict[str, Any]]:
    end = time.monotonic() + 10
    while len(seen) < number and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert len(seen) == number
    return [json.loads(bytes(each.body)) for each in seen]


def ok() -> Reply:
    return Reply(200, Headers(), b"")


async def test_a_webhook_is_told_again_until_it_answers(tmp_path: Path) -> None:
    seen: list[Request] = []
    replies = [Reply(503, Headers(), b""), ok()]
    async with watching(tmp_path) as cloudwatch, serving(recording(replies, seen)) as hook:
        await put_alarm(cloudwatch, AlarmActions=[f"http://127.0.0.1:{hook.port}/hook?x=1"])
        await cloudwatch.put(Value=9.0)
        await look(cloudwatch, 1)
        told = (await until_received(seen, 2))[-1]
        assert seen[0].target == "/hook?x=1"
        assert (told["AlarmName"], told["OldStateValue"], told["NewStateValue"]) == (
            "a", "INSUFFICIENT_DATA", "ALARM",
        )  # fmt: skip
        assert told["Trigger"]["Threshold"] == 5


async def test_what_was_not_told_is_told_after_a_restart(tmp_path: Path) -> None:
    seen: list[Request] = []
    async with watching(tmp_path) as cloudwatch:
        store = cloudwatch.store
        await put_alarm(cloudwatch, AlarmActions=["http://127.0.0.1:9/nobody"])
        await cloudwatch.put(Value=9.0)
        await look(cloudwatch, 1)
    [left] = [each async for each in store.scan("cloudwatch-alarm-action")]
    assert b"127.0.0.1:9" in left.body
    async with serving(recording([ok()], seen)) as hook:
        body = left.body.replace(b"127.0.0.1:9/", f"127.0.0.1:{hook.port}/".encode())
        await store.commit([Change(left.kind, left.id, left.version, body)])
        async with watching(tmp_path, store) as cloudwatch:
            await cloudwatch.own.resume()
            assert (await until_received(seen, 1))[0]["NewStateValue"] == "ALARM"
            end = time.monotonic() + 10
            while [1 async for _ in store.scan("cloudwatch-alarm-action")]:
                assert time.monotonic() < end
                await asyncio.sleep(0.01)


async def test_a_state_that_is_set_acts_and_lasts_until_the_next_look(tmp_path: Path) -> None:
    seen: list[Request] = []
    async with watching(tmp_path) as cloudwatch, serving(recording([ok(), ok()], seen)) as hook:
        url = f"http://127.0.0.1:{hook.port}/"
        await put_alarm(cloudwatch, AlarmActions=[url], OKActions=[url])
        await cloudwatch("set_alarm_state", AlarmName="a", StateValue="ALARM", StateReason="trying")
        assert (await until_received(seen, 1))[0]["NewStateReason"] == "trying"
        await cloudwatch.put(Value=1.0)
        assert await look(cloudwatch, 1) == {"a": "OK"}
        assert (await until_received(seen, 2))[1]["NewStateValue"] == "OK"


async def test_disabled_actions_are_not_done(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        await put_alarm(cloudwatch, AlarmActions=["http://127.0.0.1:9/"])
        await cloudwatch("disable_alarm_actions", AlarmNames=["a"])
        await cloudwatch.put(Value=9.0)
        assert await look(cloudwatch, 1) == {"a": "ALARM"}
        assert [1 async for _ in cloudwatch.store.scan("cloudwatch-alarm-action")] == []


async def test_a_suppressor_keeps_actions_back(tmp_path: Path) -> None:
    seen: list[Request] = []
    async with watching(tmp_path) as cloudwatch, serving(recording([ok()], seen)) as hook:
        await put_alarm(cloudwatch, "a")
        await put_alarm(cloudwatch, "night", MetricName="night")
        await cloudwatch(
            "put_composite_alarm",
            AlarmName="c",
            AlarmRule="ALARM(a)",
            AlarmActions=[f"http://127.0.0.1:{hook.port}/"],
            ActionsSuppressor="night",
            ActionsSuppressorWaitPeriod=60,
            ActionsSuppressorExtensionPeriod=60,
        )
        for at in range(4):
            await cloudwatch.put("m", at=at, Value=9.0)
            await cloudwatch.put("night", at=at, Value=9.0 if at < 2 else 1.0)
        assert (await look(cloudwatch, 1))["c"] == "ALARM"
        [alarm] = (await cloudwatch("describe_alarms", AlarmNames=["c"]))["CompositeAlarms"]
        assert alarm["ActionsSuppressedBy"] == "Alarm"
        await look(cloudwatch, 3)
        assert not seen
        await look(cloudwatch, 4.2)
        assert (await until_received(seen, 1))[0]["AlarmName"] == "c"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"Statistic": "p99"}, "ValidationError"),
    ({"Statistic": None, "ExtendedStatistic": "p101"}, "ValidationError"),
    ({"Threshold": None}, "InvalidParameterCombination"),
    ({"Period": 61}, "InvalidParameterValue"),
    ({"DatapointsToAlarm": 2}, "ValidationError"),
    ({"AlarmActions": ["arn:aws:swf:x"]}, "ValidationError"),
    ({"TreatMissingData": "sometimes"}, "ValidationError"),
    ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "InvalidParameterCombination"),
    ({"EvaluationPeriods": 100, "Period": 86400}, "ValidationError"),
]


async def test_alarms_that_cannot_be_are_refused(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        for given, code in WRONG:
            with pytest.raises(ClientError) as caught:
                await put_alarm(cloudwatch, **given)
            assert caught.value.response["Error"]["Code"] == code, given


async def test_alarms_and_dashboards_have_tags(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        await put_alarm(cloudwatch, Tags=[{"Key": "team", "Value": "a"}])
        [alarm] = (await cloudwatch("describe_alarms"))["MetricAlarms"]
        arn = alarm["AlarmArn"]
        await cloudwatch("tag_resource", ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
        await cloudwatch("untag_resource", ResourceARN=arn, TagKeys=["team"])
        tags = await cloudwatch("list_tags_for_resource", ResourceARN=arn)
        assert tags["Tags"] == [{"Key": "b", "Value": "2"}]


async def test_a_dashboard_is_kept_and_looked_through(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        body = json.dumps({"widgets": [{"type": "metric", "properties": {}, "width": 6}]})
        put = await cloudwatch("put_dashboard", DashboardName="d", DashboardBody=body)
        assert put["DashboardValidationMessages"] == [
            {
                "DataPath": "/widgets/0/properties",
                "Message": "Should have required property 'metrics'",
            }
        ]
        assert (await cloudwatch("get_dashboard", DashboardName="d"))["DashboardBody"] == body
        [entry] = (await cloudwatch("list_dashboards"))["DashboardEntries"]
        assert (entry["DashboardName"], entry["Size"]) == ("d", len(body))
        for wrong in ("{", '{"widgets": 3}', '{"widgets": [{"type": "chart"}]}'):
            with pytest.raises(ClientError) as caught:
                await cloudwatch("put_dashboard", DashboardName="e", DashboardBody=wrong)
            assert caught.value.response["Error"]["Code"] == "InvalidParameterInput"
            assert "dashboardValidationMessages" in caught.value.response
        await cloudwatch("delete_dashboards", DashboardNames=["d"])
        with pytest.raises(ClientError, match="Dashboard d does not exist"):
            await cloudwatch("get_dashboard", DashboardName="d")


async def test_an_alarm_takes_a_canary_back(tmp_path: Path) -> None:
    async with watching(tmp_path) as cloudwatch:
        gateway = client("apigateway", cloudwatch.port)

        async def do(operation: str, **params: Any) -> dict[str, Any]:
            return await called(getattr(gateway, operation), **params)

        api = (await do("create_rest_api", name="orders"))["id"]
        [root] = (await do("get_resources", restApiId=api))["items"]
        own = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
        await do("put_method", **own, authorizationType="NONE")
        await do("put_integration", **own, type="MOCK")
        await do("create_deployment", restApiId=api, stageName="prod")
        await do(
            "create_deployment",
            restApiId=api, stageName="prod", canarySettings={"percentTraffic": 10},
        )  # fmt: skip
        stage = {"restApiId": api, "stageName": "prod"}
        assert (await do("get_stage", **stage))["canarySettings"]["percentTraffic"] == 10
        action = f"arn:torana:apigateway:eu-west-1:000000000000:restapis/{api}/stages/prod/canary"
        await put_alarm(cloudwatch, AlarmActions=[action])
        await cloudwatch.put(Value=9.0)
        await look(cloudwatch, 1)
        end = time.monotonic() + 10
        done = list[dict[str, Any]]()
        while not done and time.monotonic() < end:
            found = await cloudwatch("describe_alarm_history", HistoryItemType="Action")
            done = found["AlarmHistoryItems"]
        assert [each["HistorySummary"] for each in done] == [
            f"Successfully executed action {action}"
        ]
        assert "canarySettings" not in await do("get_stage", **stage)
