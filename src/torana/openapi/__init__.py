"""OpenAPI documents to the model and back. Pure: text in, values out."""

from torana.openapi.mistakes import InvalidDocument, Mistake
from torana.openapi.read import Document, read

__all__ = ["Document", "InvalidDocument", "Mistake", "read"]
