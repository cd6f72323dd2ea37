"""One process of the gateway, from settings to serving. Read it top to bottom to see the whole."""

import asyncio
import gc
import logging
import os
import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from torana.app import audit_trail, services, user_pools, versions
from torana.app.ai_doors import AiDoors
from torana.app.control import Control
from torana.app.definitions import (
    BadDefinitions,
    Source,
    bringing_live,
    compile_table,
    gather,
    parse,
)
from torana.app.deployed import bringing_deployed
from torana.app.described import definition, described
from torana.app.domain_tls import DomainTls, trust_stores
from torana.app.doors import Doors, shown
from torana.app.encryption import Encryption
from torana.app.insight import Insight, PortalSite, Site
from torana.app.key_ring import KeyRing, demo_plan, from_settings
from torana.app.llm_meter import llm_meter
from torana.app.logs import Logs
from torana.app.management import Management, matches
from torana.app.numbers import Numbers
from torana.app.observatory import Observatory
from torana.app.once import authorize_once, once
from torana.app.outward import Outward
from torana.app.portals import Portals
from torana.app.privacy import log_hider
from torana.app.quotas import Quotas
from torana.app.sockets import Sockets
from torana.app.tracing import TraceDesk
from torana.app.walls import Walls
from torana.auth.keys import hash_key, new_key
from torana.gateway.contract import Ports
from torana.gateway.errors import InvalidApi
from torana.gateway.front_door import FrontDoor
from torana.gateway.issuers import Issuers, Pool
from torana.gateway.locate import Table, local_address
from torana.gateway.observe import observer, together
from torana.gateway.stage_cache import TOPIC, Caches
from torana.message import Reply, Request
from torana.model.rest import RestApi, Stage
from torana.model.usage import ApiKey
from torana.net.client import HttpClient
from torana.net.pauses import with_pauses
from torana.net.server import Listener, listen
from torana.net.tasks import spawn
from torana.openapi import Document
from torana.services.acm.records import CHALLENGE
from torana.services.apigateway import DataPlane
from torana.services.apigateway.book import LIFECYCLE
from torana.services.apigateway.plane import Authorized
from torana.services.lambda_.ports import Place
from torana.services.lambda_.urls import UrlDoor, UrlTable
from torana.services.seal import KeyFile
from torana.settings import Settings
from torana.state import open_counters, open_store
from torana.telemetry.groups import Groups, into_files
from torana.telemetry.journal import Journal
from torana.telemetry.metrics import Metrics
from torana.telemetry.sampling import Sampler

_log = logging.getLogger("torana")


