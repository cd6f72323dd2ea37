"""What is said of an alarm: reasons, their data, and the messages of its actions.

Source: CloudWatch User Guide, "Using Amazon CloudWatch alarms" and "Lambda functions as alarm
actions"; the texts are the service's.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from torana.services.cloudwatch.judge import ALARM, BANDS, COMPARISONS, INSUFFICIENT, Verdict
from torana.services.given import items

Json = dict[str, Any]
UNCHECKED = "Unchecked: Initial alarm creation"


def reason(config: Json, verdict: Verdict, before: str) -> str:
    """Why an alarm is in its state."""
    if verdict.state == INSUFFICIENT:
        number = verdict.missing
        return f"Insufficient Data: {number} datapoint{_s(number)} {_were(number)} unknown."
    told = verdict.breaching if verdict.state == ALARM else verdict.real
    if not told:
        number = verdict.missing
        treated = config.get("TreatMissingData") or "missing"
        return (
            f"Threshold Crossed: no datapoints were received for {number} period{_s(number)} and "
            f"{number} missing datapoint{_s(number)} {_were(number)} treated as "
            f"[{'Breaching' if treated == 'breaching' else 'NonBreaching'}]."
        )
    needed = config.get("DatapointsToAlarm") or config["EvaluationPeriods"]
    shown = ", ".join(f"{each.value:.15g} ({_short(each.at)})" for each in told)
    words = COMPARISONS[config["ComparisonOperator"]].words
    state_not = "" if verdict.state == ALARM else "not "
    return (
        f"Threshold Crossed: {len(told)} out of the last {len(verdict.real) + verdict.missing} "
        f"datapoints [{shown}] {_were(len(told))} {state_not}{words} the {_limit(config, told[0])} "
        f"(minimum {needed} datapoint{_s(needed)} for {before} -> {verdict.state} transition)."
    )[:1023]


def _limit(config: Json, first: Any) -> str:
    if config["ComparisonOperator"] in BANDS:
        return f"thresholds [{first.low}, {first.high}]"
    return f"threshold ({config['Threshold']})"


def reason_data(config: Json, verdict: Verdict, now: float) -> str:
    """The same, for programs."""
    stat = config.get("Statistic") or config.get("ExtendedStatistic")
    found: Json = {
        "version": "1.0",
        "queryDate": iso(now),
        "startDate": iso(verdict.real[-1].at) if verdict.real else None,
        "statistic": stat,
        "period": config.get("Period"),
        "recentDatapoints": [each.value for each in reversed(verdict.real)],
        "threshold": config.get("Threshold"),
        "evaluatedDatapoints": [
            {"timestamp": iso(each.at), "value": each.value} for each in verdict.real[:20]
        ],
    }
    kept = {name: value for name, value in found.items() if value is not None}
    return msgspec.json.encode(kept).decode()[:4000]


def notification(config: Json, state: Json, before: str) -> tuple[str, str]:
    """Subject and message for a topic, or a webhook."""
    arn: str = config["AlarmArn"]
    region, account = arn.split(":")[3:5]
    trigger = {
        name: config[name]
        for name in (
            "MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period",
            "Unit", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold",
            "TreatMissingData", "Metrics",
        )
        if config.get(name) is not None
    }  # fmt: skip
    if "Dimensions" in trigger:
        trigger["Dimensions"] = [
            {"name": each["Name"], "value": each["Value"]} for each in trigger["Dimensions"]
        ]
    message: Json = {
        "AlarmName": config["AlarmName"],
        "AlarmDescription": config.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": iso(config["Updated"]),
        "NewStateValue": state["value"],
        "NewStateReason": state["reason"],
        "StateChangeTime": iso(state["updated"]),
        "Region": region,
        "AlarmArn": arn,
        "OldStateValue": before,
        "OKActions": config.get("OKActions") or [],
        "AlarmActions": config.get("AlarmActions") or [],
        "InsufficientDataActions": config.get("InsufficientDataActions") or [],
    }
    if "AlarmRule" in config:
        message["AlarmRule"] = config["AlarmRule"]
    else:
        message["Trigger"] = trigger
    subject = f'{state["value"]}: "{config["AlarmName"]}" in {region}'
    return subject[:100], msgspec.json.encode(message).decode()


def event(config: Json, state: Json, before: Json) -> Json:
    """What a function gets."""
    arn: str = config["AlarmArn"]
    region, account = arn.split(":")[3:5]
    metrics: list[Json] = config.get("Metrics") or [_single(config)]
    configuration: Json = {"description": config.get("AlarmDescription")}
    if "AlarmRule" in config:
        configuration["alarmRule"] = config["AlarmRule"]
    else:
        configuration["metrics"] = metrics
    return {
        "source": "aws.cloudwatch",
        "alarmArn": arn,
        "accountId": account,
        "time": iso(state["updated"]),
        "region": region,
        "alarmData": {
            "alarmName": config["AlarmName"],
            "state": _told(state),
            "previousState": _told(before),
            "configuration": configuration,
        },
    }


def _single(config: Json) -> Json:
    dimensions = {each["Name"]: each["Value"] for each in items(config, "Dimensions")}
    return {
        "id": "m1",
        "metricStat": {
            "metric": {
                "namespace": config.get("Namespace"),
                "name": config.get("MetricName"),
                "dimensions": dimensions,
            },
            "period": config.get("Period"),
            "stat": config.get("Statistic") or config.get("ExtendedStatistic"),
        },
        "returnData": True,
    }


def _told(state: Json) -> Json:
    found = {
        "value": state["value"],
        "reason": state["reason"],
        "reasonData": state.get("data"),
        "timestamp": iso(state["updated"]),
    }
    return {name: value for name, value in found.items() if value}


def iso(seconds: float) -> str:
    """`2026-03-01T10:00:00.000+0000`."""
    at = datetime.fromtimestamp(seconds, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def _short(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d/%m/%y %H:%M:%S")


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
