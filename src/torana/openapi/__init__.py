"""OpenAPI documents to the model and back. Pure: text in, values out."""

from torana.openapi.mistakes import InvalidDocument, Mistake
from torana.openapi.read import Document, read
from torana.openapi.write import write

__all__ = ["Document", "InvalidDocument", "Mistake", "read", "write"]
