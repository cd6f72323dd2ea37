"""Polly with its real voices, through boto3: what comes out is decoded and measured."""

import io
import json
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import soundfile  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import ClientError

from tests.services.running import services
from torana.services.polly.ssml import parse

Samples = np.ndarray[Any, Any]
TEXT = "Good morning. The train leaves at nine."

PLS = """<?xml version="1.0"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa"
  xml:lang="%s"><lexeme><grapheme>W3C</grapheme><alias>World Wide Web Consortium</alias></lexeme>
</lexicon>"""


@pytest.fixture(scope="module")
def polly(tmp_path_factory: pytest.TempPathFactory) -> Generator[Any]:
    with services(tmp_path_factory.mktemp("polly")) as clients:
        yield clients("polly")


def spoken(
    polly: Any, text: str = TEXT, voice: str = "Matthew", **more: Any
) -> np.ndarray[Any, Any]:
    """16-bit samples, 16,000 a second."""
    answer = polly.synthesize_speech(Text=text, VoiceId=voice, OutputFormat="pcm", **more)
    return np.frombuffer(answer["AudioStream"].read(), "<i2")


def marks(polly: Any, text: str, kinds: list[str], voice: str = "Joanna", **more: Any) -> list[Any]:
    answer = polly.synthesize_speech(
        Text=text, VoiceId=voice, OutputFormat="json", SpeechMarkTypes=kinds, **more
    )
    return [json.loads(line) for line in answer["AudioStream"].read().splitlines()]


def error_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    response: Any = failure.value.response
    return response["Error"]["Code"]


@pytest.mark.parametrize("voice", ["Matthew", "Joanna", "Hans"])
def test_speech_has_sound_and_the_length_of_speech(polly: Any, voice: str) -> None:
    samples = spoken(polly, voice=voice)
    assert 1.5 < len(samples) / 16000 < 6
    assert np.abs(samples).max() > 3000


@pytest.mark.parametrize(
    ("form", "kind", "container", "rate"),
    [
        ("mp3", "audio/mpeg", "MP3", 24000),
        ("ogg_vorbis", "audio/ogg", "OGG", 24000),
        ("ogg_opus", "audio/ogg", "OGG", 48000),
    ],
)
def test_audio_comes_in_the_form_that_was_asked_for(
    polly: Any, form: str, kind: str, container: str, rate: int
) -> None:
    answer = polly.synthesize_speech(Text=TEXT, VoiceId="Matthew", OutputFormat=form)
    assert answer["ContentType"] == kind
    assert answer["RequestCharacters"] == len(TEXT)
    found = soundfile.SoundFile(io.BytesIO(answer["AudioStream"].read()))
    assert (found.format, found.samplerate, found.channels) == (container, rate, 1)
    assert 1.5 < found.frames / rate < 6


def test_sample_rates_are_heeded_and_checked(polly: Any) -> None:
    low = spoken(polly, voice="Joanna", SampleRate="8000")
    high = spoken(polly, voice="Joanna")
    assert len(high) == pytest.approx(2 * len(low), rel=0.01)
    with pytest.raises(ClientError) as failure:
        spoken(polly, SampleRate="44100")
    assert error_of(failure) == "InvalidSampleRateException"


def test_words_and_sentences_are_marked_in_bytes_of_the_text(polly: Any) -> None:
    text = "Größe zählt. Und Maß auch."
    found = marks(polly, text, ["word", "sentence"], "Hans")
    raw = text.encode()
    assert [raw[m["start"] : m["end"]].decode() for m in found] == [m["value"] for m in found]
    said = [m["value"] for m in found if m["type"] == "word"]
    assert said == ["Größe", "zählt", "Und", "Maß", "auch"]
    assert [m["value"] for m in found if m["type"] == "sentence"] == [
        "Größe zählt.",
        "Und Maß auch.",
    ]
    times = [m["time"] for m in found]
    assert times == sorted(times)
    assert times[-1] > 500


