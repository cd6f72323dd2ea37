"""Who there is and what they may do, as each process knows it: it follows the store, so that a
request asks nobody.

Policies are compiled at the first request after a change.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from torana.auth.grants import Grants
from torana.auth.policy import Kind, MalformedPolicy, Policy, parse
from torana.net.tasks import spawn
from torana.services.iam.managed import MANAGED
from torana.services.iam.names import (
    ENDED,
    GROUP,
    KEY,
    KINDS,
    POLICY,
    PROVIDER,
    ROLE,
    USER,
    Json,
    arn,
)
from torana.state.store import Deleted, Store

_log = logging.getLogger("torana.iam")
_WAIT = 1.0
"""Seconds that a change waits for this process to live by it."""
_MOST = 10_000
"""Documents that are kept compiled."""


class Key(Struct, frozen=True, rename="pascal"):
    """An access key of a user; the secret is sealed."""

    user: str
    secret: str
    status: str


class Known(Struct, frozen=True):
    """A user or a role, ready to be asked about."""

    kind: str
    name: str
    id: str
    arn: str
    grants: Grants
    tags: Mapping[str, str]
    trust: Policy | None = None
    longest: int = 3600
    """Seconds of a role's session."""


class Directory:
    """Follows the identities of the store."""

    def __init__(self, store: Store, account: str) -> None:
        self._store, self._account = store, account
        self._entities: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
        self._known: dict[tuple[str, str], Known | None] = {}
        self._keys: dict[str, Key] = {}
        self._compiled: dict[tuple[str, str], Policy | None] = {}
        self._revision = 0
        self._moved = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Read what is stored, and follow it from then on."""
        self._revision = await self._store.revision()
        await self._read_all()
        self._following = spawn(self._follow(self._revision), "follow the identities")

    async def aclose(self) -> None:
        """Stop following."""
        if self._following is not None:
            self._following.cancel()

    async def _read_all(self) -> None:
        entities: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
        for kind in KINDS:
            async for document in self._store.scan(kind):
                entities[kind][document.id] = msgspec.json.decode(document.body)
        self._entities, self._known, self._keys = entities, {}, {}

    async def _follow(self, revision: int) -> None:
        async for news in self._store.watch(revision, KINDS):
            if news.resync:
                await self._read_all()
            for event in news.events:
                there = self._entities[event.kind]
                if isinstance(event, Deleted):
                    there.pop(event.id, None)
                else:
                    there[event.id] = msgspec.json.decode(event.body)
            self._known, self._keys = {}, {}
            self._revision = news.revision
            self._moved.set()
            self._moved = asyncio.Event()

    async def seen(self, revision: int) -> None:
        """Wait until this process lives by that revision; not for long, if it cannot."""
        try:
            async with asyncio.timeout(_WAIT):
                while self._following is not None and self._revision < revision:
                    await self._moved.wait()
        except TimeoutError:
            _log.warning("the identities of revision %d are not seen yet", revision)

    @property
    def empty(self) -> bool:
        """Nobody but the account itself can have made anything."""
        return not self._entities[USER] and not self._entities[ROLE]

    def ended(self, key: str) -> bool:
        """Whether credentials of a function are over."""
        return key in self._entities[ENDED]

    def key(self, id: str) -> Key | None:
        """An access key."""
        found = self._keys.get(id)
        if found is None and id in self._entities[KEY]:
            found = self._keys[id] = msgspec.convert(self._entities[KEY][id], Key)
        return found

    def provider(self, arn: str) -> Json | None:
        """An OpenID Connect provider."""
        return self._entities[PROVIDER].get(arn)

    def user(self, name: str) -> Known | None:
        """A user by name."""
        return self._of(USER, name)

    def role(self, name: str) -> Known | None:
        """A role by name, or by ARN."""
        if not name.startswith("arn:"):
            return self._of(ROLE, name)
        found = self._of(ROLE, name.rpartition("/")[2])
        return found if found is not None and found.arn == name else None

    def _of(self, kind: str, name: str) -> Known | None:
        mark = (kind, name.lower())
        if mark not in self._known:
            entity = self._entities[kind].get(mark[1])
            self._known[mark] = None if entity is None else self._made(kind, entity)
        return self._known[mark]

    def _made(self, kind: str, entity: Json) -> Known:
        place = arn(self._account, kind, entity)
        facts: dict[str, str] = {
            "aws:principalarn": place,
            "aws:principalaccount": self._account,
            "aws:principaltype": "User" if kind == USER else "AssumedRole",
        }
        if kind == USER:
            facts |= {"aws:username": entity["Name"], "aws:userid": entity["Id"]}
        tags: dict[str, str] = entity.get("Tags", {})
        facts |= {f"aws:principaltag/{key.lower()}": value for key, value in tags.items()}
        owners = [entity]
        for name in entity.get("Groups", ()):
            group = self._entities[GROUP].get(name.lower())
            if group is not None:
                owners.append(group)
        bound = entity.get("Boundary")
        return Known(
            kind,
            entity["Name"],
            entity["Id"],
            place,
            Grants(
                tuple(policy for owner in owners for policy in self._policies(owner)),
                self.managed([bound]) if bound else None,
                facts=facts,
            ),
            tags,
            self.compiled(entity["Trust"], "resource") if kind == ROLE else None,
            entity.get("Longest", 3600),
        )

    def _policies(self, owner: Json) -> tuple[Policy, ...]:
        inline = [self.compiled(document) for document in owner.get("Inline", {}).values()]
        own = tuple(policy for policy in inline if policy is not None)
        return (*own, *self.managed(owner.get("Attached", ())))

    def policies_of(self, kind: str, name: str) -> list[tuple[str, str, str]] | None:
        """Id, type and text of each policy of a `user`, `group` or `role`; None: there is none."""
        kinds = {"user": USER, "group": GROUP, "role": ROLE}
        entity = self._entities[kinds[kind]].get(name.lower()) if kind in kinds else None
        if entity is None:
            return None
        owners = [(kind, entity)]
        for each in entity.get("Groups", ()):
            group = self._entities[GROUP].get(each.lower())
            if group is not None:
                owners.append(("group", group))
        found: list[tuple[str, str, str]] = []
        for said, owner in owners:
            for policy, text in owner.get("Inline", {}).items():
                found.append((f"{said}_{owner['Name']}_{policy}", "IAM Policy", text))
            for place in owner.get("Attached", ()):
                text = self.document(place)
                if text is not None:
                    found.append((place.rpartition("/")[2], "IAM Policy", text))
        return found

    def managed(self, arns: Iterable[str]) -> tuple[Policy, ...]:
        """Managed policies, compiled; those that are gone allow nothing."""
        found: list[Policy] = []
        for place in arns:
            document = self.document(place)
            policy = None if document is None else self.compiled(document)
            if policy is not None:
                found.append(policy)
        return tuple(found)

    def document(self, policy: str) -> str | None:
        """The default version of a managed policy, by its ARN."""
        entity: Any = MANAGED.get(policy)
        if entity is None:
            entity = self._entities[POLICY].get(policy.rpartition("/")[2].lower())
            if entity is None or arn(self._account, POLICY, entity) != policy:
                return None
        return entity["Versions"][entity["Default"]]["Document"]

    def compiled(self, document: str, kind: Kind = "identity") -> Policy | None:
        """A document; one that cannot be read allows nothing."""
        mark = (kind, document)
        if mark not in self._compiled:
            if len(self._compiled) >= _MOST:
                self._compiled.clear()
            try:
                self._compiled[mark] = parse(document, kind)
            except MalformedPolicy as error:
                _log.error("a policy allows nothing: %s", error)
                self._compiled[mark] = None
        return self._compiled[mark]
