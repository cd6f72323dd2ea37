"""Every function URL, known by its id: in each process that has the front door.

What a request needs is compiled when a function changes, not when the request comes.
"""

import logging
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from torana.auth.policy import MalformedPolicy, Policy, parse
from torana.cors import Cors
from torana.net.tasks import spawn
from torana.services.lambda_.book import FUNCTION
from torana.services.lambda_.ports import Place
from torana.services.lambda_.records import Json, Url
from torana.state.store import Deleted, Store

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping


_log = logging.getLogger("torana.lambda")


class Target(Struct, frozen=True):
    """What a function URL leads to."""

    id: str
    arn: str
    """With the alias, if it is an alias' URL."""
    signed: bool
    """Requests must be signed (`AWS_IAM`)."""
    streamed: bool
    cors: Cors | None
    policy: Policy | None


class _Record(Struct, frozen=True):
    """The part of a function's record that matters here."""

    name: str
    urls: dict[str, Url] = {}
    policies: dict[str, list[Json]] = {}


class UrlTable:
    """Follows the store."""

    def __init__(self, store: Store, place: Place) -> None:
        self._store, self._place = store, place
        self._of: dict[str, tuple[Target, ...]] = {}
        self._targets: Mapping[str, Target] = {}
        self._following: asyncio.Task[None] | None = None

    def find(self, id: str) -> Target | None:
        """Where a URL leads."""
        return self._targets.get(id)

    async def load(self) -> None:
        """Read what is stored, and follow it from then on."""
        revision = await self._store.revision()
        await self._read_all()
        self._following = spawn(self._follow(revision), "follow the function URLs")

    async def _read_all(self) -> None:
        self._of = {}
        async for document in self._store.scan(FUNCTION):
            self._set(document.id, document.body)
        self._publish()

    async def _follow(self, revision: int) -> None:
        async for news in self._store.watch(revision, (FUNCTION,)):
            if news.resync:
                await self._read_all()
            for event in news.events:
                self._set(event.id, None if isinstance(event, Deleted) else event.body)
            self._publish()

    def _set(self, name: str, body: bytes | None) -> None:
        self._of.pop(name, None)
        if body is not None:
            record = msgspec.json.decode(body, type=_Record)
            if record.urls:
                self._of[name] = tuple(
                    self._target(record, qualifier, url) for qualifier, url in record.urls.items()
                )

    def _target(self, record: _Record, qualifier: str, url: Url) -> Target:
        arn = self._place.function(record.name)
        statements = record.policies.get(qualifier)
        return Target(
            url.id,
            f"{arn}:{qualifier}" if qualifier else arn,
            url.auth == "AWS_IAM",
            url.mode == "RESPONSE_STREAM",
            Cors(url.cors) if url.cors else None,
            _compiled(arn, statements) if statements else None,
        )

    def _publish(self) -> None:
        self._targets = {target.id: target for each in self._of.values() for target in each}

    async def aclose(self) -> None:
        """Stop following."""
        if self._following is not None:
            self._following.cancel()


def _compiled(arn: str, statements: list[Json]) -> Policy | None:
    """One that cannot be read allows nothing, and hinders no other URL."""
    try:
        return parse({"Version": "2012-10-17", "Statement": statements}, "resource")
    except MalformedPolicy as error:
        _log.error("%s: its policy allows nothing: %s", arn, error)
        return None
