"""The audit trail of a process: what is put on record, where it goes, how long it is kept."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from torana.gateway.contract import Compiled, Context, Observe
from torana.gateway.errors import GatewayError
from torana.message import Headers, Reply, Request, read
from torana.net.client import Client, Timeouts
from torana.net.tasks import spawn
from torana.sealing import Cover
from torana.services.audit import KIND, id_at
from torana.services.router import Heard
from torana.services.seal import KeyFile
from torana.settings import Audit, BadSettings, Settings
from torana.state.store import Change, Conflict, Store, StoreUnavailable
from torana.telemetry.trail import Trail
from torana.telemetry.trail.chain import Json, Link
from torana.telemetry.trail.exports import Post, export
from torana.telemetry.trail.files import chains, prune

_log = logging.getLogger("torana.audit")

HEAD = "audit-head"
"""Under a chain's name: how far it has got, so that lines cut off its end are missed."""
_EVERY = 1.0
_DAY = 86400.0
_LEAST_DAYS = 90
_TIMEOUTS = Timeouts(3.0, 10.0, 10.0, 10.0)


class AuditTrail:
    """Keeps the trail of one process; `owner` prunes for the node."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        client: Client,
        node: str,
        cover: Cover | None = None,
        *,
        owner: bool,
    ) -> None:
        """Raises `BadSettings`."""
        self._store, self._owner = store, owner
        self._retention = timedelta(days=settings.audit.retention_days)
        self._key = KeyFile(settings.folder() / "audit.key").secret()
        try:
            self._exports = [export(each, poster(client)) for each in settings.audit.export]
            folder, sinks = settings.folder() / "audit", tuple(self._exports)
            self.trail = Trail(folder, self._key, node, sinks, cover)
        except ValueError as error:
            raise BadSettings(f"audit.export: {error}") from None
        except OSError as error:
            raise BadSettings(f"the audit trail cannot be written: {error}") from None
        self._told = 0
        work = [self._run(), *(each.run() for each in self._exports)]
        self._tasks = [spawn(each, "the audit trail") for each in work]

    def call(self, heard: Heard) -> None:
        """A call of a service; or a denied one of an integration."""
        who, request = heard.who, heard.request
        fields: Json = {
            "event": "denied" if heard.denied else "call",
            "id": heard.request_id,
            "service": heard.service,
            "operation": heard.operation,
            "region": heard.region,
            "arn": who.arn if who else "",
            "key": heard.access_key_id,
            "address": request.peer.address,
            "agent": (request.headers.get("user-agent") or "")[:256],
            "status": heard.status,
        }
        if heard.denied:
            fields["denied"] = heard.denied[:1000]
        if heard.edits:
            fields["edits"] = heard.edits
        if heard.denied and heard.outside:
            self.trail.denied(fields)
        else:
            self.trail.write(fields)

    def desk(self, request: Request, reply: Reply, service: str, arn: str) -> None:
        """A call of what the gateway manages beside the services, by its method and path."""
        fields = {"event": "call", "service": service, "operation": request.method}
        self.trail.write({**fields, "arn": arn, **_told(request), "status": reply.status})

    def refused(self, request: Request, reply: Reply) -> None:
        """A request that was not let in, outside of the stages of APIs."""
        said = reply.denied or reply.headers.get("x-amzn-errortype") or "Forbidden"
        host = (request.headers.get("host") or "")[:256]
        told = {**_told(request), "host": host, "method": request.method}
        self.trail.denied({**told, "status": reply.status, "denied": said[:1000]})

    def observing(self, observer: Callable[[Compiled], Observe]) -> Callable[[Compiled], Observe]:
        """The same, and denied requests of the front door are put on record."""

        def build(to: Compiled) -> Observe:
            others, place = observer(to), f"{to.api.id}/{to.stage.stage_name}"

            def observe(ctx: Context) -> None:
                others(ctx)
                if isinstance(ctx.error, GatewayError) and _denies(ctx.error, ctx.status):
                    self.trail.denied(_refused(ctx, place))

            return observe

        return build

    async def _run(self) -> None:
        pruned = float("-inf")
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self._anchor()
                if self._owner and time.monotonic() - pruned > _DAY:
                    pruned = time.monotonic()
                    await self.prune()
            except StoreUnavailable:
                continue

    async def _anchor(self) -> None:
        head = self.trail.head
        if head.seq == self._told:
            return
        said = {"node": self.trail.node, "seq": head.seq, "mac": head.mac}
        there = await self._store.get(HEAD, self.trail.chain)
        version = there.version if there else 0
        body = msgspec.json.encode(said)
        try:
            await self._store.commit([Change(HEAD, self.trail.chain, version, body)])
            self._told = head.seq
        except Conflict:
            return

    async def prune(self) -> None:
        """Forget what is older than it must be kept."""
        before = datetime.now(UTC) - self._retention
        known = {chain: at async for chain, at in heads(self._store, self.trail.node)}
        gone = await asyncio.to_thread(prune, self.trail, self._key, before, known)
        left = chains(self.trail.folder)
        for chain in known:
            if gone and chain not in left:
                await self._drop(HEAD, chain)
        old = [
            document.id
            async for document in self._store.scan(KIND, after=id_at(before.timestamp()))
        ]
        for id in old:
            await self._drop(KIND, id)
        if gone or old:
            _log.info("pruned the audit trail: %d files, %d records", len(gone), len(old))

    async def _drop(self, kind: str, id: str) -> None:
        found = await self._store.get(kind, id)
        if found is not None:
            try:
                await self._store.commit([Change(kind, id, found.version, None)])
            except Conflict:
                return

    async def aclose(self) -> None:
        """The last line, told everywhere."""
        self.trail.close()
        for each in self._exports:
            await each.drain()
        for task in self._tasks:
            task.cancel()
        try:
            await self._anchor()
        except StoreUnavailable:
            return


def check(settings: Audit) -> None:
    """Raises `BadSettings`."""
    if settings.retention_days < _LEAST_DAYS and not settings.short_retention:
        raise BadSettings(
            f"audit.retention_days: fewer than {_LEAST_DAYS} days leave little to look into:"
            " set audit.short_retention = true if you mean it"
        )


async def heads(store: Store, node: str) -> AsyncIterator[tuple[str, Link]]:
    """How far the chains of a node got at least."""
    async for document in store.scan(HEAD):
        found: Json = msgspec.json.decode(document.body)
        if found["node"] == node:
            yield document.id, Link(found["seq"], found["mac"])


_DENYING = frozenset(
    {
        "ACCESS_DENIED",
        "AUTHORIZER_CONFIGURATION_ERROR",
        "AUTHORIZER_FAILURE",
        "EXPIRED_TOKEN",
        "INVALID_API_KEY",
        "INVALID_SIGNATURE",
        "MISSING_AUTHENTICATION_TOKEN",
        "UNAUTHORIZED",
        "WAF_FILTERED",
    }
)


def _denies(error: GatewayError, status: int) -> bool:
    """Whatever status an API's own gateway responses make of it."""
    return error.type in _DENYING or status in (401, 403)


