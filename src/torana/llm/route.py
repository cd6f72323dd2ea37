"""Which provider's model answers next: by weight, load, speed or price, leaving out what fails."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from random import random
from time import monotonic

from msgspec import Struct, field

from torana.llm.dialect import Dialect
from torana.llm.errors import LlmError
from torana.llm.guard import Guard
from torana.llm.keys import Level
from torana.llm.prices import Price
from torana.message import Headers, Request, WebSocket
from torana.net.client import Origin, Timeouts

_STRIKES = 5
"""Failures in a row after which a target is left alone for a while."""
_SMOOTH = 0.2
_MOST_FALLBACKS = 8
_RETRY_SHARE, _MOST_RETRIES = 0.2, 20.0


Dial = Callable[[str, Headers], Awaitable[WebSocket]]
"""Opens a WebSocket at a path of a provider. Raises `ConnectionError` and `TimeoutError`."""


Estimate = Callable[[str, int], Awaitable[int]]
"""About how many tokens some words in so many messages are. Raises `LlmError`."""


class Provider(Struct, frozen=True):
    """An account, ready to be called."""

    name: str
    dialect: Dialect
    origin: Origin
    prefix: str
    """The base URL's path."""
    headers: tuple[tuple[str, str], ...]
    """Host and credentials among them."""
    timeouts: Timeouts
    """Of streams."""
    whole: Timeouts
    """Of answers in one piece, whose head comes when everything is done."""
    without: frozenset[str] = frozenset()
    """Operations of its dialect that it lacks: what can be, is asked as a chat."""
    sign: Callable[[Request], Request] | None = None
    dial: Dial | None = None
    estimate: Estimate | None = None


class Target(Struct, eq=False):
    """A provider's model, and how it has been doing in this process."""

    provider: Provider
    model: str
    price: Price | None
    weight: float
    cooldown: float
    busy: int = 0
    latency: float = 0.0
    """Seconds to an answer's first byte, smoothed."""
    strikes: int = 0
    closed_until: float = 0.0

    def shut(self, now: float) -> bool:
        """Whether it is left alone. When that time is over, one request at a time finds out."""
        return now < self.closed_until or (self.strikes >= _STRIKES and self.busy > 0)

    def ill(self) -> bool:
        """Whether it kept failing."""
        return self.strikes >= _STRIKES

    def failed(self, retry_after: float | None) -> None:
        """It did not answer: several times in a row, or told us when to come again."""
        self.strikes += 1
        if retry_after is not None:
            self.closed_until = monotonic() + min(retry_after, 10 * self.cooldown)
        elif self.strikes >= _STRIKES:
            self.closed_until = monotonic() + self.cooldown

    def answered(self, seconds: float) -> None:
        """It did."""
        self.strikes, self.closed_until = 0, 0.0
        self.latency += _SMOOTH * (seconds - self.latency) if self.latency else seconds


class Retries:
    """Repeated rounds are a share of all requests, so that trouble upstream is not multiplied."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST_RETRIES

    def asked(self) -> None:
        """A request came."""
        self._left = min(self._left + _RETRY_SHARE, _MOST_RETRIES)

    def take(self) -> bool:
        """Whether one may be tried again."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Model(Struct, frozen=True, eq=False):
    """What clients call."""

    name: str
    targets: tuple[Target, ...]
    fallbacks: tuple[str, ...]
    order: Callable[[tuple[Target, ...]], list[Target]]
    retries: int
    affinity: str = ""
    """What a session is, that stays with one target: `key`, `user`, `header:NAME`, or nothing."""
    cache: float = 0.0
    """Seconds that an answer is kept for the same question; 0: not at all."""
    tenant: Level = "key"
    """Who shares kept answers."""
    near: float = 0.0
    """How near a question must be to a kept one to get its answer (cosine); 0: it must be it."""
    hedge: float = 0.0
    """Seconds after which the next candidate is asked as well; 0: none is."""
    shadows: tuple[tuple[Target, float], ...] = ()
    """Who is asked the same, for nobody to read, and how often: 0 to 1."""
    probe: float = 0.0
    """Seconds between two looks after targets that are left alone; 0: requests find out."""
    guard: Guard | None = None
    """What questions and answers must pass."""
    allowance: Retries = field(default_factory=Retries)


Models = Mapping[str, Model]


def candidates(models: Models, model: Model, session: str = "") -> Iterator[Target]:
    """The targets to try in turn: the model's own, then those of its fallbacks. Targets that are
    left alone come last, as they are better than none. A session begins with its own target."""
    targets = model.targets
    if len(targets) == 1 and targets[0].weight and not model.fallbacks:
        return iter(targets)
    return _in_order(models, model, session)


def _in_order(models: Models, model: Model, session: str) -> Iterator[Target]:
    shut: list[Target] = []
    now = monotonic()
    for each in (model, *_fallbacks(models, model)):
        targets = each.targets
        if not all(target.weight for target in targets):
            targets = tuple(target for target in targets if target.weight)
        for target in by_session(targets, session) if session else each.order(targets):
            if target.shut(now):
                shut.append(target)
            else:
                yield target
    yield from shut


def _fallbacks(models: Models, model: Model) -> list[Model]:
    found, todo = [model], list(model.fallbacks)
    while todo and len(found) <= _MOST_FALLBACKS:
        each = models[todo.pop(0)]
        if each not in found:
            found.append(each)
            todo.extend(each.fallbacks)
    return found[1:]


def by_weight(targets: tuple[Target, ...]) -> list[Target]:
    """A draw without replacement: the first by weight, then the rest likewise."""
    if len(targets) == 1:
        return [targets[0]]
    # Efraimidis and Spirakis, "Weighted random sampling with a reservoir".
    return sorted(targets, key=lambda each: -(random() ** (1 / each.weight)))  # noqa: S311


def by_load(targets: tuple[Target, ...]) -> list[Target]:
    """The one with the fewest answers under way, for its weight."""
    return sorted(targets, key=lambda each: (each.busy / each.weight, random()))  # noqa: S311


def by_latency(targets: tuple[Target, ...]) -> list[Target]:
    """The fastest of late; one not tried yet comes first."""
    return sorted(targets, key=lambda each: each.latency)


def by_cost(targets: tuple[Target, ...]) -> list[Target]:
    """The cheapest; one without a price comes last."""
    return sorted(targets, key=lambda each: each.price.worst() if each.price else float("inf"))


def by_session(targets: tuple[Target, ...], session: str) -> list[Target]:
    """The same order for the same session, shared by weight (rendezvous hashing)."""

    def place(target: Target) -> float:
        name = f"{target.provider.name}\0{target.model}\0{session}".encode()
        drawn = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") + 1
        return -((drawn / 2**64) ** (1 / target.weight))

    return sorted(targets, key=place)


ORDERS: dict[str, Callable[[tuple[Target, ...]], list[Target]]] = {
    "weighted": by_weight,
    "least-busy": by_load,
    "least-latency": by_latency,
    "least-cost": by_cost,
}


def find(models: Models, name: str) -> Model:
    """Raises `LlmError`."""
    found = models.get(name)
    if found is None:
        raise LlmError(
            "not_found",
            f"The model `{name}` does not exist or you do not have access to it.",
            param="model",
        )
    return found
