"""What days to come will cost, by the days before. Pure.

The trend is Theil and Sen's (the median of all slopes, which single days do not move), damped, on
days that were freed of their day of the week; the interval comes from how far days were from it.
"""

from statistics import NormalDist, median

from msgspec import Struct

LEAST = 7
"""Days without which nothing is foretold."""
_WEEKS = 14
"""Days from which on the day of the week counts."""
_DAMPING = 0.97
"""Of the trend, for each day further on."""


class Day(Struct, frozen=True):
    """One day's forecast."""

    mean: float
    low: float
    high: float


class Total(Struct, frozen=True):
    """Several days' together."""

    mean: float
    low: float
    high: float


def forecast(past: list[float], first: int, number: int, level: int) -> list[Day]:
    """`past`: what each day cost, the oldest first. Its last day is followed by day 1; the answer
    begins at day `first`. `level`: percent of cases that the interval holds."""
    factors = _factors(past)
    plain = [value - factors[at % 7] for at, value in enumerate(past)]
    slope = _slope(plain)
    base = median(value - slope * at for at, value in enumerate(plain)) + slope * (len(past) - 1)
    residuals = [value - (base - slope * (len(past) - 1 - at)) for at, value in enumerate(plain)]
    spread = (sum(each * each for each in residuals) / max(1, len(residuals) - 2)) ** 0.5
    width = NormalDist().inv_cdf(0.5 + level / 200) * spread
    found: list[Day] = []
    for ahead in range(first, first + number):
        steps = (1 - _DAMPING**ahead) / (1 - _DAMPING)
        mean = max(0.0, base + slope * steps + factors[(len(past) - 1 + ahead) % 7])
        wider = width * (1 + ahead / len(past)) ** 0.5
        found.append(Day(mean, max(0.0, mean - wider), mean + wider))
    return found


def total(days: list[Day]) -> Total:
    """Days err independently of each other, so that their errors add up as squares."""
    mean = sum(each.mean for each in days)
    error = sum((each.high - each.mean) ** 2 for each in days) ** 0.5
    return Total(mean, max(0.0, mean - error), mean + error)


def _slope(values: list[float]) -> float:
    slopes = [
        (values[b] - values[a]) / (b - a)
        for a in range(len(values))
        for b in range(a + 1, len(values))
    ]
    return median(slopes) if slopes else 0.0


def _factors(past: list[float]) -> list[float]:
    """How each day of the week differs."""
    if len(past) < _WEEKS:
        return [0.0] * 7
    middle = median(past)
    return [median(past[at::7]) - middle for at in range(7)]
