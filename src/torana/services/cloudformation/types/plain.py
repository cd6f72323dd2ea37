"""Types whose resources are made, changed and deleted by one operation each: a row of a table."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from botocore.model import StructureShape
from msgspec import Struct

from torana.services.cloudformation.calls import Refused, input_of, model
from torana.services.cloudformation.faults import Unmade
from torana.services.cloudformation.shaping import convert, shaped, text
from torana.services.cloudformation.types.kind import (
    Json,
    Kind,
    Made,
    Named,
    See,
    Task,
    lookup,
    refuse,
    unseen,
)

Op = tuple[str, Mapping[str, str]]
"""An operation, and its params as `Task.fill` has them."""


class Step(Struct, frozen=True):
    """A property that has operations of its own."""

    property: str
    put: Op
    drop: Op | None = None
    """When it is not there any more; None: it cannot be taken away."""


class Tagging(Struct, frozen=True):
    """How the tags of a resource are changed. `where`: what names the resource."""

    add: str
    remove: str
    where: Mapping[str, str]
    tags: str = "Tags"
    keys: str = "TagKeys"
    key: str = "Key"
    value: str = "Value"
    """Of a tag, where tags are pairs."""


class Patches(Struct, frozen=True):
    """A change by patch operations.

    `paths`: by property; one that begins with `-` is removed when the property is gone, one that
    ends in `/*` has an entry for each member, one in `/[]` for each value of a list.
    """

    operation: Op
    paths: Mapping[str, str]
    more: Callable[[Json, Json], list[Json]] = lambda before, after: []
    also: frozenset[str] = frozenset()
    """What `more` makes, from before and after, of further properties."""

    def of(self, before: Json, after: Json) -> list[Json]:
        """The operations."""
        made: list[Json] = []
        for name, path in self.paths.items():
            was, wanted = before.get(name), after.get(name)
            if was != wanted:
                made += _patch(path, was, wanted)
        return made + self.more(before, after)


def _patch(path: str, was: Any, wanted: Any) -> list[Json]:
    if path.endswith("/*"):
        old, new = cast(Json, was or {}), cast(Json, wanted or {})
        gone = [{"op": "remove", "path": path[:-1] + escaped(key)} for key in old if key not in new]
        return gone + [
            {"op": "replace", "path": path[:-1] + escaped(key), "value": text(value)}
            for key, value in new.items()
            if old.get(key) != value
        ]
    if path.endswith("/[]"):
        before, after = cast(list[Any], was or []), cast(list[Any], wanted or [])
        add = [("add", each) for each in after if each not in before]
        remove = [("remove", each) for each in before if each not in after]
        return [{"op": op, "path": path[:-2] + escaped(str(each))} for op, each in add + remove]
    if wanted is not None:
        return [{"op": "replace", "path": path.lstrip("-"), "value": text(wanted)}]
    if path.startswith("-"):
        return [{"op": "remove", "path": path[1:]}]
    return [{"op": "replace", "path": path, "value": ""}]


def escaped(name: str) -> str:
    """As a part of a patch's path."""
    return name.replace("~", "~0").replace("/", "~1")


def plain(service: str, create: str, ref: str, **options: Any) -> Kind:
    """A type, from a row of a table: see `Row`."""
    row = Row(service, create, ref, **options)
    unique = row.unique
    if row.named is not None and not row.shared:
        unique = unique or row.named.property
    changeable = row.update is not None or bool(row.steps) or row.tagging is not None
    return Kind(
        row.make,
        row.away,
        row.change if changeable else None,
        keeps=row.keeps,
        attributes=frozenset(row.attributes),
        see=row.see,
        named=row.named,
        unique=unique,
    )


class _Must(Struct, frozen=True):
    service: str
    """By botocore's name."""
    create: str
    """The operation."""
    ref: str
    """The physical id, as `Task.fill` has it."""


