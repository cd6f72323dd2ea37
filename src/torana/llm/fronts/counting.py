"""How many tokens a chat has, as clients of Anthropic, OpenAI, Gemini and Bedrock ask it.

Source: Anthropic API reference, "Count tokens"; OpenAI API reference, "Input token counts"; Gemini
API reference, "Counting tokens"; Amazon Bedrock API reference, "CountTokens".
"""

from typing import Any
from urllib.parse import unquote

import msgspec

from torana.llm import chat as c
from torana.llm.dialect import Peek
from torana.llm.errors import LlmError
from torana.llm.fronts.anthropic_messages import AnthropicMessages
from torana.llm.fronts.bedrock import Converse, model_of
from torana.llm.fronts.gemini import Generate
from torana.llm.fronts.responses import Responses

_encode = msgspec.json.Encoder().encode
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])


class CountMessages(AnthropicMessages):
    """Implements `Front`."""

    operation = "count_tokens"

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`. No bound of the answer is given, which other APIs need."""
        return super().read(_encode({"max_tokens": 1, **_decoded(body)}), peek)

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`."""
        return _encode({"input_tokens": answer.usage.input})


class CountResponse(Responses):
    """Implements `Front`."""

    operation = "input_tokens"

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`."""
        return _encode({"object": "response.input_tokens", "input_tokens": answer.usage.input})


class CountContent(Generate):
    """Implements `Front`."""

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`. The whole request may be within."""
        return super().read(_decoded(body).get("generateContentRequest") or body, peek)

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`."""
        return _encode({"totalTokens": answer.usage.input})


class CountConverse(Converse):
    """Implements `Front`."""

    operation = "count_tokens"

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        return Peek(unquote(model_of(path)))

    def read(self, body: bytes, peek: Peek) -> c.Chat:
        """See `Front`. Raises `LlmError` for a body of some model of Amazon's."""
        given = _decoded(body).get("input")
        asked: Any = _decoded(given).get("converse") if given else None
        if asked is None:
            raise LlmError("invalid_request", "input: only converse can be passed on")
        return super().read(asked, peek)

    def write(self, answer: c.Answer, chat: c.Chat, seconds: float) -> bytes:
        """See `Front`."""
        return _encode({"inputTokens": answer.usage.input})


def _decoded(body: "bytes | msgspec.Raw") -> dict[str, msgspec.Raw]:
    try:
        return _raw.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"the body cannot be read: {error}") from error
