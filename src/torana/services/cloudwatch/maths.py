"""Metric maths: functions and operators on lines of datapoints.

Source: CloudWatch User Guide, "Metric math syntax and functions". A datapoint that has no result,
as after a division by zero, is left out.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from msgspec import Struct, field, structs

from torana.services.cloudwatch.faults import validation


class Line(Struct, frozen=True):
    """Datapoints by time, in seconds since 1970."""

    points: dict[int, float]
    period: int
    label: str = ""
    properties: dict[str, str] = field(default_factory=dict[str, str])
    """For labels: `MetricName`, `Namespace`, `Stat`, `Dim.…`."""


Value = float | str | Line | list[Line]
Points = dict[int, float]


class Range(Struct, frozen=True):
    """What is asked for: from `start` until before `end`."""

    start: int
    end: int

    def times(self, period: int) -> range:
        """When datapoints may be."""
        return range(self.start, self.end, period)


def _divide(a: float, b: float) -> float | None:
    return a / b if b else None


def _power(a: float, b: float) -> float | None:
    try:
        found = a**b
    except (OverflowError, ZeroDivisionError):
        return None
    return found if isinstance(found, (int, float)) else None


_Two = Callable[[float, float], float | None]

OPERATORS: dict[str, _Two] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "^": _power,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}


def combine(name: str, left: Value, right: Value) -> Value:
    """An operator between two values of any kind."""
    if isinstance(left, str) or isinstance(right, str):
        raise validation(f"Unsupported operand type(s) for {name}: a string")
    two = OPERATORS[name]
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise validation(f"Unsupported operand type(s) for {name}: arrays of different sizes")
        return [_lines(two, a, b) for a, b in zip(left, right, strict=True)]
    if isinstance(left, list):
        return [_lines(two, each, right) for each in left]  # pyright: ignore[reportArgumentType]
    if isinstance(right, list):
        return [_lines(two, left, each) for each in right]
    if isinstance(left, Line) or isinstance(right, Line):
        return _lines(two, left, right)
    found = two(left, right)
    return math.nan if found is None else found


def _lines(two: _Two, left: Line | float, right: Line | float) -> Line:
    if isinstance(left, Line):
        if isinstance(right, Line):
            pairs = (
                (at, v, right.points[at]) for at, v in left.points.items() if at in right.points
            )
        else:
            pairs = ((at, v, right) for at, v in left.points.items())
        found = ((at, two(a, b)) for at, a, b in pairs)
        return structs.replace(left, points=_kept(found))
    assert isinstance(right, Line)
    found = ((at, two(left, value)) for at, value in right.points.items())
    return structs.replace(right, points=_kept(found))


def _kept(found: Iterable[tuple[int, float | None]]) -> Points:
    return {at: v for at, v in found if v is not None and math.isfinite(v)}


def each(change: Callable[[Points], Points]) -> Callable[[Value], Value]:
    """A function of one line, made to take an array, too."""

    def apply(value: Value) -> Value:
        if isinstance(value, list):
            return [structs.replace(line, points=change(line.points)) for line in value]
        if not isinstance(value, Line):
            raise validation("A time series is expected")
        return structs.replace(value, points=change(value.points))

    return apply


def _by_value(change: Callable[[float], float | None]) -> Callable[[Value], Value]:
    over = each(lambda points: _kept((at, change(value)) for at, value in points.items()))

    def apply(value: Value) -> Value:
        if isinstance(value, float):
            found = change(value)
            return math.nan if found is None else found
        return over(value)

    return apply


def _by_time(part: Callable[[datetime], float]) -> Callable[[Value], Value]:
    return each(lambda points: {at: part(datetime.fromtimestamp(at, UTC)) for at in points})


def _differences(points: Points) -> Points:
    times = sorted(points)
    return {b: points[b] - points[a] for a, b in pairwise(times)}


def _gaps(points: Points) -> Points:
    times = sorted(points)
    return {b: float(b - a) for a, b in pairwise(times)}


def _rates(points: Points) -> Points:
    times = sorted(points)
    return {b: (points[b] - points[a]) / (b - a) for a, b in pairwise(times)}


def _running(points: Points) -> Points:
    total, found = 0.0, Points()
    for at in sorted(points):
        total += points[at]
        found[at] = total
    return found


def _logarithm(of: Callable[[float], float]) -> Callable[[float], float | None]:
    return lambda value: of(value) if value > 0 else None


ONE: dict[str, Callable[[Value], Value]] = {
    "ABS": _by_value(abs),
    "CEIL": _by_value(lambda value: float(math.ceil(value))),
    "FLOOR": _by_value(lambda value: float(math.floor(value))),
    "LOG": _by_value(_logarithm(math.log)),
    "LOG10": _by_value(_logarithm(math.log10)),
    "negate": _by_value(lambda value: -value),
    "DIFF": each(_differences),
    "DIFF_TIME": each(_gaps),
    "RATE": each(_rates),
    "RUNNING_SUM": each(_running),
    "EPOCH": each(lambda points: {at: float(at) for at in points}),
    "MINUTE": _by_time(lambda at: float(at.minute)),
    "HOUR": _by_time(lambda at: float(at.hour)),
    "DAY": _by_time(lambda at: float(at.isoweekday())),
    "DATE": _by_time(lambda at: float(at.day)),
    "MONTH": _by_time(lambda at: float(at.month)),
    "YEAR": _by_time(lambda at: float(at.year)),
}
"""Functions of one argument that give as many lines as they take."""

_Many = Callable[[Sequence[float]], float]

MANY: dict[str, _Many] = {
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
    "SUM": math.fsum,
    "STDDEV": statistics.pstdev,
    "DATAPOINT_COUNT": lambda values: float(len(values)),
}
"""Of a line: its values' one number. Of an array: a line, time by time."""


