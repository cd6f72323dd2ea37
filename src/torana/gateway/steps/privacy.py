"""Personal data in requests, by the policy of the API, the stage or the method."""

from torana.gateway.contract import Compiled, Gate
from torana.gateway.privacy import request_gate


def build(to: Compiled) -> Gate | None:
    """A gate for methods with rules for requests. Raises `InvalidApi`."""
    return request_gate(to)
