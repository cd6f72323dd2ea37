"""The arithmetic of MobileNetV2 and its kin in NumPy: inverted residual blocks, ReLU6.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks". Normalisations are
folded into the weights beforehand; padding is TensorFlow's SAME.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torana.engines.vision import need

Layer = tuple[Any, Any]
"""Weights (side, side, in, out; by depth: side, side, 1, channels) and bias."""


class Block(NamedTuple):
    """Widened, looked at channel by channel, narrowed."""

    expand: Layer | None
    depth: Layer
    project: Layer
    stride: int


class InvertedResiduals:
    """A picture in, what its classes are told by out."""

    def __init__(self, stem: Layer, blocks: Sequence[Block], head: Layer) -> None:
        self._numpy = need("numpy")
        self._stem, self._blocks, self._head = stem, blocks, head

    def features(self, x: Any) -> Any:
        """1280 numbers of a square of red, green and blue in the network's range."""
        x = self._clip(self._convolved(x, *self._stem))
        for expand, depth, project, stride in self._blocks:
            kept = x
            if expand is not None:
                x = self._clip(x @ expand[0][0, 0] + expand[1])
            x = self._clip(self._by_depth(x, depth[0], depth[1], stride))
            x = x @ project[0][0, 0] + project[1]
            if stride == 1 and x.shape == kept.shape:
                x = x + kept
        return self._clip(x @ self._head[0][0, 0] + self._head[1]).mean(axis=(0, 1))

    def _clip(self, x: Any) -> Any:
        return x.clip(0, 6, out=x)

    def _padded(self, x: Any, side: int, stride: int) -> tuple[Any, int]:
        """What goes in, padded, and the side of what comes out."""
        size = x.shape[0]
        out = -(-size // stride)
        total = max((out - 1) * stride + side - size, 0)
        before = (total // 2, total - total // 2)
        return self._numpy.pad(x, (before, before, (0, 0))), out

    def _convolved(self, x: Any, weight: Any, bias: Any) -> Any:
        x, out = self._padded(x, 3, 2)
        parts = [_taken(x, i, j, out, 2) @ weight[i, j] for i in range(3) for j in range(3)]
        return sum(parts) + bias

    def _by_depth(self, x: Any, weight: Any, bias: Any, stride: int) -> Any:
        side = weight.shape[0]
        x, out = self._padded(x, side, stride)
        total = self._numpy.tile(bias, (out, out, 1))
        for i in range(side):
            for j in range(side):
                total += _taken(x, i, j, out, stride) * weight[i, j, 0]
        return total


def _taken(x: Any, i: int, j: int, out: int, stride: int) -> Any:
    """Every pixel under one place of the kernel."""
    reach = (out - 1) * stride + 1
    return x[i : i + reach : stride, j : j + reach : stride]
