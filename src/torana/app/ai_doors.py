"""What the front door serves beside APIs for models' sake: the LLM API and MCP."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from torana.app import llm, mcp
from torana.app.insight import LlmAccess
from torana.app.llm_content import Content
from torana.app.llm_desk import Desk
from torana.app.llm_endpoints import Invoke
from torana.app.llm_engines import embedding
from torana.app.llm_evaluate import Bench
from torana.app.llm_guards import Means
from torana.app.llm_meter import LlmMeter
from torana.app.llm_prompts import Prompts
from torana.app.llm_traces import tracing
from torana.gateway.contract import Grant
from torana.gateway.front_door import Beside, FrontDoor
from torana.gateway.prompt import is_prompt
from torana.llm.answers import TOPIC, Answers
from torana.llm.batch_run import BatchRunner
from torana.llm.batches import Batches
from torana.llm.files import Files
from torana.llm.jobs import Jobs
from torana.llm.keys import Key
from torana.llm.probe import probing
from torana.llm.serve import Llm
from torana.llm.spend import Ledger, Spent
from torana.mcp.proxy import Proxy, Seal
from torana.message import Headers, Reply, Request
from torana.model.rest import RestApi, Stage
from torana.net.client import Client
from torana.net.tasks import spawn
from torana.sealing import Cover
from torana.services.ports import Engines, LanguageModels
from torana.settings import Settings
from torana.state.counters import Counters
from torana.state.objects import ObjectStore
from torana.state.store import Store
from torana.telemetry.groups import Keeper
from torana.telemetry.tracebook import Kept

_NO_MODELS = "prompts need a model of the LLM API in the settings"
_PATIENCE = 5.0
"""Seconds that the start waits for providers' tokens."""
Following = asyncio.Task[None]


