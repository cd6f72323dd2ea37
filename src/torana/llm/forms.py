"""Bodies of `multipart/form-data`, whose fields are read and of which the model's name is changed.

Source: RFC 7578, RFC 2046 (5.1).
"""

import re

from msgspec import Struct

from torana.llm.dialect import Peek
from torana.llm.errors import LlmError

_NAME = re.compile(rb'[;\s]name="([^"\r\n]{0,200})"', re.IGNORECASE)
_FILE = re.compile(rb'[;\s]filename="([^"\r\n]{0,1000})"', re.IGNORECASE)
_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n]{1,200})", re.IGNORECASE | re.MULTILINE)
_MOST = 1000
"""Fields."""


class Field(Struct, frozen=True):
    """A part of a form; `start` and `end` are where its value is."""

    name: str
    start: int
    end: int
    filename: str | None = None
    type: str = ""


def fields(body: bytes) -> list[Field]:
    """The parts, in order. The boundary is the first line's. Raises `LlmError`."""
    line = body.find(b"\r\n")
    if not body.startswith(b"--") or line < 3:
        raise _malformed("it does not begin with a boundary")
    mark = b"\r\n" + body[:line]
    found: list[Field] = []
    at = line
    while body[at : at + 2] == b"\r\n":
        head_end = body.find(b"\r\n\r\n", at)
        end = _boundary(body, mark, head_end + 2)
        if head_end < 0 or end < 0 or len(found) >= _MOST:
            raise _malformed("it breaks off")
        found.append(_field(body[at + 2 : head_end + 2], head_end + 4, max(end, head_end + 4)))
        at = end + len(mark)
    return found


def _boundary(body: bytes, mark: bytes, at: int) -> int:
    """Where the next one is: on a line of its own, or the last one."""
    end = body.find(mark, at)
    while end >= 0 and body[end + len(mark) : end + len(mark) + 2] not in (b"\r\n", b"--"):
        end = body.find(mark, end + 1)
    return end


def _field(head: bytes, start: int, end: int) -> Field:
    name, file, kind = _NAME.search(head), _FILE.search(head), _TYPE.search(head)
    if name is None:
        raise _malformed("a part has no name")
    return Field(
        name[1].decode("utf-8", "replace"),
        start,
        end,
        file[1].decode("utf-8", "replace") if file else None,
        kind[1].decode("latin-1").strip() if kind else "",
    )


def values(body: bytes) -> dict[str, str]:
    """The parts that are no files, as text. Raises `LlmError`."""
    return {
        each.name: body[each.start : each.end].decode("utf-8", "replace")
        for each in fields(body)
        if each.filename is None
    }


def file_of(body: bytes, name: str) -> tuple[str, bytes] | None:
    """A file's name and bytes. Raises `LlmError`."""
    for each in fields(body):
        if each.name == name and each.filename is not None:
            return each.filename, body[each.start : each.end]
    return None


def retarget(body: bytes, peek: Peek, model: str) -> bytes:
    """A form for another model."""
    if model == peek.model:
        return body
    for each in fields(body):
        if each.name == "model":
            return body[: each.start] + model.encode() + body[each.end :]
    return body


def _malformed(why: str) -> LlmError:
    return LlmError("invalid_request", f"The form cannot be read: {why}.")
