"""What the control plane has deployed, served: every process follows the store by itself.

A stage is compiled when its document changes and swapped in by one assignment. One that cannot be
compiled here leaves the one before it in place.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from torana.app.definitions import bringing_live
from torana.app.deployed import Served, bringing_deployed
from torana.gateway.cache_settings import names
from torana.gateway.contract import Ports
from torana.gateway.domain_rules import Rule, Rules, glob
from torana.gateway.errors import InvalidApi
from torana.gateway.locate import Domains, Live, by_length
from torana.gateway.websocket.plan import SocketPlan
from torana.model.rest import RestApi
from torana.model.usage import ApiKey, ApiStage, QuotaSettings, ThrottleSettings, UsagePlan
from torana.model.version_set import VersionSet, longest_first
from torana.net.pauses import with_pauses
from torana.services.apigateway.assemble import restoring, stage_of
from torana.services.apigateway.book import (
    ACCESS,
    CLIENT_CERTIFICATE,
    DEPLOYMENT,
    DOMAIN,
    FLUSH,
    KEY,
    LIFECYCLE,
    MAPPING,
    PLAN,
    PLAN_KEY,
    STAGE,
    VERSION_SET,
    VPC_LINK,
)
from torana.services.apigateway.domain_access import is_private
from torana.services.apigateway.domains import NONE
from torana.services.apigatewayv2 import book as v2
from torana.services.apigatewayv2.snapshot import SNAPSHOT
from torana.services.lifecycle.version_sets import version_set
from torana.state.store import Document, Store

_log = logging.getLogger("torana")

OUTWARD = (VPC_LINK, CLIENT_CERTIFICATE, v2.VPC_LINK, LIFECYCLE)
"""How stages reach their backends, and what is said of them."""
STAGES = (STAGE, v2.STAGE)
FLUSHES = {FLUSH: STAGE, v2.FLUSH: v2.STAGE}
KINDS = (
    *OUTWARD,
    *STAGES,
    *FLUSHES,
    KEY,
    PLAN,
    PLAN_KEY,
    MAPPING,
    DOMAIN,
    ACCESS,
    v2.RULE,
    VERSION_SET,
)

Json = dict[str, Any]
Stages = Mapping[tuple[str, str], Live]


class Control:
    """Stages, keys and usage plans of the store, as they are now."""

    def __init__(
        self,
        store: Store,
        ports: Ports,
        changed: Callable[[], None],
        look: Callable[[str], Awaitable[None]],
        told: Callable[[tuple[str, str] | None], None],
    ) -> None:
        """`changed` is told after every change that was taken in; `look` takes in a web ACL before
        a stage that names it is compiled; `told` hears of which stage, or that of any (None),
        something else is said now."""
        self._look, self._told = look, told
        self._store, self._ports, self._changed = store, ports, changed
        self.stages: Stages = {}
        self.sockets: Mapping[tuple[str, str], SocketPlan] = {}
        """Stages of WebSocket APIs."""
        self._documents: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
        self._revision = 0

    async def load(self) -> None:
        """Take in everything there is."""
        self._revision = await self._store.revision()
        self._documents = {kind: {} for kind in KINDS}
        for kind in KINDS:
            async for document in self._store.scan(kind):
                self._documents[kind][document.id] = msgspec.json.decode(document.body)
        served = {
            place: found
            for kind in STAGES
            for id, stage in self._documents[kind].items()
            if (place := _place(id)) and (found := await self._live(kind, place, stage)) is not None
        }
        self.stages = {at: found for at, found in served.items() if isinstance(found, Live)}
        self.sockets = {at: found for at, found in served.items() if isinstance(found, SocketPlan)}
        self._changed()

    async def look_outward(self) -> None:
        """Take in how backends are reached, for what is compiled before the news of it comes."""
        for kind in OUTWARD:
            self._documents[kind] = {
                document.id: msgspec.json.decode(document.body)
                async for document in self._store.scan(kind)
            }

    def outward(self, kind: str, id: str) -> Json | None:
        """A VPC link or a client certificate."""
        return self._documents[kind].get(id)

    async def follow(self) -> None:
        """Take in what changes, for ever."""
        async for news in self._store.watch(self._revision, KINDS):
            if news.resync:
                self._ports.caches.flush_all()
                await self.load()
                self._told(None)
                continue
            for event in news.events:
                if isinstance(event, Document):
                    await self._take(event)
                else:
                    await self._drop(event.kind, event.id)
            self._changed()

    async def _take(self, document: Document) -> None:
        value: Json = msgspec.json.decode(document.body)
        before = self._documents[document.kind].get(document.id, {})
        self._documents[document.kind][document.id] = value
        if document.kind in FLUSHES:
            await self._flush(FLUSHES[document.kind], document.id, before, value)
        if document.kind in STAGES:
            await self._bring(document.kind, document.id, value)
        if document.kind == LIFECYCLE and value != before:
            await self._tell(document.id)

    async def _tell(self, id: str) -> None:
        """Serve a stage as it is spoken of now."""
        for kind in STAGES:
            stage = self._documents[kind].get(id)
            if stage is not None:
                await self._bring(kind, id, stage)
        self._told(_place(id))

    async def _bring(self, kind: str, id: str, stage: Json) -> None:
        place = _place(id)
        found = await self._live(kind, place, stage)
        if isinstance(found, SocketPlan):
            self.sockets = {**self.sockets, place: found}
        elif found is not None:
            self.stages = {**self.stages, place: found}

    async def _flush(self, kind: str, id: str, before: Json, now: Json) -> None:
        """Forget what the stage's cache holds, or what its authorizers have said: a stage that is
        compiled anew has asked nobody yet."""
        if now.get("cache") != before.get("cache"):
            self._ports.caches.flush(names(*_place(id)))
        stage = self._documents[kind].get(id)
        if stage is not None and now.get("authorizers") != before.get("authorizers"):
            await self._bring(kind, id, stage)

    async def _drop(self, kind: str, id: str) -> None:
        self._documents[kind].pop(id, None)
        if kind == LIFECYCLE:
            await self._tell(id)
        if kind in STAGES:
            place = _place(id)
            self.stages = {each: found for each, found in self.stages.items() if each != place}
            self.sockets = {each: found for each, found in self.sockets.items() if each != place}

    async def _live(self, kind: str, place: tuple[str, str], stage: Json) -> Served | None:
        if kind == v2.STAGE:
            return await self._live_v2(place, stage)
        api = await self._deployed(place[0], stage.get("deploymentId"))
        if api is None:
            _log.error("stage %s of API %s has no deployment", place[1], place[0])
            return None
        if stage.get("webAclArn"):
            await self._look(stage["webAclArn"])
        canary = stage.get("canarySettings", {}).get("deploymentId")
        other = await self._deployed(place[0], canary)
        try:
            return await with_pauses(bringing_live(api, stage_of(stage), self._ports, other))
        except (InvalidApi, msgspec.ValidationError) as error:
            _log.error("stage %s of API %s is not served: %s", place[1], place[0], error)
            return None

    async def _live_v2(self, place: tuple[str, str], stage: Json) -> Served | None:
        """A stage that nothing was deployed to yet is not served."""
        id = stage.get("DeploymentId")
        document = await self._store.get(v2.DEPLOYMENT, f"{place[0]}/{id}") if id else None
        if document is None:
            return None
        api = msgspec.json.decode(document.body)[SNAPSHOT]
        try:
            return await with_pauses(bringing_deployed(api, stage, self._ports))
        except InvalidApi as error:
            _log.error("stage %s of API %s is not served: %s", place[1], place[0], error)
            return None

    async def _deployed(self, api_id: str, deployment: str | None) -> RestApi | None:
        if not deployment:
            return None
        document = await self._store.get(DEPLOYMENT, f"{api_id}/{deployment}")
        if document is None:
            return None
        return await with_pauses(restoring(msgspec.json.decode(document.body)))

    def domains(self) -> Domains:
        """Custom domain names, and which stage answers under which base path. Private ones that no
        VPC endpoint may use answer nothing."""
        found: dict[str, dict[str, tuple[str, str]]] = {}
        open_to = {id.partition("/")[0] for id in self._documents[ACCESS]}
        shut = {
            name
            for name, domain in self._documents[DOMAIN].items()
            if is_private(domain) and name not in open_to
        }
        for id, mapping in self._documents[MAPPING].items():
            if id.partition("/")[0] in shut:
                continue
            base = "" if mapping["basePath"] == NONE else mapping["basePath"]
            stages = found.setdefault(id.partition("/")[0], {})
            stages[base] = (mapping["restApiId"], mapping["stage"])
        return {name: by_length(bases) for name, bases in found.items()}

    def rules(self) -> Mapping[str, Rules]:
        """The routing rules of the domain names that go by them."""
        found: dict[str, list[Json]] = {}
        for id, rule in self._documents[v2.RULE].items():
            found.setdefault(id.partition("/")[0], []).append(rule)
        modes = {
            name: mode
            for name, domain in self._documents[DOMAIN].items()
            if (mode := domain.get("routingMode", "")).startswith("ROUTING_RULE")
        }
        return {
            name: Rules(
                tuple(map(_rule, sorted(found.get(name, []), key=lambda rule: rule["Priority"]))),
                mode == "ROUTING_RULE_THEN_API_MAPPING",
            )
            for name, mode in modes.items()
        }

    def sets(self) -> Mapping[str, tuple[VersionSet, ...]]:
        """The sets of versions of domain names."""
        found: dict[str, list[VersionSet]] = {}
        for id, each in self._documents[VERSION_SET].items():
            found.setdefault(id.partition("/")[0], []).append(version_set(each))
        return {name: longest_first(sets) for name, sets in found.items()}

    def keys(self) -> list[ApiKey]:
        """Every API key."""
        return [
            ApiKey(id, key.get("name", ""), key["valueHash"], key["enabled"])
            for id, key in self._documents[KEY].items()
        ]

    def plans(self) -> list[UsagePlan]:
        """Every usage plan, with its keys."""
        members: dict[str, list[str]] = {}
        for id in self._documents[PLAN_KEY]:
            plan, _, key = id.partition("/")
            members.setdefault(plan, []).append(key)
        return [
            _plan(plan, tuple(members.get(id, ()))) for id, plan in self._documents[PLAN].items()
        ]


def _place(id: str) -> tuple[str, str]:
    api, _, stage = id.partition("/")
    return api, stage


def _rule(rule: Json) -> Rule:
    action = rule["Actions"][0]["InvokeApi"]
    headers = [
        each["MatchHeaders"]["AnyOf"][0] for each in rule["Conditions"] if "MatchHeaders" in each
    ]
    bases = [
        each["MatchBasePaths"]["AnyOf"][0]
        for each in rule["Conditions"]
        if "MatchBasePaths" in each
    ]
    return Rule(
        action["ApiId"],
        action["Stage"],
        tuple((each["Header"].lower(), glob(each["ValueGlob"])) for each in headers),
        bases[0].strip("/") if bases else "",
        bool(action.get("StripBasePath")),
    )


def _plan(plan: Json, keys: tuple[str, ...]) -> UsagePlan:
    stages = tuple(
        ApiStage(
            each["apiId"],
            each["stage"],
            {name: _throttle(limit) for name, limit in each.get("throttle", {}).items()},
        )
        for each in plan["apiStages"]
    )
    throttle, quota = plan.get("throttle"), plan.get("quota")
    return UsagePlan(
        plan["id"],
        plan["name"],
        stages,
        keys,
        _throttle(throttle) if throttle else None,
        msgspec.convert(quota, QuotaSettings) if quota else None,
    )


def _throttle(given: Json) -> ThrottleSettings:
    rate = float(given.get("rateLimit", 0.0))
    return ThrottleSettings(rate, int(given.get("burstLimit", max(1, int(rate)))))
