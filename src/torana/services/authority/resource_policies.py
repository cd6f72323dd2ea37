"""Policies of resources, and other names for them, as each process knows them: it follows the
store, so that a request asks nobody."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from torana.auth.policy import MalformedPolicy, Policy, parse
from torana.net.tasks import spawn
from torana.state.store import Deleted, Store

if TYPE_CHECKING:
    from asyncio import Task

Json = dict[str, Any]

_log = logging.getLogger("torana.iam")
_ALIAS = "kms-alias"


def _of_function(arn: str, document: Json) -> dict[str, Any]:
    """One policy for the function, and one for each version and alias that has its own."""
    return {
        f"{arn}:{qualifier}" if qualifier else arn: {
            "Version": "2012-10-17",
            "Statement": statements,
        }
        for qualifier, statements in document.get("policies", {}).items()
        if statements
    }


def _of_attributes(arn: str, document: Json) -> dict[str, Any]:
    policy = document.get("attributes", {}).get("Policy")
    return {arn: policy} if policy else {}


_KINDS: Mapping[str, tuple[str, Callable[[str, Json], dict[str, Any]]]] = {
    "lambda-function": ("lambda:{region}:{account}:function:", _of_function),
    "sns-topic": ("sns:{region}:{account}:", _of_attributes),
    "sqs-queue": ("sqs:{region}:{account}:", _of_attributes),
}
"""By kind in the store: the ARN of what it is, and the policies that it holds."""


class ResourcePolicies:
    """Follows the store."""

    def __init__(self, store: Store, region: str, account: str) -> None:
        self._store, self._region, self._account = store, region, account
        self._policies: dict[str, Policy] = {}
        self._of: dict[tuple[str, str], tuple[str, ...]] = {}
        self._aliases: dict[str, str] = {}
        self._following: Task[None] | None = None

    def find(self, arn: str) -> tuple[Policy, ...]:
        """The policy of a resource, if it has one."""
        found = self._policies.get(arn)
        return () if found is None else (found,)

    def alias(self, name: str) -> str | None:
        """The key that a KMS alias leads to."""
        return self._aliases.get(name)

    async def load(self) -> None:
        """Read what is stored, and follow it from then on."""
        revision = await self._store.revision()
        await self._read_all()
        self._following = spawn(self._follow(revision), "follow the resources' policies")

    async def aclose(self) -> None:
        """Stop following."""
        if self._following is not None:
            self._following.cancel()

    async def _read_all(self) -> None:
        self._policies, self._of, self._aliases = {}, {}, {}
        for kind in (*_KINDS, _ALIAS):
            async for document in self._store.scan(kind):
                self._set(kind, document.id, document.body)

    async def _follow(self, revision: int) -> None:
        async for news in self._store.watch(revision, (*_KINDS, _ALIAS)):
            if news.resync:
                await self._read_all()
            for event in news.events:
                self._set(event.kind, event.id, None if isinstance(event, Deleted) else event.body)

    def _set(self, kind: str, id: str, body: bytes | None) -> None:
        document: Json = {} if body is None else msgspec.json.decode(body)
        if kind == _ALIAS:
            self._aliases.pop(id, None)
            if document:
                self._aliases[id] = document["TargetKeyId"]
            return
        for arn in self._of.pop((kind, id), ()):
            self._policies.pop(arn, None)
        form, read = _KINDS[kind]
        place = form.format(region=self._region, account=self._account)
        found = read(f"arn:aws:{place}{id}", document)
        for arn, policy in found.items():
            try:
                self._policies[arn] = parse(policy, "resource")
            except MalformedPolicy as error:
                _log.error("%s: its policy allows nothing: %s", arn, error)
        self._of[kind, id] = tuple(found)
