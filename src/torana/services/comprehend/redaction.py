"""Texts without their personal data.

Source: Amazon Comprehend Developer Guide, "Redaction of PII entities".
"""

from collections.abc import Mapping, Sequence
from typing import Any


def redacted(text: str, found: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> str:
    """`found`: entities with their places. `config`: types, and what stands in their place."""
    types: Sequence[str] = config.get("PiiEntityTypes") or ["ALL"]
    character: str = config.get("MaskCharacter") or "*"
    parts, end = list[str](), 0
    for each in sorted(found, key=lambda entity: entity["BeginOffset"]):
        begin = max(each["BeginOffset"], end)
        if each["EndOffset"] <= begin or not ("ALL" in types or each["Type"] in types):
            continue
        hidden = f"[{each['Type']}]"
        if config.get("MaskMode", "REPLACE_WITH_PII_ENTITY_TYPE") == "MASK":
            hidden = character * (each["EndOffset"] - begin)
        parts += [text[end:begin], hidden]
        end = each["EndOffset"]
    return "".join([*parts, text[end:]])
