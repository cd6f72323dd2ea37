"""Amazon Polly's operations on speech."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from torana.services.engine_calls import EngineCalls
from torana.services.polly.lexicons import Lexicons, Params, applied
from torana.services.polly.ssml import Part, parse, plain
from torana.services.polly.voices import VOICES, Voice, described, voice
from torana.services.ports import Call, Engines
from torana.wire.faults import ServiceError

_BILLED, _LONGEST = 3000, 6000
"""Characters that are said, and of the whole text with its tags."""
_AUDIO = ("8000", "16000", "22050", "24000", "44100", "48000")
_RATES: dict[str, tuple[str, ...]] = {
    "mp3": _AUDIO,
    "ogg_vorbis": _AUDIO,
    "ogg_opus": ("8000", "12000", "16000", "24000", "48000"),
    "pcm": ("8000", "16000"),
    "mulaw": ("8000",),
    "alaw": ("8000",),
}
_USUAL = {"ogg_opus": "48000", "pcm": "16000", "mulaw": "8000", "alaw": "8000"}
_TYPES = {
    "mp3": "audio/mpeg",
    "ogg_vorbis": "audio/ogg",
    "ogg_opus": "audio/ogg",
    "pcm": "audio/pcm",
    "mulaw": "audio/mulaw",
    "alaw": "audio/alaw",
    "json": "application/x-json-stream",
}


class Piece(Struct, frozen=True):
    """What the engine takes as a stretch of a text."""

    text: str
    pause: float
    rate: float
    gain: float


class Script(Struct, frozen=True):
    """What the engine takes."""

    pieces: tuple[Piece, ...]
    voice: str
    format: str
    sample_rate: int


class Mark(Protocol):
    """What the engine tells of the time."""

    seconds: float
    kind: str
    piece: int
    begin: int
    end: int


class Polly:
    """The facade."""

    def __init__(self, engines: Engines, lexicons: Lexicons) -> None:
        self._engines = EngineCalls(engines, fault="ServiceFailureException")
        self._lexicons = lexicons

    async def DescribeVoices(self, call: Call, params: Params) -> Params:
        """Those that are spoken here."""
        engine, language = params.get("Engine"), params.get("LanguageCode")
        found = [
            described(each)
            for each in VOICES.values()
            if (engine is None or engine in each.engines) and language in (None, each.language)
        ]
        return {"Voices": found}

    async def SynthesizeSpeech(self, call: Call, params: Params) -> Params:
        """The audio, or when what is said."""
        speaker = voice(params["VoiceId"], params.get("Engine"), params.get("LanguageCode"))
        wanted: list[str] = params.get("SpeechMarkTypes", [])
        form: str = params["OutputFormat"]
        _check_marks(wanted, form, params.get("TextType", "text"), speaker)
        rate = _rate(params, "mp3" if form == "json" else form, speaker)
        parts, said = self._parts(params)
        lexicons = [await self._lexicons.find(call, n) for n in params.get("LexiconNames", [])]
        heeded = [each for each in lexicons if each.language == speaker.language]
        pieces = tuple(
            Piece(applied(part.text, heeded), part.pause, part.rate, part.gain) for part in parts
        )
        script = Script(pieces, speaker.speaker, "pcm" if form == "json" else form, rate)
        (speech,) = await self._engines.run(call, "speech", [script])
        body: bytes = speech.audio
        if form == "json":
            moved = [p.text != q.text for p, q in zip(parts, pieces, strict=True)]
            body = _marks(parts, moved, speech.marks, wanted)
        return {
            "AudioStream": body,
            "ContentType": _TYPES[form],
            "RequestCharacters": said,
        }

    def _parts(self, params: Params) -> tuple[list[Part], int]:
        text: str = params["Text"]
        if len(text) > _LONGEST:
            raise _too_long()
        parts = parse(text) if params.get("TextType") == "ssml" else plain(text)
        said = sum(len(part.text) for part in parts)
        if said > _BILLED:
            raise _too_long()
        return parts, said


def _too_long() -> ServiceError:
    return ServiceError("TextLengthExceededException", "Maximum text length has been exceeded")


def _rate(params: Params, form: str, speaker: Voice) -> int:
    usual = _USUAL.get(form, "24000" if speaker.neural else "22050")
    rate = params.get("SampleRate", usual)
    if rate not in _RATES[form]:
        text = f"Sample rate {rate} is not one of {', '.join(_RATES[form])} for {form}"
        raise ServiceError("InvalidSampleRateException", text)
    return int(rate)


def _check_marks(wanted: list[str], form: str, text_type: str, speaker: Voice) -> None:
    """Raises `ServiceError`."""
    if bool(wanted) != (form == "json"):
        raise ServiceError(
            "MarksNotSupportedForFormatException",
            "Speech marks are asked for with OutputFormat json, and json only for speech marks",
        )
    if "ssml" in wanted and text_type != "ssml":
        text = "SSML marks need a text of type ssml"
        raise ServiceError("SsmlMarksNotSupportedForTextTypeException", text)
    if "viseme" in wanted or ("word" in wanted and speaker.neural):
        kind = "viseme" if "viseme" in wanted else "word"
        text = f"The voice {speaker.id} does not know its {kind} marks here"
        raise ServiceError("ValidationException", text, status=400)


def _marks(parts: list[Part], moved: list[bool], found: Sequence[Mark], wanted: list[str]) -> bytes:
    """One JSON document a line, as the service writes them."""
    lines: list[bytes] = []
    for mark in found:
        part = parts[mark.piece]
        line: Params = {"time": round(mark.seconds * 1000)}
        if mark.kind == "piece":
            if not part.mark or "ssml" not in wanted:
                continue
            line.update(
                {"type": "ssml", "start": part.begin, "end": part.begin, "value": part.mark}
            )
        elif mark.kind in wanted:
            begin, end = part.begin, part.begin + part.length
            value = part.text
            if part.exact and not moved[mark.piece]:
                end = begin + len(part.text[: mark.end].encode())
                begin += len(part.text[: mark.begin].encode())
                value = part.text[mark.begin : mark.end]
            line.update({"type": mark.kind, "start": begin, "end": end, "value": value})
        else:
            continue
        lines.append(msgspec.json.encode(line) + b"\n")
    return b"".join(lines)