def gather(name: str, value: Value) -> Value:
    """One of `MANY`."""
    if isinstance(value, list):
        return across(MANY[name], value)
    if isinstance(value, Line):
        return MANY[name](list(value.points.values())) if value.points else math.nan
    if isinstance(value, str):
        raise validation(f"{name} takes time series")
    return value


def across(many: _Many, lines: Sequence[Line]) -> Line:
    """An array as one line, time by time."""
    found: dict[int, list[float]] = {}
    for line in lines:
        for at, value in line.points.items():
            found.setdefault(at, []).append(value)
    points = {at: many(values) for at, values in sorted(found.items())}
    return Line(points, max((line.period for line in lines), default=60))


def fill(line: Line, by: Value, asked: Range) -> Line:
    """A line with what is missing put in: a number, another line, `REPEAT` or `LINEAR`."""
    points = dict(line.points)
    times = [at for at in asked.times(line.period) if at not in points]
    known = sorted(points)
    for at in times:
        if isinstance(by, Line):
            found = by.points.get(at)
        elif isinstance(by, str):
            found = _guessed(by.upper(), at, known, line.points)
        else:
            found = by if isinstance(by, float) else None
        if found is not None:
            points[at] = found
    return structs.replace(line, points=dict(sorted(points.items())))


def _guessed(how: str, at: int, known: list[int], points: Points) -> float | None:
    before = max((each for each in known if each < at), default=None)
    after = min((each for each in known if each > at), default=None)
    if how == "REPEAT":
        return None if before is None else points[before]
    if how != "LINEAR":
        raise validation(f"FILL cannot fill with {how}")
    if before is None or after is None:
        return None
    share = (at - before) / (after - before)
    return points[before] + share * (points[after] - points[before])


def choose(condition: Value, yes: Value, no: Value | None) -> Value:
    """IF: by each datapoint of the condition, or by its one number."""
    if isinstance(condition, float):
        picked = yes if condition else no
        return picked if picked is not None else math.nan
    if not isinstance(condition, Line):
        raise validation("IF takes a number or a time series as its condition")
    points: Points = {}
    for at, value in condition.points.items():
        found = _at(yes if value else no, at)
        if found is not None and math.isfinite(found):
            points[at] = found
    label = yes.label if isinstance(yes, Line) else condition.label
    return structs.replace(condition, points=points, label=label)


def _at(value: Value | None, at: int) -> float | None:
    if isinstance(value, Line):
        return value.points.get(at)
    return value if isinstance(value, float) else None
