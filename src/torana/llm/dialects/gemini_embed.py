"""Embeddings, as Gemini's API is asked for them. Source: Gemini API reference, "Embeddings"."""

from typing import Any

import msgspec
from msgspec import Struct

from torana.llm.chat import Usage
from torana.llm.embed import Purpose, Texts, Vectors
from torana.llm.errors import LlmError

TYPES: dict[Purpose, str] = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}


class _Row(Struct):
    values: tuple[float, ...]


class _Used(Struct, rename="camel"):
    prompt_token_count: int = 0


class _Answered(Struct, rename="camel"):
    embeddings: list[_Row]
    usage_metadata: _Used | None = None


_answered = msgspec.json.Decoder(_Answered)


class GeminiEmbed:
    """Implements `Exchange`."""

    operation = "embed_batch"

    def write(self, question: Texts, model: str) -> bytes:
        """See `Exchange`."""
        more: dict[str, Any] = {"model": f"models/{model}"}
        if question.purpose:
            more["taskType"] = TYPES[question.purpose]
        if question.dimensions is not None:
            more["outputDimensionality"] = question.dimensions
        requests = [{**more, "content": {"parts": [{"text": each}]}} for each in question.texts]
        return msgspec.json.encode({"requests": requests})

    def read(self, body: bytes) -> Vectors:
        """See `Exchange`."""
        try:
            found = _answered.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error
        usage = found.usage_metadata and Usage(found.usage_metadata.prompt_token_count)
        return Vectors(tuple(each.values for each in found.embeddings), usage)
