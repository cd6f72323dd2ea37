"""Bodies of Gemini's API, as data. Requests may be spelled in camel or in snake case.

Source: Gemini API reference, "Generating content", "Content", "Function calling".
"""

from typing import Any

from msgspec import Struct


class Inline(Struct, rename="camel", omit_defaults=True):
    """Bytes in base64."""

    mime_type: str = ""
    data: str = ""


class FileData(Struct, rename="camel", omit_defaults=True):
    """Bytes that are elsewhere."""

    file_uri: str = ""
    mime_type: str = ""


class Call(Struct, rename="camel", omit_defaults=True):
    """The model calls a function."""

    name: str = ""
    args: dict[str, Any] | None = None
    id: str | None = None


class Returned(Struct, rename="camel", omit_defaults=True):
    """What the function returned."""

    name: str = ""
    response: Any = None
    id: str | None = None


class Part(Struct, rename="camel", omit_defaults=True):
    """One of its members is set."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: Inline | None = None
    file_data: FileData | None = None
    function_call: Call | None = None
    function_response: Returned | None = None
    executable_code: dict[str, Any] | None = None
    code_execution_result: dict[str, Any] | None = None


class Content(Struct, rename="camel", omit_defaults=True):
    """A turn: of the `user` or the `model`."""

    parts: list[Part] = []
    role: str | None = None


class Function(Struct, rename="camel", omit_defaults=True):
    """A function the model may call."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None


class Calling(Struct, rename="camel", omit_defaults=True):
    """Whether functions are called."""

    mode: str = "AUTO"
    allowed_function_names: list[str] | None = None


class ToolConfig(Struct, rename="camel", omit_defaults=True):
    """About all tools."""

    function_calling_config: Calling | None = None


class ThinkingConfig(Struct, rename="camel", omit_defaults=True):
    """How much to reason, and whether to show it."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class Generation(Struct, rename="camel", omit_defaults=True):
    """How to answer."""

    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    stop_sequences: list[str] | None = None
    candidate_count: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: dict[str, Any] | None = None
    thinking_config: ThinkingConfig | None = None


class Used(Struct, rename="camel"):
    """What an answer cost."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None


class Candidate(Struct, rename="camel"):
    """An answer, or a piece of one."""

    content: Content | None = None
    finish_reason: str | None = None


class Feedback(Struct, rename="camel"):
    """About the question."""

    block_reason: str | None = None


class Fault(Struct, rename="camel"):
    """The inside of an error."""

    code: int = 0
    message: str = ""
    status: str = ""
    details: list[dict[str, Any]] = []


class Answered(Struct, rename="camel"):
    """A whole answer or an event of a stream."""

    candidates: list[Candidate] = []
    prompt_feedback: Feedback | None = None
    usage_metadata: Used | None = None
    model_version: str = ""
    response_id: str = ""
    error: Fault | None = None
