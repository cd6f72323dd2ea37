"""What a type of resources is: how one is made, changed, found again and deleted."""

import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, cast

from msgspec import Struct

from torana.services.cloudformation.calls import Calls
from torana.services.cloudformation.faults import Unmade

Json = dict[str, Any]

_PLACE = re.compile(r"\{([^{}]+)\}")


class Made(Struct, frozen=True):
    """A resource that is there."""

    id: str
    """Its physical id, which `Ref` gives."""
    attributes: Json = {}
    """What `Fn::GetAtt` gives; lower-case names are the type's own."""


class Task(Struct):
    """One resource of a stack that is to be made, changed or deleted."""

    calls: Calls
    stack: str
    """The stack's name."""
    stack_id: str
    logical: str
    token: str
    """Of this one attempt at making it."""
    properties: Json
    """As they are wanted; those of a resource that is to be deleted are as they were."""
    tags: Mapping[str, str] = {}
    """The stack's own."""
    made: Made = Made("")
    before: Json = {}
    """The properties so far."""

    @property
    def account(self) -> str:
        """In which it is."""
        return self.stack_id.split(":")[4]

    @property
    def region(self) -> str:
        """In which it is."""
        return self.stack_id.split(":")[3]

    def name(self, longest: int = 64, *, lower: bool = False, dash: str = "-") -> str:
        """A name that no other resource has: the same for each try of the same attempt."""
        mark = sha256(f"{self.stack_id} {self.logical} {self.token}".encode()).hexdigest()[:12]
        room = longest - len(mark) - len(dash)
        stack = self.stack.replace("-", dash)[: max(room // 2, room - 1 - len(self.logical))]
        whole = f"{stack}{dash}{self.logical}"[:room].rstrip("-") + dash + mark.upper()
        return whole.lower() if lower else whole

    def changed(self) -> set[str]:
        """The properties that are other than so far."""
        names = self.properties.keys() | self.before.keys()
        return {each for each in names if self.properties.get(each) != self.before.get(each)}

    def all_tags(self, given: Any) -> dict[str, str]:
        """A resource's own tags with the stack's and the service's."""
        own = _tag_map(given)
        return {
            **self.tags,
            **own,
            "aws:cloudformation:stack-name": self.stack,
            "aws:cloudformation:logical-id": self.logical,
            "aws:cloudformation:stack-id": self.stack_id,
        }

    def fill(self, template: str, out: Json | None = None) -> Any:
        """A value from a template such as `{prop.Name}`, `{out.id}`, `{ref}`, `{at.Arn}`,
        `{region}` or `{account}`; alone, a place stands for its value as it is, or None."""
        whole = _PLACE.fullmatch(template)
        if whole is not None:
            return self._place(whole[1], out)
        return _PLACE.sub(lambda each: str(self._place(each[1], out) or ""), template)

    def _place(self, name: str, out: Json | None) -> Any:
        head, _, rest = name.partition(".")
        if head in ("prop", "out", "at", "was"):
            source = {"prop": self.properties, "out": out or {}, "at": self.made.attributes}
            return lookup(source.get(head, self.before), rest)
        return {"ref": self.made.id, "region": self.region, "account": self.account}[head]

    def filled(self, where: Mapping[str, str], out: Json | None = None) -> Json:
        """Params; what is None is left out."""
        found = {name: self.fill(template, out) for name, template in where.items()}
        return {name: value for name, value in found.items() if value is not None}


def lookup(document: Any, path: str) -> Any:
    """A member of a member, or None."""
    for name in path.split(".") if path else ():
        if isinstance(document, list) and name.isdigit():
            several = cast(list[Any], document)
            document = several[int(name)] if int(name) < len(several) else None
        else:
            document = cast(Json, document).get(name) if isinstance(document, Mapping) else None
    return document


def _tag_map(given: Any) -> dict[str, str]:
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in cast(Json, given).items()}
    pairs = cast(list[Json], given or [])
    return {str(each["Key"]): str(each["Value"]) for each in pairs}


class Named(Struct, frozen=True):
    """The property that gets a name where there is none."""

    property: str
    longest: int = 64
    lower: bool = False
    dash: str = "-"

    def given(self, task: Task, properties: Json) -> Json:
        """The properties with a name."""
        if properties.get(self.property):
            return properties
        made = task.name(self.longest, lower=self.lower, dash=self.dash)
        return {**properties, self.property: made}


Create = Callable[[Task], Awaitable[Made]]
Delete = Callable[[Task], Awaitable[None]]
See = Callable[[Task], Awaitable[set[str]]]


async def unseen(task: Task) -> set[str]:
    """For what is named by its properties, or goes away with what it is part of."""
    del task
    return set()


class _Made(Struct, frozen=True):
    create: Create
    delete: Delete
    update: Create | None = None


class Kind(_Made, frozen=True, kw_only=True):
    """A type of resources. Without `update`, any change needs a new one."""

    keeps: Callable[[str], bool] = lambda name: True
    """Whether a property can be changed in place, where there is an `update`."""
    attributes: frozenset[str] = frozenset()
    """What `Fn::GetAtt` may ask for; `*`: anything."""
    see: See = unseen
    """The ids of what is there already that could be taken for this resource: what is new among
    them after a failure was made by it."""
    undo: Delete | None = None
    """Deletes what a creation may have made, where its properties name it."""
    named: Named | None = None
    unique: str = ""
    """The property with a name that no other resource can have."""

    def replaced(self, changed: set[str]) -> bool:
        """Whether such a change needs a new resource."""
        return any(self.update is None or not self.keeps(name) for name in changed)


def refuse(properties: Mapping[str, Any], *names: str) -> None:
    """Raises `Unmade` for a property that is not supported."""
    for name in names:
        if properties.get(name):
            raise Unmade(f"Encountered unsupported property {name}")
