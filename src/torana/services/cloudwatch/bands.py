"""Anomaly detection: what values a metric is expected to have, by its own past.

A seasonal baseline with robust deviations: the median of what was seen at the same hour of the
week (of the day, while there is less than ten days), and the median distance from it, which single
outliers do not move. An hour of the week that was seldom seen is its hour of the day, moved by how
its day of the week differs. Between the middles of two hours the band goes straight.
"""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct

HISTORY = 14 * 86400
"""Seconds of the past that a model looks at."""
LEAST = 15
"""Datapoints without which nothing is expected."""
_HOUR = 3600
_TO_SIGMA = 1.4826
"""Makes a median distance one standard deviation where values are normally distributed."""
_DAY = 24
_FEW = 4
_FLOOR = 0.25
"""Of the overall deviation, which an hour that happened to be quiet does not go below."""


class Model(Struct, frozen=True):
    """A baseline and a deviation for each hour of a season."""

    season: int
    """Hours: 168, 24 or 1."""
    middles: list[float]
    spreads: list[float]

    def expected(self, at: float) -> tuple[float, float]:
        """Baseline and deviation at a time: for a datapoint, the middle of its period."""
        place = at / _HOUR - 0.5
        first = int(place // 1)
        share = place - first
        a, b = first % self.season, (first + 1) % self.season
        return (
            self.middles[a] * (1 - share) + self.middles[b] * share,
            self.spreads[a] * (1 - share) + self.spreads[b] * share,
        )


def fit(points: dict[int, float], excluded: Sequence[tuple[float, float]] = ()) -> Model | None:
    """The model of a past. `excluded`: times that are no example. None: too little is known."""
    kept = {
        at: value
        for at, value in points.items()
        if not any(first <= at < last for first, last in excluded)
    }
    if len(kept) < LEAST:
        return None
    season = _season(max(kept) - min(kept))
    slots: list[list[float]] = [[] for _ in range(season)]
    for at, value in kept.items():
        slots[at // _HOUR % season].append(value)
    everything = list(kept.values())
    overall = median(everything)
    middles = _middles(slots, overall)
    residuals = [abs(value - middles[at // _HOUR % season]) for at, value in kept.items()]
    spread = max(_TO_SIGMA * median(residuals), 0.05 * _mean(residuals), abs(overall) * 1e-6)
    spreads = [_spread(slots, middles, number, spread) for number in range(season)]
    return Model(season, middles, spreads)


def _season(span: int) -> int:
    if span >= 10 * 24 * _HOUR:
        return 168
    return 24 if span >= 2 * 24 * _HOUR else 1


def _middles(slots: list[list[float]], overall: float) -> list[float]:
    """Of each hour of the season."""
    day = _DAY if len(slots) > 1 else 1
    by_hour = [
        median(found) if (found := [v for slot in slots[hour::day] for v in slot]) else overall
        for hour in range(day)
    ]
    middles: list[float] = []
    for start in range(0, len(slots), day):
        apart = [value - by_hour[hour] for hour in range(day) for value in slots[start + hour]]
        offset = median(apart) if apart else 0.0
        middles += [
            median(own) if len(own := slots[start + hour]) >= _FEW else by_hour[hour] + offset
            for hour in range(day)
        ]
    return middles


def _spread(slots: list[list[float]], middles: list[float], number: int, overall: float) -> float:
    own = [abs(value - middles[number]) for value in slots[number]]
    if len(own) < _FEW:
        return overall
    return max(_TO_SIGMA * median(own), _FLOOR * overall)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
