"""Tokens of a chat, as the counters of providers are asked for them.

Source: Anthropic API reference, "Count tokens"; Gemini API reference, "Counting tokens"; Vertex AI
API reference, "CountTokens"; Amazon Bedrock API reference, "CountTokens".
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm.chat import Answer, Chat, Usage
from torana.llm.errors import LlmError

Write = Callable[[Chat, str], bytes]
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Counted(Struct):
    """Named by each API in its own way."""

    anthropic: int | None = msgspec.field(default=None, name="input_tokens")
    gemini: int | None = msgspec.field(default=None, name="totalTokens")
    bedrock: int | None = msgspec.field(default=None, name="inputTokens")


_counted = msgspec.json.Decoder(_Counted)


class Count:
    """Implements `Exchange`: the body of a chat, as the counter of its API wants it."""

    operation = "count_tokens"

    def __init__(self, write: Write, shape: Callable[[dict[str, Any], str], Any]) -> None:
        self._write, self._shape = write, shape

    def write(self, question: Chat, model: str) -> bytes:
        """See `Exchange`."""
        chat = msgspec.structs.replace(question, stream=False)
        return msgspec.json.encode(self._shape(_raw.decode(self._write(chat, model)), model))

    def read(self, body: bytes) -> Answer:
        """See `Exchange`."""
        try:
            found = _counted.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error
        tokens = next(
            (n for n in (found.anthropic, found.gemini, found.bedrock) if n is not None), None
        )
        if tokens is None:
            raise LlmError("upstream", "the provider's answer tells no count")
        return Answer("", "", (), usage=Usage(tokens))


def anthropic(body: dict[str, Any], model: str) -> Any:
    """Without what says how to answer."""
    return {name: value for name, value in body.items() if name in _ANTHROPIC}


def gemini(body: dict[str, Any], model: str) -> Any:
    """The whole request within."""
    return {"generateContentRequest": {"model": f"models/{model}", **body}}


def vertex(body: dict[str, Any], model: str) -> Any:
    """Vertex AI takes the members at the top."""
    return {name: value for name, value in body.items() if name in _VERTEX}


def bedrock(body: dict[str, Any], model: str) -> Any:
    """Of what Converse takes, what is counted."""
    return {"input": {"converse": {n: value for n, value in body.items() if n in _BEDROCK}}}


_ANTHROPIC = frozenset({"model", "messages", "system", "tools", "tool_choice", "thinking"})
_VERTEX = frozenset({"contents", "systemInstruction", "tools", "generationConfig"})
_BEDROCK = frozenset({"messages", "system", "toolConfig", "additionalModelRequestFields"})