def _told(request: Request) -> Json:
    return {
        "path": request.target.partition("?")[0][:1000],
        "address": request.peer.address,
        "agent": (request.headers.get("user-agent") or "")[:256],
    }


def _refused(ctx: Context, place: str) -> Json:
    error = ctx.error
    kind = error.type if isinstance(error, GatewayError) else ""
    who = ctx.principal.context.get("userArn") or ctx.principal.id
    return {
        "id": ctx.request_id,
        "api": place,
        "method": ctx.request.method,
        "path": ctx.path[:1000],
        "arn": str(who or ""),
        "address": ctx.request.peer.address,
        "agent": (ctx.request.headers.get("user-agent") or "")[:256],
        "status": ctx.status,
        "denied": f"{kind}: {error}"[:1000],
    }


def poster(client: Client) -> Post:
    """Posts to an OpenTelemetry collector."""

    async def post(address: str, body: bytes) -> None:
        at = urlsplit(address)
        port = at.port or (443 if at.scheme == "https" else 80)
        fields = Headers([("Host", at.netloc), ("Content-Type", "application/json")])
        request = Request("POST", at.path or "/v1/logs", fields, body)
        reply = await client.origin(at.scheme, at.hostname or "", port).send(request, _TIMEOUTS)
        await read(reply.body, 1 << 16)
        if reply.status >= 300:
            raise ConnectionError(f"{address} answered {reply.status}")

    return post
