"""Text in pictures."""

from collections.abc import Sequence
from typing import Any

from torana.services.ports import Call
from torana.services.rekognition.pictures import Params, Pictures, invalid

_MOST_WORDS = 100
Corners = Sequence[tuple[float, float]]


class Texts:
    """The operation on text."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    async def DetectText(self, call: Call, params: Params) -> Params:
        """Lines from top to bottom, then their words, up to 100 of these."""
        filters: Params = params.get("Filters", {})
        if "RegionsOfInterest" in filters:
            raise invalid("Filters.RegionsOfInterest is not supported here")
        lines = await self._pictures.lines(call, params["Image"])
        chosen: Params = filters.get("WordFilter", {})
        found = [_detection(line, number, "LINE") for number, line in enumerate(lines)]
        words = [(parent, word) for parent, line in enumerate(lines) for word in line.words]
        for parent, word in words[:_MOST_WORDS]:
            found.append({**_detection(word, len(found), "WORD"), "ParentId": parent})
        shown = [each for each in found if _passes(each, chosen)]
        return {"TextDetections": shown, "TextModelVersion": "torana-ppocr-v6"}


def _detection(found: Any, number: int, kind: str) -> Params:
    return {
        "DetectedText": found.text,
        "Type": kind,
        "Id": number,
        "Confidence": 100 * found.score,
        "Geometry": {
            "BoundingBox": _box(found.corners),
            "Polygon": [{"X": x, "Y": y} for x, y in found.corners],
        },
    }


def _box(corners: Corners) -> dict[str, float]:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    left, top = min(xs), min(ys)
    return {"Left": left, "Top": top, "Width": max(xs) - left, "Height": max(ys) - top}


def _passes(found: Params, chosen: Params) -> bool:
    box = found["Geometry"]["BoundingBox"]
    return (
        found["Confidence"] >= chosen.get("MinConfidence", 0)
        and box["Height"] >= chosen.get("MinBoundingBoxHeight", 0)
        and box["Width"] >= chosen.get("MinBoundingBoxWidth", 0)
    )
