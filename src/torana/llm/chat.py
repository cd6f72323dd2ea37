"""One conversation, whatever API it came through: what every front reads into and every dialect
writes from. Nothing here knows a provider."""

from random import getrandbits
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

Role = Literal["user", "assistant"]
Stop = Literal["end", "length", "tool", "sequence", "refusal"]
"""Why a model stopped: it was done, ran out of tokens, calls a tool, met a stop sequence, or
declined."""


class Text(Struct, frozen=True, tag="text"):
    """Words."""

    text: str


class Image(Struct, frozen=True, tag="image"):
    """A picture: its bytes in base64, or where it is."""

    media_type: str = ""
    data: str = ""
    url: str = ""


class File(Struct, frozen=True, tag="file"):
    """A document or a recording, in base64."""

    media_type: str
    data: str
    name: str = ""


class Thinking(Struct, frozen=True, tag="thinking"):
    """What a model reasoned, with the provider's seal; `sealed` is reasoning not shown."""

    text: str = ""
    signature: str = ""
    sealed: str = ""


class ToolUse(Struct, frozen=True, tag="tool_use"):
    """A tool the model wants called. `arguments` is JSON text, as the model wrote it."""

    id: str
    name: str
    arguments: str


class ToolResult(Struct, frozen=True, tag="tool_result"):
    """What the tool answered."""

    id: str
    parts: tuple["Text | Image", ...]
    failed: bool = False


Part = Text | Image | File | Thinking | ToolUse | ToolResult


class Message(Struct, frozen=True):
    """A turn. The results of tools are the user's."""

    role: Role
    parts: tuple[Part, ...]


class Tool(Struct, frozen=True):
    """A function that the model may ask for."""

    name: str
    description: str = ""
    schema: dict[str, Any] = {}
    strict: bool | None = None


class ToolChoice(Struct, frozen=True):
    """`tool` demands the one that is named."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str = ""
    parallel: bool | None = None


class Format(Struct, frozen=True):
    """The answer is JSON; of this schema, if there is one."""

    name: str = "answer"
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class Chat(Struct, frozen=True):
    """A request for the next turn."""

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    format: Format | None = None
    effort: str | None = None
    """How hard to reason: minimal, low, medium, high."""
    thinking_tokens: int | None = None
    user: str = ""
    stream: bool = False
    with_usage: bool = True
    """Whether a stream ends with what it cost."""
    only: tuple[str, ...] = ()
    """Options that none but the front's own dialect can express, by name."""


class Usage(Struct, frozen=True):
    """Tokens. `input` counts cached ones too, `output` those of reasoning."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0

    def __or__(self, later: "Usage") -> "Usage":
        """Both: a stream may tell its input at the beginning and its output at the end."""
        return Usage(
            max(self.input, later.input),
            max(self.output, later.output),
            max(self.cached, later.cached),
            max(self.cache_written, later.cache_written),
            max(self.reasoning, later.reasoning),
        )


NOTHING = Usage()


class Answer(Struct, frozen=True):
    """A whole turn."""

    id: str
    model: str
    parts: tuple[Part, ...]
    stop: Stop = "end"
    usage: Usage = Usage()


class Started(Struct, frozen=True):
    """A stream's first event."""

    id: str
    model: str
    usage: Usage = Usage()


Named = TypeVar("Named", Answer, Started)


def named(begun: Named, model: str) -> Named:
    """With an id and a model, for clients that want them, where the provider tells none."""
    if begun.id and begun.model:
        return begun
    name = begun.id or f"msg_{getrandbits(96):024x}"
    return msgspec.structs.replace(begun, id=name, model=begun.model or model)


class TextDelta(Struct, frozen=True):
    """More words."""

    text: str


class ThinkingDelta(Struct, frozen=True):
    """More reasoning, or its seal."""

    text: str = ""
    signature: str = ""


class ToolStarted(Struct, frozen=True):
    """The model begins to call a tool. `index` counts the calls of the turn from 0."""

    index: int
    id: str
    name: str


class ToolDelta(Struct, frozen=True):
    """More of a call's arguments."""

    index: int
    arguments: str


class Stopped(Struct, frozen=True):
    """The turn is over."""

    stop: Stop


class Metered(Struct, frozen=True):
    """What it cost."""

    usage: Usage


Event = Started | TextDelta | ThinkingDelta | ToolStarted | ToolDelta | Stopped | Metered
