"""Whether pictures are fit for everybody, in the words of the service's taxonomy (version 7).

Source: Amazon Rekognition Developer Guide, "Using the image and video moderation APIs".
"""

from collections.abc import Sequence
from typing import Any

from torana.services.ports import Call
from torana.services.rekognition.pictures import Params, Pictures, invalid

VERSION = "torana-nsfwjs-mobilenet-v2"
_NAMES = {
    "Explicit": ("porn", "hentai"),
    "Non-Explicit Nudity of Intimate parts and Kissing": ("sexy",),
}
"""Names of the first level, and the network's classes that they are the sum of. What lies below
them the network cannot tell: its `sexy` is anything from underwear to posed nudes."""
_DRAWN = ("drawing", "hentai")
_REFUSED = ("HumanLoopConfig", "ProjectVersion")


def moderation(found: Sequence[Any], least: float) -> tuple[list[Params], list[Params]]:
    """Labels and content types of the network's classes, from `least` percent on."""
    scores: dict[str, float] = {each.name: each.score for each in found}
    labels = [
        {"Name": name, "Confidence": sure, "ParentName": "", "TaxonomyLevel": 1}
        for name, classes in _NAMES.items()
        if (sure := _percent(scores, classes)) >= least
    ]
    drawn = _percent(scores, _DRAWN)
    types: list[Params] = [{"Name": "Illustrated", "Confidence": drawn}] if drawn >= least else []
    return labels, types


def _percent(scores: dict[str, float], classes: Sequence[str]) -> float:
    return min(100.0, 100 * sum(scores[each] for each in classes))


class Moderation:
    """The operation on pictures."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    async def DetectModerationLabels(self, call: Call, params: Params) -> Params:
        """Labels of the first level."""
        wrong = [name for name in _REFUSED if params.get(name)]
        if wrong:
            raise invalid(f"Not supported here: {', '.join(wrong)}")
        found = await self._pictures.moderated(call, params["Image"])
        labels, types = moderation(found, params.get("MinConfidence", 50.0))
        return {
            "ModerationLabels": labels,
            "ContentTypes": types,
            "ModerationModelVersion": VERSION,
        }
