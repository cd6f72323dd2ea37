"""Embeddings, as Cohere is asked for them. Source: Cohere API reference, "Embed (V2)"."""

from typing import Any

import msgspec
from msgspec import Struct, field

from torana.llm.chat import Usage
from torana.llm.embed import Purpose, Texts, Vectors
from torana.llm.errors import LlmError

TYPES: dict[Purpose, str] = {
    "": "search_document",
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
}
"""What the texts are for: this API wants to know it."""


class _Rows(Struct):
    numbers: tuple[tuple[float, ...], ...] = field(name="float")


class _Billed(Struct):
    input_tokens: float | None = None


class _Meta(Struct):
    billed_units: _Billed | None = None


class _Answered(Struct):
    embeddings: _Rows
    meta: _Meta | None = None


_answered = msgspec.json.Decoder(_Answered)


class CohereEmbed:
    """Implements `Exchange`."""

    operation = "embeddings"

    def write(self, question: Texts, model: str) -> bytes:
        """See `Exchange`."""
        body: dict[str, Any] = {
            "model": model,
            "texts": question.texts,
            "input_type": TYPES[question.purpose],
            "embedding_types": ["float"],
        }
        if question.dimensions is not None:
            body["output_dimension"] = question.dimensions
        return msgspec.json.encode(body)

    def read(self, body: bytes) -> Vectors:
        """See `Exchange`."""
        try:
            found = _answered.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("upstream", f"the provider's answer is malformed: {error}") from error
        billed = found.meta and found.meta.billed_units
        tokens = round((billed and billed.input_tokens) or 0)
        return Vectors(found.embeddings.numbers, Usage(tokens) if tokens else None)
