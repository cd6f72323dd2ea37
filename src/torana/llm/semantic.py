"""Questions that mean the same: found by how their embeddings lie, within what must be the same.

Only the words of the last turn may differ. Whose question it is, the model, the system text, the
turns before, the tools and every parameter must agree.
"""
# NumPy comes with the engines; without them nothing is embedded, and so nothing looked for here.
# pyright: basic

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm import chat as c

_MOST_GROUPS, _MOST_ROWS = 4096, 1024
_LONGEST = 1500
"""Characters of a question: what the model reads in 512 tokens. Longer ones are not compared."""

Embed = Callable[[str], Awaitable["Sequence[float] | None"]]
"""A text as a row of numbers of length 1; None: not at present."""


class Question(Struct, frozen=True):
    """A question, and what it may be compared with."""

    group: bytes
    row: Any
    """A vector of 32-bit floats."""


def words(chat: c.Chat) -> str | None:
    """The last turn, where it is words alone."""
    last = chat.messages[-1] if chat.messages else None
    if last is None or last.role != "user":
        return None
    texts = [part.text for part in last.parts if isinstance(part, c.Text)]
    if len(texts) != len(last.parts):
        return None
    text = "\n".join(texts)
    return text if 0 < len(text) <= _LONGEST else None


def group_of(chat: c.Chat, tenant: str, path: str, stream: bool) -> bytes:
    """What must be the same: everything but the words of the last turn."""
    rest = msgspec.structs.replace(chat, messages=chat.messages[:-1])
    digest = hashlib.blake2b(msgspec.json.encode(rest), digest_size=32)
    digest.update(f"\0{path}\0{stream}\0{tenant}".encode())
    return digest.digest()


class Near:
    """Names of kept answers by the embeddings of their questions."""

    def __init__(self) -> None:
        self._groups: OrderedDict[bytes, tuple[list[Any], list[bytes]]] = OrderedDict()

    def find(self, question: Question, least: float) -> tuple[bytes, float] | None:
        """The nearest, if it is at least so near (cosine)."""
        import numpy

        group = self._groups.get(question.group)
        if group is None:
            return None
        self._groups.move_to_end(question.group)
        rows, names = group
        near = numpy.stack(rows) @ question.row
        best = int(near.argmax())
        return (names[best], float(near[best])) if near[best] >= least else None

    def add(self, question: Question, name: bytes) -> None:
        """One more; the oldest leave when there are too many."""
        rows, names = self._groups.setdefault(question.group, ([], []))
        rows.append(question.row)
        names.append(name)
        if len(rows) > _MOST_ROWS:
            del rows[0], names[0]
        if len(self._groups) > _MOST_GROUPS:
            self._groups.popitem(last=False)

    def drop(self, question: Question, name: bytes) -> None:
        """An answer that is not kept any more."""
        rows, names = self._groups.get(question.group, ([], []))
        if name in names:
            at = names.index(name)
            del rows[at], names[at]
            if not rows:
                self._groups.pop(question.group, None)


async def question_of(
    chat: c.Chat, tenant: str, path: str, stream: bool, embed: Embed
) -> Question | None:
    """None: it cannot be compared."""
    text = words(chat)
    row = await embed(text) if text is not None else None
    if row is None:
        return None
    import numpy

    return Question(group_of(chat, tenant, path, stream), numpy.asarray(row, "float32"))