def test_ssml_pauses_marks_and_paces(polly: Any) -> None:
    text = '<speak>One.<break time="2s"/><mark name="here"/>Two.</speak>'
    found = marks(polly, text, ["ssml"], TextType="ssml")
    assert [(m["type"], m["value"]) for m in found] == [("ssml", "here")]
    assert found[0]["time"] > 2000
    slow = spoken(polly, f'<speak><prosody rate="50%">{TEXT}</prosody></speak>', TextType="ssml")
    assert len(slow) > 1.5 * len(spoken(polly))
    soft = spoken(
        polly, f'<speak><prosody volume="-6dB">{TEXT}</prosody></speak>', "Hans", TextType="ssml"
    )
    assert np.abs(soft).max() == pytest.approx(
        np.abs(spoken(polly, voice="Hans")).max() / 2, rel=0.1
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<speak>open", "no element found"),
        ("no tags", "syntax error"),
        ("<speak><emphasis>x</emphasis></speak>", "<emphasis>"),
        ('<speak><prosody pitch="high">x</prosody></speak>', "pitch"),
        ('<speak><break time="11s"/></speak>', "10 seconds"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><speak>&b;</speak>', "document type"),
    ],
)
def test_ssml_that_cannot_be_followed_is_refused(polly: Any, text: str, words: str) -> None:
    with pytest.raises(ClientError, match=words) as failure:
        spoken(polly, text, TextType="ssml")
    assert error_of(failure) == "InvalidSsmlException"


def test_spelled_and_substituted_text_is_said_instead() -> None:
    spelled = '<say-as interpret-as="characters">bc</say-as>'
    parts = parse(f'<speak>A &amp; {spelled}<sub alias="gold">Au</sub></speak>')
    assert "".join(part.text for part in parts) == "A & b cgold"
    assert [part.exact for part in parts if part.text == "gold"] == [False]


def test_lexicons_change_what_is_said_in_their_language(polly: Any) -> None:
    plain = len(spoken(polly, "W3C", "Joanna"))
    polly.put_lexicon(Name="w3c", Content=PLS % "en-US")
    polly.put_lexicon(Name="german", Content=PLS % "de-DE")
    german = len(spoken(polly, "W3C", "Joanna", LexiconNames=["german"]))
    english = len(spoken(polly, "W3C", "Joanna", LexiconNames=["w3c"]))
    assert german == pytest.approx(plain, rel=0.02)
    assert english > 1.2 * plain
    assert [each["Name"] for each in polly.list_lexicons()["Lexicons"]] == ["german", "w3c"]
    kept = polly.get_lexicon(Name="w3c")
    assert kept["LexiconAttributes"]["LexemesCount"] == 1
    polly.delete_lexicon(Name="w3c")
    with pytest.raises(ClientError) as failure:
        spoken(polly, LexiconNames=["w3c"])
    assert error_of(failure) == "LexiconNotFoundException"


def test_a_lexicon_of_phonemes_is_refused(polly: Any) -> None:
    with pytest.raises(ClientError) as failure:
        polly.put_lexicon(Name="p", Content=(PLS % "en-US").replace("alias", "phoneme"))
    assert error_of(failure) == "InvalidLexiconException"


def test_voices_are_those_that_speak_here(polly: Any) -> None:
    neural = polly.describe_voices(Engine="neural")["Voices"]
    assert [each["Id"] for each in neural] == ["Matthew"]
    german = polly.describe_voices(LanguageCode="de-DE")["Voices"]
    assert {each["Id"] for each in german} == {"Marlene", "Vicki", "Hans"}
    for voice, more, code in (
        ("Takumi", {}, "ValidationException"),
        ("Joanna", {"Engine": "neural"}, "EngineNotSupportedException"),
        ("Joanna", {"LanguageCode": "de-DE"}, "LanguageNotSupportedException"),
    ):
        with pytest.raises(ClientError) as failure:
            spoken(polly, voice=voice, **more)
        assert error_of(failure) == code


def test_every_voice_speaks(polly: Any) -> None:
    from torana.engines import speech
    from torana.services.polly.voices import VOICES

    engine = speech.load()
    scripts = [
        speech.Script((speech.Piece("1 2 3"),), each.speaker, "pcm", 8000)
        for each in VOICES.values()
    ]
    assert all(len(each.audio) > 4000 for each in engine.run(scripts))


def test_limits_and_wrong_marks_are_refused(polly: Any) -> None:
    with pytest.raises(ClientError) as failure:
        spoken(polly, "a" * 3001)
    assert error_of(failure) == "TextLengthExceededException"
    with pytest.raises(ClientError) as failure:
        spoken(polly, SpeechMarkTypes=["word"])
    assert error_of(failure) == "MarksNotSupportedForFormatException"
    with pytest.raises(ClientError) as failure:
        marks(polly, "text", ["ssml"])
    assert error_of(failure) == "SsmlMarksNotSupportedForTextTypeException"
    with pytest.raises(ClientError) as failure:
        marks(polly, "text", ["word"], "Matthew")
    assert error_of(failure) == "ValidationException"
