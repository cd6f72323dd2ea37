"""An engine whose package is not installed."""

from torana.engines.engine import Capability, Engine, package


def _load() -> Engine[str, str]:
    return package("absent", "no_such_package").Model()


ENGINE = Capability(name="absent", input=str, output=str, load=_load)
