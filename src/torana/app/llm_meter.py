"""Metrics of the LLM API: `Torana/LLM`, by model, provider, key and whose that is."""

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from os import getpid
from socket import gethostname

import msgspec

from torana.llm.spend import Spent
from torana.telemetry.distribution import Distribution
from torana.telemetry.groups import Keeper
from torana.telemetry.recorder import MINUTE, Dimensions, Recorder, Series, dimensions

NAMESPACE = "Torana/LLM"
GROUP = "/torana/llm"
"""The log group of requests."""
_COUNT, _MILLISECONDS, _NONE = "Count", "Milliseconds", "None"
_alike = attrgetter("model", "organization", "team", "user", "key", "provider", "target")
"""What the dimensions of a request are made of."""
_tokens = attrgetter("input"), attrgetter("output"), attrgetter("cached")


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
        alike: dict[tuple[int, object], list[Spent]] = {}
        for spent in taken:
            place = int(spent.at + spent.seconds) // MINUTE, _alike(spent)
            group = alike.get(place)
            if group is None:
                alike[place] = [spent]
            else:
                group.append(spent)
        for (minute, _), group in alike.items():
            at = minute * MINUTE
            sums = _sums(group)
            for each in _dimensions(group[0]):
                for (name, unit), values in sums.items():
                    into.into(Series(NAMESPACE, name, each, unit), at).merge(values)


def _line(spent: Spent) -> str:
    return msgspec.json.encode(spent).decode()


def _sums(group: list[Spent]) -> dict[tuple[str, str], Distribution]:
    """Of requests of the same dimensions, which are looked at once for all of these: a metric at a
    time, which costs a tenth of what a request at a time would."""
    hits = [spent for spent in group if spent.hit]
    asked = [spent for spent in group if not spent.hit] if hits else group
    values: dict[tuple[str, str], Iterable[float]] = {
        ("Requests", _COUNT): [1.0] * len(group),
        ("Errors", _COUNT): [float(spent.status >= 400) for spent in group],
        ("CacheHits", _COUNT): [float(spent.hit) for spent in group],
        ("CacheSavings", _NONE): [spent.saved or 0.0 for spent in hits],
    }
    if group[0].provider:
        names = ("InputTokens", "OutputTokens", "CachedTokens")
        for name, tokens in zip(names, _tokens, strict=True):
            values[name, _COUNT] = map(float, map(tokens, asked))
        values["Latency", _MILLISECONDS] = [round(spent.seconds * 1000, 3) for spent in asked]
        values["Cost", _NONE] = [spent.usd for spent in asked if spent.usd is not None]
        values["TimeToFirstToken", _MILLISECONDS] = [
            round(spent.first * 1000, 3) for spent in asked if spent.first
        ]
    found = {metric: _distributed(of) for metric, of in values.items()}
    return {metric: of for metric, of in found.items() if of.count}


def _distributed(values: Iterable[float]) -> Distribution:
    made, values = Distribution(), [*values]
    counted = Counter(values)
    if len(counted) * 4 < len(values):
        for value, times in counted.items():
            made.add(value, times)
    else:
        made.add_all(values)
    return made


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


def llm_meter(recorder: Recorder, keep: Keeper | None = None) -> LlmMeter:
    """The process' own."""
    meter = LlmMeter(keep)
    recorder.meter("llm", lambda: meter)
    return meter