class AiDoors:
    """Opened with a node, closed with it."""

    def __init__(self) -> None:
        self.api: Llm | None = None
        self.desk: Desk | None = None
        self._ledger: Ledger | None = None
        self._prompts: Prompts | None = None
        self._proxy: Proxy | None = None
        self._runner: BatchRunner | None = None
        self._jobs: Jobs | None = None
        self._content: Content | None = None
        self._following: list[Following] = []

    async def open(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        client: Client,
        store: Store,
        counters: Counters,
        seal: Seal,
        meter: LlmMeter,
        engines: Engines,
        objects: ObjectStore,
        keep: Callable[[Kept], None],
        groups: Keeper,
        cover: Cover | None = None,
        *,
        endpoints: Invoke,
        owner: bool,
    ) -> None:
        """What the settings ask for. `owner`: this process does batches. Raises `BadSettings`."""
        if not settings.llm.models and not settings.mcp.servers:
            return
        usage = settings.folder() / "usage"
        ledger = self._ledger = Ledger(usage, cover)

        def spend(spent: Spent) -> None:
            ledger.add(spent)
            meter.note(spent)

        plan = llm.build(settings.llm, environment, client, counters, engines, endpoints)
        await self._reaching(plan)
        answers = self._keeping(settings, counters, engines)
        names = llm.vendor_names(settings.llm)
        api = self.api = Llm(plan, spend, answers, tracing(settings.llm.traces, keep, names))
        if settings.llm.content.group or settings.llm.content.otlp:
            means = Means(client, engines, environment)
            kept = Content(settings.llm, means, groups, client, settings.otlp, names)
            api.content = self._content = kept
            self._following.append(spawn(kept.run(), "keep contents"))
        prompts = self._prompts = Prompts(api, settings.llm, store)
        self._following.append(spawn(prompts.follow(await prompts.load()), "follow the prompts"))
        bench = Bench(api, prompts)
        desk = self.desk = Desk(api, settings.llm, store, counters, usage, bench, cover)
        self._following.append(spawn(desk.follow(await desk.load()), "follow the LLM keys"))
        self._proxy = mcp.proxied(
            settings.mcp, environment, client, counters, seal, lambda: api.plan.keys, spend
        )

        if any(each.probe_seconds for each in settings.llm.models.values()):
            self._following.append(spawn(probing(lambda: api.plan.models), "probe"))
        files = Files(objects)
        batches = Batches(store, files)
        if owner:
            runner = self._runner = BatchRunner(api, batches, files, counters)
            self._following.append(spawn(runner.run(), "look for batches"))
        self._jobs = Jobs(lambda: api.plan.keys, files, batches, self._runner)

    async def _reaching(self, plan: llm.Plan) -> None:
        """Providers' tokens are there before the first request, if whoever gives them is well."""
        self._following += [spawn(each.keep(), "keep an access token") for each in plan.access]
        waiting = [asyncio.ensure_future(each.tried()) for each in plan.access]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=_PATIENCE)
            for each in late:
                each.cancel()

    def models(self) -> LanguageModels:
        """For services that let clients talk to them, each under its caller's name."""

        async def ask(request: Request, who: str) -> Reply:
            assert self.api is not None
            return await self.api(request, Key(who, frozenset()))

        return LanguageModels(lambda: list(self.api.plan.models) if self.api else [], ask)

    def access(self) -> LlmAccess | None:
        """The LLM API for who uses the console; None: there are no models."""
        if self.api is None or self.desk is None:
            return None
        api, desk = self.api, self.desk
        return LlmAccess(lambda request, who: api(request, Key(who, frozenset())), desk.handle)

    def _keeping(self, settings: Settings, counters: Counters, engines: Engines) -> Answers:
        """What keeps answers, and tells them the other processes if there are any."""
        models = settings.llm.models.values()
        embed = embedding(engines) if any(each.cache_similarity for each in models) else None
        alone = settings.workers == 1 and not settings.shared
        if alone or not any(each.cache_seconds for each in models):
            return Answers(embed)

        def publish(message: bytes) -> None:
            spawn(counters.publish(TOPIC, message), "tell others of an answer")

        answers = Answers(embed, publish)
        heard = aiter(counters.subscribe(TOPIC))
        self._following.append(spawn(answers.hear(heard), "hear of kept answers"))
        return answers

    def doors(
        self, settings: Settings, door: FrontDoor, find_key: Callable[[str], Grant | None]
    ) -> tuple[Beside, ...]:
        """What the front door serves beside its APIs."""

        def late(key: str) -> int:
            admission = door.admission
            if admission is None or not admission.load.pressure:
                return 0
            return admission.late(f"llm:{key}", "llm")

        if self.api is not None:
            self.api.late = late
        tools = mcp.offered(settings.mcp, door, find_key, self._proxy)
        return tuple(each for each in (self.api, self._jobs, tools) if each is not None)

    async def prompt(
        self, name: str, version: str, variables: Mapping[str, Any], headers: Headers
    ) -> Reply | None:
        """See the gateway's port."""
        if self._prompts is None:
            return None
        return await self._prompts.call(name, version, variables, headers)

    def absent(self, api: RestApi, stage: Stage) -> str | None:
        """What a file's API calls and is not there."""
        if not any(is_prompt(method.integration.uri) for method in api.methods):
            return None
        if self._prompts is None:
            return f"{api.name}: {_NO_MODELS}"
        gone = self._prompts.absent(api, stage)
        return gone and f"{api.name}: {gone}"

    async def cannot_serve(self, api: RestApi, stage: Stage) -> str | None:
        """Why a stage cannot call its prompts, or None."""
        if not any(is_prompt(method.integration.uri) for method in api.methods):
            return None
        if self._prompts is None:
            return _NO_MODELS
        return await self._prompts.missing(api, stage)

    async def stop(self) -> None:
        """Follow no more, and put batches down."""
        for each in self._following:
            each.cancel()
        if self._runner is not None:
            await self._runner.aclose()
        if self._content is not None:
            await self._content.flush()

    def close(self) -> None:
        """The ledger's last lines are written."""
        if self._ledger is not None:
            self._ledger.close()