class Row(_Must, frozen=True, kw_only=True):
    """A type whose properties are the params of its operations."""

    attributes: Mapping[str, str] = {}
    delete: Op | None = None
    update: Op | Patches | None = None
    see: See = unseen
    replaces: str = ""
    """Properties whose change needs a new resource, besides those that the update does not take."""
    names: Mapping[str, str] = {}
    """What properties are called in the operations, where that is another name."""
    fixed: Mapping[str, str] = {}
    """Params of the creation besides the properties."""
    named: Named | None = None
    shared: bool = False
    """The name that is made up may be another resource's too."""
    unique: str = ""
    """The property with a name that no other resource can have."""
    steps: tuple[Step, ...] = ()
    tags: str = ""
    """The property with tags, if the service takes them."""
    tagging: Tagging | None = None
    whole: bool = False
    """The update replaces everything, so that what is gone is left out of it."""
    resets: Mapping[str, Any] = {}
    """What the update sends for a property that is gone."""
    ready: "Ready | None" = None
    refused: tuple[str, ...] = ()
    """Properties that are not supported."""

    @property
    def apart(self) -> set[str]:
        """Properties that have operations of their own."""
        return {step.property for step in self.steps}

    async def make(self, task: Task) -> Made:
        """The creation."""
        given = self._given(task)
        params = shaped(self.service, self.create, given, self.names)
        params |= _typed(self.service, self.create, task, self.fixed)
        out = await task.calls(self.service, self.create, **params)
        task.made = Made(str(task.fill(self.ref, out)))
        task.made = Made(task.made.id, task.filled(self.attributes, out))
        for step in self.steps:
            if task.properties.get(step.property) is not None:
                await _ask(self.service, step.put, task)
        if self.ready is not None:
            await self.ready.wait(self.service, task)
        return task.made

    async def change(self, task: Task) -> Made:
        """The change in place."""
        given, service, update = self._given(task), self.service, self.update
        if isinstance(update, Patches):
            operations = update.of(task.before, given)
            if operations:
                name, where = update.operation
                params = _typed(service, name, task, where)
                await task.calls(service, name, **params, patchOperations=operations)
        elif update is not None and task.changed() - self.apart - {self.tags}:
            await self._update(update, task, given)
        for step in self.steps:
            await _step(service, step, task)
        if self.tagging is not None and self.tags:
            await _retag(service, self.tagging, task, self.tags)
        if self.ready is not None:
            await self.ready.wait(service, task)
        return task.made

    async def away(self, task: Task) -> None:
        """The deletion; what is not there any more is no error."""
        try:
            if self.delete is not None:
                await _ask(self.service, self.delete, task)
        except Refused as error:
            if not error.gone:
                raise

    def keeps(self, name: str) -> bool:
        """A property is changed in place if the update takes it, or a step, and it is not declared
        to need a new resource."""
        if name in self.replaces.split():
            return False
        if name in self.apart or (self.tagging is not None and name == self.tags):
            return True
        if isinstance(self.update, Patches):
            return name in self.update.paths or name in self.update.also
        return self.update is not None and self._taken(self.update, name)

    def _taken(self, update: Op, name: str) -> bool:
        return _takes(self.service, update[0], self.names.get(name, name))

    def _given(self, task: Task) -> Json:
        """The properties that go to the service's main operation."""
        refuse(task.properties, *self.refused)
        found = {name: each for name, each in task.properties.items() if name not in self.apart}
        if self.tags:
            tags = task.all_tags(found.get(self.tags))
            found[self.tags] = [{"Key": key, "Value": value} for key, value in tags.items()]
        return found

    async def _update(self, update: Op, task: Task, given: Json) -> None:
        gone = {name for name in task.before if name not in task.properties} - self.apart
        for name in set[str]() if self.whole else gone - {self.tags}:
            if name not in self.resets:
                raise Unmade(
                    f"Property {name} cannot be taken away from {task.logical} in place here: set "
                    "it to the value that it is to have"
                )
            given[name] = self.resets[name]
        sent = {
            name: value
            for name, value in given.items()
            if name != self.tags and self._taken(update, name)
        }
        params = shaped(self.service, update[0], sent, self.names)
        params |= _typed(self.service, update[0], task, update[1])
        await task.calls(self.service, update[0], **params)


