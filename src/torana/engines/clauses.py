"""Cut a text into the clauses that may each carry a sentiment of their own."""

import re
from collections.abc import Iterator

_CONTRASTS = """
but however although though yet whereas while unfortunately sadly fortunately luckily
aber jedoch allerdings obwohl leider dafür
mais cependant pourtant toutefois malheureusement
pero aunque lamentablemente desafortunadamente
ma però tuttavia purtroppo
mas porém contudo embora infelizmente
लेकिन मगर परंतु पर किंतु
لكن ولكن إلا
"""
_UNSPACED = ("但是", "可是", "不过", "不過", "然而", "虽然", "雖然", "しかし")

_ENDS = r"[.!?…;](?=[\s\"')\]]|$)|[。！？；؟।\n]"
_COMMAS = r",(?=\s)|[，、،]"
_WORDS = "|".join(_CONTRASTS.split())
_CUT = re.compile(
    rf"{_ENDS}|{_COMMAS}|(?<=지만)\s|(?<!\w)(?=(?:{_WORDS})(?!\w))|(?={'|'.join(_UNSPACED)})",
    re.IGNORECASE,
)
_LEAST = 5
"""Letters a clause has at least in a spaced script; ideographs say as much in a third of them."""
_LONGEST = re.compile(r"(?s).{1,200}(?=\s|\Z)|.{1,200}")
"""A clause without end is cut between words, or wherever it must be."""


def clauses(text: str) -> list[str]:
    """The clauses, in order; a fragment too short to judge stays with its neighbour."""
    found = list[str]()
    rest = ""
    for piece in _pieces(text):
        rest += piece
        if _weight(rest) >= _LEAST:
            found.append(rest)
            rest = ""
    if rest:
        if found:
            found[-1] += rest
        else:
            found.append(rest)
    return [clause.strip() for clause in found if clause.strip()]


def _pieces(text: str) -> Iterator[str]:
    start = 0
    for cut in _CUT.finditer(text):
        yield from _LONGEST.findall(text[start : cut.end()])
        start = cut.end()
    yield from _LONGEST.findall(text[start:])


def _weight(text: str) -> int:
    return sum(3 if ord(c) >= 0x2E80 else 1 for c in text if c.isalnum())
