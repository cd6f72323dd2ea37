"""The two seams: a front is an API that clients speak, a dialect is one that providers speak.

Both are pure: bytes and values in, bytes and values out. A front and a dialect of the same name
speak the same bodies, which then pass unchanged.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec import Struct

from torana.llm.chat import Answer, Chat, Event, Usage
from torana.llm.errors import LlmError
from torana.message import Reply


class Peek(Struct, frozen=True):
    """What routing and limits need to know of a request, whatever else it holds."""

    model: str
    stream: bool = False
    max_tokens: int | None = None
    """Of output, as far as the client bounds it."""
    with_usage: bool = True
    """Whether the client asked for a stream's usage."""


class _Named(Struct):
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, Any] | None = None


_named = msgspec.json.Decoder(_Named)


def user_of(body: bytes) -> str:
    """Whom a request is for, as clients of any API name them; empty when they do not."""
    try:
        found = _named.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    named = found.user or found.safety_identifier or found.prompt_cache_key
    return named or str((found.metadata or {}).get("user_id") or "")


class Writer(Protocol):
    """Writes one stream for a client."""

    def write(self, event: Event) -> bytes: ...
    def end(self) -> bytes:
        """What closes the stream."""
        ...


class Front(Protocol):
    """An API that clients speak."""

    dialect: str
    operation: str
    """Which of a dialect's paths serves it."""

    def peek(self, body: bytes, path: str) -> Peek:
        """`path` names the model in some APIs. Raises `LlmError`."""
        ...

    def read(self, body: bytes, peek: Peek) -> Any:
        """A `Chat`, or what else is asked: `Texts`. Raises `LlmError`."""
        ...

    def write(self, answer: Any, chat: Any, seconds: float) -> bytes:
        """A whole answer to what was read, which took so long."""
        ...

    def writer(self, chat: Chat) -> Writer: ...

    def fail(self, error: LlmError) -> bytes:
        """What a client is told when its stream cannot go on."""
        ...

    def refuse(self, error: LlmError) -> Reply:
        """An error, as this API spells it."""
        ...


class Cutter(Protocol):
    """Cuts a provider's stream into the data of its events."""

    def feed(self, piece: bytes) -> Iterable[bytes]:
        """Raises `ValueError` for what cannot be cut."""
        ...

    def flush(self) -> Iterable[bytes]: ...


class Reader(Protocol):
    """Reads one provider's stream."""

    def feed(self, data: bytes) -> Iterable[Event]:
        """The events of one server-sent event's data. Raises `LlmError` for one that reports an
        error or is malformed."""
        ...


class Exchange(Protocol):
    """How providers of a dialect are asked something that is no chat, in their own API."""

    operation: str
    """Which of the dialect's paths."""

    def write(self, question: Any, model: str) -> bytes:
        """Raises `LlmError` for what this API cannot express."""
        ...

    def read(self, body: bytes) -> Any:
        """The answer, with its `usage`. Raises `LlmError`."""
        ...


ASKED: Mapping[str, str] = {
    "embed": "embeddings",
    "embed_batch": "embeddings",
    "input_tokens": "count_tokens",
}
"""What operations ask that other APIs call otherwise."""
COUNTS = frozenset({"count_tokens", "input_tokens"})
"""Operations that only count tokens."""


class Dialect(Protocol):
    """An API that providers speak."""

    name: str
    shared: ClassVar[frozenset[str]]
    """Operations whose bodies are OpenAI's, too."""
    exchanges: ClassVar[Mapping[str, Exchange]]
    """What else than chats may come from other APIs."""
    stream_type: ClassVar[str]
    """The media type of its streams."""
    usage_alone: ClassVar[bool]
    """Whether the member `usage` of a whole answer tells its cost without the rest of it."""
    telling: ClassVar[re.Pattern[bytes]]
    """What the data of an event holds that tells usage."""
    endings: ClassVar[Mapping[str, re.Pattern[bytes]]]
    """What the last events of a whole stream hold, by operation; a stream without broke off."""

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """Where to send it, below the provider's base URL; None: it has no such operation."""
        ...

    def cutter(self) -> Cutter: ...

    def write(self, chat: Chat, model: str) -> bytes:
        """The body of a request. Raises `LlmError` for what this API cannot express."""
        ...

    def retarget(self, body: bytes, peek: Peek, model: str) -> bytes:
        """A body of this dialect for another model, its stream with usage."""
        ...

    def read(self, body: bytes) -> Answer:
        """Raises `LlmError`."""
        ...

    def reader(self) -> Reader: ...

    def usage(self, data: bytes) -> Usage | None:
        """What a whole answer, or an event's data, says of its cost."""
        ...

    def hidden(self, data: bytes) -> bool:
        """Whether an event of a stream is there only because we asked for usage."""
        ...

    def fault(self, data: bytes) -> LlmError | None:
        """The error that an event of a stream reports, if it does."""
        ...

    def begins(self, data: bytes) -> bool:
        """Whether an event of a chat's stream holds something that cannot be taken back."""
        ...

    def refusal(self, status: int, body: bytes) -> LlmError:
        """The error behind a provider's reply."""
        ...
