"""API keys and usage plans."""

from typing import Literal

from msgspec import Struct


class ApiKey(Struct, frozen=True, rename="camel"):
    """An API key as it is kept: only the hash of its value."""

    id: str
    name: str
    value_hash: str
    """Hexadecimal SHA-256 of the value, which is random: the hash does not give it away."""
    enabled: bool = True
    description: str = ""


class ThrottleSettings(Struct, frozen=True, rename="camel"):
    """A token bucket."""

    rate_limit: float
    """Requests a second."""
    burst_limit: int


class QuotaSettings(Struct, frozen=True, rename="camel"):
    """How many requests a key may make in a period."""

    limit: int
    period: Literal["DAY", "WEEK", "MONTH"]
    offset: int = 0


class ApiStage(Struct, frozen=True, rename="camel"):
    """A stage that a plan lets its keys into."""

    api_id: str
    stage: str
    throttle: dict[str, ThrottleSettings] = {}
    """By `{resource path}/{HTTP method}`."""


class UsagePlan(Struct, frozen=True, rename="camel"):
    """Which keys may call which stages, how fast and how often."""

    id: str
    name: str
    api_stages: tuple[ApiStage, ...] = ()
    keys: tuple[str, ...] = ()
    """Ids of API keys."""
    throttle: ThrottleSettings | None = None
    quota: QuotaSettings | None = None
    description: str = ""
