"""Embeddings, as clients of OpenAI, Cohere and Gemini ask for them.

Source: OpenAI API reference, "Embeddings"; Cohere API reference, "Embed (V2)"; Gemini API
reference, "Embeddings".
"""

from secrets import token_hex
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from torana.llm.dialect import Peek
from torana.llm.dialects import cohere_embed, gemini_embed
from torana.llm.dialects import gemini_wire as wire
from torana.llm.embed import Purpose, Texts, Vectors, packed
from torana.llm.errors import LlmError
from torana.llm.fronts.gemini import Generate
from torana.llm.fronts.passed import Passed

_encode = msgspec.json.Encoder().encode
T = TypeVar("T")


class _OpenAi(Struct, forbid_unknown_fields=True):
    model: str
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str | None = None


class OpenAiEmbeddings(Passed):
    """Implements `Front`."""

    def read(self, body: bytes, peek: Peek) -> Texts:
        """See `Front`. Raises `LlmError` for tokens: they are words of one vocabulary only."""
        asked = _decoded(body, _OpenAi)
        texts = (asked.input,) if isinstance(asked.input, str) else tuple(asked.input)
        return Texts(asked.model, texts, asked.dimensions, packed=asked.encoding_format == "base64")

    def write(self, answer: Vectors, chat: Texts, seconds: float) -> bytes:
        """See `Front`."""
        shown: list[Any] = [packed(row) for row in answer.rows] if chat.packed else [*answer.rows]
        data = [
            {"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(shown)
        ]
        tokens = answer.usage.input if answer.usage else 0
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return _encode({"object": "list", "data": data, "model": chat.model, "usage": usage})


class _Cohere(Struct, forbid_unknown_fields=True):
    model: str
    texts: list[str]
    input_type: str
    embedding_types: tuple[Literal["float", "base64"], ...] = ("float",)
    output_dimension: int | None = None
    truncate: Literal["NONE", "START", "END"] = "END"
    priority: int | None = None


_COHERE: dict[str, Purpose] = {
    name: purpose for purpose, name in cohere_embed.TYPES.items() if purpose
}


class CohereEmbeddings(Passed):
    """Implements `Front`."""

    def read(self, body: bytes, peek: Peek) -> Texts:
        """See `Front`. Numbers of fewer bits and pictures only Cohere has."""
        asked = _decoded(body, _Cohere)
        purpose = _COHERE.get(asked.input_type)
        if purpose is None:
            raise LlmError("invalid_request", f"input_type: {asked.input_type!r} cannot be passed")
        packed = asked.embedding_types == ("base64",)
        return Texts(asked.model, tuple(asked.texts), asked.output_dimension, purpose, packed)

    def write(self, answer: Vectors, chat: Texts, seconds: float) -> bytes:
        """See `Front`."""
        tokens = answer.usage.input if answer.usage else 0
        shown: Any = (
            {"base64": [packed(row) for row in answer.rows]}
            if chat.packed
            else {"float": answer.rows}
        )
        meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}}
        return _encode(
            {
                "id": token_hex(16),
                "response_type": "embeddings_by_type",
                "embeddings": shown,
                "texts": chat.texts,
                "meta": meta,
            }
        )


class _Asked(Struct, rename="camel", forbid_unknown_fields=True):
    content: wire.Content
    model: str = ""
    task_type: str | None = None
    output_dimensionality: int | None = None


class _Batch(Struct):
    requests: list[_Asked]


_GEMINI: dict[str, Purpose] = {name: purpose for purpose, name in gemini_embed.TYPES.items()}


class GeminiEmbeddings(Generate):
    """Implements `Front`, for one text or for several."""

    def read(self, body: bytes, peek: Peek) -> Texts:
        """See `Front`. Other purposes, titles and pictures only Gemini has."""
        if self.operation == "embed":
            asked = [_decoded(body, _Asked)]
        else:
            asked = _decoded(body, _Batch).requests
        first = asked[0] if asked else None
        if first is None or any(_how(each) != _how(first) for each in asked):
            raise LlmError("invalid_request", "the requests of a batch must want the same")
        kind = first.task_type or "TASK_TYPE_UNSPECIFIED"
        if kind not in _GEMINI and kind != "TASK_TYPE_UNSPECIFIED":
            raise LlmError("invalid_request", f"taskType: {kind!r} cannot be passed on")
        texts = tuple(_text(each.content) for each in asked)
        purpose: Purpose = _GEMINI.get(kind) or ""
        return Texts(peek.model, texts, first.output_dimensionality, purpose)

    def write(self, answer: Vectors, chat: Texts, seconds: float) -> bytes:
        """See `Front`."""
        rows = [{"values": row} for row in answer.rows]
        return _encode(
            {"embedding": rows[0]} if self.operation == "embed" else {"embeddings": rows}
        )


def _how(asked: _Asked) -> tuple[str | None, int | None]:
    return asked.task_type, asked.output_dimensionality


def _text(content: wire.Content) -> str:
    if any(part.text is None for part in content.parts):
        raise LlmError("invalid_request", "content: only words can be passed on to another API")
    return "".join(part.text or "" for part in content.parts)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"cannot be passed on to another API: {error}") from error
