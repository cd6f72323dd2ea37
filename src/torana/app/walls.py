"""Web ACLs as this process has them, and what the processes tell each other of them.

Once a second each process tells how often it was asked, for rate-based rules, and which requests
it sampled.
"""

import asyncio
import logging
import time
from collections import deque
from os import urandom
from typing import Any

import msgspec
from msgspec import Struct

from torana.services.wafv2.book import KINDS, WEB_ACL
from torana.services.wafv2.samples import Sample
from torana.state.counters import Counters, CountersUnavailable
from torana.state.store import Document, Store
from torana.telemetry.groups import Keeper
from torana.telemetry.metrics import Metrics
from torana.waf.acl import Acl, Verdict, compile_acl
from torana.waf.faults import BadRule
from torana.waf.geo import countries
from torana.waf.inspected import Inspected
from torana.waf.logs import SECRET, Line, Where, line_of
from torana.waf.rates import Rate
from torana.waf.shelf import Shelf, label_prefix, thawed

_log = logging.getLogger("torana")

TOPIC = "waf"
_EVERY = 1.0
_SAMPLES = 500
"""Requests that are kept of a web ACL."""
_A_SECOND = 20
"""Requests that a process samples of a web ACL in a second."""

Json = dict[str, Any]


class Told(Struct):
    """What a process tells the others."""

    by: bytes
    rates: dict[str, dict[str, int]]
    samples: list[Sample]


class Wall:
    """Implements the gateway's port of that name."""

    def __init__(self, acl: Acl, metrics: Metrics, keep: Keeper) -> None:
        self.acl, self._metrics, self._keep = acl, metrics, keep
        self._log: tuple[str, str, Line] | None = None
        self.fresh: list[Sample] = []

    def configure(self, arn: str, logging: Json | None) -> None:
        """What is logged from now on, and where."""
        self._log = None
        if logging is not None:
            group = logging["LogDestinationConfigs"][0].removesuffix(":*").rpartition(":")[2]
            stream = f"{arn.split(':')[3]}_{self.acl.name}_0"
            self._log = group, stream, line_of(arn, thawed(logging))

    def _write(self, request: Inspected, verdict: Verdict, source: str, id: str) -> None:
        if self._log is None:
            return
        group, stream, line = self._log
        now, status = time.time(), verdict.action.status or None
        text = line(request, verdict, Where(source, id, now, status))
        if text is not None:
            self._keep(group, stream, ((now, text),))

    def note(self, request: Inspected, verdict: Verdict, source: str, id: str) -> None:
        """Count it, log it, and keep a sample."""
        self._write(request, verdict, source, id)
        kind, by = verdict.action.kind, verdict.by
        self._metrics.add(f"waf_{kind.lower()}ed" if kind != "Allow" else "waf_allowed")
        if verdict.counted:
            self._metrics.add("waf_counted")
        if len(self.fresh) >= _A_SECOND:
            return
        hits = [(each.rule, "COUNT", each.inner) for each in verdict.counted[:3]]
        hits.append((by.rule if by else "Default_Action", kind.upper(), by.inner if by else ""))
        fields = [
            (name, "***" if name.lower() in SECRET else value)
            for name, value in request.headers.items[:50]
        ]
        for rule, action, inner in hits:
            self.fresh.append(
                Sample(
                    self.acl.arn,
                    rule,
                    inner,
                    action,
                    time.time(),
                    request.address,
                    request.path + ("?" + request.query if request.query else ""),
                    request.method,
                    fields,
                    sorted(request.labels)[:100],
                )
            )


