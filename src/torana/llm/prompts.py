"""Prompts: templates with variables that become chats, and answers that must be of a schema."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.errors import LlmError
from torana.llm.output import Check, checker, format_of, value_of
from torana.llm_settings import LlmPromptVersion

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]{0,99})\s*\}\}")
_LONGEST = 1024 * 1024
"""Characters of a variable."""
Pieces = tuple[str, ...]
"""Text and names of variables in turn, beginning with text."""


class Prompt(Struct, frozen=True, eq=False):
    """One version of a prompt, ready to be called."""

    name: str
    version: str
    given: LlmPromptVersion
    system: Pieces
    turns: tuple[tuple[c.Role, Pieces], ...]
    variables: frozenset[str]
    format: c.Format | None = None
    check: Check | None = None
    key: str = ""


def compiled(name: str, version: str, given: LlmPromptVersion, key: str = "") -> Prompt:
    """Raises `ValueError` for what cannot be asked."""
    turns = [(turn.role, turn.text) for turn in given.turns] or [("user", given.text)]
    if given.turns and given.text:
        raise ValueError("text is a short form of turns: only one of both")
    if any(not text for _, text in turns) or turns[-1][0] != "user":
        raise ValueError("needs a text, or turns with texts of which the user's is last")
    if not 0 <= given.repairs <= 5:
        raise ValueError("repairs must be 0 to 5")
    read: list[tuple[c.Role, Pieces]] = [
        ("assistant" if role == "assistant" else "user", _pieces(text)) for role, text in turns
    ]
    system = _pieces(given.system)
    names = frozenset(
        each for pieces in (system, *(pieces for _, pieces in read)) for each in pieces[1::2]
    )
    format = check = None
    if given.output is not None:
        check, format = checker(given.output), format_of(name, given.output)
    return Prompt(name, version, given, system, tuple(read), names, format, check, key)


def _pieces(text: str) -> Pieces:
    return tuple(_VARIABLE.split(text))


def asked(prompt: Prompt, variables: Mapping[str, Any]) -> c.Chat:
    """The chat that it is with these variables. Raises `LlmError`."""
    missing = sorted(prompt.variables - variables.keys())
    unknown = sorted(variables.keys() - prompt.variables)
    if missing or unknown:
        said = [f"missing variables: {', '.join(missing)}"] if missing else []
        said += [f"unknown variables: {', '.join(unknown)}"] if unknown else []
        raise LlmError("invalid_request", f"{prompt.name}: {'; '.join(said)}")
    values = {name: _text(name, value) for name, value in variables.items()}
    given = prompt.given
    return c.Chat(
        model=given.model,
        system=_filled(prompt.system, values),
        messages=tuple(
            c.Message(role, (c.Text(_filled(pieces, values)),)) for role, pieces in prompt.turns
        ),
        max_tokens=given.max_tokens,
        temperature=given.temperature,
        top_p=given.top_p,
        stop=given.stop,
        format=prompt.format,
    )


def _text(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) > _LONGEST:
        raise LlmError("too_large", f"the variable {name} is over {_LONGEST} characters")
    return text


def _filled(pieces: Pieces, values: Mapping[str, str]) -> str:
    """Values are never looked into for further variables."""
    if len(pieces) == 1:
        return pieces[0]
    return "".join(values[each] if at % 2 else each for at, each in enumerate(pieces))


def understood(prompt: Prompt, text: str) -> tuple[Any, str]:
    """The value that an answer is, and what is wrong with it; empty: nothing."""
    if prompt.check is None:
        return {"output": text}, ""
    value = value_of(text)
    return value, prompt.check(value)


def repaired(chat: c.Chat, answer: str, wrong: str) -> c.Chat:
    """The question once more, with what was wrong with the answer."""
    told = (
        f"Your answer does not match the JSON schema: {wrong}\n"
        "Answer again with only the corrected JSON."
    )
    more = (
        c.Message("assistant", (c.Text(answer or "{}"),)),
        c.Message("user", (c.Text(told),)),
    )
    return msgspec.structs.replace(chat, messages=(*chat.messages, *more))
