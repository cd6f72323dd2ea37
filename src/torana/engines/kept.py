"""Models that were trained here, kept loaded while they are asked."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """By their file; those not asked for longest go first. `load` raises what reading raises."""

    def __init__(self, load: Callable[[Path], T], most: int = 16) -> None:
        self._load, self._most = load, most
        self._models: OrderedDict[str, T] = OrderedDict()

    def __call__(self, path: str) -> T:
        """The model of a file."""
        if path not in self._models:
            self._models[path] = self._load(Path(path))
            if len(self._models) > self._most:
                self._models.popitem(last=False)
        self._models.move_to_end(path)
        return self._models[path]
