"""Texts and their embeddings, whatever API they came through. Nothing here knows a provider."""

import base64
import struct
from typing import Literal

from msgspec import Struct

from torana.llm.chat import Usage

Purpose = Literal["", "query", "document", "classification", "clustering"]


class Texts(Struct, frozen=True):
    """A request for embeddings."""

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    purpose: Purpose = ""
    """What they are for; empty where the client's API does not say."""
    packed: bool = False
    """Whether the client takes numbers as little-endian floats in base64."""


class Vectors(Struct, frozen=True):
    """A row of numbers for each text, in their order."""

    rows: tuple[tuple[float, ...], ...]
    usage: Usage | None = None
    """None where the provider does not say."""


def packed(row: tuple[float, ...]) -> str:
    """32 bit floats, little-endian, in base64."""
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()
