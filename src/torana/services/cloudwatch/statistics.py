"""Statistics of a distribution, by the names that clients give them.

Source: CloudWatch User Guide, "CloudWatch statistics definitions".
"""

import re
from collections.abc import Callable

from torana.telemetry.distribution import Distribution

Statistic = Callable[[Distribution], float | None]
"""None: what is kept of the values does not tell."""

SIMPLE: dict[str, Statistic] = {
    "SampleCount": lambda values: values.count,
    "Sum": lambda values: values.total,
    "Average": lambda values: values.total / values.count if values.count else None,
    "Minimum": lambda values: values.low,
    "Maximum": lambda values: values.high,
}

_SHORT = re.compile(r"(p|tm|wm|tc|ts)(100|\d{1,2}(?:\.\d{0,10})?)", re.IGNORECASE)
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_RANGE = re.compile(
    rf"(TM|WM|TC|TS|PR)\(\s*(?:{_NUMBER}(%?))?\s*:\s*(?:{_NUMBER}(%?))?\s*\)", re.IGNORECASE
)


def parse(name: str) -> Statistic | None:
    """The statistic of a name, or None where there is none of it."""
    if name in SIMPLE:
        return SIMPLE[name]
    if name.upper() == "IQM":
        return _known(lambda values: _trimmed(values, 0.25, 0.75))
    short = _SHORT.fullmatch(name)
    if short:
        return _short(short[1].lower(), float(short[2]) / 100)
    ranged = _RANGE.fullmatch(name)
    if ranged:
        return _ranged(ranged)
    return None


def _short(kind: str, share: float) -> Statistic:
    if kind == "p":
        return _known(lambda values: percentile(values, share))
    return _known(lambda values: _PERCENT[kind](values, 0.0, share))


def _ranged(found: re.Match[str]) -> Statistic | None:
    kind, low, low_sign, high, high_sign = found.groups()
    kind = kind.lower()
    if low is None and high is None:
        return None
    signs = {sign for value, sign in ((low, low_sign), (high, high_sign)) if value is not None}
    if len(signs) != 1:
        return None
    if signs == {"%"}:
        first, last = float(low or 0) / 100, float(high or 100) / 100
        if kind == "pr" or not 0 <= first < last <= 1:
            return None
        return _known(lambda values: _PERCENT[kind](values, first, last))
    above = float("-inf") if low is None else float(low)
    until = float("inf") if high is None else float(high)
    return _known(lambda values: _ABSOLUTE[kind](values, above, until))


def _known(compute: Statistic) -> Statistic:
    return lambda values: compute(values) if values.count and values.known else None


def percentile(values: Distribution, share: float) -> float:
    """The smallest value that at least this share of all values do not exceed."""
    wanted, seen = share * values.count, 0.0
    for value, times in values.values():
        seen += times
        if seen >= wanted - 1e-9:
            return value
    return values.high


def _inside(values: Distribution, first: float, last: float) -> list[tuple[float, float]]:
    """The values between two shares, and how many of each."""
    low, high, seen = first * values.count, last * values.count, 0.0
    found: list[tuple[float, float]] = []
    for value, times in values.values():
        part = min(seen + times, high) - max(seen, low)
        if part > 1e-9:
            found.append((value, part))
        seen += times
    return found


def _trimmed(values: Distribution, first: float, last: float) -> float | None:
    return _mean(_inside(values, first, last))


def _winsorized(values: Distribution, first: float, last: float) -> float | None:
    inner = _inside(values, first, last)
    if not inner:
        return None
    below, above = first * values.count, (1 - last) * values.count
    return _mean([*inner, (inner[0][0], below), (inner[-1][0], above)])


def _mean(found: list[tuple[float, float]]) -> float | None:
    times = sum(each for _, each in found)
    return sum(value * each for value, each in found) / times if times else None


def _between(values: Distribution, above: float, until: float) -> list[tuple[float, float]]:
    return [(value, times) for value, times in values.values() if above < value <= until]


def _clamped(values: Distribution, above: float, until: float) -> float | None:
    return _mean([(min(max(value, above), until), times) for value, times in values.values()])


_Bounded = Callable[[Distribution, float, float], float | None]

_PERCENT: dict[str, _Bounded] = {
    "tm": _trimmed,
    "wm": _winsorized,
    "tc": lambda values, a, b: sum(times for _, times in _inside(values, a, b)),
    "ts": lambda values, a, b: sum(value * times for value, times in _inside(values, a, b)),
}
_ABSOLUTE: dict[str, _Bounded] = {
    "tm": lambda values, a, b: _mean(_between(values, a, b)),
    "wm": _clamped,
    "tc": lambda values, a, b: sum(times for _, times in _between(values, a, b)),
    "ts": lambda values, a, b: sum(value * times for value, times in _between(values, a, b)),
    "pr": lambda values, a, b: (
        100 * sum(times for _, times in _between(values, a, b)) / values.count
    ),
}
