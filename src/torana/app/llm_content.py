"""Keeping what was asked and answered, for keys, what is above them, and models that opt in: to a
log group, and as OpenTelemetry's events. Read and masked in a thread, once the client has its
answer.

Source of the event: OpenTelemetry semantic conventions, "Events for generative AI"
(`gen_ai.client.inference.operation.details`); OTLP/HTTP (JSON Protobuf encoding).
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from torana.app.llm_guards import Means, guard_named
from torana.llm.call import Asked
from torana.llm.content import Record, rendered
from torana.llm.detectors import PERSONAL, SECRETS, by_form
from torana.llm.guard import Guard, Rule
from torana.llm.keys import Key
from torana.llm_settings import Llm
from torana.message import Headers, Request
from torana.net.client import Client, Timeouts
from torana.settings import BadSettings, Otlp, secret
from torana.telemetry import trace_header
from torana.telemetry.groups import Keeper

_log = logging.getLogger("torana.llm")
_EVERY = 0.5
_WAITING = 64 * 1024 * 1024
"""Bytes that wait to be read; what comes beyond is dropped, and counted."""
_EVENTS = 512
"""That wait for a collector which is away."""
_OUTWARD = Timeouts(5.0, 10.0, 10.0, 15.0)
_EVENT = "gen_ai.client.inference.operation.details"
Json = dict[str, Any]


def content_mistakes(settings: Llm) -> Iterator[str]:
    """What does not fit, a line each."""
    given = settings.content
    for name in given.guardrails:
        if name not in settings.guardrails:
            yield f"llm.content.guardrails: no guardrail {name!r}"
    if not 1 <= given.longest <= 100_000:
        yield "llm.content.longest: 1 to 100,000 characters"
    wants = [f"llm.models.{name}" for name, each in settings.models.items() if each.content]
    wants += ["llm.content.everything"] if given.everything else []
    if wants and not (given.group or given.otlp):
        yield f"{wants[0]}: [llm.content] names no group and no otlp to keep it"


class Content:
    """Of a process."""

    def __init__(
        self,
        settings: Llm,
        means: Means,
        keep: Keeper,
        client: Client,
        collector: Otlp,
        vendors: Mapping[str, str] = {},
    ) -> None:
        """`vendors`: what OpenTelemetry's conventions call providers. Raises `BadSettings`."""
        self._vendors = vendors
        given = self._given = settings.content
        if given.otlp and not collector.endpoint:
            raise BadSettings("llm.content.otlp: [otlp] endpoint names no collector")
        self._guard = _masks(settings, means)
        self._models = {name for name, each in settings.models.items() if each.content}
        self._keep, self._client = keep, client
        self._collector = collector.endpoint.rstrip("/") + "/v1/logs"
        self._headers = [
            (name, secret(value, means.environment)) for name, value in collector.headers.items()
        ]
        self._waiting: deque[Record] = deque()
        self._events: deque[Json] = deque(maxlen=_EVENTS)
        self._size = self._dropped = 0

    def wants(self, key: Key, model: str) -> bool:
        """Whether somebody opted in."""
        return key.content or model in self._models or self._given.everything

    def begin(self, asked: Asked, headers: Headers) -> Record:
        """One of those."""
        return Record(asked, headers, self._take)

    def _take(self, record: Record) -> None:
        if self._size > _WAITING:
            self._dropped += 1
            return
        self._size += record.size()
        self._waiting.append(record)

    async def run(self) -> None:
        """Keep what comes, for as long as the process runs."""
        while True:
            await asyncio.sleep(_EVERY)
            await self.flush()

    async def flush(self) -> None:
        """Keep what waits."""
        if self._dropped:
            _log.warning("%d contents were dropped: they came too fast", self._dropped)
            self._dropped = 0
        while self._waiting:
            record, told = self._waiting[0], Json()
            try:
                told = await asyncio.to_thread(rendered, record, self._mask, self._given.longest)
            except Exception:  # noqa: BLE001 - the boundary: one content that cannot be read
                _log.exception("a content cannot be read")
            self._waiting.popleft()
            self._size -= record.size()
            if not told:
                continue
            at = float(told.pop("at", time.time()))
            if self._given.group:
                stream = time.strftime("%Y/%m/%d", time.gmtime(at))
                text = msgspec.json.encode(told).decode()
                self._keep(self._given.group, stream, [(at, text)])
            if self._given.otlp:
                provider = told.get("provider", "")
                told["vendor"] = self._vendors.get(provider, provider)
                self._events.append(event(told, at, record.headers))
        await self._post()

    def _mask(self, text: str) -> str:
        return self._guard.mask(text, "input")

    async def _post(self) -> None:
        """A collector that is away gets the newest later."""
        if not self._events:
            return
        events = list(self._events)
        url = urlsplit(self._collector)
        port = url.port or (443 if url.scheme == "https" else 80)
        origin = self._client.origin(url.scheme, url.hostname or "", port)
        fields = [("Host", url.netloc), ("Content-Type", "application/json")]
        fields += self._headers
        try:
            reply = await origin.send(
                Request("POST", url.path, Headers(fields), exported(events)), _OUTWARD
            )
        except (ConnectionError, TimeoutError) as error:
            _log.warning("contents wait for the collector: %s", error)
            return
        if reply.status >= 500 or reply.status == 429:
            _log.warning("contents wait for the collector: it says %s", reply.status)
            return
        if reply.status >= 400:
            _log.error("the collector refuses contents: %s", reply.status)
        for _ in events:
            self._events.popleft()


