"""Outputs that other stacks import."""

import json
from typing import Any, cast

import msgspec
from msgspec import Struct, structs

from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.intrinsics import Scope, evaluate
from torana.services.cloudformation.records import EXPORT, Json, Stack
from torana.services.cloudformation.shelf import Shelf, change
from torana.state.store import Change, Expect


class Export(Struct, frozen=True):
    """An exported name."""

    name: str
    stack: str
    """Its ARN."""
    value: str


class Exports:
    """All of them."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def all(self) -> list[Export]:
        """By name."""
        return [
            msgspec.json.decode(each.body, type=Export)
            async for each in self._shelf.store.scan(EXPORT)
        ]

    async def values(self) -> dict[str, str]:
        """By name."""
        return {each.name: each.value for each in await self.all()}

    async def importers(self, name: str) -> list[str]:
        """The names of stacks that import an export."""
        return [each.name for each in await self._shelf.stacks() if name in each.imports]

    async def check(self, stack: Stack, outputs: list[Json]) -> None:
        """Raises `Unmade` for exports that another stack has, or that cannot change because they
        are in use."""
        names = {
            each["ExportName"]: each["OutputValue"] for each in outputs if "ExportName" in each
        }
        for each in await self.all():
            if each.name in names and each.stack != stack.arn:
                other = each.stack.partition(":stack/")[2].partition("/")[0]
                raise Unmade(f"Export with name {each.name} is already exported by stack {other}")
        for name, value in stack.exports.items():
            if names.get(name) == value:
                continue
            users = await self.importers(name)
            if users:
                verb = "updated" if name in names else "deleted"
                raise Unmade(
                    f"Export {name} cannot be {verb} as it is in use by {', '.join(sorted(users))}"
                )

    async def changes(self, stack: Stack, names: dict[str, str]) -> list[Change | Expect]:
        """To commit, so that a stack exports these names and no others."""
        made: list[Change | Expect] = []
        for name in {**stack.exports, **names}:
            there = await self._shelf.store.get(EXPORT, name)
            version = there.version if there else 0
            if name in names:
                made.append(change(EXPORT, name, version, Export(name, stack.arn, names[name])))
            elif there is not None:
                made.append(Change(EXPORT, name, version, None))
        return made

    def used(self, whole: Json, scope: Scope) -> list[str]:
        """The names that a template imports."""
        if "Fn::ImportValue" not in json.dumps(whole):
            return []
        found: list[str] = []

        def note(name: str) -> Any:
            found.append(name)
            return ""

        noting = structs.replace(scope, export=note)
        for each in _imports(whole):
            evaluate(each, noting)
        return sorted(set(found))


def _imports(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [found for each in cast(list[Any], value) for found in _imports(each)]
    if not isinstance(value, dict):
        return []
    given = cast(Json, value)
    if set(given) == {"Fn::ImportValue"}:
        return [given]
    return [found for each in given.values() for found in _imports(each)]
