"""A version of a function, as it is run."""

from msgspec import Struct


class FunctionVersion(Struct, frozen=True):
    """Everything that an instance is made from. Two that are equal may share instances."""

    name: str
    version: str
    """A number, or `$LATEST`."""
    arn: str
    """Without a qualifier."""
    runtime: str
    handler: str
    folder: str
    """The code, unpacked. Absolute."""
    revision: str
    """Changes whenever the code does."""
    timeout: float = 3.0
    """Seconds that an invocation may take."""
    memory: int = 128
    """Megabytes that an instance's processes may hold together."""
    storage: int = 512
    """Megabytes that a file in the temp folder may have."""
    environment: dict[str, str] = {}
    layers: tuple[str, ...] = ()
    """Folders, each of what is laid under `/opt`. Absolute."""
    role: str = ""
    reserved: int | None = None
    """The most instances of the whole function; None: no limit of its own."""
    warm: int = 0
    """Instances that are kept, used or not."""


class Event(Struct, frozen=True):
    """One invocation."""

    request_id: str
    payload: bytes
    arn: str
    """As it was invoked, with its qualifier."""
    trace_id: str = ""
    client_context: str = ""
    """JSON."""
    deadline_ms: int = 0
    """When it is given up, in milliseconds since 1970. Set when an instance gets it."""
