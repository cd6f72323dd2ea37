"""The functions of this gateway, held in memory and kept in the store.

Every node follows the store, so a change made at one of them is known to all. Functions of the
configuration file are found here too, and cannot be changed.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

import msgspec

from torana.model.function import FunctionVersion
from torana.net.tasks import spawn
from torana.services.lambda_.code import Codes
from torana.services.lambda_.names import LATEST, conflict, no_function, split
from torana.services.lambda_.ports import Defined, Place, Runner, Seal
from torana.services.lambda_.records import Alias, Config, Record
from torana.state.store import Change, Conflict, Deleted, Store

_log = logging.getLogger("torana.lambda")

FUNCTION = "lambda-function"
_TRIES = 20


class Book:
    """Records by name, and what is run for a name."""

    def __init__(
        self, store: Store, codes: Codes, seal: Seal, runner: Runner, place: Place, defined: Defined
    ) -> None:
        self.store, self.codes, self.seal, self.runner = store, codes, seal, runner
        self.place, self._defined = place, defined
        self.records: Mapping[str, Record] = {}
        self._versions: dict[tuple[str, Config], FunctionVersion] = {}
        self._following: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Read what is stored, and follow it from then on."""
        revision = await self.store.revision()
        await self._read_all()
        self.codes.sweep(self.used)
        self._following = spawn(self._follow(revision), "follow the functions")

    async def _read_all(self) -> None:
        found: dict[str, Record] = {}
        async for document in self.store.scan(FUNCTION):
            found[document.id] = msgspec.json.decode(document.body, type=Record)
        self.records = found

    async def _follow(self, revision: int) -> None:
        async for news in self.store.watch(revision, (FUNCTION,)):
            if news.resync:
                await self._read_all()
            for event in news.events:
                gone = isinstance(event, Deleted)
                self._set(event.id, None if gone else msgspec.json.decode(event.body, type=Record))

    def _set(self, name: str, record: Record | None) -> None:
        if record is None:
            self.records = {key: each for key, each in self.records.items() if key != name}
            self.runner.forget(self.place.function(name))
        else:
            self.records = {**self.records, name: record}
        self._versions = {key: each for key, each in self._versions.items() if key[0] != name}

    def used(self, code: str) -> bool:
        """Whether a version of a function is made of this package."""
        return any(code in record.codes() for record in self.records.values())

    async def aclose(self) -> None:
        """Stop following."""
        if self._following is not None:
            self._following.cancel()

    def fixed(self, name: str) -> FunctionVersion | None:
        """A function of the configuration file."""
        return self._defined().get(name)

    def fixed_all(self) -> dict[str, FunctionVersion]:
        """All of them."""
        return self._defined()

    def get(self, reference: str, qualifier: str | None = None) -> tuple[Record, str]:
        """A stored function, and the qualifier it was asked for by. Raises `ServiceError`."""
        name, asked = split(reference, qualifier)
        if name in self._defined():
            raise conflict(
                f"The function {name} is defined in the gateway's configuration file: change it "
                "there"
            )
        record = self.records.get(name)
        if record is None:
            raise no_function(self.arn(name, asked))
        return record, asked

    def arn(self, name: str, qualifier: str = "") -> str:
        """A function's ARN, qualified if so asked."""
        plain = self.place.function(name)
        return f"{plain}:{qualifier}" if qualifier else plain

    def config(self, record: Record, qualifier: str) -> Config:
        """The version that a qualifier names, an alias' first one. Raises `ServiceError`."""
        if qualifier in ("", LATEST):
            return record.latest
        alias = record.aliases.get(qualifier)
        version = alias.version if alias else qualifier
        if version == LATEST:
            return record.latest
        found = record.versions.get(version)
        if found is None:
            raise no_function(self.arn(record.name, qualifier))
        return found

    async def edit(
        self, name: str, change: Callable[[Record | None], Record | None]
    ) -> Record | None:
        """Change a record, again if others wrote first. Raises what `change` raises."""
        for _ in range(_TRIES):
            document = await self.store.get(FUNCTION, name)
            before = document and msgspec.json.decode(document.body, type=Record)
            after = change(before)
            if after == before:
                return after
            body = None if after is None else msgspec.json.encode(after)
            version = document.version if document else 0
            try:
                await self.store.commit([Change(FUNCTION, name, version, body)])
            except Conflict:
                await asyncio.sleep(random.random() * 0.02)  # noqa: S311
                continue
            self._set(name, after)
            if before is not None:
                left = before.codes() - (after.codes() if after else set())
                left = {code for code in left if not code.startswith("layer-")}
                await self.codes.forget(left, self.used)
            return after
        raise conflict("The operation cannot be performed at this time. An update is in progress.")

    async def edit_known(self, name: str, change: Callable[[Record], Record | None]) -> Record:
        """Like `edit`, for a function that there is. Returns what was before a deletion."""

        def known(record: Record | None) -> Record | None:
            if record is None:
                raise no_function(self.arn(name))
            return change(record)

        before = self.records.get(name)
        after = await self.edit(name, known)
        found = after or before
        if found is None:
            raise no_function(self.arn(name))
        return found

    async def resolve(self, reference: str, qualifier: str | None) -> tuple[FunctionVersion, str]:
        """What is run for a name, and the ARN it was invoked by. Raises `ServiceError`."""
        name, asked = split(reference, qualifier)
        fixed = self._defined().get(name)
        if fixed is not None:
            if asked not in ("", LATEST):
                raise no_function(self.arn(name, asked))
            return fixed, self.arn(name, asked)
        record = self.records.get(name)
        if record is None:
            raise no_function(self.arn(name, asked))
        alias = record.aliases.get(asked)
        config = self.config(record, _pick(alias) if alias else asked)
        return await self._runnable(record, config), self.arn(name, asked)

    async def provisioned(self) -> list[FunctionVersion]:
        """Those of which instances are to be kept."""
        wanted = [(each, name) for each in self.records.values() for name in each.provisioned]
        stored = [await self._runnable(each, self.config(each, name)) for each, name in wanted]
        return [*stored, *(each for each in self._defined().values() if each.warm)]

    async def _runnable(self, record: Record, config: Config) -> FunctionVersion:
        """The same object as long as nothing changes, so that pools compare by identity."""
        key = record.name, config
        found = self._versions.get(key)
        if found is None:
            found = await self._make(record, config)
            self._versions[key] = found
        return found

    async def _make(self, record: Record, config: Config) -> FunctionVersion:
        environment: dict[str, str] = {}
        if config.environment:
            environment = msgspec.json.decode(self.seal.open(config.environment))
        layers: tuple[str, ...] = ()
        if config.layer_codes:
            layers = (str(await self.codes.layered(config.layer_codes)),)
        return FunctionVersion(
            record.name,
            config.version,
            self.place.function(record.name),
            config.runtime,
            config.handler,
            str(await self.codes.folder(config.code_sha256)),
            config.code_sha256,
            config.timeout,
            config.memory,
            config.storage,
            environment,
            layers,
            config.role,
            record.reserved,
            sum(
                kept
                for qualifier, kept in record.provisioned.items()
                if self.config(record, qualifier).version == config.version
            ),
        )


def _pick(alias: Alias) -> str:
    """A version by weight."""
    point = random.random()  # noqa: S311
    for version, weight in alias.weights.items():
        if point < weight:
            return version
        point -= weight
    return alias.version
