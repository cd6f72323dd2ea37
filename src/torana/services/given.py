"""Members of an operation's input that may be left out."""

from typing import Any


def items(params: dict[str, Any], name: str) -> list[Any]:
    """A list, or none."""
    found: list[Any] = params.get(name) or []
    return found


def members(params: dict[str, Any], name: str) -> dict[str, Any]:
    """A structure, or an empty one."""
    found: dict[str, Any] = params.get(name) or {}
    return found
