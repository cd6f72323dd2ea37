"""Whether a picture is fit for everybody: drawing, hentai, neutral, porn or sexy.

The network is nsfwjs's MobileNetV2 (Infinite Red, MIT), learned from pictures of Reddit that are
sorted by where they were posted; `bench/convert_moderation.py` took its weights. What its classes
mean is told by nsfw_data_scraper, whose lists it was learned from.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from io import BytesIO
from typing import Any

from torana.engines.engine import Capability, Engine
from torana.engines.image_labels import Label, Labelled
from torana.engines.inverted_residuals import Block, InvertedResiduals, Layer
from torana.engines.vision import BadPicture, decode, need

CLASSES = ("drawing", "hentai", "neutral", "porn", "sexy")
_WEIGHTS = "moderation.npz"
_SIZE = 224
_EPSILON = 1e-3
_HALVING = frozenset([1, 3, 6, 13])
"""Blocks that halve the picture's sides."""
_BLOCKS = 17


class Moderator:
    """The engine. `arrays`: by Keras's names."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._numpy, self._arrays = need("numpy"), arrays
        blocks = [self._block(number) for number in range(_BLOCKS)]
        stem, head = self._folded("Conv1", "bn_Conv1"), self._folded("Conv_1", "Conv_1_bn")
        self._network = InvertedResiduals(stem, blocks, head)

    def _block(self, number: int) -> Block:
        name = f"block_{number}" if number else "expanded_conv"
        expand = self._folded(f"{name}_expand", f"{name}_expand_BN") if number else None
        depth = self._folded(f"{name}_depthwise", f"{name}_depthwise_BN", "depthwise_kernel")
        project = self._folded(f"{name}_project", f"{name}_project_BN")
        return Block(expand, depth, project, 2 if number in _HALVING else 1)

    def _folded(self, conv: str, norm: str, kernel: str = "kernel") -> Layer:
        arrays = self._arrays
        weight = arrays[f"{conv}/{kernel}"]
        if kernel != "kernel":
            weight = weight.transpose(0, 1, 3, 2)
        spread = self._numpy.sqrt(arrays[f"{norm}/moving_variance"] + _EPSILON)
        scale = arrays[f"{norm}/gamma"] / spread
        return weight * scale, arrays[f"{norm}/beta"] - arrays[f"{norm}/moving_mean"] * scale

    def run(self, batch: Sequence[bytes], /) -> list[Labelled]:
        return [self._labels(data) for data in batch]

    def _labels(self, data: bytes) -> Labelled:
        try:
            pixels = decode(data)
        except BadPicture as error:
            return Labelled(bad=str(error))
        return Labelled(self.of(pixels))

    def of(self, pixels: Any) -> list[Label]:
        """The five classes with their probabilities, likeliest first."""
        pillow = need("PIL.Image")
        whole = pillow.fromarray(pixels).resize((_SIZE, _SIZE), pillow.Resampling.BILINEAR)
        chances = self.chances(self._numpy.asarray(whole))
        found = [
            Label(name, float(chance), (), ())
            for name, chance in zip(CLASSES, chances, strict=True)
        ]
        return sorted(found, key=lambda label: -label.score)

    def chances(self, pixels: Any) -> Any:
        """Of 224 rows of 224 pixels of red, green and blue, 0 to 255."""
        numpy = self._numpy
        x = self._network.features(pixels.astype(numpy.float32) / 255)
        for name in ("dense_1", "dense_2"):
            x = numpy.maximum(x @ self._arrays[f"{name}/kernel"] + self._arrays[f"{name}/bias"], 0)
        logits = x @ self._arrays["dense_3/kernel"] + self._arrays["dense_3/bias"]
        exponents = numpy.exp(logits - logits.max())
        return exponents / exponents.sum()


def moderator() -> Moderator:
    """With the packaged weights. Raises `EngineMissing`."""
    numpy = need("numpy")
    arrays: dict[str, Any] = {}
    kept = files("torana.engines").joinpath(_WEIGHTS).read_bytes()
    with numpy.load(BytesIO(kept)) as file:
        data, at = file["data"], 0
        for name, shape, least, step in json.loads(bytes(file["arrays"])):
            size = int(numpy.prod(shape))
            part = data[at : at + size].astype("float32") * numpy.float32(step)
            arrays[name] = (part + numpy.float32(least)).reshape(shape)
            at += size
    return Moderator(arrays)


def load() -> Engine[bytes, Labelled]:
    """Raises `EngineMissing`."""
    return moderator()


ENGINE = Capability(name="moderation", input=bytes, output=Labelled, load=load, batch=4)
