"""What an alarm's datapoints come to. Pure.

Source: CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat
missing data", with their tables.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

ALARM, OK, INSUFFICIENT = "ALARM", "OK", "INSUFFICIENT_DATA"
EXTRA = 2
"""Further periods that are looked at where datapoints are missing."""

Json = dict[str, Any]


class Datapoint(Struct, frozen=True):
    """One period of an alarm. None: there is no value."""

    at: int
    value: float | None
    low: float | None = None
    high: float | None = None
    """The band, or the threshold as `high`."""


class Comparison(Struct, frozen=True):
    """How a value is compared with what is beyond it."""

    breaches: Callable[[float, float | None, float | None], bool]
    words: str


def _above(value: float, low: float | None, high: float | None) -> bool:
    return high is not None and value > high


def _below(value: float, low: float | None, high: float | None) -> bool:
    return low is not None and value < low


COMPARISONS: Mapping[str, Comparison] = {
    "GreaterThanThreshold": Comparison(_above, "greater than"),
    "GreaterThanOrEqualToThreshold": Comparison(
        lambda value, low, high: high is not None and value >= high, "greater than or equal to"
    ),
    "LessThanThreshold": Comparison(
        lambda value, low, high: high is not None and value < high, "less than"
    ),
    "LessThanOrEqualToThreshold": Comparison(
        lambda value, low, high: high is not None and value <= high, "less than or equal to"
    ),
    "GreaterThanUpperThreshold": Comparison(_above, "greater than the upper"),
    "LessThanLowerThreshold": Comparison(_below, "less than the lower"),
    "LessThanLowerOrGreaterThanUpperThreshold": Comparison(
        lambda value, low, high: _above(value, low, high) or _below(value, low, high),
        "less than the lower or greater than",
    ),
}
BANDS = frozenset(name for name in COMPARISONS if "Lower" in name or "Upper" in name)


class Verdict(Struct, frozen=True):
    """A state, and the datapoints that led to it, the newest first."""

    state: str
    real: list[Datapoint]
    breaching: list[Datapoint]
    missing: int


def judge(
    points: Sequence[Datapoint],
    comparison: str,
    periods: int,
    needed: int,
    treat: str,
    before: str,
) -> Verdict:
    """`points`, the newest first, of `periods + EXTRA` periods. `before`: the state until now."""
    breaches = COMPARISONS[comparison].breaches
    real = [each for each in points if each.value is not None][:periods]
    breaching = [
        each
        for each in real
        if each.value is not None and breaches(each.value, each.low, each.high)
    ]
    missing = periods - len(real)
    state = _state(len(real), len(breaching), missing, needed, treat, before)
    return Verdict(state, real, breaching, missing)


def _state(real: int, breaching: int, missing: int, needed: int, treat: str, before: str) -> str:
    if breaching >= needed:
        return ALARM
    if missing <= 0 or treat == "notBreaching":
        return OK
    if treat == "breaching":
        return ALARM if breaching + missing >= needed else OK
    if real and breaching < real:
        return OK
    if treat == "ignore":
        return before
    return ALARM if real else INSUFFICIENT
