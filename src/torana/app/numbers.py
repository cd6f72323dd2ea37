"""The numbers of this process and of its workers, for Prometheus."""

from collections.abc import Callable
from pathlib import Path

from torana.message import Headers, Reply, Request
from torana.net.client import HttpClient, Timeouts
from torana.telemetry.metrics import Metrics, Snapshot, exposition, read_snapshot, totals


class Numbers:
    """`look` brings the gauges up to date before they are read."""

    def __init__(self, metrics: Metrics, look: Callable[[], None], client: HttpClient) -> None:
        self._metrics, self._look, self._client = metrics, look, client

    async def own(self, request: Request) -> Reply:
        """A worker's, told to the process that gathers them."""
        self._look()
        return Reply(200, Headers(), self._metrics.snapshot())

    async def all(self, run: Path) -> bytes:
        """Everybody's, in Prometheus' format."""
        return exposition(await self.snapshots(run))

    async def figures(self, run: Path) -> tuple[dict[str, float], dict[str, float]]:
        """Everybody's gauges and counters."""
        found = await self.snapshots(run)
        return totals(each.gauges for each in found), totals(each.counters for each in found)

    async def snapshots(self, run: Path) -> list[Snapshot]:
        """This process' and those of the workers whose sockets are in `run`."""
        self._look()
        found = [read_snapshot(self._metrics.snapshot())]
        for path in run.glob("worker-*.sock"):
            try:
                origin = self._client.origin("unix", str(path), 0)
                reply = await origin.send(
                    Request("GET", "/metrics", Headers([("Host", "worker")])),
                    Timeouts(connect=1.0, head=2.0),
                )
            except (TimeoutError, ConnectionError):
                continue
            if isinstance(reply.body, bytes):
                found.append(read_snapshot(reply.body))
        return found
