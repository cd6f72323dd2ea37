"""Errors as OpenAI's API spells them. Source: OpenAI API guide, "Error codes"."""

import math
from typing import Any

import msgspec

from torana.llm.errors import Kind, LlmError
from torana.message import Headers, Reply

_TYPES: dict[Kind, tuple[str, str | None]] = {
    "invalid_request": ("invalid_request_error", None),
    "authentication": ("invalid_request_error", "invalid_api_key"),
    "permission": ("invalid_request_error", "model_not_allowed"),
    "not_found": ("invalid_request_error", "model_not_found"),
    "too_large": ("invalid_request_error", "request_too_large"),
    "rate_limit": ("rate_limit_error", "rate_limit_exceeded"),
    "budget": ("insufficient_quota", "insufficient_quota"),
    "timeout": ("server_error", "timeout"),
    "overloaded": ("server_error", "overloaded"),
    "upstream": ("server_error", "upstream_error"),
    "internal": ("server_error", None),
}


def told(error: LlmError) -> dict[str, Any]:
    """The body, as a value."""
    kind, code = _TYPES[error.kind]
    return {
        "error": {
            "message": error.message,
            "type": kind,
            "param": error.param or None,
            "code": error.code or code,
        }
    }


def refuse(error: LlmError) -> Reply:
    """The whole reply."""
    return Reply(error.status, error_headers(error), msgspec.json.encode(told(error)))


def error_headers(error: LlmError) -> Headers:
    """Of any error: when to come again, if that is known."""
    headers = Headers([("Content-Type", "application/json")])
    if error.retry_after is not None:
        headers.add("Retry-After", str(max(1, math.ceil(error.retry_after))))
    return headers
