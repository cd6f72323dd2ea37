"""The moderation network and what is said in the service's words."""

from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from torana.engines.image_labels import Label
from torana.engines.moderation import CLASSES, moderator
from torana.services.rekognition.moderation import moderation

CAT = Path(__file__).parents[1] / "data/cat.jpg"
THEIRS = (0.000398, 0.000274, 0.981640, 0.016869, 0.000820)
"""What TensorFlow.js says of the cat with nsfwjs 4.3.0's MobileNetV2."""


def said(**scores: float) -> list[Any]:
    return [Label(name, scores.get(name, 0.0), (), ()) for name in CLASSES]


def test_the_network_says_what_it_says_where_it_comes_from() -> None:
    with Image.open(CAT) as picture:
        pixels = numpy.asarray(picture.convert("RGB").resize((224, 224)))
    assert moderator().chances(pixels) == pytest.approx(THEIRS, abs=5e-4)


def test_photographed_and_drawn_pornography_is_explicit() -> None:
    labels, types = moderation(said(porn=0.4, hentai=0.35, drawing=0.2), 50)
    (explicit,) = labels
    assert explicit == {
        "Name": "Explicit",
        "Confidence": pytest.approx(75),
        "ParentName": "",
        "TaxonomyLevel": 1,
    }
    assert types == [{"Name": "Illustrated", "Confidence": pytest.approx(55)}]


def test_what_is_posed_but_no_pornography_is_not_explicit() -> None:
    labels, types = moderation(said(sexy=0.8, neutral=0.2), 50)
    assert [each["Name"] for each in labels] == [
        "Non-Explicit Nudity of Intimate parts and Kissing"
    ]
    assert types == []
