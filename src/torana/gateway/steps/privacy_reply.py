"""Personal data in replies of the backend, by the policy of the API, the stage or the method."""

from torana.gateway.contract import Compiled, Finish
from torana.gateway.privacy import response_step


def build(to: Compiled) -> Finish | None:
    """A step for methods with rules for responses. Raises `InvalidApi`."""
    return response_step(to)
