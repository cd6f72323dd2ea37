"""The front door's listeners: plain or TLS, and the redirect to the latter."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from torana.app.domain_tls import DomainTls
from torana.gateway.acme_challenge import challenged
from torana.gateway.front_door import FrontDoor
from torana.gateway.guarded import guarded
from torana.gateway.https_only import strict, to_https
from torana.gateway.load import RANKS, Admission, Limits, Load, Priorities, looking
from torana.net.limits import Limits as ConnectionLimits
from torana.net.server import Handler, Listener, listen
from torana.net.tasks import spawn
from torana.net.tls import ServerContext, renew, server_context
from torana.settings import Settings
from torana.telemetry.metrics import Metrics

Looking = asyncio.Task[None]

_log = logging.getLogger("torana")


class Doors:
    """What clients of APIs connect to."""

    def __init__(
        self, settings: Settings, challenge: Callable[[str], Awaitable[bytes | None]]
    ) -> None:
        """`challenge`: what an ACME authority that asks for a token is answered."""
        self._settings, self._challenge = settings, challenge
        self._tls: ServerContext | None = None
        self._listener: Listener | None = None
        self._looking: Looking | None = None
        given = settings.shedding
        load = Load(Limits(given.lag, given.requests), self._busy)
        self.admission = Admission(load, Priorities(given.priorities))
        """Who is let in under pressure."""

    def _busy(self) -> int:
        return self._listener.busy if self._listener is not None else 0

    async def open(self, door: FrontDoor, sock: socket.socket | None, own: DomainTls) -> Listener:
        """On `sock`, where several processes share one; `own`: the TLS of custom domain names.
        Raises `OSError`."""
        settings, tls = self._settings, self._settings.tls
        handler: Handler = guarded(door, door.nowhere, lambda: own.guarded)
        if tls is not None:
            self._tls = server_context(tls.certificate, tls.key, tls.client_ca, tls.minimum_version)
            handler = handler if tls.hsts is None else strict(handler, tls.hsts)
        else:
            handler = self._plain(handler)
        limits = ConnectionLimits(
            connections=settings.connections,
            connections_per_address=settings.connections_per_address,
        )
        door.admission = self.admission
        self._looking = spawn(looking(self.admission.load), "look at the load")
        self._listener = await listen(
            handler,
            host=settings.host,
            port=settings.port,
            sock=sock,
            ssl=self._tls and partial(own.find, self._tls),
            limits=limits,
        )
        return self._listener

    def tell(self, metrics: Metrics) -> None:
        """How great the pressure is, and who was turned away."""
        load = self.admission.load
        metrics.gauges["load_pressure"] = load.pressure
        metrics.gauges["event_loop_lag_seconds"] = load.lag
        for priority, rank in RANKS.items():
            metrics.counters[f"requests_shed_{priority}"] = load.shed[rank]

    def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()

    def usual(self) -> tuple[str, str] | None:
        """The settings' certificate and key, in PEM. Raises `OSError`."""
        tls = self._settings.tls
        if tls is None:
            return None
        return Path(tls.certificate).read_text("ascii"), Path(tls.key).read_text("ascii")

    async def redirect(self, port: int) -> Listener | None:
        """To HTTPS on `port`, where the settings want it."""
        tls = self._settings.tls
        if tls is None or tls.redirect_port is None:
            return None
        handler = self._plain(to_https(port))
        return await listen(handler, host=self._settings.host, port=tls.redirect_port)

    def _plain(self, handler: Handler) -> Handler:
        """Where an authority looks."""
        return handler if self._settings.acme is None else challenged(handler, self._challenge)

    def renew(self) -> None:
        """Take the certificate from its files again; one that cannot be read changes nothing."""
        tls = self._settings.tls
        if tls is None or self._tls is None:
            return
        try:
            renew(self._tls, tls.certificate, tls.key)
        except OSError as error:
            _log.error("the certificate is not renewed, the one before goes on: %s", error)


def shown(host: str) -> str:
    """A host to connect to, for one to listen on."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
