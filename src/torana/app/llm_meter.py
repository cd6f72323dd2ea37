"""Metrics of the LLM API: `Torana/LLM`, by model, provider, key and whose that is."""

from collections import Counter
from os import getpid
from socket import gethostname
from typing import cast

import msgspec

from torana.llm.spend import Spent
from torana.telemetry.distribution import Distribution
from torana.telemetry.groups import Keeper
from torana.telemetry.recorder import MINUTE, Dimensions, Recorder, Series, dimensions

NAMESPACE = "Torana/LLM"
GROUP = "/torana/llm"
"""The log group of requests."""
_COUNT, _MILLISECONDS, _NONE = "Count", "Milliseconds", "None"


class LlmMeter:
    """Counts requests, whoever answered them."""

    def __init__(self, keep: Keeper | None = None) -> None:
        """`keep` gets an event for each request, too."""
        self._keep, self._stream = keep, f"{gethostname()}/{getpid()}"
        self._fresh: list[Spent] = []
        self.note = self._fresh.append

    def sum_up(self, into: Recorder) -> None:
        """See `Meter`."""
        taken = self._fresh[:]
        del self._fresh[: len(taken)]
        if self._keep is not None and taken:
            events = [(spent.at + spent.seconds, _line(spent)) for spent in taken]
            self._keep(GROUP, self._stream, events)
        alike: dict[tuple[object, ...], list[Spent]] = {}
        for spent in taken:
            at = int(spent.at + spent.seconds) // MINUTE * MINUTE
            owners = spent.organization, spent.team, spent.user, spent.key
            place = (at, spent.model, *owners, spent.provider, spent.target)
            alike.setdefault(place, []).append(spent)
        for place, group in alike.items():
            at = cast(int, place[0])
            sums = _sums(group)
            for each in _dimensions(group[0]):
                for (name, unit), values in sums.items():
                    into.into(Series(NAMESPACE, name, each, unit), at).merge(values)


def _line(spent: Spent) -> str:
    return msgspec.json.encode(spent).decode()


def _sums(group: list[Spent]) -> dict[tuple[str, str], Distribution]:
    """Of requests of the same dimensions, which are looked at once for all of these."""
    lists: dict[tuple[str, str], list[float]] = {}
    for spent in group:
        for metric, value in _values(spent):
            lists.setdefault(metric, []).append(value)
    found: dict[tuple[str, str], Distribution] = {}
    for metric, values in lists.items():
        made = found[metric] = Distribution()
        counted = Counter(values)
        if len(counted) * 4 < len(values):
            for value, times in counted.items():
                made.add(value, times)
        else:
            made.add_all(values)
    return found


def _dimensions(spent: Spent) -> list[Dimensions]:
    found = [(), dimensions(Model=spent.model), dimensions(Key=spent.key)]
    if spent.organization:
        found.append(dimensions(Organization=spent.organization))
    if spent.team:
        found.append(dimensions(Team=spent.team))
    if spent.user:
        found.append(dimensions(User=spent.user))
    if spent.provider:
        found.append(dimensions(Provider=spent.provider))
        found.append(dimensions(Provider=spent.provider, Target=spent.target))
    return found


def _values(spent: Spent) -> list[tuple[tuple[str, str], float]]:
    found = [
        (("Requests", _COUNT), 1.0),
        (("Errors", _COUNT), float(spent.status >= 400)),
        (("CacheHits", _COUNT), float(spent.hit)),
    ]
    if spent.hit:
        found.append((("CacheSavings", _NONE), spent.saved or 0.0))
    elif spent.provider:
        found += [
            (("InputTokens", _COUNT), float(spent.input)),
            (("OutputTokens", _COUNT), float(spent.output)),
            (("CachedTokens", _COUNT), float(spent.cached)),
            (("Latency", _MILLISECONDS), round(spent.seconds * 1000, 3)),
        ]
        if spent.usd is not None:
            found.append((("Cost", _NONE), spent.usd))
        if spent.first:
            found.append((("TimeToFirstToken", _MILLISECONDS), round(spent.first * 1000, 3)))
    return found


def llm_meter(recorder: Recorder, keep: Keeper | None = None) -> LlmMeter:
    """The process' own."""
    meter = LlmMeter(keep)
    recorder.meter("llm", lambda: meter)
    return meter
