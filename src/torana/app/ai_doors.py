"""What the front door serves beside APIs for models' sake: the LLM API and MCP."""

import asyncio
from collections.abc import Callable, Mapping

from torana.app import llm, mcp
from torana.app.llm_desk import Desk
from torana.app.llm_keys import teams_of
from torana.app.llm_meter import LlmMeter
from torana.gateway.contract import Grant
from torana.gateway.front_door import Beside, FrontDoor
from torana.llm.serve import Llm
from torana.llm.spend import Ledger, Spent
from torana.mcp.proxy import Seal
from torana.net.client import Client
from torana.net.tasks import spawn
from torana.settings import Settings
from torana.state.counters import Counters
from torana.state.store import Store

Following = asyncio.Task[None]


class AiDoors:
    """Opened with a node, closed with it."""

    def __init__(self) -> None:
        self.api: Llm | None = None
        self.desk: Desk | None = None
        self._ledger: Ledger | None = None
        self._following: list[Following] = []

    async def open(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        client: Client,
        store: Store,
        counters: Counters,
        door: FrontDoor,
        find_key: Callable[[str], Grant | None],
        seal: Seal,
        meter: LlmMeter,
    ) -> tuple[Beside, ...]:
        """What the settings ask for. Raises `BadSettings`."""
        doors: list[Beside] = []
        proxy = None
        if settings.llm.models or settings.mcp.servers:
            usage = settings.folder() / "usage"
            ledger = self._ledger = Ledger(usage)

            def spend(spent: Spent) -> None:
                ledger.add(spent)
                meter.note(spent)

            plan = llm.build(settings.llm, environment, client, counters)
            api = self.api = Llm(plan, spend)
            doors.append(api)
            teams = teams_of(settings.llm, counters)
            desk = self.desk = Desk(api, settings.llm, teams, store, counters, usage)
            self._following.append(spawn(desk.follow(await desk.load()), "follow the LLM keys"))
            proxy = mcp.proxied(
                settings.mcp, environment, client, counters, seal, lambda: api.plan.keys, spend
            )
        tools = mcp.offered(settings.mcp, door, find_key, proxy)
        return (*doors, tools) if tools is not None else tuple(doors)

    def close(self) -> None:
        """Follow no more; the ledger's last lines are written."""
        for each in self._following:
            each.cancel()
        if self._ledger is not None:
            self._ledger.close()
