"""Embeddings, as providers of OpenAI's API are asked for them. Source: OpenAI API reference,
"Embeddings"."""

from typing import Any

import msgspec
from msgspec import Struct

from torana.llm.chat import Usage
from torana.llm.embed import Texts, Vectors
from torana.llm.errors import LlmError


class _Row(Struct):
    index: int
    embedding: tuple[float, ...]


class _Used(Struct):
    prompt_tokens: int = 0


class _Answered(Struct):
    data: list[_Row]
    usage: _Used | None = None


_answered = msgspec.json.Decoder(_Answered)


class OpenAiEmbed:
    """Implements `Exchange`. This API is not told what the texts are for."""

    operation = "embeddings"

    def write(self, question: Texts, model: str) -> bytes:
        """See `Exchange`."""
        body: dict[str, Any] = {"model": model, "input": question.texts}
        if question.dimensions is not None:
            body["dimensions"] = question.dimensions
        return msgspec.json.encode(body)

    def read(self, body: bytes) -> Vectors:
        """See `Exchange`."""
        try:
            found = _answered.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error
        rows = sorted(found.data, key=lambda each: each.index)
        usage = found.usage and Usage(found.usage.prompt_tokens)
        return Vectors(tuple(each.embedding for each in rows), usage)
