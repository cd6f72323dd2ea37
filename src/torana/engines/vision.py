"""Pictures for the engines that look at them: decoded, upright, within bounds."""

import io
from importlib import import_module
from typing import Any

from torana.engines.engine import EngineMissing

EXTRA = "vision"
MOST_PIXELS = 50_000_000


class BadPicture(ValueError):
    """The bytes are no JPEG or PNG, or the picture is too large."""


def need(name: str) -> Any:
    """A module of the extra. Raises `EngineMissing`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise EngineMissing(
            f"image analysis needs the package {error.name!r}: pip install 'torana[{EXTRA}]'"
        ) from error


def decode(data: bytes) -> Any:
    """Rows of pixels of three bytes: red, green, blue; turned as its EXIF says.

    Raises `BadPicture`.
    """
    pillow, ops = need("PIL.Image"), need("PIL.ImageOps")
    try:
        with pillow.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise BadPicture(f"a picture has at most {MOST_PIXELS} pixels")
            upright = ops.exif_transpose(picture).convert("RGB")
    except (OSError, SyntaxError, pillow.DecompressionBombError) as error:
        raise BadPicture(str(error)) from None
    return need("numpy").asarray(upright)