def _masks(settings: Llm, means: Means) -> Guard:
    """Those of the guardrails that are named, else of all that is known by its form. What would be
    blocked is masked."""
    sides = frozenset(("input", "output"))
    rules = [
        structs.replace(rule, blocks=False, sides=sides)
        for name in settings.content.guardrails
        for rule in guard_named(name, settings, means).rules
    ]
    if not settings.content.guardrails:
        rules = [Rule("", "", by_form(forms), False, sides) for forms in (PERSONAL, SECRETS)]
    return Guard(tuple(rules))


def event(told: Json, at: float, headers: Headers) -> Json:
    """A log record of OTLP, below the caller's span where that is known."""
    carried = trace_header.read(headers.get("x-amzn-trace-id"), headers.get("traceparent"))
    attributes = {name: told[field] for field, name in _ATTRIBUTES.items() if field in told}
    made: Json = {
        "timeUnixNano": str(int(at * 1e9)),
        "severityNumber": 9,
        "eventName": _EVENT,
        "attributes": [{"key": key, "value": _any(value)} for key, value in attributes.items()],
    }
    if carried is not None and carried.root:
        made["traceId"] = carried.root[2:].replace("-", "")
        made["spanId"] = carried.parent
    return made


_ATTRIBUTES: Mapping[str, str] = {
    "operation": "gen_ai.operation.name",
    "model": "gen_ai.request.model",
    "target": "gen_ai.response.model",
    "vendor": "gen_ai.provider.name",
    "provider": "torana.provider",
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "system_instructions": "gen_ai.system_instructions",
    "input_messages": "gen_ai.input.messages",
    "output_messages": "gen_ai.output.messages",
    "request": "torana.request",
    "response": "torana.response",
    "error": "torana.error",
    "key": "torana.key",
    "user": "torana.user",
    "team": "torana.team",
    "organization": "torana.organization",
    "end_user": "torana.end_user",
}


def _any(value: Any) -> Json:
    if isinstance(value, int):
        return {"intValue": str(value)}
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return {"stringValue": text}


def exported(events: list[Json]) -> bytes:
    """An ExportLogsServiceRequest."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "torana"}}]}
    scope = {"scope": {"name": "torana.llm"}, "logRecords": events}
    return msgspec.json.encode({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})
