"""The gateway's own SageMaker endpoints as a provider of models: reached in process."""

from collections.abc import Awaitable, Callable

from torana.message import Reply, Request
from torana.net.client import Timeouts

Invoke = Callable[[Request, float], Awaitable[Reply]]
"""A request of the SageMaker Runtime API, as the account itself."""


class EndpointOrigin:
    """Implements `Origin`."""

    def __init__(self, invoke: Invoke) -> None:
        self._invoke = invoke

    async def send(self, request: Request, timeouts: Timeouts) -> Reply:
        """See `Origin`."""
        return await self._invoke(request, timeouts.head)
