"""A logged request leaves a trace for its execution log."""

from torana.gateway.contract import Compiled, Gate
from torana.gateway.execution_log import begun, logged


def build(to: Compiled) -> Gate | None:
    """A gate for methods whose stage logs them."""
    return begun if logged(to) is not None else None
