"""Who calls what is deprecated: a metric for its owners, by caller and operation."""

from collections import Counter

from torana.telemetry.recorder import MINUTE, Recorder, Series, dimensions

NAMESPACE, CALLS = "Torana/Lifecycle", "DeprecatedCalls"
OTHERS = "(others)"
_MOST = 1000
"""Callers that are told apart, of one operation; more are counted together."""


class CallerMeter:
    """Of one operation of a version."""

    def __init__(self, api_id: str, stage: str, operation: str) -> None:
        self._place = {"ApiId": api_id, "Stage": stage, "Operation": operation}
        self._fresh: list[tuple[float, str]] = []
        self._known: set[str] = set()
        self.note = self._fresh.append
        """What a request calls: when it ended, and who asked."""

    def sum_up(self, into: Recorder) -> None:
        """See `Meter`."""
        taken = self._fresh[:]
        del self._fresh[: len(taken)]
        for (at, caller), calls in Counter((int(at) // MINUTE, who) for at, who in taken).items():
            if caller not in self._known and len(self._known) >= _MOST:
                caller = OTHERS
            self._known.add(caller)
            named = dimensions(**self._place, Caller=caller)
            into.into(Series(NAMESPACE, CALLS, named, "Count"), at * MINUTE).add(1.0, calls)
