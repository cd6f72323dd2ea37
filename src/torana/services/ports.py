"""What services ask of the rest of the process, and what they are asked with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from torana.auth.grants import NOTHING, Grants
from torana.auth.policy import ANYONE, Caller
from torana.message import Reply, Request
from torana.wire.contract import Asked, Contract


class Busy(Exception):
    """The engine has too much waiting. Becomes the service's throttling error."""


class Missing(Exception):
    """A package that the engine needs is not installed; the message says how to get it."""


class Failed(Exception):
    """The engine could not answer; the message may be shown to the client."""


class Engines(Protocol):
    """Runs a capability over items, in order."""

    async def __call__(self, capability: str, items: Sequence[Any], timeout: float, /) -> list[Any]:
        """Raises `TimeoutError` after `timeout` seconds, `Busy`, `Missing` and `Failed`."""
        ...


class FunctionFailed(Exception):
    """A function answered with an error; the message is its error document."""


class Functions(Protocol):
    """Invokes a Lambda function and waits for its answer."""

    async def __call__(self, arn: str, payload: bytes, timeout: float, /) -> bytes:
        """Raises `TimeoutError`, `Busy`, `FunctionFailed`, and `Failed` for what is no function."""
        ...


async def no_functions(arn: str, payload: bytes, timeout: float, /) -> bytes:
    """Where no functions run."""
    del payload, timeout
    raise Failed(f"{arn} cannot be invoked here")


async def _no_models(request: Request, who: str, /) -> Reply:
    raise Failed("there are no language models here")


class LanguageModels(Struct, frozen=True):
    """The models of the gateway's LLM API, or none."""

    names: Callable[[], Sequence[str]] = tuple
    ask: Callable[[Request, str], Awaitable[Reply]] = _no_models
    """A request of the LLM API, in the name of somebody."""


class Principal(Struct, frozen=True):
    """Who calls a service."""

    account: str
    arn: str
    user_id: str
    grants: Grants = NOTHING
    caller: Caller = ANYONE
    """As policies of resources name it."""
    access_key_id: str = ""
    chained: Mapping[str, str] = {}
    """Session tags that go on to the next role, and `aws:sourceidentity`."""


class Credential(Struct, frozen=True):
    """An access key that is let in."""

    access_key_id: str
    secret_access_key: str
    principal: Principal
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"Credential({self.access_key_id!r}, …)"


class Credentials(Protocol):
    """The access keys of this gateway."""

    async def find(self, access_key_id: str, session_token: str) -> Credential | None:
        """Raises `SignatureError` for a session that is over."""
        ...


class Call(Struct, frozen=True):
    """One operation under way."""

    operation: str
    principal: Principal
    region: str
    request_id: str
    timeout: float
    """Seconds that the whole operation may take."""
    request: Request


class Answer(Struct, frozen=True):
    """An operation's output with another status than the model's."""

    members: dict[str, Any]
    status: int


class Turn(Struct, frozen=True):
    """A request that was let in, on its way to what answers it."""

    contract: Contract
    request: Request
    """With its body whole; or, where an embedded operation takes content of any size, as a stream
    that is checked while it is read."""
    principal: Principal
    region: str
    request_id: str
    timeout: float
    action: str = ""
    """The operation, when the request itself may not name it."""
    role: str | None = None
    """The ARN of the role to act as toward a real endpoint."""
    host_prefix: str = ""
    """What stands before the service's own name in its address, such as a bucket."""
    asked: Asked | None = None
    """What the request was understood as, where that is known already."""


class Backend(Protocol):
    """What answers for a service: its embedded facade, or another endpoint."""

    async def __call__(self, turn: Turn, /) -> Reply: ...