def _takes(service: str, operation: str, name: str) -> bool:
    shape = cast(StructureShape, input_of(service, operation))
    return name.lower() in {member.lower() for member in shape.members}


def _typed(service: str, operation: str, task: Task, where: Mapping[str, str]) -> Json:
    shape = cast(StructureShape, input_of(service, operation))
    found = task.filled(where)
    return {name: convert(value, shape.members[name]) for name, value in found.items()}


async def _ask(service: str, op: Op, task: Task) -> Json:
    return await task.calls(service, op[0], **_typed(service, op[0], task, op[1]))


async def _step(service: str, step: Step, task: Task) -> None:
    was, wanted = task.before.get(step.property), task.properties.get(step.property)
    if was == wanted:
        return
    if wanted is not None:
        await _ask(service, step.put, task)
    elif step.drop is not None:
        await _ask(service, step.drop, task)
    else:
        raise Unmade(f"Property {step.property} cannot be taken away in place here")


async def _retag(service: str, tagging: Tagging, task: Task, name: str) -> None:
    was, wanted = task.all_tags(task.before.get(name)), task.all_tags(task.properties.get(name))
    gone = [key for key in was if key not in wanted]
    where = task.filled(tagging.where)
    if gone:
        await task.calls(service, tagging.remove, **where, **{tagging.keys: gone})
    shape = cast(StructureShape, input_of(service, tagging.add)).members[tagging.tags]
    tags: Any = wanted
    if shape.type_name == "list":
        tags = [{tagging.key: key, tagging.value: value} for key, value in wanted.items()]
    await task.calls(service, tagging.add, **where, **{tagging.tags: tags})


class Ready(Struct, frozen=True):
    """When what is made may be used: `path` in the answer of `ask` is one of `good`."""

    ask: Op
    path: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    reason: str
    seconds: float = 600.0

    async def wait(self, service: str, task: Task) -> None:
        """Raises `Unmade` when it fails, or takes too long."""
        pause, waited = 0.05, 0.0
        while waited < self.seconds:
            out = await _ask(service, self.ask, task)
            state = lookup(out, self.path)
            if state in self.good:
                return
            if state in self.bad:
                raise Unmade(str(lookup(out, self.reason) or f"{task.logical} is {state}"))
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 2.0)
        raise Unmade(f"{task.logical} did not get ready within {self.seconds:.0f} seconds")


def seen(service: str, op: Op, items: str, id: str, match: Mapping[str, str] = {}) -> See:
    """What a list shows that looks like the resource: `match` is by member of an item, `id` the
    member (or a template over the item) that the physical id is made of."""

    async def see(task: Task) -> set[str]:
        found: set[str] = set()
        params = _typed(service, op[0], task, op[1])
        wanted = {path: str(task.fill(template)) for path, template in match.items()}
        while True:
            out = await task.calls(service, op[0], **params)
            for item in cast(list[Json], lookup(out, items) or []):
                if all(str(lookup(item, path)) == value for path, value in wanted.items()):
                    found.add(str(task.fill(id, item)))
            further = _further(service, op[0], out)
            if not further:
                return found
            params |= further

    return see


def got(service: str, op: Op, id: str) -> See:
    """What is there under the resource's own name."""

    async def see(task: Task) -> set[str]:
        params = _typed(service, op[0], task, op[1])
        if not params:
            return set()
        try:
            out = await task.calls(service, op[0], **params)
        except Refused as error:
            if error.gone:
                return set()
            raise
        return {str(task.fill(id, out))}

    return see


_TOKENS = ("position", "NextToken", "nextToken", "Marker", "NextMarker")


def _further(service: str, operation: str, out: Json) -> Json:
    """The params that ask for the next page."""
    takes = cast(StructureShape, model(service).operation_model(operation).input_shape).members
    for name in _TOKENS:
        if out.get(name):
            wanted = {"NextMarker": "Marker"}.get(name, name)
            return {each: out[name] for each in takes if each.lower() == wanted.lower()}
    return {}
