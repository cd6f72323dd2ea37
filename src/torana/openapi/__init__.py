"""OpenAPI documents to the model and back. Pure: text in, values out."""

from torana.openapi.http_read import HttpDocument, read_http
from torana.openapi.http_write import write_http
from torana.openapi.mistakes import InvalidDocument, Mistake
from torana.openapi.read import Document, read
from torana.openapi.write import write

__all__ = [
    "Document",
    "HttpDocument",
    "InvalidDocument",
    "Mistake",
    "read",
    "read_http",
    "write",
    "write_http",
]
