"""Bodies of Cohere's API, as data. Source: Cohere API reference, "Chat (V2)", "Embed (V2)"."""

from typing import Any

from msgspec import Struct


class Function(Struct, frozen=True, omit_defaults=True):
    """A function that may be called, or the call of one."""

    name: str | None = None
    arguments: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Called(Struct, frozen=True, omit_defaults=True):
    """A call of a tool, or a piece of one."""

    id: str | None = None
    type: str = ""
    function: Function | None = None


class Offered(Struct, frozen=True):
    """A tool."""

    function: Function
    type: str = "function"


class Block(Struct, frozen=True, omit_defaults=True):
    """A part of a message. In streams it has no type."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    image_url: dict[str, Any] | None = None
    document: dict[str, Any] | None = None


class Said(Struct, frozen=True, omit_defaults=True):
    """A message of a request, or an answer's."""

    role: str = "assistant"
    content: str | list[Block] | None = None
    tool_calls: list[Called] | None = None
    tool_plan: str | None = None
    tool_call_id: str | None = None


class Thinking(Struct, frozen=True, omit_defaults=True):
    """Whether to reason, and how long."""

    type: str
    token_budget: int | None = None


class Format(Struct, frozen=True, omit_defaults=True):
    """text, or a JSON object of a schema."""

    type: str = ""
    json_schema: dict[str, Any] | None = None


class Asked(Struct, frozen=True):
    """A request for a chat."""

    model: str
    messages: list[Said]
    stream: bool | None = None
    tools: list[Offered] | None = None
    tool_choice: str | None = None
    strict_tools: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    p: float | None = None
    k: int | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    response_format: Format | None = None
    thinking: Thinking | None = None


class Counted(Struct, frozen=True):
    """Tokens."""

    input_tokens: float | None = None
    output_tokens: float | None = None


class Used(Struct, frozen=True):
    """What an answer cost; billed tokens lack those of Cohere's own prompt."""

    billed_units: Counted | None = None
    tokens: Counted | None = None
    cached_tokens: float | None = None


class Answered(Struct, frozen=True):
    """A whole answer."""

    id: str = ""
    message: Said | str | None = None
    """Of an error: what is wrong."""
    finish_reason: str | None = None
    usage: Used | None = None


class Pieces(Struct, frozen=True):
    """What an event adds to the message."""

    content: Block | None = None
    tool_plan: str | None = None
    tool_calls: Called | None = None


class Delta(Struct, frozen=True):
    """What an event tells."""

    message: Any = None
    finish_reason: str | None = None
    usage: Used | None = None
    error: str | None = None


class Happened(Struct, frozen=True):
    """An event of a stream."""

    type: str = ""
    id: str | None = None
    index: int | None = None
    delta: Delta | None = None
    message: str | None = None
    """Of an error that is no event of the API's."""
