"""Structures within the documents of services that may be left out."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def part(document: Mapping[str, Any], name: str) -> Json:
    """A structure, empty if it is not there."""
    return document.get(name) or {}


def parts(document: Mapping[str, Any], name: str) -> list[Json]:
    """A list of structures, empty if it is not there."""
    return document.get(name) or []
