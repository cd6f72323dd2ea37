"""What a bot says: one message of each group, with slots and attributes in it.

Source: Lex V2 Developer Guide, "Creating message groups" and "Using session attributes".
"""

import re
from collections.abc import Mapping
from random import choice
from typing import Any

from torana.services.lex.book import (
    Json,
)
from torana.services.members import part, parts

_PLACE = re.compile(r"\{([\w-]+)\}|\[([\w.-]+)\]|\(\(([\w.:-]+)\)\)")
_KINDS = (
    ("plainTextMessage", "PlainText"),
    ("customPayload", "CustomPayload"),
    ("ssmlMessage", "SSML"),
)


class Fillings:
    """What stands for `{slot}`, `[session attribute]` and `((request attribute))`."""

    def __init__(
        self,
        slots: Mapping[str, Json | None],
        session: Mapping[str, str],
        request: Mapping[str, str],
    ) -> None:
        self._slots, self._session, self._request = slots, session, request

    def fill(self, text: str) -> str:
        """The text with values; what has none stays away."""

        def value(match: re.Match[str]) -> str:
            slot, attribute, asked = match.groups()
            if slot:
                return said(self._slots.get(slot))
            return self._session.get(attribute, "") if attribute else self._request.get(asked, "")

        return _PLACE.sub(value, text)


def said(slot: Json | None) -> str:
    """A slot's value as words."""
    if slot is None:
        return ""
    if slot.get("shape") == "List":
        return ", ".join(said(each) for each in parts(slot, "values"))
    return part(slot, "value").get("interpretedValue", "")


def messages(specification: Json | None, fillings: Fillings, turn: int = 0) -> list[Json]:
    """Of a prompt or a response: a message of each group, of `Ordered` ones in turn."""
    if not specification:
        return []
    ordered = specification.get("messageSelectionStrategy") == "Ordered"
    found: list[Json] = []
    for group in parts(specification, "messageGroups"):
        choices = [group["message"], *parts(group, "variations")]
        taken = choices[turn % len(choices)] if ordered else choice(choices)  # noqa: S311
        found.append(_message(taken, fillings))
    return found


def _message(message: Json, fillings: Fillings) -> Json:
    for member, kind in _KINDS:
        if member in message:
            return {"content": fillings.fill(message[member]["value"]), "contentType": kind}
    card = _filled(message["imageResponseCard"], fillings)
    return {"contentType": "ImageResponseCard", "imageResponseCard": card}


def _filled(value: Any, fillings: Fillings) -> Any:
    if isinstance(value, str):
        return fillings.fill(value)
    if isinstance(value, list):
        return [_filled(each, fillings) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {name: _filled(each, fillings) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