class Node:
    """A process that serves the front door, the management listener, or both."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        console: Callable[[Insight], Site] | None = None,
        portal: Callable[[Insight], PortalSite] | None = None,
    ) -> None:
        audit_trail.check(settings.audit)
        self.settings, self._environment = settings, environment
        self._make_console, self.portals = console, Portals(settings, portal)
        self._console: Site | None = None
        self.demo_key = environment.get("TORANA_DEMO_KEY") or (new_key() if settings.demo else "")
        self._keys = KeyRing()
        self._metrics = Metrics()
        self._client = HttpClient()
        self._seal = KeyFile(settings.folder() / "client-certificates.key")
        self._master = KeyFile(settings.folder() / "master.key")
        self._journal = Journal(log_hider(settings))
        self._encryption = Encryption(settings, environment, self._client)
        self._logs = Logs(settings, self._journal, self._encryption.vault.cover("logs"))
        self._doors = Doors(settings, self._challenge)
        self._numbers = Numbers(self._metrics, self._look, self._client)
        self.groups = Groups()
        self.groups.add(self._journal)
        if settings.observing.log_files:
            self.groups.add(into_files(self._logs.group))
        self._files_kept = versions.Files(settings.versions.breaking)
        self._files = Table({})
        self.door = FrontDoor(self._files)
        self._listeners: list[Listener] = []
        self.front_port = self.redirect_port = 0
        self._urls: UrlTable | None = None
        self._ai = AiDoors()
        self._sockets = Sockets(settings, self._client)
        self._watching: list[asyncio.Task[None]] = []
        self._outward = Outward(
            settings.vpc_links, self._seal, lambda kind, id: self._control.outward(kind, id)
        )

    async def start(self, role: str, sock: socket.socket | None) -> None:
        """Open everything, in the order that things need each other.

        `role` is `all`, or `hub` and `worker` where several processes share the front door.
        Raises `BadDefinitions`, `BadSettings`, `OSError`: nothing is served then.
        """
        settings, run = self.settings, self.settings.folder() / "run"
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        vault = self._encryption.vault
        self._store = await self._encryption.open(await open_store(settings.store_url()))
        self._watching.append(spawn(self._encryption.follow(), "follow the data keys"))
        hub = f"node:{run / 'counters.sock'}"
        counters = settings.shared or (hub if role == "worker" else "local:")
        self.counters = await open_counters(counters, self._store)
        owner, traced = role != "worker", vault.cover("traces")
        self._traces = TraceDesk(settings, traced, owner=owner)
        await self._traces.open(self._store)
        self.observatory = Observatory(
            settings, self._client, self.counters, self._journal, vault, self._traces, owner=owner
        )
        self.observatory.days = self._logs.days
        await self.observatory.open(self._environment, lambda: self._numbers.figures(run))
        self._caches = Caches(
            self.counters.publish, settings.stage_cache_memory, max(1, settings.workers)
        )
        spawn(self._caches.follow(aiter(self.counters.subscribe(TOPIC))), "follow the caches")
        self._walls = walls = Walls(self._store, self.counters, self._metrics, self.groups)
        await walls.load()
        for work, name in (
            (walls.hear(), "hear"),
            (walls.tell(), "tell"),
            (walls.follow(), "follow"),
        ):
            self._watching.append(spawn(work, f"{name} of web ACLs"))
        self._services = await services.build(
            settings,
            self._environment,
            run,
            self._client,
            self._store,
            owner=role != "worker",
            plane=DataPlane(
                self._cannot_serve,
                self._serve_once,
                self._outward.leads,
                self._seal,
                self._authorize_once,
                self._cannot_deploy,
                self._cannot_trust,
                self._endpoint,
                versions=lambda: versions.served(self.door.table),
                currency=settings.portal.currency if settings.portal else "USD",
                portal=lambda id: f"{id}.portal.{settings.region}.{settings.domain_suffix}",
                source=self._files_kept.text,
                breaking=settings.versions.breaking,
            ),
            seen=walls,
            observed=self.observatory,
            traces=self._traces.book,
            sockets=self._sockets.reach,
            chat=self._ai.models(),
            vault=vault,
        )
        await self._ai.open(
            settings,
            self._environment,
            self._client,
            self._store,
            self.counters,
            self._master,
            llm_meter(self.observatory.recorder, self._journal if settings.otlp.endpoint else None),
            self._services.engines,
            self._services.objects,
            self._traces.keep,
            self.groups,
            vault.cover("usage"),
            endpoints=self._services.endpoint,
            owner=role != "worker",
        )
        self._ports = Ports(
            client=self._client,
            find_key=self._keys.find,
            aws=self._services.call,
            identify=self._services.identify,
            bucket=self.counters.bucket,
            quota=Quotas(self.counters),
            vpc_link=self._outward.vpc_link,
            client_certificate=self._outward.client_certificate,
            lifecycle=versions.reader(lambda id: self._control.outward(LIFECYCLE, id)),
            prompt=self._ai.prompt,
            wall=walls.find,
            issuers=Issuers(
                self._client, _pools(settings), local=self._services.user_pools.registry
            ),
            caches=self._caches,
            observe=together(
                self._services.trail.observing(
                    observer(self._metrics, self._logs.of, self.groups, self.observatory.recorder)
                )
            ),
            traces=self._traces.port,
            privacy=settings.privacy.of,
            tokens=self._services.tokens,
            account=settings.account,
            region=settings.region,
            domain_suffix=settings.domain_suffix,
            admission=self._doors.admission,
        )
        if role != "hub":
            await self._sockets.open(self.door, self.counters)
        self._control = Control(self._store, self._ports, self._publish, walls.look, self._say_anew)
        await self._control.look_outward()
        self._file_ports = structs.replace(self._ports, aws=self._services.call_trusted)
        self.load(gather(settings.apis))
        await self._control.load()
        self._following = spawn(self._control.follow(), "follow the control plane")
        self.door.besides = self._ai.doors(settings, self.door, self._keys.find)
        owner, insight = role != "worker", partial(self._insight, run)
        self._listeners += await self.portals.open(insight, self.door, owner=owner)
        if role != "hub":
            await self._open_front_door(sock)
        if role != "worker":
            await self._open_redirect()
        if role == "worker":
            path = str(run / f"worker-{os.getpid()}.sock")
            self._listeners.append(
                await listen(self._sockets.answering(self._numbers.own), path=path)
            )
        else:
            await self._open_management(run)
        # What was made at start stays: the collector need not look through it again and again.
        gc.collect()
        gc.freeze()

    def load(self, sources: tuple[Source, ...]) -> None:
        """Serve these documents from now on. Raises `BadDefinitions`; what runs goes on then."""
        documents = parse(sources)
        rest = [each for each in documents if isinstance(each, Document)]
        absent = [self._ai.absent(each.api, each.stage) for each in rest]
        if any(absent):
            raise BadDefinitions("\n".join(filter(None, absent)))
        self._files_kept.check(documents, sources, self._ports.lifecycle)
        self._files = compile_table(documents, self._file_ports, self.settings.domains)
        self._files_kept.take(documents, sources)
        self._publish()

    def _say_anew(self, stage: tuple[str, str] | None) -> None:
        """Of a stage, or those of all files, something else is said now."""
        stages = {**self._files.stages, **self._files_kept.compiled(stage, self._file_ports)}
        self._files = structs.replace(self._files, stages=stages)

    def _publish(self) -> None:
        """Serve what files and the control plane say from now on; a file's stage wins."""
        stages = {**self._control.stages, **self._files.stages}
        keys, plans = from_settings(self.settings, self._environment)
        if self.demo_key:
            demo = ApiKey("demo", "demo", hash_key(self.demo_key))
            keys.append(demo)
            plans.append(demo_plan(demo, stages))
        control = self._control
        self._keys.replace([*keys, *control.keys()], [*plans, *control.plans()])
        domains = {**control.domains(), **self._files.domains}
        sets = {**control.sets(), **self._files.sets}
        self.door.table = Table(stages, domains, self.settings.domain_suffix, control.rules(), sets)
        self._sockets.publish(control.sockets, domains)

    async def _cannot_serve(self, api: RestApi, stage: Stage, canary: RestApi | None) -> str | None:
        """Why a stage cannot be served, or None."""
        await self._control.look_outward()
        if stage.web_acl_arn:
            await self._walls.look(stage.web_acl_arn)
        try:
            await with_pauses(bringing_live(api, stage, self._ports, canary))
        except InvalidApi as error:
            return str(error)
        return await self._ai.cannot_serve(api, stage)

    async def _cannot_deploy(self, api: dict[str, Any], stage: dict[str, Any]) -> str | None:
        """Why a stage cannot serve a snapshot of an API of `apigatewayv2`, or None."""
        await self._control.look_outward()
        try:
            await with_pauses(bringing_deployed(api, stage, self._ports))
        except InvalidApi as error:
            return str(error)
        return None

    async def _challenge(self, token: str) -> bytes | None:
        """What an ACME authority is to read under a token."""
        found = await self._store.get(CHALLENGE, token)
        return found and found.body

    async def _cannot_trust(self, uri: str) -> str | None:
        """Why the trust store of a domain name cannot be used, or None."""
        if self.settings.tls is None:
            return "Mutual TLS needs a front door with TLS: set [tls]"
        try:
            await trust_stores(self._services.objects)(uri)
        except ValueError as error:
            return str(error)
        return None

    def _endpoint(self, api_id: str, scheme: str) -> str:
        """Where clients find an API of `apigatewayv2`."""
        settings = self.settings
        secure, port = settings.tls is not None, self.front_port or settings.port
        shown = "" if port == (443 if secure else 80) else f":{port}"
        host = f"{api_id}.execute-api.{settings.domain_suffix}"
        return f"{scheme}{'s' if secure else ''}://{host}{shown}"

    async def _authorize_once(
        self, api: RestApi, stage: Stage, authorizer: str, request: Request
    ) -> Authorized:
        """Raises `ValueError`."""
        return await authorize_once(api, stage, authorizer, request, self._ports)

    async def _serve_once(
        self, api: RestApi, stage: Stage, request: Request
    ) -> tuple[Reply, list[str]]:
        """Serve a request from an API that is not deployed. Raises `ValueError`."""
        return await once(api, stage, request, self._ports)

    def reload(self) -> bool:
        """Read the files again; a bad one leaves everything as it is. True when served anew."""
        self._doors.renew()
        try:
            self.load(gather(self.settings.apis))
        except BadDefinitions as error:
            _log.error("not reloaded, the running APIs go on:\n%s", error)
            return False
        self._logs.reopen()
        if self._services.functions is not None:
            self._services.functions.reload()
        _log.info("reloaded %d APIs", len(self.door.table.stages))
        return True

    @property
    def sampler(self) -> Sampler:
        """Decides which requests of traced stages are traced."""
        return self._traces.sampler

    @property
    def stages(self) -> list[tuple[str, str]]:
        """API ids and stage names that are served."""
        return sorted(self.door.table.stages)

    @property
    def addresses(self) -> list[str]:
        """Their paths."""
        stages = self.door.table.stages
        return [local_address(*place, stages[place]) for place in self.stages]

    async def _open_front_door(self, sock: socket.socket | None) -> None:
        settings = self.settings
        self._urls = UrlTable(self._store, Place(settings.region, settings.account))
        await self._urls.load()
        self.door.urls = UrlDoor(
            self._urls, settings.domain_suffix, self._services.identify, self._services.invoke
        )
        self.door.pools = user_pools.door(
            self._services.user_pools, settings, self._services.anonymous
        )
        own = DomainTls(
            self._store, self._master, trust_stores(self._services.objects), self._doors.usual
        )
        await own.load()
        self._watching.append(spawn(own.follow(), "follow the TLS of domain names"))
        self.door.denied = self._services.trail.refused
        self.front_door = await self._doors.open(self.door, sock, own)
        self._listeners.append(self.front_door)
        self.front_port = self.front_door.port

    async def _open_redirect(self) -> None:
        redirect = await self._doors.redirect(self.front_port)
        if redirect is not None:
            self.redirect_port = redirect.port
            self._listeners.append(redirect)

    async def _open_management(self, run: Path) -> None:
        root = self._services.root
        if self._make_console is not None:
            self._console = self._make_console(self._insight(run))
        pools = self._services.user_pools
        desks = {"/user-pools/v1/": user_pools.key_desk(pools, self.settings)}
        if self._ai.desk is not None:
            desks["/llm/v1/"] = self._ai.desk.handle
        handler = Management(
            self._services.handle,
            lambda: self._numbers.all(run),
            matches(root.access_key_id, root.secret_access_key),
            self._services.trail,
            desks,
            user_pools.public_keys(pools),
            self._console,
        )
        self.management = await listen(
            handler, host=self.settings.management_host, port=self.settings.management_port
        )
        self._listeners.append(self.management)
        functions = self._services.functions
        if functions is not None:
            host = shown(self.settings.management_host)
            await functions.serve(f"http://{host}:{self.management.port}", self.front_port)
        if self.settings.workers > 1:
            region = self.settings.region
            self._listeners += await self._services.listen_for_workers(run, region)
            await self.observatory.listen()

    def _insight(self, run: Path) -> Insight:
        services = self._services
        return Insight(
            self.settings,
            self._store,
            services.find,
            services.handle,
            services.names,
            lambda: self._numbers.snapshots(run),
            self._address,
            lambda: described(self._files_kept.sources, self.door.table),
            lambda api_id, deployment: definition(self._store, api_id, deployment),
            services.anonymous,
            self.door,
            lambda: self.door.table,
            self._ai.access(),
            services.trail.desk,
        )

    def _address(self) -> str:
        """The front door's, as a browser on this machine reaches it."""
        scheme = "https" if self.settings.tls else "http"
        return f"{scheme}://{shown(self.settings.host)}:{self.front_port}"

    def _look(self) -> None:
        gauges = self._metrics.gauges
        self._doors.tell(self._metrics)
        if self._services.functions is not None:
            now, since = self._services.functions.numbers()
            gauges.update(now)
            self._metrics.counters.update(since)
        gauges["connections_open"] = sum(each.open_connections for each in self._listeners)
        gauges["websocket_connections_open"] = len(self._sockets)
        gauges["stage_cache_bytes"] = self._caches.bytes()
        gauges["stages_live"] = len(self.door.table.stages)
        gauges.update(self.observatory.gauges())
        gauges["access_log_lines_dropped"] = self._logs.dropped + self._journal.dropped

    async def stop(self) -> None:
        """Take no more, finish what runs, then close everything."""
        if self._console is not None:
            await self._console.aclose()
        drained = await asyncio.gather(
            *(each.drain(self.settings.drain_seconds) for each in self._listeners)
        )
        if not all(drained):
            _log.warning("some requests were cut off after %s s", self.settings.drain_seconds)
        for each in self._listeners:
            await each.close()
        self._following.cancel()
        self._doors.close()
        self.portals.close()
        for watcher in self._watching:
            watcher.cancel()
        if self._urls is not None:
            await self._urls.aclose()
        await self._sockets.aclose()
        await self._ai.stop()
        await self._services.aclose()
        await self.observatory.aclose()
        await self._traces.aclose()
        await self._client.aclose()
        await self.counters.close()
        await self._store.close()
        self._ai.close()
        self._logs.close()


def _pools(settings: Settings) -> dict[str, Pool]:
    return {id: Pool(pool.issuer, tuple(pool.audience)) for id, pool in settings.user_pools.items()}
