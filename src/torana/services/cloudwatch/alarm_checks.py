"""What an alarm's configuration must be. Source: CloudWatch API Reference, PutMetricAlarm."""

from typing import Any

from torana.services.cloudwatch.alarm_rule import compile_rule
from torana.services.cloudwatch.evaluate import check_period, queries
from torana.services.cloudwatch.faults import combination, missing, validation
from torana.services.cloudwatch.judge import BANDS
from torana.services.cloudwatch.metrics import dimensions_of
from torana.services.cloudwatch.statistics import SIMPLE
from torana.services.cloudwatch.statistics import parse as statistic_of

Json = dict[str, Any]

METRIC = (
    "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions",
    "MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit",
    "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator",
    "TreatMissingData", "EvaluateLowSampleCountPercentile", "Metrics", "ThresholdMetricId",
)  # fmt: skip
"""Members of a metric alarm that are kept as they are given."""
COMPOSITE = (
    "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions",
    "AlarmRule", "ActionsSuppressor", "ActionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod",
)  # fmt: skip
_REFUSED = (
    "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria", "EvaluationInterval",
    "ActionConfiguration",
)  # fmt: skip
_TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
_LONGEST = 7 * 86400


def metric_alarm(params: Json) -> None:
    """Raises the service's error for what cannot be evaluated."""
    for name in _REFUSED:
        if params.get(name) is not None:
            raise validation(f"{name} is not supported here.")
    if params.get("EvaluateLowSampleCountPercentile") == "ignore":
        raise validation("EvaluateLowSampleCountPercentile is not supported here.")
    operator = params.get("ComparisonOperator")
    periods = params.get("EvaluationPeriods")
    if operator is None or periods is None:
        raise missing("ComparisonOperator and EvaluationPeriods are required.")
    if (params.get("DatapointsToAlarm") or 1) > periods:
        raise validation("DatapointsToAlarm must not be greater than EvaluationPeriods.")
    treat = params.get("TreatMissingData") or "missing"
    if treat not in _TREATMENTS:
        raise validation(f"TreatMissingData must be one of {', '.join(_TREATMENTS)}.")
    if params.get("Metrics"):
        _several(params)
    else:
        _one(params)
    banded = params.get("ThresholdMetricId") is not None
    if banded == (params.get("Threshold") is not None):
        raise combination("Exactly one of Threshold and ThresholdMetricId is needed.")
    if banded != (operator in BANDS):
        raise combination(f"{operator} does not go with what the threshold is.")


def _one(params: Json) -> None:
    for name in ("MetricName", "Namespace", "Period"):
        if params.get(name) is None:
            raise missing(f"The parameter {name} is required for alarms on one metric.")
    stats = [params[n] for n in ("Statistic", "ExtendedStatistic") if params.get(n) is not None]
    if len(stats) != 1:
        raise combination("Exactly one of Statistic and ExtendedStatistic is needed.")
    if statistic_of(stats[0]) is None or (stats[0] in SIMPLE) != bool(params.get("Statistic")):
        raise validation(f"The value {stats[0]} for parameter ExtendedStatistic is invalid.")
    check_period(params["Period"])
    dimensions_of(params.get("Dimensions"))
    if params["Period"] * params["EvaluationPeriods"] > _LONGEST:
        raise validation("Metrics cannot be checked across more than seven days.")


def _several(params: Json) -> None:
    for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions",
                 "Period", "Unit"):  # fmt: skip
        if params.get(name):
            raise combination(f"{name} does not go with Metrics.")
    found = queries(params["Metrics"])
    band = params.get("ThresholdMetricId")
    if band is not None and (band not in found or found[band].node is None):
        raise validation("ThresholdMetricId must be the id of an ANOMALY_DETECTION_BAND.")
    returned = [id for id, query in found.items() if query.returned and id != band]
    if len(returned) != 1:
        raise validation("Exactly one element of Metrics must return data.")


def composite_alarm(params: Json) -> list[str]:
    """The names of the alarms that the rule is about. Raises the service's error."""
    if params.get("ActionConfiguration") is not None:
        raise validation("ActionConfiguration is not supported here.")
    given = [params.get(name) is not None for name in COMPOSITE[-3:]]
    if any(given) and not all(given):
        raise validation(
            "ActionsSuppressor, ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod "
            "must be given together."
        )
    return compile_rule(params["AlarmRule"])[1]
