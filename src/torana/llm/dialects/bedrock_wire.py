"""Bodies of Amazon Bedrock's Converse API, as data.

Source: botocore's model of `bedrock-runtime` (2023-09-30).
"""

from typing import Any

from msgspec import Struct


class Wire(Struct, rename="camel", omit_defaults=True):
    """Camel case, without what is not set."""


class Bytes(Wire):
    """Where the bytes are: here, in base64, or in S3."""

    bytes: str | None = None
    s3_location: dict[str, Any] | None = None
    text: str | None = None


class Media(Wire):
    """An image or a document; only documents have names."""

    format: str = ""
    source: Bytes | None = None
    name: str | None = None


class Use(Wire):
    """The model calls a tool."""

    tool_use_id: str
    name: str
    input: Any = None


class ResultBlock(Wire):
    """A piece of what a tool returned."""

    text: str | None = None
    json: Any = None
    image: Media | None = None


class Result(Wire):
    """What a tool returned."""

    tool_use_id: str
    content: list[ResultBlock] = []
    status: str | None = None


class Reason(Wire):
    """Reasoning that may be read."""

    text: str = ""
    signature: str | None = None


class Reasoning(Wire):
    """Reasoning, readable or sealed."""

    reasoning_text: Reason | None = None
    redacted_content: str | None = None


class Block(Wire):
    """A content block; one of its members is set."""

    text: str | None = None
    image: Media | None = None
    document: Media | None = None
    tool_use: Use | None = None
    tool_result: Result | None = None
    reasoning_content: Reasoning | None = None
    cache_point: dict[str, Any] | None = None


class Turn(Wire):
    """A message."""

    role: str
    content: list[Block] = []


class Spec(Wire):
    """A tool's description."""

    name: str
    input_schema: dict[str, Any] = {}
    description: str | None = None
    strict: bool | None = None


class Inference(Wire):
    """How to answer."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class Used(Wire):
    """What an answer cost. `input_tokens` leaves out what was cached."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class Output(Wire):
    """The inside of an answer."""

    message: Turn | None = None


class Answered(Wire):
    """A whole answer."""

    output: Output | None = None
    stop_reason: str | None = None
    usage: Used | None = None


class StartedUse(Wire):
    """A tool call begins."""

    tool_use_id: str = ""
    name: str = ""


class Start(Wire):
    """A block begins."""

    tool_use: StartedUse | None = None


class UseDelta(Wire):
    """More of a call's input."""

    input: str = ""


class ReasonDelta(Wire):
    """More reasoning."""

    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class Delta(Wire):
    """More of a block."""

    text: str | None = None
    tool_use: UseDelta | None = None
    reasoning_content: ReasonDelta | None = None


class BlockEvent(Wire):
    """Something happens to a block."""

    content_block_index: int = 0
    start: Start | None = None
    delta: Delta | None = None


class StopEvent(Wire):
    """The turn is over."""

    stop_reason: str = ""


class MetaEvent(Wire):
    """What it cost."""

    usage: Used | None = None


class Fault(Wire):
    """An exception's message."""

    message: str = ""


class Happened(Wire):
    """An event of a stream: the member of its type is set."""

    message_start: dict[str, Any] | None = None
    content_block_start: BlockEvent | None = None
    content_block_delta: BlockEvent | None = None
    content_block_stop: BlockEvent | None = None
    message_stop: StopEvent | None = None
    metadata: MetaEvent | None = None
    fault: Fault | None = None
    fault_type: str = ""
