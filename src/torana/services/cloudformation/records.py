"""What is stored of stacks. Times are Unix times."""

from typing import Any, Literal

from msgspec import Struct

Json = dict[str, Any]

STACK = "cloudformation-stack"
"""Under `{name}/{unique part}`, as every other kind but `NAME` and `EXPORT`."""
NAME = "cloudformation-name"
"""The unique part of the stack that has a name now."""
RESOURCE = "cloudformation-resource"
"""Under `{stack}/{logical id}`, sealed."""
EVENT = "cloudformation-event"
"""Under `{stack}/{time}`, the newest first."""
CHANGE_SET = "cloudformation-change-set"
"""Under `{stack}/{name}`."""
WORK = "cloudformation-work"
"""What is under way, whatever becomes of the process that does it."""
CLAIM = "cloudformation-claim"
"""Who is at it."""
EXPORT = "cloudformation-export"
"""The stack and the value of an exported name."""

Verb = Literal["CREATE", "UPDATE", "DELETE"]


class Who(Struct, frozen=True):
    """In whose name a stack is worked on: an access key, or a role."""

    key: str = ""
    token: str = ""
    """Of a session; sealed as it is."""
    role: str = ""
    """An ARN."""
    service: str = "cloudformation.amazonaws.com"
    """That takes the role."""
    session: str = "AWSCloudFormation"
    host: str = "localhost"
    """At which the caller reaches the gateway."""


class Wanted(Struct, frozen=True):
    """What a stack is made from."""

    template: str
    """As it was given."""
    processed: Json
    """After transforms."""
    sealed: str
    """The values of parameters, sealed: `Values`."""
    capabilities: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    role: str = ""


class Values(Struct, frozen=True):
    """Parameters' values by name: as given, and as read from Parameter Store."""

    given: dict[str, str]
    resolved: dict[str, str] = {}


class Stack(Struct, frozen=True):
    """A stack. What it is made from is that of the last operation that went well."""

    id: str
    name: str
    arn: str
    created: float
    status: str
    wanted: Wanted | None = None
    reason: str = ""
    description: str = ""
    updated: float = 0.0
    deleted: float = 0.0
    no_rollback: bool = False
    timeout: int = 0
    """Minutes of the creation; 0: any."""
    protected: bool = False
    outputs: tuple[Json, ...] = ()
    exports: dict[str, str] = {}
    imports: tuple[str, ...] = ()
    change_set: str = ""
    token: str = ""
    """The client's, of the last operation."""


class Snapshot(Struct, frozen=True):
    """One physical resource."""

    id: str
    properties: Json
    attributes: Json
    token: str
    """Of the attempt that made it."""


class Intent(Struct, frozen=True):
    """A creation whose outcome is not known."""

    token: str
    seen: tuple[str, ...]
    """The ids of what looked like it before."""
    properties: Json


class Resource(Struct, frozen=True):
    """One resource of a stack."""

    logical: str
    type: str
    status: str
    time: float
    reason: str = ""
    now: Snapshot | None = None
    before: Snapshot | None = None
    """As it was before the operation under way changed or replaced it."""
    wanted: Json | None = None
    """Properties that are being put in place."""
    intent: Intent | None = None
    left: tuple[Snapshot, ...] = ()
    """What is to be deleted once all is well."""
    needs: tuple[str, ...] = ()
    deletion: str = "Delete"
    replacing: str = "Delete"
    """Policies for what is deleted, and for what is replaced."""
    metadata: str = ""
    operation: str = ""
    """The last that touched it."""


class Event(Struct, frozen=True):
    """Something happened."""

    id: str
    logical: str
    physical: str
    type: str
    time: float
    status: str
    reason: str = ""
    properties: str = ""
    token: str = ""


class Work(Struct, frozen=True):
    """An operation on a stack that is not over."""

    stack: str
    id: str
    verb: Verb
    who: Who
    started: float
    wanted: Wanted | None = None
    token: str = ""
    """The client's."""
    on_failure: str = "ROLLBACK"
    retain: tuple[str, ...] = ()
    """Resources that are left when their stack is deleted."""
    skip: tuple[str, ...] = ()
    """Resources that a rollback leaves as they are."""
    phase: str = "forward"
    """`forward`, `back` or `clean`."""
    reason: str = ""
    change_set: str = ""
    """That is executed."""
    no_rollback: bool = False


class ChangeSet(Struct, frozen=True):
    """A change that is proposed."""

    id: str
    name: str
    stack: str
    arn: str
    created: float
    kind: str
    status: str
    wanted: Wanted | None
    reason: str = ""
    execution: str = "AVAILABLE"
    description: str = ""
    changes: tuple[Json, ...] = ()
    on_failure: str = "ROLLBACK"
    parameters: tuple[Json, ...] = ()
