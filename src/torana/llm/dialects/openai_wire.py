"""Bodies of OpenAI's Chat Completions API, as data.

Source: OpenAI API reference, "Chat completions". Unknown fields are kept out of the way here and
named in `Request.options`.
"""

from typing import Any

from msgspec import Struct


class Function(Struct, frozen=True):
    """A function that may be called, or the call of one."""

    name: str | None = ""
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    arguments: str | None = ""


class Called(Struct, frozen=True):
    """A tool call. `index` is only in streams."""

    id: str | None = None
    type: str | None = "function"
    function: Function = Function()
    index: int | None = None


class Said(Struct, frozen=True):
    """A message of a request."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[Called] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None


class Offered(Struct, frozen=True):
    """A tool of a request."""

    type: str = "function"
    function: Function = Function()


class StreamOptions(Struct, frozen=True):
    """What a stream holds besides the answer."""

    include_usage: bool | None = None


class JsonSchema(Struct, frozen=True):
    """What a JSON answer looks like."""

    name: str = "answer"
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class ResponseFormat(Struct, frozen=True):
    """text, json_object or json_schema."""

    type: str = "text"
    json_schema: JsonSchema | None = None


class Asked(Struct, frozen=True):
    """A request."""

    model: str
    messages: list[Said]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    tools: list[Offered] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    user: str | None = None


class PromptDetails(Struct, frozen=True):
    """Of the input tokens."""

    cached_tokens: int | None = 0


class CompletionDetails(Struct, frozen=True):
    """Of the output tokens."""

    reasoning_tokens: int | None = 0


class Used(Struct, frozen=True):
    """What an answer cost."""

    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    input_tokens: int | None = 0
    """So Responses and images call it, and the following."""
    output_tokens: int | None = 0
    input_tokens_details: PromptDetails | None = None
    output_tokens_details: CompletionDetails | None = None


class Chunk(Struct, frozen=True):
    """A part of an answer of Mistral's, where it reasons."""

    type: str = "text"
    text: str | None = None
    thinking: "list[Chunk] | None" = None


class Answered(Struct, frozen=True):
    """A message of an answer, or a piece of one."""

    content: str | list[Chunk] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    """What some servers call it."""
    tool_calls: list[Called] | None = None


class Choice(Struct, frozen=True):
    """One of the answers; of one stream's events, the pieces."""

    index: int = 0
    message: Answered | None = None
    delta: Answered | None = None
    finish_reason: str | None = None


class Completion(Struct, frozen=True):
    """A whole answer, or an event of a stream."""

    id: str = ""
    model: str = ""
    choices: list[Choice] = []
    usage: Used | None = None
    error: Any = None
    response: "Completion | None" = None
    """Of an event of Responses."""


class Fault(Struct, frozen=True):
    """The inside of an error."""

    message: str = ""
    type: str | None = None
    param: Any = None
    code: Any = None
