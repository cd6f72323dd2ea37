"""Samples as a file of the wanted form."""

import io
from typing import Any

from torana.engines.speech import need

_FORMS: dict[str, tuple[str, str]] = {
    "alaw": ("RAW", "ALAW"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "mulaw": ("RAW", "ULAW"),
    "ogg_opus": ("OGG", "OPUS"),
    "ogg_vorbis": ("OGG", "VORBIS"),
    "pcm": ("RAW", "PCM_16"),
}
"""By Amazon Polly's name: libsndfile's container and coding."""


def encode(samples: Any, rate: int, form: str, wanted_rate: int) -> bytes:
    """`samples`: 32-bit floats, one channel, `rate` a second; resampled to `wanted_rate`."""
    if rate != wanted_rate:
        samples = need("soxr").resample(samples, rate, wanted_rate)
    container, coding = _FORMS[form]
    file = io.BytesIO()
    need("soundfile").write(
        file, samples, wanted_rate, format=container, subtype=coding, endian="FILE"
    )
    return file.getvalue()
