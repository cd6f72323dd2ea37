"""What a transcript looks like: the service's JSON, and subtitles.

Source: "Data input and output" and "Creating video subtitles" (Amazon Transcribe Developer Guide).
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol

_PUNCTUATION = re.compile(r"(.*?)([.,?!;:]*)", re.DOTALL)
_GAP = {"srt": ",", "vtt": "."}


class Word(Protocol):
    """What the engine gives."""

    text: str
    begin: float
    end: float
    score: float


def document(name: str, account: str, segments: Sequence[Sequence[Word]]) -> dict[str, Any]:
    """The transcript's file."""
    items: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for number, words in enumerate(segments):
        first = len(items)
        for word in words:
            items += _items(word, len(items))
        if words:
            parts.append(
                {
                    "id": number,
                    "transcript": _text(words),
                    "start_time": _seconds(words[0].begin),
                    "end_time": _seconds(words[-1].end),
                    "items": list(range(first, len(items))),
                }
            )
    whole = " ".join(part["transcript"] for part in parts)
    results = {"transcripts": [{"transcript": whole}], "items": items, "audio_segments": parts}
    return {"jobName": name, "accountId": account, "status": "COMPLETED", "results": results}


def _items(word: Word, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    said, signs = _parted(word)
    if said:
        found.append(
            {
                "id": number,
                "type": "pronunciation",
                "alternatives": [{"confidence": f"{word.score:.3f}", "content": said}],
                "start_time": _seconds(word.begin),
                "end_time": _seconds(word.end),
            }
        )
    if signs:
        alternatives = [{"confidence": "0.0", "content": signs}]
        place = number + len(found)
        found.append({"id": place, "type": "punctuation", "alternatives": alternatives})
    return found


def _parted(word: Word) -> tuple[str, str]:
    """What is said of a word, and the signs behind it."""
    match = _PUNCTUATION.fullmatch(word.text)
    assert match is not None
    return match[1], match[2]


def pieces(word: Word) -> list[tuple[str, str, Word]]:
    """Kind and text of the items of a word."""
    said, signs = _parted(word)
    found = [("pronunciation", said, word), ("punctuation", signs, word)]
    return [piece for piece in found if piece[1]]


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _seconds(value: float) -> str:
    return f"{value:.2f}"


def subtitles(form: str, first: int, segments: Sequence[Sequence[Word]]) -> str:
    """A file of subtitles, `srt` or `vtt`, numbered from `first`."""
    blocks = ["WEBVTT"] if form == "vtt" else []
    for number, words in enumerate((each for each in segments if each), first):
        times = f"{_clock(words[0].begin, form)} --> {_clock(words[-1].end, form)}"
        blocks.append(f"{number}\n{times}\n{_text(words)}")
    return "\n\n".join(blocks) + "\n"


def _clock(seconds: float, form: str) -> str:
    whole = round(seconds * 1000)
    minutes, rest = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{_GAP[form]}{rest % 1000:03}"
