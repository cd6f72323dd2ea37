"""How values are distributed: exact while there are few, within one percent when there are many.

Many values are kept as counts of logarithmic buckets, each two percent wide, under the value in its
middle: what DDSketch does (Masson, Rim and Lee, "DDSketch", VLDB 2019). Two distributions merge
into the one that all their values would have made, so that percentiles hold over any number of
processes and minutes.
"""

from collections import Counter
from collections.abc import Iterable
from math import ceil, exp, inf, log

from msgspec import Struct, field

_WIDTH = log(1.02)
_PER = 1 / _WIDTH
_MIDDLE = 2 / 2.02
_EXACT = 64
"""Different values that are kept as they are."""
_ZERO = 16_000
"""The number of the bucket of one. Smaller numbers than the first bucket's count as nothing."""

Times = int | float


class Distribution(Struct):
    """Values of a while, as counts. What is known of single values may be less than `count`: the
    others came as a sum, and nothing is known of their distribution."""

    count: Times = 0
    total: float = 0.0
    low: float = inf
    high: float = -inf
    exact: dict[float, Times] = field(default_factory=dict[float, Times])
    buckets: dict[int, Times] = field(default_factory=dict[int, Times])
    """Once it is in use, no values are kept as they are."""

    def add(self, value: float, times: Times = 1) -> None:
        """The same value so many times."""
        self.count += times
        self.total += value * times
        self.low, self.high = min(self.low, value), max(self.high, value)
        self._put(value, times)

    def add_all(self, found: Iterable[float]) -> None:
        """Each of them once."""
        values = [*found]
        if not values:
            return
        self.count += len(values)
        self.total += sum(values)
        self.low, self.high = min(self.low, min(values)), max(self.high, max(values))
        if len(values) > _EXACT:
            self._bucket()
            for number, times in Counter(_buckets(values)).items():
                self.buckets[number] = self.buckets.get(number, 0) + times
        else:
            for value in values:
                self._put(value, 1)

    def add_summary(self, count: Times, total: float, low: float, high: float) -> None:
        """Values that somebody else has summed up."""
        self.count += count
        self.total += total
        self.low, self.high = min(self.low, low), max(self.high, high)
        if low == high:
            self._put(low, count)

    def merge(self, other: "Distribution") -> None:
        """All values of another one, too."""
        self.count += other.count
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        if other.buckets:
            self._bucket()
            for number, times in other.buckets.items():
                self.buckets[number] = self.buckets.get(number, 0) + times
        for value, times in other.exact.items():
            self._put(value, times)

    def _put(self, value: float, times: Times) -> None:
        if self.buckets:
            number = bucket(value)
            self.buckets[number] = self.buckets.get(number, 0) + times
            return
        self.exact[value] = self.exact.get(value, 0) + times
        if len(self.exact) > _EXACT:
            self._bucket()

    def _bucket(self) -> None:
        exact, self.exact = self.exact, {}
        for value, times in exact.items():
            number = bucket(value)
            self.buckets[number] = self.buckets.get(number, 0) + times

    def values(self) -> list[tuple[float, Times]]:
        """Values, the smallest first, and how many there are of each."""
        if not self.buckets:
            return sorted(self.exact.items())
        low, high = self.low, self.high
        return [
            (min(max(middle(number), low), high), times)
            for number, times in sorted(self.buckets.items())
        ]

    @property
    def known(self) -> bool:
        """Whether the distribution of all values is known, not only their sum."""
        found = sum((self.buckets or self.exact).values())
        return found >= self.count * (1 - 1e-9)


def bucket(value: float) -> int:
    """The number of a value's bucket: 0 for nothing, below it for negative values."""
    if value == 0:
        return 0
    number = max(0, _ZERO + ceil(log(abs(value)) * _PER))
    return number if value > 0 else -number


def _buckets(values: list[float]) -> list[int]:
    """The numbers of values' buckets, in one go where all are ordinary."""
    if min(values) > 1e-100:
        return [_ZERO + ceil(log(value) * _PER) for value in values]
    return [bucket(value) for value in values]


def middle(number: int) -> float:
    """The value in the middle of a bucket."""
    if number == 0:
        return 0.0
    size = exp((abs(number) - _ZERO) * _WIDTH) * _MIDDLE
    return size if number > 0 else -size


def of(values: Iterable[float]) -> Distribution:
    """The distribution of some values."""
    made = Distribution()
    made.add_all(values)
    return made


def flags(all: int, set: int) -> Distribution:
    """So many ones among so many values, the others zeros."""
    made = Distribution()
    if all > set:
        made.add(0.0, all - set)
    if set:
        made.add(1.0, set)
    return made
