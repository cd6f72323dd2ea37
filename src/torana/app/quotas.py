"""Quotas of usage plans, made once."""

from torana.gateway.contract import Bucket
from torana.model.usage import QuotaSettings
from torana.state.counters import Counters


class Quotas:
    """The same object for the same key, plan and amount, so that a request only takes."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._made: dict[tuple[str, QuotaSettings], Bucket] = {}

    def __call__(self, name: str, settings: QuotaSettings) -> Bucket:
        """See `Ports.quota`."""
        key = (name, settings)
        found = self._made.get(key)
        if found is None:
            amount = settings.limit
            found = self._counters.quota(name, amount, settings.period, settings.offset)
            self._made[key] = found
        return found
