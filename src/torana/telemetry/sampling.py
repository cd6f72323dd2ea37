"""Which requests are traced: a number a second for sure, and a share of the others.

Source: X-Ray Developer Guide, "Configuring sampling rules".
"""

from collections.abc import Callable, Sequence
from random import random
from time import monotonic

from msgspec import Struct

from torana.auth.wildcard import matcher


class Asked(Struct, frozen=True):
    """A request, as rules look at it."""

    service_name: str
    service_type: str
    host: str
    method: str
    url_path: str
    resource_arn: str


class Rule(Struct, frozen=True):
    """The lowest priority is asked first. Patterns take `*` and `?`."""

    name: str
    priority: int = 10_000
    reservoir: int = 1
    """Requests a second that are traced whatever the rate."""
    rate: float = 0.05
    service_name: str = "*"
    service_type: str = "*"
    host: str = "*"
    method: str = "*"
    url_path: str = "*"
    resource_arn: str = "*"

    attributes: dict[str, str] = {}
    """Of a segment: a request has none when it is decided, so that such a rule fits none."""


DEFAULT = Rule("Default")


def fitting(rule: Rule) -> Callable[[Asked], bool]:
    """Whether a request is one of a rule's."""
    patterns = [
        (name, matcher(getattr(rule, name), ignore_case=True, variables=False))
        for name in Asked.__struct_fields__
        if getattr(rule, name) != "*"
    ]
    if rule.attributes:
        return lambda asked: False
    return lambda asked: all(match(getattr(asked, name), {}) for name, match in patterns)


class Tally(Struct):
    """What a rule has decided."""

    second: int = 0
    taken: int = 0
    """Of this second's reservoir."""
    requests: int = 0
    sampled: int = 0


class Sampler:
    """Of one process. Rules are replaced whole."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self._rules: list[tuple[Rule, Callable[[Asked], bool]]] = []
        self.replace([DEFAULT])

    def replace(self, rules: Sequence[Rule]) -> None:
        """From now on."""
        ordered = sorted(rules, key=lambda rule: (rule.priority, rule.name))
        self._rules = [(rule, fitting(rule)) for rule in ordered]
        self.tallies = {rule.name: self.tallies.get(rule.name, Tally()) for rule in ordered}

    def decide(self, asked: Asked) -> bool:
        """By the first rule that fits; what fits none is not traced."""
        for rule, fits in self._rules:
            if fits(asked):
                return self._decide(rule)
        return False

    def _decide(self, rule: Rule) -> bool:
        tally = self.tallies[rule.name]
        now = int(monotonic())
        if tally.second != now:
            tally.second, tally.taken = now, 0
        tally.requests += 1
        if tally.taken < rule.reservoir:
            tally.taken += 1
        elif random() >= rule.rate:  # noqa: S311 - no secret
            return False
        tally.sampled += 1
        return True
