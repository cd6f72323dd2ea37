"""Lines of text in a picture: PP-OCRv6's small detector and recogniser, run by RapidOCR."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from torana.engines.engine import Capability, Engine
from torana.engines.vision import BadPicture, decode, need


class Word(Struct, frozen=True):
    """A word and where it stands."""

    text: str
    score: float
    corners: tuple[tuple[float, float], ...]
    """Four, from the top left clockwise; 0 to 1 of the picture's width and height."""


class Line(Struct, frozen=True):
    """A line, its words and where it stands."""

    text: str
    score: float
    corners: tuple[tuple[float, float], ...]
    words: tuple[Word, ...]


class Found(Struct, frozen=True):
    """The lines, or why there are none."""

    lines: list[Line] = []
    bad: str = ""
    """Set when the bytes are no picture."""


class _Reader:
    def __init__(self, reader: Any) -> None:
        self._read = reader

    def run(self, batch: Sequence[bytes], /) -> list[Found]:
        return [self._lines(data) for data in batch]

    def _lines(self, data: bytes) -> Found:
        try:
            pixels = decode(data)
        except BadPicture as error:
            return Found(bad=str(error))
        height, width = pixels.shape[:2]
        read = self._read(pixels[:, :, ::-1], return_word_box=True)
        if read.boxes is None:
            return Found()
        rows = zip(read.boxes, read.txts, read.scores, read.word_results, strict=True)
        return Found([_line(row, (width, height)) for row in rows])


def _line(row: Any, size: tuple[int, int]) -> Line:
    box, text, score, words = row
    parts = tuple(
        Word(word, float(sure), _corners(corners, size)) for word, sure, corners in words if corners
    )
    return Line(text, float(score), _corners(box, size), parts)


def _corners(box: Any, size: tuple[int, int]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x) / size[0], float(y) / size[1]) for x, y in box)


def load() -> Engine[bytes, Found]:
    """Raises `EngineMissing`."""
    package = need("rapidocr")
    need("onnxruntime")
    runtime = "EngineConfig.onnxruntime."
    one = {f"{runtime}intra_op_num_threads": 1, f"{runtime}inter_op_num_threads": 1}
    return _Reader(package.RapidOCR(params={**one, "Global.log_level": "warning"}))


ENGINE = Capability(name="image_text", input=bytes, output=Found, load=load, batch=1)
