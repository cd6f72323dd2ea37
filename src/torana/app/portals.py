"""Developer portals of a node: where they are served, and what has to be done for them."""

import asyncio
import logging
from collections.abc import Callable

from torana.app.insight import Insight, PortalSite
from torana.gateway.front_door import FrontDoor
from torana.net.server import Listener, listen
from torana.net.tasks import spawn
from torana.settings import Settings
from torana.state.store import StoreError
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.portal")
_PAUSE = 10.0
"""Seconds between two looks for keys whose time is over."""


class Portals:
    """None, unless the settings ask for them."""

    def __init__(
        self, settings: Settings, make: Callable[[Insight], PortalSite] | None = None
    ) -> None:
        self._settings, self._make = settings, make
        self._work: asyncio.Task[None] | None = None
        self.port = 0
        """Of their own listener, if there is one."""

    async def open(
        self, insight: Callable[[], Insight], door: FrontDoor, *, owner: bool
    ) -> list[Listener]:
        """Serve them. `owner`: this process does their housekeeping. Raises `OSError`."""
        settings = self._settings.portal
        if settings is None or self._make is None:
            return []
        site = door.portals = self._make(insight())
        if not owner:
            return []
        self._work = spawn(_keep_house(site), "keep the portals' house")
        if settings.port is None:
            return []
        listener = await listen(site, host=self._settings.host, port=settings.port)
        self.port = listener.port
        return [listener]

    def close(self) -> None:
        """No more housekeeping."""
        if self._work is not None:
            self._work.cancel()


async def _keep_house(site: PortalSite) -> None:
    while True:
        try:
            await site.keep_house()
        except (ServiceError, StoreError) as error:
            _log.warning("keys and invoices of portals wait: %s", error)
        await asyncio.sleep(_PAUSE)
