"""Faces in pictures: found, described, compared."""

from collections.abc import Sequence
from math import dist, exp, log
from typing import Protocol

from torana.services.ports import Call
from torana.services.rekognition.pictures import Params, Pictures, invalid

_EVEN, _SAME = 0.6, 0.5
"""Distances of two embeddings that are as likely as not, and 80 % likely, the same person."""
_STEEP = log(4) / (_EVEN - _SAME)
_POINTS = ("rightEyeRight", "rightEyeLeft", "leftEyeLeft", "leftEyeRight", "nose")


class Face(Protocol):
    """What the face engine gives; see there."""

    left: float
    top: float
    width: float
    height: float
    score: float
    points: Sequence[tuple[float, float]]
    roll: float
    brightness: float
    sharpness: float
    embedding: tuple[float, ...]


def similarity(one: Sequence[float], other: Sequence[float]) -> float:
    """0 to 100: 50 where dlib's network is as often right as wrong to say it is one person."""
    return 100 / (1 + exp(_STEEP * (dist(one, other) - _EVEN)))


def box(face: Face) -> dict[str, float]:
    """As the service writes it."""
    return {"Left": face.left, "Top": face.top, "Width": face.width, "Height": face.height}


def detail(face: Face) -> Params:
    """The service's default attributes, as far as they are known."""
    points: dict[str, tuple[float, float]] = dict(zip(_POINTS, face.points, strict=True))
    for eye in ("leftEye", "rightEye"):
        (a, b), (c, d) = points[f"{eye}Left"], points[f"{eye}Right"]
        points[eye.replace("leftEye", "eyeLeft").replace("rightEye", "eyeRight")] = (
            (a + c) / 2,
            (b + d) / 2,
        )
    return {
        "BoundingBox": box(face),
        "Landmarks": [{"Type": kind, "X": x, "Y": y} for kind, (x, y) in points.items()],
        "Pose": {"Roll": face.roll},
        "Quality": {"Brightness": face.brightness, "Sharpness": face.sharpness},
        "Confidence": 100 * face.score,
    }


def check_attributes(wanted: Sequence[str]) -> None:
    """Raises `ServiceError` for attributes that no engine here knows."""
    unknown = sorted(set(wanted) - {"DEFAULT"})
    if unknown:
        raise invalid(f"Attributes {', '.join(unknown)} are not supported here; DEFAULT is")


def check_quality(params: Params) -> None:
    """Raises `ServiceError` for a filter that is not applied here."""
    if params.get("QualityFilter", "NONE") not in ("NONE", "AUTO"):
        raise invalid(
            "QualityFilter: only NONE and AUTO, which leaves every face in, are supported"
        )


class Faces:
    """The operations on the faces of the pictures in the request."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    async def DetectFaces(self, call: Call, params: Params) -> Params:
        """Up to 100, the largest first."""
        check_attributes(params.get("Attributes", []))
        found: list[Face] = await self._pictures.faces(call, params["Image"], embed=False)
        return {"FaceDetails": [detail(face) for face in found[:100]]}

    async def CompareFaces(self, call: Call, params: Params) -> Params:
        """The largest face of the source, against every face of the target."""
        check_quality(params)
        source: list[Face] = await self._pictures.faces(call, params["SourceImage"], embed=True)
        if not source:
            raise invalid("There are no faces in the source image")
        target: list[Face] = await self._pictures.faces(call, params["TargetImage"], embed=True)
        least: float = params.get("SimilarityThreshold", 80.0)
        matches: list[Params] = []
        others: list[Params] = []
        for face in target:
            alike = similarity(source[0].embedding, face.embedding)
            if alike >= least:
                matches.append({"Similarity": alike, "Face": detail(face)})
            else:
                others.append(detail(face))
        matches.sort(key=lambda match: -match["Similarity"])
        return {
            "SourceImageFace": {
                "BoundingBox": box(source[0]),
                "Confidence": 100 * source[0].score,
            },
            "FaceMatches": matches,
            "UnmatchedFaces": others,
        }
