"""Embeddings, as models of Amazon Bedrock are asked for them: each family has its own bodies.

Source: Amazon Bedrock User Guide, "Amazon Titan Text Embeddings", "Cohere Embed v3", "v4".
"""

from typing import Any

import msgspec
from msgspec import Struct

from torana.llm.chat import Usage
from torana.llm.dialects.cohere_embed import TYPES
from torana.llm.embed import Texts, Vectors
from torana.llm.errors import LlmError


class _Typed(Struct):
    numbers: tuple[tuple[float, ...], ...] = msgspec.field(name="float")


class _Answered(Struct, rename="camel"):
    embedding: tuple[float, ...] | None = None
    """Titan's."""
    embeddings: _Typed | tuple[tuple[float, ...], ...] | None = None
    """Cohere's."""
    input_text_token_count: int | None = None


_answered = msgspec.json.Decoder(_Answered)


class BedrockEmbed:
    """Implements `Exchange`."""

    operation = "invoke"

    def write(self, question: Texts, model: str) -> bytes:
        """See `Exchange`."""
        if "titan-embed" in model:
            return msgspec.json.encode(_titan(question, model))
        if "cohere.embed" in model:
            body: dict[str, Any] = {
                "texts": question.texts,
                "input_type": TYPES[question.purpose],
                "embedding_types": ["float"],
            }
            if question.dimensions is not None:
                body["output_dimension"] = question.dimensions
            return msgspec.json.encode(body)
        raise LlmError("invalid_request", f"Bedrock's {model} is no model for embeddings of texts")

    def read(self, body: bytes) -> Vectors:
        """See `Exchange`."""
        try:
            found = _answered.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error
        tokens = found.input_text_token_count
        usage = None if tokens is None else Usage(tokens)
        if found.embedding is not None:
            return Vectors((found.embedding,), usage)
        given = found.embeddings
        if given is None:
            raise LlmError("upstream", "the provider's answer holds no embeddings")
        return Vectors(given.numbers if isinstance(given, _Typed) else given, usage)


def _titan(question: Texts, model: str) -> dict[str, Any]:
    if len(question.texts) != 1:
        raise LlmError("invalid_request", f"Bedrock's {model} takes one text at a time")
    body: dict[str, Any] = {"inputText": "".join(question.texts)}
    if question.dimensions is not None:
        body["dimensions"] = question.dimensions
    return body
