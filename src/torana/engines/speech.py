"""Speech from text: a neural English voice (Piper), and eSpeak NG for thirty more languages.

Piper's voice carries the weights of en_US-joe; eSpeak NG is a formant synthesiser that needs none.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, Protocol

from msgspec import Struct

from torana.engines.engine import Capability, Engine, EngineMissing

EXTRA = "speech"


class Piece(Struct, frozen=True):
    """A stretch of a text, or, with no text, silence."""

    text: str = ""
    pause: float = 0.0
    """Seconds of silence, where there is no text."""
    rate: float = 1.0
    """How fast, in relation to the voice's own pace."""
    gain: float = 0.0
    """Decibels."""


class Script(Struct, frozen=True):
    """What to say, by whom, in which form."""

    pieces: tuple[Piece, ...]
    voice: str
    """`piper:joe`, or `espeak:` and one of its voices, such as `espeak:de+f3`."""
    format: Literal["mp3", "ogg_vorbis", "ogg_opus", "pcm", "mulaw", "alaw"] = "mp3"
    sample_rate: int = 22050


class Mark(Struct, frozen=True):
    """When something is said."""

    seconds: float
    kind: Literal["piece", "sentence", "word"]
    piece: int
    begin: int = 0
    """Code points from the start of the piece's text."""
    end: int = 0


class Speech(Struct, frozen=True):
    """What was said."""

    audio: bytes
    marks: list[Mark]


class Spoken(Struct, frozen=True):
    """One piece as samples."""

    samples: Any
    """A vector of 32-bit floats in -1 to 1."""
    marks: list[tuple[float, Literal["sentence", "word"], int, int]]
    """Seconds from the start of the piece, kind, begin and end."""


class Voice(Protocol):
    """A loaded voice."""

    rate: int
    """Samples a second."""

    def say(self, text: str, pace: float) -> Spoken: ...


def need(name: str) -> Any:
    """A module of the extra. Raises `EngineMissing`."""
    try:
        return import_module(name)
    except ImportError as error:
        raise EngineMissing(
            f"speech needs the package {error.name!r}: pip install 'torana[{EXTRA}]'"
        ) from error


VOICES: Mapping[str, str] = {
    "espeak": "torana.engines.speech_espeak",
    "piper": "torana.engines.speech_piper",
}
"""Kinds of voices to the modules with their `load(name)`."""


class _Speaker:
    def __init__(self) -> None:
        self._encode: Callable[..., bytes] = import_module("torana.engines.speech_audio").encode
        self._voices: dict[str, Voice] = {}
        self._numpy = need("numpy")
        need("soundfile")
        need("soxr")

    def run(self, batch: Sequence[Script], /) -> list[Speech]:
        return [self._speak(script) for script in batch]

    def _voice(self, name: str) -> Voice:
        if name not in self._voices:
            kind, _, own = name.partition(":")
            self._voices[name] = import_module(VOICES[kind]).load(own)
        return self._voices[name]

    def _speak(self, script: Script) -> Speech:
        voice, numpy = self._voice(script.voice), self._numpy
        samples: list[Any] = []
        marks: list[Mark] = []
        at = 0
        for number, piece in enumerate(script.pieces):
            seconds = at / voice.rate
            marks.append(Mark(seconds, "piece", number))
            if piece.text:
                said = voice.say(piece.text, piece.rate)
                sound = said.samples * 10 ** (piece.gain / 20)
                marks += [Mark(seconds + t, kind, number, b, e) for t, kind, b, e in said.marks]
            else:
                sound = numpy.zeros(int(piece.pause * voice.rate), numpy.float32)
            samples.append(sound)
            at += len(sound)
        whole = numpy.concatenate(samples) if samples else numpy.zeros(0, numpy.float32)
        audio = self._encode(whole.clip(-1, 1), voice.rate, script.format, script.sample_rate)
        return Speech(audio, marks)


def load() -> Engine[Script, Speech]:
    """Raises `EngineMissing`."""
    return _Speaker()


ENGINE = Capability(name="speech", input=Script, output=Speech, load=load, batch=1, threads=1)
