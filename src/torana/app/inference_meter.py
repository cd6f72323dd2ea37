"""Metrics of AI services: `Torana/Inference`, by service and operation."""

import time
from collections.abc import Callable

from torana.telemetry.distribution import Distribution, flags, of
from torana.telemetry.recorder import Recorder, Series, by_minute, dimensions

NAMESPACE = "Torana/Inference"
SERVICES = frozenset(
    {
        "bedrock-runtime",
        "comprehend",
        "lex-runtime",
        "lexv2-runtime",
        "personalize-runtime",
        "polly",
        "rekognition",
        "sagemaker-runtime",
        "textract",
        "transcribe",
        "translate",
    }
)
"""By botocore's names."""

_Answered = tuple[float, str, str, float, int]
"""When an operation ended, its service, its name, its seconds, its status."""


def inference_meter(
    recorder: Recorder, clock: Callable[[], float] = time.time
) -> Callable[[str, str, float, int], None]:
    """Counts an operation: service, operation, seconds, status of the answer."""
    meter = _InferenceMeter()
    recorder.meter(meter, lambda: meter)

    def note(service: str, operation: str, seconds: float, status: int) -> None:
        if service in SERVICES:
            meter.fresh.append((clock(), service, operation, seconds, status))

    return note


class _InferenceMeter:
    """What was answered since the last taking: an operation only appends to it."""

    def __init__(self) -> None:
        self.fresh: list[_Answered] = []

    def sum_up(self, into: Recorder) -> None:
        """See `Meter`."""
        taken = self.fresh[:]
        if not taken:
            return
        del self.fresh[: len(taken)]
        for at, answered in by_minute(taken):
            groups: dict[tuple[str, str], list[_Answered]] = {}
            for each in answered:
                groups.setdefault(each[1:3], []).append(each)
            for (service, operation), group in groups.items():
                whole = dimensions(Service=service)
                own = dimensions(Service=service, Operation=operation)
                for name, unit, values in _summed(group):
                    into.into(Series(NAMESPACE, name, whole, unit), at).merge(values)
                    into.into(Series(NAMESPACE, name, own, unit), at).merge(values)


def _summed(answered: list[_Answered]) -> list[tuple[str, str, Distribution]]:
    """Names, units and values of the metrics."""
    count = len(answered)
    failed = [status for *_, status in answered if status >= 400]
    server = sum(status >= 500 for status in failed)
    return [
        ("Invocations", "Count", flags(count, count)),
        ("ClientErrors", "Count", flags(count, len(failed) - server)),
        ("ServerErrors", "Count", flags(count, server)),
        ("Latency", "Milliseconds", of([round(each[3] * 1000, 3) for each in answered])),
    ]
