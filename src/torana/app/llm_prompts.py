"""The prompts of a process: those of the settings, and those of Bedrock's prompt management as the
store has them."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from torana.gateway.errors import InvalidApi
from torana.gateway.prompt import prompts_of
from torana.llm.prompted import answer
from torana.llm.prompts import Prompt, compiled
from torana.llm.serve import Llm as Api
from torana.llm_settings import Llm
from torana.message import Headers, Reply
from torana.model.rest import RestApi, Stage
from torana.services.bedrock_agent.prompts import DRAFT, VERSION
from torana.services.bedrock_agent.template import key_of, variant_of, version_of
from torana.settings import BadSettings
from torana.state.store import Document, Store
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.llm")
_KINDS = (DRAFT, VERSION)

Shelf = dict[tuple[str, str], Prompt]
"""By name or id, and version."""


class Prompts:
    """Found by name or by id, and version."""

    def __init__(self, api: Api, settings: Llm, store: Store) -> None:
        """Raises `BadSettings`."""
        self._api, self._store = api, store
        self._fixed = _fixed(settings)
        self._stored: dict[str, dict[str, Any]] = {}
        self.shelf: Shelf = self._fixed

    async def load(self) -> int:
        """Take in every prompt of the store. Gives the revision to follow from."""
        revision = await self._store.revision()
        self._stored = {
            f"{kind} {each.id}": msgspec.json.decode(each.body)
            for kind in _KINDS
            async for each in self._store.scan(kind)
        }
        self._publish()
        return revision

    async def follow(self, revision: int) -> None:
        """Take in what any process changes, for as long as this one runs."""
        async for news in self._store.watch(revision, _KINDS):
            if news.resync:
                await self.load()
                continue
            for each in news.events:
                place = f"{each.kind} {each.id}"
                if isinstance(each, Document):
                    self._stored[place] = msgspec.json.decode(each.body)
                else:
                    self._stored.pop(place, None)
            self._publish()

    def _publish(self) -> None:
        shelf: Shelf = {}
        for place, document in self._stored.items():
            kind, _, id = place.partition(" ")
            version = "DRAFT" if kind == DRAFT else id.rpartition("/")[2]
            try:
                variant = variant_of(document)
                prompt = compiled(document["name"], version, version_of(variant), key_of(variant))
            except (ServiceError, ValueError) as error:
                if kind == VERSION:
                    _log.error("prompt %s cannot be called: %s", id, error)
                continue
            shelf[document["id"], version] = shelf[document["name"], version] = prompt
        self.shelf = shelf | self._fixed

    async def call(
        self, name: str, version: str, variables: Mapping[str, Any], headers: Headers
    ) -> Reply | None:
        """See the gateway's port."""
        prompt = self.shelf.get((name, version))
        return None if prompt is None else await answer(self._api, prompt, variables, headers)

    async def missing(self, api: RestApi, stage: Stage) -> str | None:
        """Why a stage's prompts cannot be called, as the store is now; or None."""
        if self.absent(api, stage):
            await self.load()
        return self.absent(api, stage)

    def absent(self, api: RestApi, stage: Stage) -> str | None:
        """The same, as this process has them."""
        try:
            wanted = set(prompts_of(api, stage)) - self.shelf.keys()
        except InvalidApi as error:
            return str(error)
        named = ", ".join(f"{name}/{version}" for name, version in sorted(wanted))
        return f"there is no prompt {named}" if wanted else None


def _fixed(settings: Llm) -> Shelf:
    wrong = list(prompt_mistakes(settings))
    if wrong:
        raise BadSettings("\n".join(wrong))
    return {
        (name, version): compiled(name, version, given, prompt.key)
        for name, prompt in settings.prompts.items()
        for version, given in prompt.versions.items()
    }


def prompt_mistakes(settings: Llm) -> Iterator[str]:
    """Everything about prompts that does not fit, a line each."""
    for name, prompt in settings.prompts.items():
        place = f"llm.prompts.{name}"
        if "/" in name or not prompt.versions:
            yield f"{place}: needs a version, and a name without /"
        if prompt.key and prompt.key not in settings.keys:
            yield f"{place}.key: no key {prompt.key!r}"
        for version, given in prompt.versions.items():
            if given.model not in settings.models:
                yield f"{place}.versions.{version}.model: no model {given.model!r}"
            try:
                compiled(name, version, given)
            except ValueError as error:
                yield f"{place}.versions.{version}: {error}"
