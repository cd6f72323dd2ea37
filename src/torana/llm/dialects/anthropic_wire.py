"""Bodies of Anthropic's Messages API, as data.

Source: Anthropic API reference, "Messages" and "Streaming messages".
"""

from typing import Any

from msgspec import Struct


class Block(Struct, frozen=True):
    """A content block of any kind; `type` says which fields count."""

    type: str
    text: str | None = None
    source: dict[str, Any] | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    tool_use_id: str | None = None
    content: "str | list[Block] | None" = None
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    title: str | None = None
    partial_json: str | None = None


class Turn(Struct, frozen=True):
    """A message of a request."""

    role: str
    content: str | list[Block]


class Offered(Struct, frozen=True):
    """A tool of a request. `type` is there for tools that the provider runs itself."""

    name: str
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    type: str | None = None


class Asked(Struct, frozen=True):
    """A request."""

    model: str
    messages: list[Turn]
    max_tokens: int
    system: str | list[Block] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[Offered] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None


class Used(Struct, frozen=True):
    """What an answer cost."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class Fault(Struct, frozen=True):
    """The inside of an error."""

    type: str = ""
    message: str = ""


class Answered(Struct, frozen=True):
    """A whole answer, or the beginning of a stream."""

    id: str = ""
    model: str = ""
    content: list[Block] = []
    stop_reason: str | None = None
    usage: Used | None = None
    error: Fault | None = None
    type: str = ""


class Ended(Struct, frozen=True):
    """Of a `message_delta`: why it stopped. Of a block's: the piece."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class Happened(Struct, frozen=True):
    """An event of a stream."""

    type: str
    message: Answered | None = None
    index: int = 0
    content_block: Block | None = None
    delta: Ended | None = None
    usage: Used | None = None
    error: Fault | None = None
