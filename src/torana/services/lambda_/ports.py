"""What the Lambda service asks of whatever runs functions."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from torana.message import Stream
from torana.model.function import Event, FunctionVersion


class Outcome(Protocol):
    """What came of an invocation. `failed`: the body is an error document."""

    @property
    def body(self) -> bytes | Stream: ...
    @property
    def failed(self) -> bool: ...
    @property
    def content_type(self) -> str: ...
    @property
    def tail(self) -> bytes: ...


class Runner(Protocol):
    """Runs functions. See `torana.functions`."""

    async def invoke(self, version: FunctionVersion, event: Event, /) -> Outcome:
        """Raises `Busy` (its text is the service's reason), `Missing` and `Failed`."""
        ...

    def check(self, runtime: str, handler: str, /) -> None:
        """Raises `Missing` when functions of this runtime cannot be run here."""
        ...

    def takes(self, role: str, /) -> bool:
        """Whether functions may act as a role."""
        ...

    def forget(self, arn: str, version: str | None = None, /) -> None:
        """A function, or one version of it, is gone."""
        ...

    async def prepare(self, version: FunctionVersion, /) -> None:
        """Start the instances that are to be kept for it."""
        ...

    def ready(self, arn: str, version: str, /) -> tuple[int, int]:
        """How many instances of a version there are, and how many of them are idle."""
        ...

    def url(self, id: str, /) -> str:
        """The address of a function URL."""
        ...

    def broken_off(self, error: Exception, /) -> bytes | None:
        """The error document of a stream that the function broke off with this exception."""
        ...


class Seal(Protocol):
    """Keeps what is secret unreadable at rest."""

    def close(self, plain: bytes, /) -> str: ...
    def open(self, sealed: str, /) -> bytes:
        """Raises `ValueError` when it was sealed with another key, or changed."""
        ...


class Place(Struct, frozen=True):
    """Where this gateway says that it is."""

    region: str
    account: str

    def function(self, name: str) -> str:
        """A function's ARN."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"


Defined = Callable[[], dict[str, FunctionVersion]]
"""The functions of the configuration file, by name, as they are now."""
