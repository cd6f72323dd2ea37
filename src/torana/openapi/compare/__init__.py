"""What differs between two definitions of an API, and whether it breaks clients. Pure."""

from torana.openapi.compare.change import Change, breaks, markdown, order
from torana.openapi.compare.document import definition
from torana.openapi.compare.operations import compare

__all__ = ["Change", "breaks", "compare", "definition", "markdown", "order"]