class Walls:
    """Every web ACL of the store."""

    def __init__(self, store: Store, counters: Counters, metrics: Metrics, keep: Keeper) -> None:
        """`keep` takes the lines of those that log."""
        self._store, self._counters, self._metrics = store, counters, metrics
        self._keep_lines = keep
        self._documents: dict[str, Json] = {}
        self._walls: dict[str, Wall] = {}
        self._rates: dict[tuple[str, float], Rate] = {}
        self._samples: dict[str, deque[Sample]] = {}
        self._revision = 0
        self._own = urandom(8)

    def find(self, arn: str) -> Wall | None:
        """The web ACL of an ARN."""
        return self._walls.get(arn)

    def samples(self, arn: str) -> list[Sample]:
        """What was sampled of a web ACL, by every process."""
        return list(self._samples.get(arn, ()))

    def above(self, rule: str, limit: int) -> list[str]:
        """The keys that a rate-based rule, by its full name, is over the limit for."""
        now = time.monotonic()
        found = (rate for (name, _), rate in self._rates.items() if name == rule)
        return sorted({key for rate in found for key in rate.above(limit, now)})

    async def load(self) -> None:
        """Take in everything there is."""
        self._revision = await self._store.revision()
        self._documents = {}
        for kind in KINDS:
            async for document in self._store.scan(kind):
                value = msgspec.json.decode(document.body)
                self._documents[value["ARN"]] = value
        await self._compile()

    async def look(self, arn: str) -> None:
        """Take in a web ACL before the news of it comes; one that is known, the news keep as it
        is."""
        if arn not in self._walls:
            await self.load()

    async def follow(self) -> None:
        """Take in what changes, for ever."""
        async for news in self._store.watch(self._revision, KINDS):
            if news.resync or any(not isinstance(event, Document) for event in news.events):
                await self.load()
                continue
            for event in news.events:
                assert isinstance(event, Document)
                value = msgspec.json.decode(event.body)
                self._documents[value["ARN"]] = value
            await self._compile()

    async def _compile(self) -> None:
        """All of them: what they refer to may be what has changed."""
        shelf = Shelf(self._documents, self._window, countries())
        found: dict[str, Wall] = {}
        for arn, document in self._documents.items():
            if f"/{WEB_ACL}/" not in arn:
                continue
            before = self._walls.get(arn)
            try:
                acl = await asyncio.to_thread(
                    compile_acl, thawed(document), label_prefix(arn), shelf
                )
            except BadRule as error:
                _log.error("web ACL %s cannot be evaluated, it stays as it was: %s", arn, error)
                if before is not None:
                    found[arn] = before
                continue
            if before is None:
                before = Wall(acl, self._metrics, self._keep_lines)
            before.acl = acl
            before.configure(arn, document.get("Logging"))
            found[arn] = before
        self._walls = found

    def _window(self, name: str, seconds: float) -> Rate:
        return self._rates.setdefault((name, seconds), Rate(seconds))

    async def tell(self) -> None:
        """Tell the other processes, for ever."""
        while True:
            await asyncio.sleep(_EVERY)
            samples = [sample for wall in self._walls.values() for sample in wall.fresh]
            for wall in self._walls.values():
                wall.fresh = []
            rates: dict[str, dict[str, int]] = {}
            for (name, seconds), rate in self._rates.items():
                if rate.untold:
                    rates[f"{seconds} {name}"], rate.untold = rate.untold, {}
            if not samples and not rates:
                continue
            self._keep(samples)
            told = msgspec.msgpack.encode(Told(self._own, rates, samples))
            try:
                await self._counters.publish(TOPIC, told)
            except CountersUnavailable as error:
                _log.warning("what web ACLs saw was not told: %s", error)

    async def hear(self) -> None:
        """Take in what the others tell, for ever."""
        async for message in self._counters.subscribe(TOPIC):
            if message is None:
                continue
            told = msgspec.msgpack.decode(message, type=Told)
            if told.by == self._own:
                continue
            now = time.monotonic()
            for place, counts in told.rates.items():
                seconds, _, name = place.partition(" ")
                self._window(name, float(seconds)).hear(counts, now)
            self._keep(told.samples)

    def _keep(self, samples: list[Sample]) -> None:
        for sample in samples:
            self._samples.setdefault(sample.acl, deque(maxlen=_SAMPLES)).append(sample)
