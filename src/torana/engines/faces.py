"""Faces in a picture: where, how surely, the eyes and nose, and 128 numbers that tell people apart.

dlib's detector and residual network; the weights are in the public domain.
"""

from collections.abc import Sequence
from importlib.resources import files
from math import atan2, degrees
from typing import Any

from msgspec import Struct

from torana.engines.engine import Capability, Engine
from torana.engines.vision import BadPicture, decode, need

_LARGEST = 1400
"""Pixels of the longer side at which faces are looked for; larger pictures are made smaller."""
_SMALL = 500
"""Pictures whose longer side is shorter are made twice as large, so that small faces are seen."""


class Look(Struct, frozen=True):
    """What to look at."""

    picture: bytes
    embed: bool = True
    """Whether the 128 numbers are wanted, which costs most of the time."""


class Face(Struct, frozen=True):
    """A face. Places are 0 to 1 of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float
    score: float
    """The detector's margin (0 and up) as 1 - 1/2 to the power of 1 + 2 margins."""
    points: tuple[tuple[float, float], ...]
    """Outer and inner corner of the eye on the right in the picture, outer and inner corner of the
    eye on the left, base of the nose."""
    roll: float
    """Degrees, clockwise."""
    brightness: float
    """0 to 100."""
    sharpness: float
    """0 to 100."""
    embedding: tuple[float, ...]
    """Of unit length nearly; 0.6 apart is as likely the same person as not."""


class Seen(Struct, frozen=True):
    """The faces, largest first, or why there are none."""

    faces: list[Face] = []
    bad: str = ""
    """Set when the bytes are no picture."""


class _Watcher:
    def __init__(self, dlib: Any, models: Any) -> None:
        self._dlib, self._numpy = dlib, need("numpy")
        self._detect: Any = dlib.get_frontal_face_detector()
        self._shape: Any = dlib.shape_predictor(
            str(models / "shape_predictor_5_face_landmarks.dat")
        )
        self._net: Any = dlib.face_recognition_model_v1(
            str(models / "dlib_face_recognition_resnet_model_v1.dat")
        )

    def run(self, batch: Sequence[Look], /) -> list[Seen]:
        return [self._look(each) for each in batch]

    def _look(self, wanted: Look) -> Seen:
        try:
            pixels = self._sized(decode(wanted.picture))
        except BadPicture as error:
            return Seen(bad=str(error))
        boxes, scores, _ = self._detect.run(pixels, 0, 0.0)
        faces = [
            self._face(pixels, box, score, wanted.embed)
            for box, score in zip(boxes, scores, strict=True)
        ]
        return Seen(sorted(faces, key=lambda face: -face.width * face.height))

    def _sized(self, pixels: Any) -> Any:
        longer = max(pixels.shape[:2])
        factor = 2.0 if longer < _SMALL else min(1.0, _LARGEST / longer)
        if factor == 1.0:
            return pixels
        size = round(pixels.shape[1] * factor), round(pixels.shape[0] * factor)
        picture = need("PIL.Image").fromarray(pixels).resize(size)
        return self._numpy.asarray(picture)

    def _face(self, pixels: Any, box: Any, margin: float, embed: bool) -> Face:
        height, width = pixels.shape[:2]
        shape = self._shape(pixels, box)
        points = [(shape.part(i).x, shape.part(i).y) for i in range(5)]
        right, left = _middle(points[0], points[1]), _middle(points[2], points[3])
        part = pixels[max(0, box.top()) : box.bottom(), max(0, box.left()) : box.right()]
        numbers: tuple[float, ...] = ()
        if embed:
            numbers = tuple(map(float, self._net.compute_face_descriptor(pixels, shape)))
        grey = part.mean(axis=2) if part.size else self._numpy.zeros((1, 1))
        edges = self._numpy.abs(self._numpy.diff(grey, axis=0)).mean() if len(grey) > 1 else 0.0
        return Face(
            box.left() / width,
            box.top() / height,
            box.width() / width,
            box.height() / height,
            1 - 0.5 ** (1 + 2 * max(0.0, margin)),
            tuple((x / width, y / height) for x, y in points),
            degrees(atan2(right[1] - left[1], right[0] - left[0])),
            float(grey.mean()) / 2.55,
            min(100.0, float(edges) * 10),
            numbers,
        )


def _middle(a: tuple[int, int], b: tuple[int, int]) -> tuple[float, float]:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def load() -> Engine[Look, Seen]:
    """Raises `EngineMissing`."""
    models = files(need("face_recognition_models")) / "models"
    return _Watcher(need("dlib"), models)


ENGINE = Capability(name="faces", input=Look, output=Seen, load=load, batch=1)
