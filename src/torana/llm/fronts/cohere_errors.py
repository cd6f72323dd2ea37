"""Errors as Cohere's API spells them. Source: Cohere API reference, "Errors"."""

from secrets import token_hex

import msgspec

from torana.llm.errors import LlmError
from torana.llm.fronts.openai_errors import error_headers
from torana.message import Reply


def refuse(error: LlmError) -> Reply:
    """The whole reply."""
    body = {"id": token_hex(16), "message": error.message}
    return Reply(error.status, error_headers(error), msgspec.json.encode(body))
