"""Metrics of functions, in the service's namespace.

Source: Lambda Developer Guide, "Types of metrics for Lambda functions".
"""

from torana.model.function import Event, FunctionVersion
from torana.telemetry.recorder import Dimensions, Recorder, Series, dimensions

NAMESPACE = "AWS/Lambda"
_COUNT, _MILLISECONDS = "Count", "Milliseconds"


class FunctionMeter:
    """Counts invocations. Called by whoever runs functions, once for each step of one."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._running: dict[str, int] = {}

    def started(self, version: FunctionVersion) -> None:
        """An instance is asked for."""
        running = self._running[version.name] = self._running.get(version.name, 0) + 1
        self._add("ConcurrentExecutions", running, _COUNT, dimensions(FunctionName=version.name))
        self._add("ConcurrentExecutions", sum(self._running.values()), _COUNT, ())

    def ended(self, version: FunctionVersion) -> None:
        """It is free again, or was not to be had."""
        self._running[version.name] -= 1

    def throttled(self, version: FunctionVersion, event: Event) -> None:
        """There was no instance to be had. Not an invocation."""
        for each in _dimensions(version, event.arn):
            self._add("Throttles", 1, _COUNT, each)

    def invoked(self, version: FunctionVersion, event: Event, *, failed: bool) -> None:
        """The function was run."""
        for each in _dimensions(version, event.arn):
            self._add("Invocations", 1, _COUNT, each)
            self._add("Errors", failed, _COUNT, each)
            self._add("Throttles", 0, _COUNT, each)

    def took(self, version: FunctionVersion, arn: str, seconds: float) -> None:
        """It is done with an event."""
        for each in _dimensions(version, arn):
            self._add("Duration", round(seconds * 1000, 2), _MILLISECONDS, each)
        own = Series("Torana/Functions", "GBSeconds", dimensions(FunctionName=version.name))
        self._recorder.add(own, seconds * version.memory / 1024)

    def _add(self, name: str, value: float, unit: str, found: Dimensions) -> None:
        self._recorder.add(Series(NAMESPACE, name, found, unit), float(value))


def _dimensions(version: FunctionVersion, arn: str) -> list[Dimensions]:
    """Of all functions, the function, and what it was invoked by: an alias or a version, too."""
    name = version.name
    found = [(), dimensions(FunctionName=name)]
    resource = arn.partition(":function:")[2]
    if resource == name:
        return [*found, dimensions(FunctionName=name, Resource=name)]
    if resource:
        own = dimensions(FunctionName=name, Resource=resource)
        found.append(own)
        if resource.partition(":")[2] != version.version:
            found.append(
                dimensions(FunctionName=name, Resource=resource, ExecutedVersion=version.version)
            )
    return found
