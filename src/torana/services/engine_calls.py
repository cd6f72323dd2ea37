"""How services call engines: the engines' failures become errors of the service."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from torana.services.ports import Busy, Call, Engines, Failed, Missing
from torana.wire.faults import ServiceError


class EngineCalls(Struct, frozen=True):
    """The engines as one service calls them."""

    engines: Engines
    busy: str = "ThrottlingException"
    """The service's code for too many requests."""
    busy_status: int = 400
    fault: str = "InternalServerException"
    """The service's code for its own failures."""

    async def run(self, call: Call, capability: str, items: Sequence[Any]) -> list[Any]:
        """The output of each item, in order. Raises `ServiceError`.

        A missing package is status 501, which clients do not try again.
        """
        if not items:
            return []
        try:
            return await self.engines(capability, items, call.timeout)
        except Busy:
            raise ServiceError(self.busy, "Rate exceeded", status=self.busy_status) from None
        except TimeoutError:
            text = "The engine did not answer in time. Retry your request."
            raise ServiceError(self.fault, text, status=500) from None
        except Missing as error:
            raise ServiceError(self.fault, str(error), status=501) from None
        except Failed as error:
            raise ServiceError(self.fault, str(error), status=500) from None
